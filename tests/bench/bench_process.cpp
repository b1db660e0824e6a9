// Times whole processes against each other: every round runs each command once, in a random order, so that whatever
// the machine does meanwhile hits all of them alike. Prints JSON. Knows nothing of Berth.
//
//   bench_process [--rounds N] [--warmup N] NAME COMMAND ARGUMENTS... --- NAME COMMAND ARGUMENTS... [--- ...]
//
// A time runs from before posix_spawn to after
// waitpid; the children's stdin, stdout and stderr are /dev/null. A command that does not exit 0 ends the measurement.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Command {
    std::string name;
    std::vector<char*> arguments;  // ends with nullptr, as posix_spawn wants it
    std::vector<double> microseconds;
};

struct Plan {
    int rounds = 200;
    int warmup = 10;
    std::vector<Command> commands;
};

int number(const char* text) {
    const int value = std::atoi(text);
    if (value < 1) throw std::runtime_error(std::string("expected a number above 0, found ") + text);
    return value;
}

Plan read_arguments(int count, char** words) {
    Plan plan;
    int position = 1;
    while (position + 1 < count && std::string_view(words[position]).substr(0, 2) == "--") {
        const std::string_view option = words[position];
        if (option != "--rounds" && option != "--warmup")
            throw std::runtime_error("unknown option " + std::string(option));
        (option == "--rounds" ? plan.rounds : plan.warmup) = number(words[position + 1]);
        position += 2;
    }
    while (position < count) {
        Command command{words[position++], {}, {}};
        while (position < count && std::string_view(words[position]) != "---") {
            command.arguments.push_back(words[position++]);
        }
        ++position;
        if (command.arguments.empty()) throw std::runtime_error(command.name + " has no command");
        command.arguments.push_back(nullptr);
        plan.commands.push_back(std::move(command));
    }
    if (plan.commands.size() < 2) throw std::runtime_error("two commands are needed to compare");
    return plan;
}

/// The redirections of every child to /dev/null.
class Silence {
public:
    Silence() {
        if (posix_spawn_file_actions_init(&actions_) != 0) throw std::runtime_error("out of memory");
        for (int descriptor = 0; descriptor < 3; ++descriptor) {
            posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", O_RDWR, 0);
        }
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() { posix_spawn_file_actions_destroy(&actions_); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

double run_once(const Command& command, const Silence& silence) {
    const auto start = std::chrono::steady_clock::now();
    pid_t child = 0;
    const int error =
        posix_spawnp(&child, command.arguments[0], silence.get(), nullptr, command.arguments.data(), environ);
    if (error != 0) throw std::runtime_error(command.name + " does not start: " + std::strerror(error));
    int status = 0;
    if (waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error(command.name + " did not exit 0 but with wait status " + std::to_string(status));
    }
    return took.count();
}

void measure(Plan& plan) {
    const Silence silence;
    std::mt19937 random(20'261'123);
    std::vector<std::size_t> order(plan.commands.size());
    for (std::size_t index = 0; index < order.size(); ++index)
        order[index] = index;
    for (int round = -plan.warmup; round < plan.rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            const double took = run_once(plan.commands[index], silence);
            if (round >= 0) plan.commands[index].microseconds.push_back(took);
        }
    }
}

double quantile(std::vector<double> values, double part) {
    const auto place = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place), values.end());
    return values[place];
}

/// The median over the rounds of how many times longer `command` took than `other` in the same round.
double paired_ratio(const Command& command, const Command& other) {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < other.microseconds.size(); ++round) {
        ratios.push_back(command.microseconds[round] / other.microseconds[round]);
    }
    return quantile(ratios, 0.5);
}

nlohmann::json report(const Plan& plan) {
    nlohmann::json answer{{"rounds", plan.rounds}, {"commands", nlohmann::json::array()}};
    for (const auto& command : plan.commands) {
        nlohmann::json ratios = nlohmann::json::object();
        for (const auto& other : plan.commands)
            ratios[other.name] = paired_ratio(command, other);
        answer["commands"].push_back({{"name", command.name},
                                      {"median_us", quantile(command.microseconds, 0.5)},
                                      {"p10_us", quantile(command.microseconds, 0.1)},
                                      {"p90_us", quantile(command.microseconds, 0.9)},
                                      {"ratio_to", ratios}});
    }
    return answer;
}

}  // namespace

int main(int count, char** words) {
    try {
        Plan plan = read_arguments(count, words);
        measure(plan);
        std::printf("%s\n", report(plan).dump(2).c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_process: %s\n", error.what());
        return 1;
    }
}
