#include "measure.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

double quantile(std::vector<double> values, double part) {
    const auto place = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place), values.end());
    return values[place];
}

double paired_ratio(const std::vector<double>& values, const std::vector<double>& others) {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < values.size(); ++round) {
        ratios.push_back(values[round] / others[round]);
    }
    return quantile(ratios, 0.5);
}

}  // namespace

std::function<std::vector<double>()> timed(std::function<void()> action) {
    return [action = std::move(action)] {
        const auto start = Clock::now();
        action();
        return std::vector<double>{microseconds_since(start)};
    };
}

void Comparison::keep_only(std::string_view figure) {
    if (figure.empty()) return;
    std::erase_if(sides_, [figure](const Side& side) { return side.figures.front() != figure; });
}

void Comparison::run(int rounds, int warmup) {
    std::vector<std::size_t> first;  // of each side, in series_
    std::vector<std::size_t> order;
    for (const Side& side : sides_) {
        order.push_back(order.size());
        first.push_back(series_.size());
        for (const std::string& name : side.figures) {
            series_.push_back({name, {}});
        }
    }
    std::mt19937 random(20'261'123);
    for (int round = -warmup; round < rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            const std::vector<double> values = sides_[index].step();
            for (std::size_t figure = 0; round >= 0 && figure < values.size(); ++figure) {
                series_[first[index] + figure].values.push_back(values[figure]);
            }
        }
    }
}

nlohmann::json Comparison::report(std::string_view unit) const {
    nlohmann::json answer{{"unit", unit}, {"figures", nlohmann::json::array()}};
    for (const Series& series : series_) {
        nlohmann::json ratios = nlohmann::json::object();
        for (const Series& other : series_) {
            ratios[other.name] = paired_ratio(series.values, other.values);
        }
        answer["rounds"] = series.values.size();
        answer["figures"].push_back({{"name", series.name},
                                     {"median", quantile(series.values, 0.5)},
                                     {"best", quantile(series.values, 0)},
                                     {"p10", quantile(series.values, 0.1)},
                                     {"p90", quantile(series.values, 0.9)},
                                     {"ratio_to", ratios}});
    }
    return answer;
}

Arguments::Arguments(int count, char** words) {
    int position = 1;
    while (position + 1 < count && std::string_view(words[position]).starts_with("--")) {
        options_.emplace_back(words[position] + 2, words[position + 1]);
        position += 2;
    }
    rest_.assign(words + position, words + count);
}

std::string Arguments::text(std::string_view name, std::string standard) const {
    for (const auto& [option, value] : options_) {
        if (option == name) return value;
    }
    return standard;
}

int Arguments::number(std::string_view name, int standard) const {
    const std::string value = text(name, std::to_string(standard));
    const int result = std::atoi(value.c_str());
    if (result < 1) throw std::runtime_error("--" + std::string(name) + ": expected a number above 0, found " + value);
    return result;
}

int print_report(const char* program, const std::function<nlohmann::json()>& measure) {
    try {
        std::printf("%s\n", measure().dump(2).c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", program, error.what());
        return 1;
    }
}

}  // namespace bench
