// A terminal as its user has it: a PTY of the test's own, with a program on it that it controls. What is shown is read
// by a thread, so that no program ever waits for us; tests go on when they have seen what they wait for.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"

namespace berth_test {

struct ConsoleSize {
    unsigned short rows = 31;
    unsigned short columns = 97;
};

class Console {
public:
    /// The program's session is its own, and this its controlling terminal; or else only its stdin, stdout and stderr.
    enum class Control { session, none };
    Console(const std::vector<std::string>& words, const std::map<std::string, std::string>& variables,
            ConsoleSize size = {}, Control control = Control::session);
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    /// Kills the program when nobody waited.
    ~Console();

    void type(std::string_view keys) const;
    /// Until this has been shown, after what was waited for before; false when it does not come for a minute.
    [[nodiscard]] bool shows(std::string_view wanted);
    /// All that was shown and has not been waited for yet.
    [[nodiscard]] std::string rest();
    void resize(ConsoleSize size) const;
    [[nodiscard]] termios settings() const;
    /// As they were before the program started.
    [[nodiscard]] const termios& first_settings() const noexcept { return first_settings_; }
    /// Whether keys go through as they are now.
    [[nodiscard]] bool is_raw() const;
    /// The group of processes that its keys go to.
    [[nodiscard]] pid_t foreground() const;
    /// As when the window is closed.
    void close();

    void signal(int number) const;
    /// Until the program has ended, which is made to happen when it takes too long: its exit code, or minus the signal's number.
    [[nodiscard]] int wait();

private:
    void read_all();

    berth::FileDescriptor master_;
    berth::FileDescriptor close_;
    pid_t pid_ = -1;
    termios first_settings_{};
    bool waited_ = false;
    std::mutex mutex_;  ///< guards what follows
    std::condition_variable changed_;
    std::string shown_;
    bool ended_ = false;
    std::thread reader_;
};

/// Every setting of a terminal that programs change.
[[nodiscard]] bool same_settings(const termios& one, const termios& other);

}  // namespace berth_test
