// Values on their way between host and worker, and hostile ones.
#include "worker/wire/codec.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace berth::wire;

namespace {

berth_str text(std::string_view view) {
    return {view.data(), view.size()};
}

std::string_view view(berth_str value) {
    return {value.data, static_cast<std::size_t>(value.size)};
}

}  // namespace

TEST_CASE("absent and empty stay different, in texts, lists and structs") {
    Encoder out;
    out.put(berth_str{nullptr, 0}).put(berth_str{"", 0}).put(berth_str{nullptr, 7});
    out.put(berth_strs{nullptr, 0});
    const berth_str nothing{"", 0};
    out.put(berth_strs{&nothing, 0}).put(static_cast<const berth_usage*>(nullptr));
    Decoder in(out.bytes());
    CHECK(in.get<berth_str>().data == nullptr);
    CHECK(in.get<berth_str>().data != nullptr);
    const auto sized = in.get<berth_str>();
    CHECK(sized.data == nullptr);
    CHECK(sized.size == 7);
    CHECK(in.get<berth_strs>().data == nullptr);
    CHECK(in.get<berth_strs>().data != nullptr);
    CHECK(in.get<const berth_usage*>() == nullptr);
    CHECK(in.at_end());
}

TEST_CASE("a process crosses with everything it holds") {
    berth_pair variable{text("NAME"), text("value"), BERTH_PAIR_SECRET};
    berth_environment environment{};
    environment.size = sizeof environment;
    environment.env = {&variable, 1};
    environment.timeout_ms = {5000, 1};
    environment.cpu_limit = {1.5, 1};
    const berth_str words[] = {text("-c"), text("true")};
    berth_process process{};
    process.size = sizeof process;
    process.flags = BERTH_PROCESS_TTY;
    process.environment = &environment;
    process.command = text("sh");
    process.args = {words, 2};
    process.rows = 24;
    process.terminal = text("xterm");
    Encoder out;
    out.put(static_cast<const berth_process*>(&process));
    Decoder in(out.bytes());
    const auto* const got = in.get<const berth_process*>();
    REQUIRE(got != nullptr);
    CHECK(in.at_end());
    CHECK(got->size == sizeof *got);
    CHECK(got->flags == BERTH_PROCESS_TTY);
    CHECK(view(got->command) == "sh");
    REQUIRE(got->args.count == 2);
    CHECK(view(got->args.data[1]) == "true");
    CHECK(got->input.data == nullptr);
    CHECK(got->rows == 24);
    CHECK(view(got->terminal) == "xterm");
    REQUIRE(got->environment != nullptr);
    REQUIRE(got->environment->env.count == 1);
    CHECK(view(got->environment->env.data[0].value) == "value");
    CHECK(got->environment->env.data[0].flags == BERTH_PAIR_SECRET);
    CHECK(got->environment->timeout_ms.value == 5000);
    CHECK(got->environment->memory_limit_mib.present == 0);
    CHECK(got->environment->cpu_limit.value == 1.5);
}

TEST_CASE("a message cut anywhere is malformed, and a garbled one is no crash") {
    berth_environment environment{};
    environment.size = sizeof environment;
    const berth_pair label{text("team"), text("core"), 0};
    berth_sandbox_info info{};
    info.size = sizeof info;
    info.id = text("box");
    info.environment = &environment;
    info.labels = {&label, 1};
    Encoder out;
    out.put(static_cast<const berth_sandbox_info*>(&info));
    const std::string whole(out.bytes());
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        Decoder in(std::string_view(whole).substr(0, cut));
        CHECK_THROWS_AS((void)in.get<const berth_sandbox_info*>(), Malformed);
    }
    std::mt19937 numbers(5);
    for (int round = 0; round < 20'000; ++round) {
        auto garbled = whole;
        for (int change = 0; change < 4; ++change)
            garbled[numbers() % garbled.size()] = static_cast<char>(numbers());
        Decoder in(garbled);
        try {
            const auto* const got = in.get<const berth_sandbox_info*>();
            if (got != nullptr) CHECK(got->labels.count <= most_items);
        } catch (const Malformed&) {
        }
    }
}

TEST_CASE("a list longer than its message is refused before memory is taken for it") {
    Encoder out;
    out.put(std::uint64_t{19'000});
    Decoder in(out.bytes());
    CHECK_THROWS_AS((void)in.get<berth_pairs>(), Malformed);
}
