// A sandbox's machine: a bubblewrap around a throw-away root directory, with our agent as its first process, through which
// any number of processes are started. Knows no vendor and no HTTP.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent_protocol.hpp"
#include "base/file_descriptor.hpp"

namespace standin {

struct Program {
    std::vector<std::string> words;
    std::vector<std::string> variables;  ///< each NAME=value; all there are
    std::string directory;
    enum class Account { user, root } account = Account::user;
};

/// How a process ended, or why it did not begin.
struct Outcome {
    enum class Kind { ended, no_directory, no_program, lost } kind = Kind::lost;
    int value = 0;  ///< exit code as shells count, or errno
    std::int64_t cpu_milliseconds = 0;
};

class Machine {
public:
    /// Called once, from a thread of the machine's.
    using Started = std::function<void()>;
    using Ended = std::function<void(const Outcome&)>;

    /// Starts bubblewrap around `root`. Throws std::system_error.
    explicit Machine(const std::filesystem::path& root);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine() { stop(); }

    /// `started` is called when the program runs, `ended` afterwards or instead. Nothing: the machine is gone, and neither
    /// will be called.
    [[nodiscard]] std::optional<std::uint32_t> start(const Program& program, const int (&descriptors)[3],
                                                     Started started, Ended ended);
    void signal(std::uint32_t process, int number);
    void signal_group(std::uint32_t process, int number);
    /// Kills everything in it and waits until that is gone. Whatever ran is reported as lost.
    void stop();

    /// Runs a helper to its end with `input`; what it wrote comes back.
    struct Said {
        Outcome outcome;
        std::string output;
        std::string error;
    };
    [[nodiscard]] Said run(const Program& program, std::string_view input);

private:
    struct Running {
        Started started;
        Ended ended;
    };
    void listen();
    void handle(const Report& report);
    bool send(const FrameHeader& header, std::string_view texts, const int* descriptors);
    [[nodiscard]] bool is_gone();

    berth::FileDescriptor socket_;
    pid_t bubblewrap_ = -1;
    std::mutex stopping_;
    std::mutex mutex_;
    std::mutex sending_;  ///< never with mutex_ held: who listens needs that one, and a full socket waits for who listens
    std::map<std::uint32_t, Running> running_;
    std::uint32_t last_ = 0;
    bool gone_ = false;
    std::thread listener_;
};

}  // namespace standin
