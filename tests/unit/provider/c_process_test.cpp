// The order rules of a process, and what the plugin hears.
#include "provider/c_process.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <thread>

#include "support.hpp"

using namespace berth;
using namespace berth_test;

namespace {

class Receiver final : public ProcessReceiver {
public:
    void started(std::optional<std::int64_t> pid) override { course += pid ? "S" + std::to_string(*pid) : "S"; }
    Taken output(OutputStream stream, std::string_view bytes) override {
        if (failure) throw *failure;
        if (answer == Taken::taken) course += (stream == OutputStream::output ? "o:" : "e:") + std::string(bytes);
        return answer;
    }
    std::string course;
    Taken answer = Taken::taken;
    std::optional<Error> failure;
};

struct Fixture {
    FacedCall faced{{.method = "execute_stream", .cleanup_cap = std::chrono::hours(1)}};
    Receiver receiver;
    ProcessSink sink{faced.face, receiver};
    berth_process_sink* c = sink.face();
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "started, output and ended in order") {
    CHECK(c->started(c, {42, 1}) == BERTH_OK);
    CHECK(c->output(c, BERTH_STDOUT, bytes("a")) == BERTH_OK);
    CHECK(c->output(c, BERTH_STDERR, bytes(std::string_view("\0b", 2))) == BERTH_OK);
    auto end = exited(7);
    end.duration_ms = {12, 1};
    CHECK(c->ended(c, &end) == BERTH_OK);
    CHECK(receiver.course == std::string("S42o:ae:\0b", 10));
    const auto recorded = sink.close();
    REQUIRE(recorded);
    CHECK(recorded->kind == ProcessEnd::Kind::exited);
    CHECK(recorded->exit_code == 7);
    CHECK(recorded->duration == Milliseconds(12));
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(Fixture, "output and ended imply started") {
    SUBCASE("output") {
        CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_OK);
    }
    SUBCASE("empty output") {
        CHECK(c->output(c, BERTH_STDOUT, {nullptr, 0}) == BERTH_OK);
    }
    SUBCASE("ended") {
        const auto end = exited(127);
        CHECK(c->ended(c, &end) == BERTH_OK);
    }
    CHECK(receiver.course.substr(0, 1) == "S");
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(Fixture, "started twice, or after output, is CONTRACT") {
    SUBCASE("twice") {
        CHECK(c->started(c, {42, 1}) == BERTH_OK);
    }
    SUBCASE("after output") {
        CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_OK);
    }
    CHECK(c->started(c, {42, 1}) == BERTH_CONTRACT);
    CHECK(breach_of(faced.face) == "BERTH-R-55");
}

TEST_CASE_FIXTURE(Fixture, "nothing is taken after the end, and the first end stays") {
    const auto end = exited(1);
    const auto other = exited(2);
    REQUIRE(c->ended(c, &end) == BERTH_OK);
    SUBCASE("output") {
        CHECK(c->output(c, BERTH_STDOUT, bytes("late")) == BERTH_CONTRACT);
    }
    SUBCASE("a second end") {
        CHECK(c->ended(c, &other) == BERTH_CONTRACT);
    }
    SUBCASE("started") {
        CHECK(c->started(c, {42, 1}) == BERTH_CONTRACT);
    }
    CHECK(receiver.course == "S");
    CHECK(sink.close()->exit_code == 1);
    CHECK(breach_of(faced.face) == "BERTH-R-55");
}

TEST_CASE_FIXTURE(Fixture, "malformed output is CONTRACT and not handed on") {
    const std::string much(ProcessSink::longest_output + 1, 'x');
    SUBCASE("more than 1 MiB") {
        CHECK(c->output(c, BERTH_STDOUT, bytes(much)) == BERTH_CONTRACT);
    }
    SUBCASE("unknown stream") {
        CHECK(c->output(c, 3, bytes("x")) == BERTH_CONTRACT);
    }
    SUBCASE("stream 0") {
        CHECK(c->output(c, 0, bytes("x")) == BERTH_CONTRACT);
    }
    SUBCASE("size without data") {
        CHECK(c->output(c, BERTH_STDOUT, {nullptr, 5}) == BERTH_CONTRACT);
    }
    SUBCASE("a size that no memory has") {
        CHECK(c->output(c, BERTH_STDOUT, {reinterpret_cast<const std::uint8_t*>("x"), ~0ULL}) == BERTH_CONTRACT);
    }
    CHECK(receiver.course.empty());
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "exactly 1 MiB at once is taken") {
    const std::string much(ProcessSink::longest_output, 'x');
    CHECK(c->output(c, BERTH_STDOUT, bytes(much)) == BERTH_OK);
    CHECK(receiver.course.size() == much.size() + 3);
}

TEST_CASE_FIXTURE(Fixture, "a malformed end is CONTRACT and no end") {
    auto end = exited(0);
    SUBCASE("zeroed kind") {
        end.kind = 0;
    }
    SUBCASE("unknown kind") {
        end.kind = 8;
    }
    SUBCASE("exit code beyond a byte") {
        end.exit_code = 256;
    }
    SUBCASE("negative exit code") {
        end.exit_code = -1;
    }
    SUBCASE("unknown signal") {
        end.signal = 65;
    }
    SUBCASE("signalled by nothing") {
        end.kind = BERTH_ENDED_SIGNALLED;
    }
    SUBCASE("negative duration") {
        end.duration_ms = {-1, 1};
    }
    SUBCASE("too short") {
        end.size = sizeof end - 8;
    }
    CHECK(c->ended(c, &end) == BERTH_CONTRACT);
    CHECK_FALSE(sink.close());
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(Fixture, "no end at all is CONTRACT, and so is a process id of 0") {
    CHECK(c->ended(c, nullptr) == BERTH_CONTRACT);
    CHECK(c->started(c, {0, 1}) == BERTH_CONTRACT);
    CHECK(c->started(c, {-5, 1}) == BERTH_CONTRACT);
    CHECK(receiver.course.empty());
}

TEST_CASE_FIXTURE(Fixture, "the reader's answers reach the plugin") {
    receiver.answer = ProcessReceiver::Taken::interrupted;
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_INTERRUPTED);
    receiver.answer = ProcessReceiver::Taken::enough;
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_ENOUGH);
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(Fixture, "after a cancel: INTERRUPTED until it was read, then CANCELLED, then the window") {
    faced.call.cancel(CancelReason::caller);
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_INTERRUPTED);
    REQUIRE(faced.call.next_event());
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_CANCELLED);
    CHECK(receiver.course == "S");
    REQUIRE(faced.call.begin_cleanup(Milliseconds(1000)) > Milliseconds(0));
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_OK);
    CHECK(receiver.course == "So:x");
}

TEST_CASE_FIXTURE(Fixture, "the end is recorded even when the call was given up") {
    faced.call.cancel(CancelReason::caller);
    CHECK(c->started(c, {9, 1}) == BERTH_OK);
    berth_process_end end{};
    end.size = sizeof end;
    end.kind = BERTH_ENDED_CANCELLED;
    end.signal = SIGKILL;
    CHECK(c->ended(c, &end) == BERTH_OK);
    CHECK(sink.close()->kind == ProcessEnd::Kind::cancelled);
}

TEST_CASE_FIXTURE(Fixture, "a failing reader ends the call with its own error") {
    receiver.failure = Error(Diagnostic{"BERTH-E-98", Code::resource_exhausted}, "no room");
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_RESOURCE_EXHAUSTED);
    receiver.failure.reset();
    CHECK(c->output(c, BERTH_STDOUT, bytes("x")) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(receiver.course == "S");
    CHECK(faced.face.take_records().host_failure->diagnostic() == "BERTH-E-98");
}

TEST_CASE_FIXTURE(Fixture, "a sink that is used after the method returned takes nothing") {
    REQUIRE(c->started(c, {1, 1}) == BERTH_OK);
    CHECK_FALSE(sink.close());
    const auto end = exited(0);
    CHECK(c->output(c, BERTH_STDOUT, bytes("late")) == BERTH_CONTRACT);
    CHECK(c->ended(c, &end) == BERTH_CONTRACT);
    CHECK(receiver.course == "S1");
}

TEST_CASE_FIXTURE(Fixture, "two threads in one sink do not mix") {
    std::thread other([this] {
        for (int round = 0; round < 100; ++round)
            CHECK(c->output(c, BERTH_STDERR, bytes("b")) == BERTH_OK);
    });
    for (int round = 0; round < 100; ++round)
        CHECK(c->output(c, BERTH_STDOUT, bytes("a")) == BERTH_OK);
    other.join();
    CHECK(receiver.course.size() == 1 + 200 * 3);
}
