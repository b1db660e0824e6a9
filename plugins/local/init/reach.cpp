#include "reach.hpp"

#include <sys/stat.h>

namespace berth_init {

void Reach::start(int name, std::int64_t look_ms, std::int64_t now) {
    constexpr std::int64_t millisecond = 1'000'000;
    name_ = name;
    look_each_ = look_ms * millisecond;
    next_look_ = now + look_each_;
}

bool Reach::lost(std::int64_t now) {
    if (now < next_look_) {
        return false;
    }
    next_look_ = now + look_each_;
    struct stat there {};
    return fstat(name_, &there) == 0 && there.st_nlink == 0;
}

}  // namespace berth_init
