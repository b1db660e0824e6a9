// The labels in Daytona's command logs, read away: 01 01 01 says that stdout follows, 02 02 02 that stderr does. They come
// cut anywhere, and nothing escapes them. Pure.
#pragma once

#include <berth/words.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace berth_daytona {

class LogMarkers {
public:
    // What lies between two labels; without a stream before the first.
    using Pass = std::function<void(std::optional<berth::Stream> stream, std::string_view bytes)>;

    void take(std::string_view bytes, const Pass& pass);
    // No more will come: what could have begun a label was none.
    void finish(const Pass& pass);

private:
    void give_back(const Pass& pass);
    std::optional<berth::Stream> stream_;
    char held_ = 0;  // the byte of a label that has begun
    std::size_t count_ = 0;
};

}  // namespace berth_daytona
