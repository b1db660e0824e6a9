// Feeds the head of an HTTP answer, line by line, to the reader of heads, and every header of it to the readers of
// Retry-After and redirects: they end, keep their caps, and what they make of it is well-formed. Opens no connection.
// Built with BERTH_PLANTED_FAULT a value is read past its end, which a working fuzzer finds.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "service/http/addresses.hpp"
#include "service/http/answer_lines.hpp"
#include "service/http/retry_after.hpp"

namespace {

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

/// How long a value is. The fault believes a length that somebody else wrote.
std::size_t length_of(std::string_view value) {
#ifdef BERTH_PLANTED_FAULT
    if (value.starts_with("9")) return value.size() + 16;
#endif
    return value.size();
}

unsigned sum_of(const std::string& value) {
    const std::size_t length = length_of(value);
    const auto copy = std::make_unique<char[]>(value.size());
    value.copy(copy.get(), value.size());
    unsigned sum = 0;
    for (std::size_t index = 0; index < length; ++index)
        sum += static_cast<unsigned char>(copy[index]);
    return sum;
}

void check(const berth::HttpAnswerHead& head) {
    using Unit = berth::RetryAfterHeader::Unit;
    constexpr std::chrono::system_clock::time_point now{std::chrono::seconds{1'700'000'000}};
    require(head.status >= 200 && head.status <= 599, "a status out of range");
    require(head.headers.size() <= berth::AnswerLines::most_headers, "more headers than there may be");
    for (const auto& [name, value] : head.headers) {
        require(!name.empty() && name.find_first_of(" \r\n:") == std::string::npos, "an impossible name");
        require(value.find_first_of("\r\n") == std::string::npos, "a value of more than a line");
        (void)sum_of(value);
        if (const auto url = berth::redirect_within_origin("https://example.org:8443/a/b?c", value))
            require(url->starts_with("https://example.org:8443/"), "a redirect to somewhere else");
    }
    const auto wait = berth::retry_after_of(
        head.headers, {{"x-a", Unit::seconds}, {"x-b", Unit::milliseconds}, {"x-c", Unit::unix_seconds}}, now);
    require(!wait || (wait->count() >= 0 && *wait <= berth::longest_retry_after), "a wait beyond its bounds");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    berth::AnswerLines lines;
    while (!rest.empty() && lines.state() == berth::AnswerLines::State::more) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
        rest.remove_prefix(line.size());
        (void)lines.take(line);
    }
    if (lines.state() == berth::AnswerLines::State::complete) check(lines.head());
    if (lines.state() == berth::AnswerLines::State::malformed) require(!lines.problem().empty(), "no reason");
    return 0;
}
