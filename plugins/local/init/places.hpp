// Low descriptor numbers for what a new process gets, so that its start costs the same however many runs are alive.
//
// A main process shares process 1's table until it leaves it: close_range with UNSHARE copies only what lies below its
// range. With hundreds of runs alive, copying and closing thousands of descriptors was most of what a start cost. Raw
// calls only where anchors come by; knows nothing of runs.
#pragma once

#include <cstdint>

namespace berth_init {

inline constexpr int places_begin = 16;
inline constexpr std::uint32_t place_count = 12;  // starts under way at once; the next waits a little for one of them
inline constexpr int places_end = places_begin + 3 * static_cast<int>(place_count);

// Once, before the first descriptor of a run: fills the numbers so that nothing else takes them.
bool reserve_places();

// Moves the three to a free place, which is `owner`'s from then on. Returns its number, or -1 when none is free and none
// became free within 2 ms, as when programs lie on a file system that hangs: then nothing has changed, and the start goes
// the slow way.
int move_to_place(int (&ends)[3], const void* owner);

// Closes what lies there. Anchors call it, and may be killed in the middle: process 1 then does it again. Nothing happens
// once the place is somebody else's.
void clear_place(int place, const void* owner);

}  // namespace berth_init
