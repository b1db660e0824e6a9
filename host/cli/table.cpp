#include "table.hpp"

#include <algorithm>

#include "../base/text.hpp"

namespace berth::inline host_v1::cli {

namespace {

void pad(std::string& line, std::size_t count) {
    line.append(count, ' ');
}

}  // namespace

std::size_t columns_of(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;  // every byte that begins a character
    }));
}

std::string painted(std::string_view text, Tone tone, Colour colour) {
    if (colour == Colour::off || tone == Tone::plain) return std::string(text);
    const char* code = "";
    switch (tone) {
        case Tone::plain:
            break;
        case Tone::good:
            code = "\x1b[32m";
            break;
        case Tone::attention:
            code = "\x1b[33m";
            break;
        case Tone::bad:
            code = "\x1b[31m";
            break;
        case Tone::faint:
            code = "\x1b[2m";
            break;
    }
    return code + std::string(text) + "\x1b[0m";
}

std::string Table::text(Colour colour) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < titles_.size(); ++column) {
        auto width = columns_of(titles_[column]);
        for (const auto& row : rows_) {
            width = std::max(width, columns_of(printable(row[column].text)));
        }
        widths.push_back(width);
    }
    std::string text;
    const auto add_line = [&](const std::vector<Cell>& cells) {
        std::string line;
        std::size_t owed = 0;  // spaces are written only when something follows them
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const auto shown = printable(cells[column].text);
            if (!shown.empty()) {
                pad(line, owed);
                owed = 0;
                line += painted(shown, cells[column].tone, colour);
            }
            owed += widths[column] - columns_of(shown) + 2;
        }
        text += line + "\n";
    };
    std::vector<Cell> titles;
    for (const auto& title : titles_) {
        titles.emplace_back(title, Tone::faint);
    }
    add_line(titles);
    for (const auto& row : rows_) {
        add_line(row);
    }
    return text;
}

std::string FactSheet::text(Colour colour) const {
    std::size_t width = 0;
    for (const auto& fact : facts_) {
        width = std::max(width, columns_of(printable(fact.name)));
    }
    std::string text;
    for (const auto& fact : facts_) {
        const auto name = printable(fact.name);
        std::string_view rest = fact.value.text;
        bool first = true;
        while (first || !rest.empty()) {
            const auto end = rest.find('\n');
            const auto line = printable(rest.substr(0, end));
            std::string head = first ? name + ":" : std::string();
            pad(head, width + 3 - columns_of(head));
            if (line.empty()) head.resize(head.find_last_not_of(' ') + 1);
            text += head + painted(line, fact.value.tone, colour) + "\n";
            first = false;
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        }
    }
    return text;
}

}  // namespace berth::inline host_v1::cli
