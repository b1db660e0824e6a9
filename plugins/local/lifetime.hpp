// When a sandbox's time is over, as seen from outside: by the wall clock, by the note of its first process, or, when that
// was killed and so counts no more, by how long ago anybody did anything with it. Decides; removes nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "descriptor.hpp"
#include "record.hpp"

namespace berth_local {

[[nodiscard]] bool has_lifetime(const Record& record);

// For a first process that is about to start: at least 1, or 0 for no limit.
[[nodiscard]] std::int64_t life_left_ms(const Record& record);
// Nothing can be over before this moment, if idle time begins now.
[[nodiscard]] std::int64_t next_look_ms(const Record& record);
// Where it says that the time is over; empties what an earlier one said.
[[nodiscard]] Descriptor open_lifetime_note(const Descriptor& sandbox);

enum class FirstProcess { lives, gone };
// To be asked under the sandbox's lock when the first process is gone: notes when that was seen first.
[[nodiscard]] bool is_over(const Descriptor& sandbox, const Record& record, FirstProcess first);
// It is about to be started again: forget that it was gone.
void forget_stop(const Descriptor& sandbox);

// --- use
void stamp_use(const Descriptor& sandbox);
[[nodiscard]] std::optional<std::int64_t> last_use_ms(const Descriptor& sandbox);

// When it will be gone if nobody uses it any more; absent: never.
[[nodiscard]] std::optional<std::int64_t> expected_end_ms(const Descriptor& sandbox, const Record& record);

}  // namespace berth_local
