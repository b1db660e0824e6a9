// Thousands of executes with hundreds in flight in one sandbox, against a loop that starts as many programs with as many
// alive by posix_spawn. Every result is checked. Sides take turns; a value is starts in a second.
//
//   bench_many --plugins DIR --place DIR [--executes N] [--in-flight N] [--rounds N]
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "embedded.hpp"
#include "measure.hpp"

namespace {

void spawn_all(char* const* words, int executes, int in_flight) {
    const bench::Streams silent;
    int alive = 0;
    int started = 0;
    int ended = 0;
    while (ended < executes) {
        if (alive < in_flight && started < executes) {
            (void)bench::spawn(words, silent);
            ++started;
            ++alive;
            continue;
        }
        int status = 0;
        if (waitpid(-1, &status, 0) < 0 || status != 0) throw std::runtime_error("a program failed");
        ++ended;
        --alive;
    }
}

void execute_all(berth::Host& host, const berth::SandboxName& sandbox, int executes, int in_flight) {
    const auto command = bench::command({"true"});
    std::atomic<int> next{0};
    std::atomic<int> right{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < in_flight; ++caller) {
        callers.emplace_back([&] {
            while (next.fetch_add(1) < executes) {
                if (host.execute(sandbox, command).exit_code == 0) ++right;
            }
        });
    }
    for (std::thread& caller : callers)
        caller.join();
    if (right != executes) throw std::runtime_error(std::to_string(executes - right) + " executes went wrong");
}

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const int executes = given.number("executes", 10'000);
    const int in_flight = given.number("in-flight", 500);
    const bench::Place place(given.text("place", "/var/tmp"));
    berth::Host host(bench::embedded_options(given.text("plugins"), place.path() + "/state"));
    const auto sandbox = bench::make_sandbox(host);
    const bench::Words words({"true"});
    const auto rate = [executes](std::function<void()> all) {
        return [executes, all = std::move(all)] {
            const auto start = bench::Clock::now();
            all();
            return std::vector<double>{executes / (bench::microseconds_since(start) / 1e6)};
        };
    };
    bench::Comparison comparison;
    comparison.add("posix_spawn loop", rate([&] { spawn_all(words.get(), executes, in_flight); }));
    comparison.add("execute", rate([&] { execute_all(host, sandbox, executes, in_flight); }));
    comparison.run(given.number("rounds", 3), given.number("warmup", 1));
    return comparison.report("starts a second");
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_many", [&] { return measure(count, words); });
}
