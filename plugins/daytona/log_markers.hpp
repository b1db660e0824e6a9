// The labels in Daytona's command logs, read away: 01 01 01 says that stdout follows, 02 02 02 that stderr does. They come
// cut anywhere, and nothing escapes them. Pure.
#pragma once

#include <algorithm>
#include <berth/words.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace berth_daytona {

// Where the next byte is that labels are made of. Each of the two is looked for by itself, which is many times faster, and
// again only when it has been passed, so that many of one do not make the other be looked for as often.
class LabelBytes {
public:
    explicit LabelBytes(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] std::size_t next(std::size_t from) {
        out_ = look('\x01', from, out_);
        err_ = look('\x02', from, err_);
        return std::min(out_, err_);
    }

private:
    [[nodiscard]] std::size_t look(char byte, std::size_t from, std::size_t known) const {
        return known != unknown && known >= from ? known : std::min(bytes_.find(byte, from), bytes_.size());
    }
    static constexpr std::size_t unknown = std::string_view::npos;
    std::string_view bytes_;
    std::size_t out_ = unknown;
    std::size_t err_ = unknown;
};

class LogMarkers {
public:
    // `pass(stream, bytes)` gets what lies between two labels; without a stream before the first. A template, because it is
    // called for each line of output.
    template <class Pass>
    void take(std::string_view bytes, Pass&& pass);
    // No more will come: what could have begun a label was none.
    template <class Pass>
    void finish(Pass&& pass) {
        if (count_ != 0) give_back(pass);
    }

private:
    static constexpr std::size_t label_length = 3;
    template <class Pass>
    void give_back(Pass& pass) {
        const std::string held(count_, held_);
        count_ = 0;
        pass(stream_, std::string_view{held});
    }
    std::optional<berth::Stream> stream_;
    char held_ = 0;  // the byte of a label that has begun
    std::size_t count_ = 0;
};

template <class Pass>
void LogMarkers::take(std::string_view bytes, Pass&& pass) {
    LabelBytes labels(bytes);
    for (std::size_t at = 0; at < bytes.size();) {
        if (count_ == 0) {
            const std::size_t label = labels.next(at);
            if (label != at) pass(stream_, bytes.substr(at, label - at));
            if (label == bytes.size()) return;
            at = label;
            held_ = bytes[at];
        } else if (bytes[at] != held_) {
            give_back(pass);
            continue;
        }
        ++at;
        if (++count_ != label_length) continue;
        count_ = 0;
        stream_ = held_ == '\x01' ? berth::Stream::out : berth::Stream::err;
    }
}

}  // namespace berth_daytona
