#include "kept_tail.hpp"

#include <algorithm>
#include <utility>

#include "../base/text.hpp"

namespace berth::inline host_v1 {

void KeptTail::add(std::string_view bytes) {
    if (bytes.size() > limit_) {
        const auto cut = bytes.size() - static_cast<std::size_t>(limit_);
        dropped_ += cut;
        bytes.remove_prefix(cut);
    }
    const auto room = static_cast<std::size_t>(limit_) - bytes_.size();
    const auto appended = std::min(room, bytes.size());
    if (bytes_.size() + appended > bytes_.capacity()) {
        // Doubling, but never beyond the limit.
        bytes_.reserve(static_cast<std::size_t>(
            std::min<std::uint64_t>(limit_, std::max(bytes_.size() + appended, 2 * bytes_.capacity()))));
    }
    bytes_.append(bytes.substr(0, appended));
    bytes.remove_prefix(appended);
    dropped_ += bytes.size();
    while (!bytes.empty()) {
        const auto count = std::min(bytes.size(), bytes_.size() - begin_);
        std::copy_n(bytes.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = (begin_ + count) % bytes_.size();
        bytes.remove_prefix(count);
    }
}

KeptTail::Kept KeptTail::take() {
    std::rotate(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_), bytes_.end());
    begin_ = 0;
    Kept kept{std::exchange(bytes_, {}), std::exchange(dropped_, 0)};
    if (kept.dropped > 0) {
        const auto broken = broken_utf8_prefix(kept.bytes);
        kept.bytes.erase(0, broken);
        kept.dropped += broken;
    }
    return kept;
}

std::string KeptTail::newest(std::size_t count) const {
    auto text = bytes_.substr(begin_) + bytes_.substr(0, begin_);
    if (text.size() > count) {
        text.erase(0, text.size() - count);
        text.erase(0, broken_utf8_prefix(text));
    }
    return text;
}

}  // namespace berth::inline host_v1
