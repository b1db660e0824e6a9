// The durable store behind the state service, as the host sees it. It lives in a module of its own, so that a start that
// stores nothing does not load SQLite; nothing is thrown across, for a module may have a C++ runtime of its own.
// Knows no plugin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

/// What an operation came to.
struct StateAnswer {
    enum class Kind {
        done,
        none,      ///< there is no such key
        conflict,  ///< the stored revision is another than expected
        given_up,  ///< the call was stopped while another process had its turn
        failed     ///< `error` says why
    };
    Kind kind = Kind::done;
    std::string value{};
    std::uint64_t revision = 0;
    std::vector<std::string> keys{};
    std::optional<Error> error{};
};

/// The store of one provider, one file. Any thread; operations of one store take turns. An operation that has answered
/// `done` survives the end of the process and of the machine.
class StateStore {
public:
    StateStore() = default;
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;
    virtual ~StateStore() = default;

    [[nodiscard]] virtual StateAnswer get(const ServiceCall& call, std::string_view key) noexcept = 0;
    /// Stores when the stored revision is `expected`, 0 standing for none; the answer holds the new one. Revisions of a
    /// store only grow: one that was seen never comes again.
    [[nodiscard]] virtual StateAnswer put(const ServiceCall& call, std::string_view key, std::string_view value,
                                          std::uint64_t expected) noexcept = 0;
    [[nodiscard]] virtual StateAnswer remove(const ServiceCall& call, std::string_view key,
                                             std::uint64_t expected) noexcept = 0;
    /// Every key that begins with `prefix`, in the order of bytes.
    [[nodiscard]] virtual StateAnswer list(const ServiceCall& call, std::string_view prefix) noexcept = 0;
};

/// Makes a store that keeps its data in `file`, whose directory is made where it is missing; it is opened with the first
/// operation. The caller owns it; nullptr when memory is out.
using MakeStateStore = StateStore*(const std::string& file) noexcept;

/// The function of that type which the module has. The number changes with anything in this file.
inline constexpr const char* make_state_store_symbol = "berth_make_state_store_1";

}  // namespace berth::inline host_v1
