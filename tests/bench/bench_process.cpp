// Times whole processes against each other: every round runs each command once.
//
//   bench_process [--rounds N] [--warmup N] NAME COMMAND ARGUMENTS... --- NAME COMMAND ARGUMENTS... [--- ...]
//
// A time runs from before posix_spawn to after waitpid; the children's stdin, stdout and stderr are /dev/null. A command
// that does not exit 0 ends the measurement. Knows nothing of Berth.
#include <memory>
#include <stdexcept>
#include <string_view>

#include "measure.hpp"
#include "program.hpp"

namespace {

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const bench::Streams streams;
    bench::Comparison comparison;
    const auto words = given.rest();
    int commands = 0;
    for (std::size_t position = 0; position < words.size(); ++position) {
        const char* name = words[position++];
        std::vector<std::string> command;
        while (position < words.size() && std::string_view(words[position]) != "---") {
            command.emplace_back(words[position++]);
        }
        if (command.empty()) throw std::runtime_error(std::string(name) + " has no command");
        ++commands;
        auto argv = std::make_shared<bench::Words>(std::move(command));
        comparison.add(name, bench::timed([argv, &streams] { bench::run(argv->get(), streams); }));
    }
    if (commands < 2) throw std::runtime_error("two commands are needed to compare");
    comparison.run(given.number("rounds", 200), given.number("warmup", 10));
    return comparison.report();
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_process", [&] { return measure(count, words); });
}
