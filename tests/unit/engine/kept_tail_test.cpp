// The newest part of an output is kept, in order, and never begins within a character.
#include "engine/kept_tail.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace berth;

namespace {

KeptTail::Kept kept(std::uint64_t limit, std::initializer_list<std::string_view> pieces) {
    KeptTail tail(limit);
    for (const auto piece : pieces)
        tail.add(piece);
    return tail.take();
}

}  // namespace

TEST_CASE("what fits is kept whole") {
    const auto result = kept(6, {"abc", "", "def"});
    CHECK(result.bytes == "abcdef");
    CHECK(result.dropped == 0);
}

TEST_CASE("the oldest bytes go, whatever the pieces were") {
    for (std::size_t limit = 0; limit <= 12; ++limit) {
        for (std::size_t piece = 1; piece <= 26; ++piece) {
            const std::string text = "abcdefghijklmnopqrstuvwxyz";
            KeptTail tail(limit);
            for (std::size_t begin = 0; begin < text.size(); begin += piece)
                tail.add(std::string_view(text).substr(begin, piece));
            CHECK(tail.newest(3) == text.substr(text.size() - std::min<std::size_t>(3, limit)));
            const auto result = tail.take();
            CHECK(result.bytes == text.substr(text.size() - limit));
            CHECK(result.dropped == text.size() - limit);
        }
    }
}

TEST_CASE("a cut does not split a character, and the rest of it is counted as dropped") {
    const auto result = kept(4, {"\xC3\xA9\xE2\x82\xACz"});  // é € z: the cut falls within none
    CHECK(result.bytes == "\xE2\x82\xACz");
    CHECK(result.dropped == 2);
    const auto broken = kept(3, {"\xC3\xA9\xE2\x82\xACz"});  // within the €
    CHECK(broken.bytes == "z");
    CHECK(broken.dropped == 5);
}

TEST_CASE("binary output that fits is not touched") {
    CHECK(kept(100, {std::string_view("\x80\x00\xFF", 3)}).bytes == std::string("\x80\x00\xFF", 3));
}
