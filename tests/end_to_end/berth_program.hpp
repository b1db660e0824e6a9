// The built `berth` as its users have it: started with words, pipes and variables, and watched until it ends. Each
// Workspace has a configuration and a state directory of its own and leaves nothing behind.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"

namespace berth_test {

using Words = std::vector<std::string>;

/// How a program ended and what it wrote.
struct Ended {
    int exit_code = -1;  ///< minus the signal's number when a signal ended it
    std::string output;
    std::string error;
    long peak_kib = 0;  ///< of its resident memory
};

/// What a program is started with, besides its words.
struct Started {
    int input = -1;   ///< its stdin; -1: /dev/null
    int output = -1;  ///< its stdout; -1: kept
    int error = -1;   ///< its stderr; -1: kept
    std::map<std::string, std::string> variables{};
    std::filesystem::path directory{};  ///< empty: ours
};

/// A program that runs. What it writes is read by threads, so it never waits for us.
class Running {
public:
    Running(const std::string& program, const Words& words, const Started& how);
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    /// Kills it when nobody waited.
    ~Running();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const;
    /// Until it ends and its output has ended.
    [[nodiscard]] Ended wait();

private:
    pid_t pid_ = -1;
    Ended ended_;
    std::thread output_;
    std::thread error_;
    bool waited_ = false;
};

class Workspace {
public:
    /// Providers: `local` from local.so, `odd` from our own odd.so.
    Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    /// Destroys what a test has left, and the directory.
    ~Workspace();

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    /// A path in it.
    [[nodiscard]] std::string path(std::string_view name) const { return (directory_ / name).string(); }
    /// Writes a file in it and says where.
    std::string file(std::string_view name, std::string_view bytes) const;
    /// Another text for its berth.yaml; "PLUGINS" and "STATE" in it are filled in.
    void configure(std::string text) const;

    /// Runs `berth` with this configuration.
    [[nodiscard]] Ended berth(const Words& words, Started how = {}) const;
    [[nodiscard]] std::unique_ptr<Running> start(const Words& words, Started how = {}) const;
    /// `berth create` with these flags: the full name.
    [[nodiscard]] std::string create(const Words& flags = {}) const;
    /// Full names, as `berth ls -o name` says.
    [[nodiscard]] Words sandboxes() const;
    [[nodiscard]] std::map<std::string, std::string> variables() const;

private:
    std::filesystem::path directory_;
    berth::FileDescriptor lock_;  ///< while we live: else the next test removes the directory
};

[[nodiscard]] std::string berth_path();
/// Bytes in which every place differs from its neighbours.
[[nodiscard]] std::string pattern(std::size_t size);
[[nodiscard]] std::string read_file(const std::string& path);
[[nodiscard]] Words lines_of(std::string_view text);
/// Reads until `wanted` has come, exactly and nothing else.
[[nodiscard]] bool reads(int descriptor, std::string_view wanted);
/// Polls `condition` until it holds, for half a minute at most.
[[nodiscard]] bool becomes_true(const std::function<bool()>& condition);

}  // namespace berth_test
