// The log of a command at Daytona, cut, closed and asked for again in every way: no byte is lost, doubled or on the wrong stream,
// and how the command ended is right or not known.
#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "cloud/command_output.hpp"
#include "cloud/text.hpp"
#include "daytona/log_markers.hpp"

using berth::Stream;
using berth_daytona::LogMarkers;

namespace {

using Random = std::mt19937_64;

constexpr std::string_view out_marker = "\001\001\001";
constexpr std::string_view err_marker = "\002\002\002";

std::size_t below(Random& random, std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
}

struct Streams {
    std::string out;
    std::string err;
    std::string unmarked;
    std::string& of(Stream stream) { return stream == Stream::out ? out : err; }
    LogMarkers::Pass taker() {
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

/// A command's bytes, and the log that its wrapper leaves of them.
struct Command {
    Streams bytes;
    std::string log;
    int status = 0;
};

Command any_command(Random& random) {
    Command command;
    command.log = line_of(Stream::out, ":p 42");
    for (std::size_t count = below(random, 12); count > 0; --count) {
        const Stream stream = below(random, 2) == 0 ? Stream::out : Stream::err;
        std::string bytes(1 + below(random, below(random, 5) == 0 ? 3000 : 40), '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(below(random, 3) == 0 ? below(random, 4) : below(random, 256));
        command.bytes.of(stream) += bytes;
        const std::string text = berth_cloud::base64(bytes);
        for (std::size_t at = 0; at < text.size(); at += 76)
            command.log += line_of(stream, text.substr(at, 76));
    }
    command.status = static_cast<int>(below(random, 256));
    command.log += line_of(Stream::out, ":x " + std::to_string(command.status) + " ");
    return command;
}

struct Watcher final : berth_cloud::CommandWatcher {
    void started(std::optional<std::int64_t> pid) override {
        ++starts;
        CHECK(pid == 42);
    }
    void output(Stream stream, std::string_view bytes) override { seen.of(stream).append(bytes); }
    Streams seen;
    int starts = 0;
};

/// Each source begins at the beginning; what was passed on before is counted and left out, as the course of a run does it.
class Counted {
public:
    using Take = std::function<void(Stream, std::string_view)>;
    void begin() {
        markers_ = {};
        at_[0] = at_[1] = 0;
    }
    void sent(std::string_view bytes, const Take& take) {
        markers_.take(bytes, [&](std::optional<Stream> stream, std::string_view text) {
            if (!stream) throw std::logic_error("text of no stream");
            pass(*stream, text, take);
        });
    }
    void pass(Stream stream, std::string_view text, const Take& take) {
        const int index = stream == Stream::out ? 0 : 1;
        const std::size_t known = std::min(text.size(), seen_[index] - std::min(seen_[index], at_[index]));
        at_[index] += text.size();
        text.remove_prefix(known);
        seen_[index] += text.size();
        if (!text.empty()) take(stream, text);
    }

private:
    LogMarkers markers_;
    std::size_t at_[2] = {0, 0};
    std::size_t seen_[2] = {0, 0};
};

/// One client of one command, whatever the network does.
class Client {
public:
    explicit Client(const Command& command) : command_(command), output_(std::string(32, 'a')) {}

    // Sends the log up to `end` in slices as the daemon does, and closes somewhere.
    void socket(Random& random, std::size_t end) {
        constexpr std::size_t sizes[] = {1, 3, 13, 1024};
        const std::size_t largest = sizes[below(random, 4)];
        log_.begin();
        for (std::size_t at = 0; at < end;) {
            const std::size_t size = std::min(1 + below(random, largest), end - at);
            log_.sent(std::string_view{command_.log}.substr(at, size), taking_);
            at += size;
        }
        check_nothing_wrong();
    }
    // Answers with the log up to `end`, split by stream; the plugin drops the beginning of a marker at its end.
    void answer(std::size_t end) {
        const Streams split = read_in_pieces(command_.log.substr(0, end), end + 1);
        log_.begin();
        log_.pass(Stream::out, split.out, taking_);
        log_.pass(Stream::err, split.err, taking_);
        check_nothing_wrong();
    }
    void check_all_there() {
        output_.finish(watcher_);
        CHECK(watcher_.starts == 1);
        CHECK(watcher_.seen.out == command_.bytes.out);
        CHECK(watcher_.seen.err == command_.bytes.err);
        REQUIRE(output_.end());
    }

private:
    void check_nothing_wrong() {
        CHECK(command_.bytes.out.compare(0, watcher_.seen.out.size(), watcher_.seen.out) == 0);
        CHECK(command_.bytes.err.compare(0, watcher_.seen.err.size(), watcher_.seen.err) == 0);
        if (output_.end()) CHECK(output_.end()->status == command_.status);
    }

    const Command& command_;
    Counted log_;
    berth_cloud::CommandOutput output_;
    Watcher watcher_;
    std::function<void(Stream, std::string_view)> taking_ = [this](Stream stream, std::string_view text) {
        output_.take(stream, text, watcher_);
    };
};

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

TEST_CASE(
    "10,000 random cuts and closes: no byte lost, doubled or on the wrong stream, and the right exit code or none") {
    Random random(20'261'125);
    for (int round = 0; round < 10'000; ++round) {
        CAPTURE(round);
        const Command command = any_command(random);
        Client client(command);
        std::size_t written = 0;  // the command goes on meanwhile
        for (std::size_t tries = below(random, 6); tries > 0; --tries) {
            written += below(random, command.log.size() - written + 1);
            if (below(random, 3) == 0)
                client.answer(written);
            else
                client.socket(random, below(random, written + 1));
        }
        // Whatever came before, the whole log mends it: by an answer, or by a socket that sends all of it.
        if (below(random, 2) == 0)
            client.answer(command.log.size());
        else
            client.socket(random, command.log.size());
        client.check_all_there();
    }
}
