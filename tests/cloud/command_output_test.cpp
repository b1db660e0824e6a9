// What the wrapper prints, read back wherever it is cut; and what no wrapper printed.
#include <doctest/doctest.h>

#include <berth/error.hpp>

#include "cloud/command_output.hpp"
#include "cloud/command_wrapper.hpp"
#include "cloud/text.hpp"
#include "seen.hpp"

using namespace berth_cloud;
using cloud_test::Seen;

TEST_CASE("what is read back does not depend on where it is cut") {
    const std::string token(32, 'a');
    const std::string text = ":p 42\n" + base64("first ") + "\n" + base64("sec") + "\n" +
                             base64("ond" + end_mark(token) + "dropped") + "\n:x 143 st\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Seen seen;
        CommandOutput output(token);
        output.take(berth::Stream::out, text.substr(0, cut), seen);
        output.take(berth::Stream::out, text.substr(cut), seen);
        output.finish(seen);
        CHECK(seen.pid == 42);
        CHECK(seen.out == "first second");
        REQUIRE(output.end());
        CHECK(output.end()->status == 143);
        CHECK(output.end()->by_signal);
        CHECK(output.end()->timed_out);
    }
}

TEST_CASE("the beginning of a mark that never comes is output") {
    MarkFilter filter("\001mark");
    CHECK(filter.take("a\001ma") == "a");
    CHECK(filter.take("x\001") == "\001max");
    CHECK(filter.take("mark") == "");
    CHECK(filter.take("more") == "");
    CHECK(filter.rest() == "");
    MarkFilter open("\001mark");
    CHECK(open.take("\001mar") == "");
    CHECK(open.rest() == "\001mar");
}

TEST_CASE("what no wrapper printed is refused and not shown raw") {
    const auto refused = [](berth::Stream stream, const std::string& text) {
        Seen seen;
        CommandOutput output(std::string(32, 'a'));
        try {
            output.take(stream, text, seen);
        } catch (const berth::Error& error) {
            CHECK(error.message().find('\x1b') == std::string::npos);
            return error.code() == berth::Code::protocol_error;
        }
        return false;
    };
    CHECK(refused(berth::Stream::out, "sh: 1: not found\x1b[2J\n"));
    CHECK(refused(berth::Stream::err, ":x 0\n"));
    CHECK(refused(berth::Stream::out, ":p 99999999999999999999\n"));
    CHECK(refused(berth::Stream::out, ":p -5\n"));
    CHECK(refused(berth::Stream::out, ":q\n"));
    CHECK(refused(berth::Stream::out, ":\n"));
    CHECK(refused(berth::Stream::out, ":x\n"));
    CHECK(refused(berth::Stream::out, ":" + std::string(500, 'x')));
    CHECK(refused(berth::Stream::out, "AA==AA=A"));
}
