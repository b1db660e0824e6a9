// What the program of every stand-in does around its service: its words, what it says first, a place for disks, and waiting
// for the end. Knows no vendor and no HTTP.
#pragma once

#include <signal.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "message.hpp"

namespace standin {

/// When the program ends.
enum class End { at_signal, with_input };

/// The words that every stand-in takes.
struct Words {
    std::uint16_t port = 0;
    std::filesystem::path directory;
    End end = End::at_signal;
    enum class Greeting { json, berth } greeting = Greeting::json;
};

/// What --port, --directory, --berth and --end-with-input mean, for people.
extern const char* const usage_of_words;

/// `own`: those of one stand-in alone, such as "--token", each with a value. Throws std::invalid_argument.
[[nodiscard]] Words read_words(int count, char** words, const std::map<std::string, std::string*>& own);

/// What a stand-in says first: JSON for programs, or what belongs into berth.yaml for people.
struct Greeting {
    std::string title;   ///< what it stands in for
    std::string plugin;  ///< and the provider's name
    std::string base;    ///< its address, without "/api"
    Json about;
    std::string variable;  ///< of the shell, that holds the secret
    std::string secret;
    std::vector<std::pair<std::string, std::string>> config;  ///< beside api_url
};
void greet(const Words& words, const Greeting& greeting);

/// The directory for disks: the wished one, or a new one of our own that is removed at the end.
class Place {
public:
    Place(const std::filesystem::path& wish, const std::string& name);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    bool own_ = false;
};

/// Blocks the signals that end the program. Before any thread.
[[nodiscard]] sigset_t block_ending_signals();
void wait_for_end(End end, const sigset_t& signals);

/// All of main(): 0, or 2 with `usage` for wrong words, or 1 when it failed; both say why on stderr.
[[nodiscard]] int run_program(const char* name, const char* usage, const std::function<void()>& serve);

}  // namespace standin
