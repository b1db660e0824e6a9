// What the tests of the config floor share: text in, "NUMBER line:column" out. Knows no test.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.hpp"

/// Single braces of pairs could be a copy of an environment, too; this is what they mean.
inline berth::EnvironmentVariables variables(berth::EnvironmentVariables::Variables all) {
    return berth::EnvironmentVariables(std::move(all));
}

/// The environment that tests see.
inline berth::EnvironmentVariables test_environment() {
    return berth::EnvironmentVariables({{"HOME", "/home/me"}, {"NAME", "value"}, {"EMPTY", ""}});
}

inline const std::string& test_file() {
    static const std::string file = "/etc/berth/berth.yaml";
    return file;
}

/// "C-13 2:1, C-15 4:9": each problem's number and place, without the file that all have to name.
inline std::string places_of(const std::vector<berth::Error>& problems) {
    std::string text;
    for (const auto& problem : problems) {
        if (!text.empty()) text += ", ";
        const auto& location = problem.fields().location;
        text += std::string(problem.diagnostic().substr(6));
        if (location.rfind(test_file(), 0) != 0) {
            text += " not in the file: " + location;
        } else if (location.size() > test_file().size()) {
            text += " " + location.substr(test_file().size() + 1);
        }
    }
    return text;
}

inline berth::ReadConfiguration read_text(std::string_view text) {
    return berth::read_configuration_text(text, test_file(), test_environment());
}

/// The problems of a whole file.
inline std::string problems_of(std::string_view text) {
    return places_of(read_text(text).problems);
}

/// The problems of lines below `version: 1`, whose first line is therefore line 2.
inline std::string problems_below_version(std::string_view lines) {
    return problems_of("version: 1\n" + std::string(lines));
}

/// The messages of all problems, one a line.
inline std::string messages_of(std::string_view text) {
    std::string lines;
    for (const auto& problem : read_text(text).problems)
        lines += std::string(problem.what()) + "\n";
    return lines;
}
