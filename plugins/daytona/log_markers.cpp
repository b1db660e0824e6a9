#include "log_markers.hpp"

#include <algorithm>
#include <string>

namespace berth_daytona {

namespace {

constexpr std::string_view label_bytes("\x01\x02", 2);
constexpr std::size_t label_length = 3;

}  // namespace

void LogMarkers::take(std::string_view bytes, const Pass& pass) {
    while (!bytes.empty()) {
        if (count_ == 0) {
            const std::size_t at = std::min(bytes.find_first_of(label_bytes), bytes.size());
            if (at != 0) pass(stream_, bytes.substr(0, at));
            bytes.remove_prefix(at);
            if (bytes.empty()) return;
            held_ = bytes.front();
        } else if (bytes.front() != held_) {
            give_back(pass);
            continue;
        }
        bytes.remove_prefix(1);
        if (++count_ != label_length) continue;
        count_ = 0;
        stream_ = held_ == '\x01' ? berth::Stream::out : berth::Stream::err;
    }
}

void LogMarkers::finish(const Pass& pass) {
    if (count_ != 0) give_back(pass);
}

void LogMarkers::give_back(const Pass& pass) {
    const std::string held(count_, held_);
    count_ = 0;
    pass(stream_, held);
}

}  // namespace berth_daytona
