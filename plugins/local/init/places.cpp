#include "places.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "raw.hpp"

namespace berth_init {
namespace {

constexpr int nothing = 0;  // descriptor 0 of process 1 is /dev/null
std::atomic<std::uint32_t> free_places{0};
std::atomic<int> waiting{0};  // process 1 is, for a place
std::atomic<const void*> owners[place_count];

int number_of(int place, int end) {
    return places_begin + 3 * place + end;
}

}  // namespace

bool reserve_places() {
    for (int number = places_begin; number < places_end; ++number) {
        if (dup3(nothing, number, O_CLOEXEC) < 0) {
            return false;
        }
    }
    free_places.store((std::uint32_t{1} << place_count) - 1);
    return true;
}

int move_to_place(int (&ends)[3], const void* owner) {
    if (free_places.load() == 0) {
        // An anchor is just between clone and exec, which takes a fraction of this.
        const timespec longest{0, 2'000'000};
        waiting.store(1);
        raw::call(SYS_futex, raw::address(&free_places), FUTEX_WAIT_PRIVATE, 0, raw::address(&longest));
        waiting.store(0);
    }
    const std::uint32_t free = free_places.load();
    if (free == 0) {
        return -1;
    }
    const int place = __builtin_ctz(free);
    // Only process 1 takes: the bit cannot go meanwhile.
    free_places.fetch_and(~(std::uint32_t{1} << place));
    owners[place].store(owner);
    for (int end = 0; end < 3; ++end) {
        dup3(ends[end], number_of(place, end), O_CLOEXEC);  // onto a number that is open: it cannot fail
        close(ends[end]);
        ends[end] = number_of(place, end);
    }
    return place;
}

void clear_place(int place, const void* owner) {
    if (owners[place].load() != owner) {
        return;
    }
    for (int end = 0; end < 3; ++end) {
        raw::call(SYS_dup3, nothing, number_of(place, end), O_CLOEXEC);
    }
    owners[place].store(nullptr);
    free_places.fetch_or(std::uint32_t{1} << place);
    if (waiting.load() != 0) {
        raw::call(SYS_futex, raw::address(&free_places), FUTEX_WAKE_PRIVATE, 1);
    }
}

}  // namespace berth_init
