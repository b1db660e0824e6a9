// Lines of an answer's beginning, one after the other, into status and headers. Bounded; hostile input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../http_transport.hpp"

namespace berth::inline host_v1 {

/// Feed it every line, its end included. Interim answers (1xx) are passed over; what follows the body is not heard.
class AnswerLines {
public:
    static constexpr std::size_t most_bytes = std::size_t{256} << 10U;
    static constexpr std::size_t most_headers = 1000;

    enum class State {
        more,      ///< lines follow
        complete,  ///< head() is whole
        malformed  ///< problem() says how
    };
    State take(std::string_view line);

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] const HttpAnswerHead& head() const noexcept { return head_; }
    [[nodiscard]] HttpAnswerHead take_head() noexcept { return std::move(head_); }
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    /// Whether the answer says where its body ends, or has none: else its end cannot be told from a cut.
    [[nodiscard]] bool tells_its_end() const noexcept { return chunked_ || head_.length.has_value(); }

private:
    State refuse(const char* problem);
    State begin(std::string_view line);
    State field(std::string_view line);
    State complete();

    State state_ = State::more;
    HttpAnswerHead head_;
    std::size_t bytes_ = 0;
    bool begun_ = false;
    bool chunked_ = false;
    std::string problem_;
};

}  // namespace berth::inline host_v1
