// How a test attacks from inside: puts the attacker (attacker.cpp) into a sandbox and compares what each attempt met.
#pragma once

#include <fstream>
#include <iterator>
#include <sstream>

#include "room.hpp"

namespace attack {

using namespace room;

inline constexpr const char* program = "/workspace/attacker";

inline void arm(Provider& provider, const std::string& id) {
    std::ifstream file(BERTH_ATTACKER, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    REQUIRE_FALSE(content.empty());
    MemorySource source({{rooms::protocol::Kind::file, 0, program, content, 0755}});
    provider.sandboxes.upload_files(id, source, provider.caller);
}

// The table: attack and outcome, again and again.
inline void expect(Provider& provider, const std::string& id, const std::string& table) {
    std::istringstream lines(table);
    std::vector<std::string> command{program};
    std::vector<std::pair<std::string, std::string>> expected;
    for (std::string attack, outcome; lines >> attack >> outcome;) {
        command.push_back(attack);
        expected.emplace_back(attack, outcome);
    }
    const Result result = provider.run(id, Provider::command(command));
    std::istringstream answers(result.out);
    for (const auto& [attack, outcome] : expected) {
        std::string answer;
        std::getline(answers, answer);
        CHECK(answer == attack + ": " + outcome);
    }
    CHECK(result.end.exit_code == 0);
}

}  // namespace attack
