// Feeds the line splitter with anything, cut anywhere. Checks what has to hold: the lines are those of the whole text,
// whatever the cuts, and a line that is too long is refused and nothing else. Input: a byte that says how long the
// pieces are, then the text. Built with BERTH_PLANTED_FAULT it has a buffer that is too small, which a working fuzzer
// finds.
#include <berth/lines.hpp>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t longest = 40;

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

#ifdef BERTH_PLANTED_FAULT
/// The fault: a line is thought to have at most two CR at its end.
void planted(std::string_view line) {
    std::vector<char> returns(2);
    std::size_t count = 0;
    for (; !line.empty() && line.back() == '\r'; line.remove_suffix(1))
        returns.data()[count++] = line.back();
    require(count == 0 || returns.data()[count - 1] == '\r', "a CR that is none");
}
#endif

/// The lines as one would write it down without any cut; stops before one that is too long.
std::vector<std::string> plain_lines(std::string_view text, bool& refused) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        refused = line.size() > longest;
        if (refused) break;
        lines.emplace_back(line);
    }
    return lines;
}

std::vector<std::string> split_lines(std::string_view text, std::size_t piece, bool& refused) {
    berth::LineSplitter splitter{longest};
    std::vector<std::string> lines;
    const auto take = [&] {
        while (const auto line = splitter.next()) {
#ifdef BERTH_PLANTED_FAULT
            planted(*line);
#endif
            lines.emplace_back(*line);
        }
    };
    try {
        while (!text.empty()) {
            splitter.feed(text.substr(0, piece));
            text.remove_prefix(piece < text.size() ? piece : text.size());
            take();
        }
        splitter.finish();
        take();
    } catch (const berth::Error& error) {
        require(error.code() == berth::Code::protocol_error, "another error");
        refused = true;
    }
    return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = std::size_t{1} + data[0];
    const std::string text(data + 1, data + size);
    bool refused_plain = false;
    bool refused = false;
    const auto expected = plain_lines(text, refused_plain);
    const auto found = split_lines(text, piece, refused);
    require(found == expected, "other lines");
    require(refused == refused_plain, "a line that is too long");
    return 0;
}
