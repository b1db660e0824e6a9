// Comparisons: several sides take their turns in a random order, round after round, so that whatever the machine does
// meanwhile hits all of them alike. Gives JSON. Knows nothing of what is measured.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// One side of a comparison. A step answers one value for each figure; microseconds unless `unit` says otherwise.
struct Side {
    std::vector<std::string> figures;
    std::function<std::vector<double>()> step;
};

/// How one step of a side that has one figure is timed: all of `action`.
[[nodiscard]] std::function<std::vector<double>()> timed(std::function<void()> action);

class Comparison {
public:
    void add(Side side) { sides_.push_back(std::move(side)); }
    void add(std::string figure, std::function<std::vector<double>()> step) {
        add(Side{{std::move(figure)}, std::move(step)});
    }
    /// For a profiler: the other sides are left out. Empty: none is.
    void keep_only(std::string_view figure);
    void run(int rounds, int warmup);
    /// {"rounds", "unit", "figures": [{"name", "median", "best", "p10", "p90", "ratio_to": {name: ratio}}]}. A ratio is
    /// the median of the rounds' own ratios.
    [[nodiscard]] nlohmann::json report(std::string_view unit = "us") const;

private:
    struct Series {
        std::string name;
        std::vector<double> values;
    };
    std::vector<Side> sides_;
    std::vector<Series> series_;
};

/// What every program here takes: `--rounds N --warmup N --NAME VALUE` and then words.
class Arguments {
public:
    Arguments(int count, char** words);
    [[nodiscard]] int number(std::string_view name, int standard) const;
    [[nodiscard]] std::string text(std::string_view name, std::string standard = {}) const;
    [[nodiscard]] std::vector<char*> rest() const { return rest_; }

private:
    std::vector<std::pair<std::string, std::string>> options_;
    std::vector<char*> rest_;
};

/// Runs `measure`, prints what it answers, and tells what went wrong on stderr. What main() returns.
int print_report(const char* program, const std::function<nlohmann::json()>& measure);

}  // namespace bench
