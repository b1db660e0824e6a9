// The life of a sandbox through the library, against what each step could cost at least: create against bubblewrap
// alone, execute and destroy against a bare posix_spawn and wait, execute also against Mastra's LocalSandbox and podman.
//
//   bench_sandbox --plugins DIR --hold FILE --place DIR [--mastra SCRIPT] [--podman SCRIPT] [--rounds N]
#include <memory>

#include "embedded.hpp"
#include "measure.hpp"

namespace {

using bench::timed;

void expect_success(const berth::ProcessResult& result) {
    if (result.exit_code != 0) throw std::runtime_error("true ended with " + std::to_string(result.exit_code));
}

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const bench::Place place(given.text("place", "/var/tmp"));
    berth::Host host(bench::embedded_options(given.text("plugins"), place.path() + "/state"));
    const bench::HeldProgram held(given.text("hold"));
    const bench::Words true_words({"true"});
    const bench::Streams silent;
    const berth::SandboxName live = bench::make_sandbox(host);
    const auto true_command = bench::command({"true"});
    const auto execute = [&] { expect_success(host.execute(live, true_command)); };

    bench::Comparison comparison;
    comparison.add("posix_spawn + wait", timed([&] { bench::run(true_words.get(), silent); }));
    comparison.add("bwrap until it runs", [&] {
        const auto start = bench::Clock::now();
        const bench::HeldSandbox sandbox(place.path() + "/bare", held);
        return std::vector<double>{bench::microseconds_since(start)};
    });
    comparison.add({{"create", "destroy"}, [&] {
                        const auto start = bench::Clock::now();
                        const auto sandbox = bench::make_sandbox(host);
                        const double create = bench::microseconds_since(start);
                        expect_success(host.execute(sandbox, true_command));
                        const auto end = bench::Clock::now();
                        host.destroy(sandbox);
                        return std::vector<double>{create, bench::microseconds_since(end)};
                    }});
    comparison.add("execute", timed(execute));
    std::unique_ptr<bench::Companion> mastra;
    std::unique_ptr<bench::Companion> podman;
    if (const auto script = given.text("mastra"); !script.empty()) {
        mastra = std::make_unique<bench::Companion>(std::vector<std::string>{"node", script}, place.path() + "/mastra");
        comparison.add("Mastra LocalSandbox", [&] { return std::vector<double>{mastra->step()}; });
    }
    if (const auto script = given.text("podman"); !script.empty()) {
        podman = std::make_unique<bench::Companion>(
            std::vector<std::string>{"python3", "-B", script, given.text("hold")}, place.path() + "/podman");
        comparison.add("podman API", [&] { return std::vector<double>{podman->step()}; });
    }
    comparison.run(given.number("rounds", 200), given.number("warmup", 10));
    return comparison.report();
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_sandbox", [&] { return measure(count, words); });
}
