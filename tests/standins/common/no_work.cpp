#include "no_work.hpp"

#include "base64.hpp"

namespace standin {

namespace {

// The last line of the wrapper, which no other text has.
constexpr std::string_view wrappers_end = "echo \":x $x $y\"";
constexpr std::size_t line_length = 76;  // of the program base64

}  // namespace

bool is_wrapped(std::string_view script) {
    return script.find(wrappers_end) != std::string_view::npos;
}

std::string wrapped_output(std::string_view bytes) {
    std::string lines;
    const auto text = base64(bytes);
    for (std::size_t at = 0; at < text.size(); at += line_length) {
        lines.append(text, at, line_length).push_back('\n');
    }
    return lines;
}

}  // namespace standin
