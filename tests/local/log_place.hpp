// What tests of logs share: a directory that stands for a sandbox's, who writes into its log, and what is in that.
#pragma once

#include <fstream>
#include <sstream>

#include "local/log_reader.hpp"
#include "local/output_log.hpp"
#include "local/sandbox_log.hpp"
#include "room.hpp"

namespace room {

inline constexpr std::int64_t created_at = 999'000;

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

inline std::string read_all(const rooms::Descriptor& directory, rooms::LogRequest request = {}) {
    std::string text;
    TestCaller caller;
    rooms::read_log(directory, created_at, request, caller, [&](std::string_view part) {
        text += part;
        return true;
    });
    return text;
}

// A directory that stands for a sandbox's.
struct Place {
    Place() : directory(rooms::open_directory(AT_FDCWD, temporary.path())) {
        std::ofstream(temporary.path() / "record") << "x";
    }
    TemporaryDirectory temporary;
    rooms::Descriptor directory;
};

class NoSink : public rooms::ProcessSink {
public:
    void started(std::optional<std::int64_t>) override {}
    Taken output(std::int32_t, std::string_view bytes, const std::function<void(const rooms::Event&)>&) override {
        passed += bytes.size();
        return Taken::all;
    }
    std::size_t passed = 0;
};

inline void say(rooms::OutputLog& log, std::string_view bytes, std::int32_t stream = BERTH_STDOUT) {
    CHECK(log.output(stream, bytes, [](const rooms::Event&) {}) == rooms::ProcessSink::Taken::all);
}

inline std::string texts_of(const std::string& log) {
    std::string texts;
    for (const std::string& line : lines_of(log)) {
        texts += line.substr(rooms::log_time_size + 1) + "\n";
    }
    return texts;
}

}  // namespace room
