// The limits of one sandbox: from its record to its control group and back. The group's place is written into the
// sandbox's directory (`groups`) before it is made, so that whoever destroys the sandbox finds it, whatever happened.
#pragma once

#include "descriptor.hpp"
#include "record.hpp"
#include "sandbox_group.hpp"

namespace berth_local {

inline constexpr const char* limits_file = "groups";

[[nodiscard]] std::uint64_t mebibytes(std::uint64_t count);  // in bytes, without overflow

// Makes the group that the record's limits need, and writes into the record what was really given. Empty when there are
// no limits: then nothing is paid for. Throws UNSUPPORTED when it cannot be had here. Under the sandbox's lock.
[[nodiscard]] SandboxGroup make_limits(const Descriptor& sandbox, Record& record);

// The group as it was made; empty when there is none.
[[nodiscard]] SandboxGroup limits_of(const Descriptor& sandbox);

// Makes room in the group for limits of single processes. Under the sandbox's lock.
[[nodiscard]] SandboxGroup make_run_limits(const Descriptor& sandbox, const Record& record, const GroupLimits& wanted);

// Once nothing runs in the sandbox any more. Throws when something still does. May be repeated.
void remove_limits(const Descriptor& sandbox);

}  // namespace berth_local
