// The labels in a command's log at Daytona, wherever they are cut.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "daytona/log_markers.hpp"

using berth::Stream;
using berth_daytona::LogMarkers;

namespace {

constexpr std::string_view out_marker = "\001\001\001";
constexpr std::string_view err_marker = "\002\002\002";

struct Streams {
    std::string out;
    std::string err;
    std::string unmarked;
    std::string& of(Stream stream) { return stream == Stream::out ? out : err; }
    auto taker() {
        return [this](std::optional<Stream> stream, std::string_view text) {
            (stream ? of(*stream) : unmarked).append(text);
        };
    }
};

std::string line_of(Stream stream, const std::string& line) {
    return std::string{stream == Stream::out ? out_marker : err_marker} + line + "\n";
}

/// What the log's text is by stream when pieces of these sizes arrive.
Streams read_in_pieces(const std::string& log, std::size_t piece) {
    Streams read;
    LogMarkers markers;
    for (std::size_t at = 0; at < log.size(); at += piece)
        markers.take(std::string_view{log}.substr(at, piece), read.taker());
    return read;
}

}  // namespace

TEST_CASE("markers are found wherever the log is cut, also one byte a piece and with a cut behind a marker") {
    const std::string log = line_of(Stream::out, "first") + line_of(Stream::err, "second") + line_of(Stream::err, "") +
                            line_of(Stream::out, "third");
    for (std::size_t piece = 1; piece <= log.size(); ++piece) {
        const Streams read = read_in_pieces(log, piece);
        CHECK(read.out == "first\nthird\n");
        CHECK(read.err == "second\n\n");
    }
}

TEST_CASE("fewer bytes than a marker has are text") {
    const std::string out{out_marker};
    for (const std::size_t piece : {1U, 2U, 3U, 4U, 64U}) {
        CHECK(read_in_pieces(out + "a\001\001b\002c\001\002\001d", piece).out == "a\001\001b\002c\001\002\001d");
        CHECK(read_in_pieces(out + "a\002\001\001\001b", piece).out == "a\002b");
        CHECK(read_in_pieces(out + "a\001\001\002\002\002b", piece).err == "b");
        CHECK(read_in_pieces(out + "a\001\001\002\002\002b", piece).out == "a\001\001");
        CHECK(read_in_pieces(out + "\001\001\001\001x", piece).out == "\001x");
    }
}

TEST_CASE("what comes before the first marker belongs to no stream, and a beginning of one waits for its end") {
    CHECK(read_in_pieces("text\n", 1).unmarked == "text\n");
    CHECK(read_in_pieces("\001\001text" + line_of(Stream::out, "x"), 1).unmarked == "\001\001text");
    CHECK(read_in_pieces("\001\001", 1).unmarked.empty());
    Streams read;
    LogMarkers markers;
    markers.take("\001\001", read.taker());
    markers.finish(read.taker());
    CHECK(read.unmarked == "\001\001");
}
