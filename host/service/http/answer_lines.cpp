#include "answer_lines.hpp"

#include <algorithm>
#include <charconv>

namespace berth::inline host_v1 {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t";
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

bool is_control(char character) noexcept {
    const auto byte = static_cast<unsigned char>(character);
    return (byte < 0x20U && byte != '\t') || byte == 0x7FU;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& character : result) {
        if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
    }
    return result;
}

bool is_name(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
               marks.find(character) != std::string_view::npos;
    });
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

AnswerLines::State AnswerLines::refuse(const char* problem) {
    problem_ = problem;
    return state_ = State::malformed;
}

AnswerLines::State AnswerLines::take(std::string_view line) {
    if (state_ != State::more) return state_;
    bytes_ += line.size();
    if (bytes_ > most_bytes) return refuse("the headers of its answer are longer than 256 KiB");
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.remove_suffix(1);
    if (std::any_of(line.begin(), line.end(), is_control))
        return refuse("a header of its answer holds a control character");
    if (line.starts_with("HTTP/")) return begin(line);
    if (!begun_) return refuse("its answer does not begin with a status");
    return line.empty() ? complete() : field(line);
}

/// A new status line replaces what an interim answer said.
AnswerLines::State AnswerLines::begin(std::string_view line) {
    const auto space = line.find(' ');
    const auto text = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1, 3);
    const auto status = text.size() == 3 ? whole_number(text) : std::nullopt;
    if (!status || *status < 100 || *status > 599) return refuse("its answer has no status from 100 to 599");
    head_ = {};
    head_.status = static_cast<int>(*status);
    chunked_ = false;
    begun_ = true;
    return State::more;
}

AnswerLines::State AnswerLines::field(std::string_view line) {
    if (head_.headers.size() == most_headers) return refuse("its answer has more than 1,000 headers");
    if (line.front() == ' ' || line.front() == '\t') return refuse("a header of its answer is folded");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return refuse("a header of its answer has no colon");
    auto name = lower(line.substr(0, colon));
    if (!is_name(name)) return refuse("a header of its answer has an impossible name");
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "content-length") {
        const auto length = whole_number(value);
        if (!length || (head_.length && *head_.length != *length)) return refuse("its answer has no one length");
        head_.length = length;
    } else if (name == "transfer-encoding") {
        chunked_ = lower(value).ends_with("chunked");
    }
    head_.headers.emplace_back(std::move(name), std::string(value));
    return State::more;
}

AnswerLines::State AnswerLines::complete() {
    if (head_.status < 200) return State::more;
    if (chunked_) head_.length.reset();
    return state_ = State::complete;
}

}  // namespace berth::inline host_v1
