// Output between a plugin that delivers and a reader who may be slow: bounded, and never in the way of a kill.
#include "engine/output_channel.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "fake_provider.hpp"

using namespace berth_test;
using Taken = ProcessReceiver::Taken;

namespace {

const auto no_event = [] { return false; };
const auto an_event = [] { return true; };

std::string all(OutputChannel& channel, OutputStream stream = OutputStream::output) {
    std::string text;
    std::array<std::byte, 1000> buffer{};
    while (const auto count = channel.read(stream, buffer, std::nullopt).value_or(0))
        text.append(static_cast<const char*>(static_cast<const void*>(buffer.data())), count);
    return text;
}

/// Fills the stream to its bound.
void fill(OutputChannel& channel) {
    REQUIRE(channel.offer(OutputStream::output, std::string(OutputChannel::capacity, 'f'), no_event) == Taken::taken);
}

}  // namespace

TEST_CASE("bytes arrive in order, each stream by itself, and end") {
    OutputChannel channel(Overflow::wait);
    CHECK(channel.offer(OutputStream::output, "one ", no_event) == Taken::taken);
    CHECK(channel.offer(OutputStream::error, "oops", no_event) == Taken::taken);
    CHECK(channel.offer(OutputStream::output, "two", no_event) == Taken::taken);
    channel.end();
    CHECK(all(channel) == "one two");
    CHECK(all(channel, OutputStream::error) == "oops");
}

TEST_CASE("a full stream makes the plugin wait until somebody reads, and the other stream flows on") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    CHECK(channel.offer(OutputStream::error, "x", no_event) == Taken::taken);
    std::atomic<bool> taken{false};
    std::thread plugin([&] {
        CHECK(channel.offer(OutputStream::output, "y", no_event) == Taken::taken);
        taken = true;
        channel.end();
    });
    CHECK_FALSE(taken);
    const auto text = all(channel);
    plugin.join();
    CHECK(text.size() == OutputChannel::capacity + 1);
    CHECK(text.back() == 'y');
}

TEST_CASE("a large piece is taken whole by an empty stream") {
    OutputChannel channel(Overflow::wait);
    CHECK(channel.offer(OutputStream::output, std::string(OutputChannel::capacity * 3, 'a'), no_event) == Taken::taken);
    channel.end();
    CHECK(all(channel).size() == OutputChannel::capacity * 3);
}

TEST_CASE("an event lets a waiting offer go, once for each event") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    channel.wake();
    CHECK(channel.offer(OutputStream::output, "y", an_event) == Taken::interrupted);
    std::thread later([&] { channel.wake(); });
    // The plugin offers again without having looked: it waits for the next event instead of spinning.
    CHECK(channel.offer(OutputStream::output, "y", an_event) == Taken::interrupted);
    later.join();
}

TEST_CASE("an event that the plugin has read already does not interrupt") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    channel.wake();
    std::thread reader([&] { CHECK(all(channel).size() == OutputChannel::capacity + 1); });
    CHECK(channel.offer(OutputStream::output, "y", no_event) == Taken::taken);
    channel.end();
    reader.join();
}

TEST_CASE("with room there is no interruption") {
    OutputChannel channel(Overflow::wait);
    channel.wake();
    CHECK(channel.offer(OutputStream::output, "y", an_event) == Taken::taken);
}

TEST_CASE("drop_oldest never waits and keeps the newest") {
    OutputChannel channel(Overflow::drop_oldest);
    fill(channel);
    CHECK(channel.offer(OutputStream::output, "newest", no_event) == Taken::taken);
    channel.end();
    const auto text = all(channel);
    CHECK(text.size() == OutputChannel::capacity);
    CHECK(text.ends_with("fnewest"));
}

TEST_CASE("a signal gives room for what a dying process leaves behind") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    channel.make_room();
    CHECK(channel.offer(OutputStream::output, std::string(OutputChannel::reserve, 'r'), no_event) == Taken::taken);
    channel.end();
    CHECK(all(channel).size() == OutputChannel::capacity + OutputChannel::reserve);
}

TEST_CASE("the plugin hears of a signal before it can use up the room made for it") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    channel.wake();
    channel.make_room();
    CHECK(channel.offer(OutputStream::output, "before the signal", an_event) == Taken::interrupted);
    CHECK(channel.offer(OutputStream::output, std::string(OutputChannel::reserve, 'r'), an_event) == Taken::taken);
}

TEST_CASE("each further signal gives room again, up to a bound") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    const std::string rest(OutputChannel::reserve, 'r');
    for (std::size_t signal = 0; signal < OutputChannel::most_reserves; ++signal) {
        channel.make_room();
        CHECK(channel.offer(OutputStream::output, rest, no_event) == Taken::taken);
    }
    channel.make_room();
    channel.wake();
    CHECK(channel.offer(OutputStream::output, rest, an_event) == Taken::interrupted);
    std::thread leaver([&] { channel.abandon(); });
    CHECK(channel.offer(OutputStream::output, rest, an_event) == Taken::taken);
    leaver.join();
}

TEST_CASE("once it flows freely, memory stays bounded although nobody reads") {
    OutputChannel channel(Overflow::wait);
    channel.flow_freely_from(OutputChannel::Clock::now());
    for (int index = 0; index < 100; ++index)
        CHECK(channel.offer(OutputStream::output, std::string(100'000, 'x'), no_event) == Taken::taken);
    channel.end();
    CHECK(all(channel).size() == OutputChannel::capacity + OutputChannel::reserve);
}

TEST_CASE("a waiting offer goes on at the moment from which it flows freely") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    channel.flow_freely_from(OutputChannel::Clock::now() + std::chrono::milliseconds(5));
    CHECK(channel.offer(OutputStream::output, "y", no_event) == Taken::taken);
}

TEST_CASE("what nobody wants any more is drained and dropped") {
    OutputChannel channel(Overflow::wait);
    fill(channel);
    std::thread leaver([&] { channel.abandon(); });
    CHECK(channel.offer(OutputStream::output, "y", no_event) == Taken::taken);
    leaver.join();
    for (int index = 0; index < 20; ++index)
        CHECK(channel.offer(OutputStream::output, std::string(1'000'000, 'x'), no_event) == Taken::taken);
}

TEST_CASE("a reader may be patient for a while only") {
    OutputChannel channel(Overflow::wait);
    std::array<std::byte, 8> buffer{};
    CHECK_FALSE(channel.read(OutputStream::output, buffer, OutputChannel::Clock::now()));
    (void)channel.offer(OutputStream::output, "ab", no_event);
    CHECK(channel.read(OutputStream::output, buffer, OutputChannel::Clock::now()) == 2);
    channel.end();
    CHECK(channel.read(OutputStream::output, buffer, OutputChannel::Clock::now()) == 0);
}
