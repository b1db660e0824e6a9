// Programs as the baselines start them: posix_spawn, /dev/null or pipes on their streams, and the wait for their end.
// Knows nothing of Berth.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace bench {

/// An argv that ends with nullptr, over strings of its own.
class Words {
public:
    explicit Words(std::vector<std::string> words);
    Words(const Words&) = delete;
    Words& operator=(const Words&) = delete;
    [[nodiscard]] char* const* get() const { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

/// What a child's stdin, stdout and stderr are; nothing else of ours is open in it.
class Streams {
public:
    /// Everything is /dev/null.
    Streams();
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;
    ~Streams();
    /// `target` is `source` of this process instead.
    void set(int target, int source);
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// Throws when the program cannot be started. argv[0] is looked up in PATH.
[[nodiscard]] pid_t spawn(char* const* words, const Streams& streams);
/// The wait status.
int wait_for(pid_t child);
/// Starts, waits; throws unless it exits 0.
void run(char* const* words, const Streams& streams);

struct Pipe {
    Pipe();
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe();
    void close_write_end();
    int read_end = -1;
    int write_end = -1;
};

/// A program that does one step for each line it is sent and answers with the microseconds that took.
class Companion {
public:
    /// Returns when it has said "ready". Throws when it ends instead; `log` takes its stderr.
    Companion(const std::vector<std::string>& words, const std::string& log);
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;
    /// Its stdin is closed, and it is waited for.
    ~Companion();
    double step();

private:
    std::string line();
    Pipe requests_;
    Pipe answers_;
    std::string read_;
    std::string log_;
    pid_t child_ = -1;
};

}  // namespace bench
