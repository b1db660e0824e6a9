// Aligned columns for people. Whatever a sandbox or plugin says is made printable first, so that no name can move the
// cursor or paint the terminal. Knows no sandbox.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::inline host_v1::cli {

enum class Colour { off, on };
enum class Tone { plain, good, attention, bad, faint };

/// One field. The text may be hostile.
struct Cell {
    Cell(std::string words, Tone wanted = Tone::plain) : text(std::move(words)), tone(wanted) {}
    Cell(const char* words) : text(words) {}
    std::string text;
    Tone tone = Tone::plain;
};

class Table {
public:
    explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
    /// As many cells as titles.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    /// Titles and rows, one line each, two spaces between columns, none at the end of a line.
    [[nodiscard]] std::string text(Colour colour) const;

private:
    std::vector<std::string> titles_;
    std::vector<std::vector<Cell>> rows_;
};

/// "Name: value" lines with the values aligned; several lines of a value stand below each other.
class FactSheet {
public:
    void add(std::string name, Cell value) { facts_.push_back({std::move(name), std::move(value)}); }
    /// Not added when `value` is empty.
    void add_if_any(std::string name, std::string value) {
        if (!value.empty()) add(std::move(name), Cell(std::move(value)));
    }
    [[nodiscard]] std::string text(Colour colour) const;

private:
    struct Fact {
        std::string name;
        Cell value;
    };
    std::vector<Fact> facts_;
};

/// How many columns printable UTF-8 takes: one a character. Wide characters of some languages take two on a terminal
/// and then only the alignment suffers.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

/// `text` in the colour of `tone`, or as it is.
[[nodiscard]] std::string painted(std::string_view text, Tone tone, Colour colour);

}  // namespace berth::inline host_v1::cli
