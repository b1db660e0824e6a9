#include "console.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "berth_program.hpp"

namespace berth_test {

namespace {

constexpr std::chrono::seconds patience{60};

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (auto& word : words) {
        result.push_back(word.data());
    }
    result.push_back(nullptr);
    return result;
}

std::string name_of(const berth::FileDescriptor& master) {
    std::array<char, 128> name{};
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    REQUIRE(::ptsname_r(master.get(), name.data(), name.size()) == 0);
    return name.data();
}

/// Whoever leads a session and opens a terminal without O_NOCTTY is controlled by it.
pid_t spawn(std::vector<std::string> words, std::vector<std::string> variables, const std::string& terminal,
            Console::Control control) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    const bool session = control == Console::Control::session;
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, terminal.c_str(), session ? O_RDWR : O_RDWR | O_NOCTTY,
                                       0);
    ::posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
    sigset_t all;
    ::sigfillset(&all);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes,
                               static_cast<short>(POSIX_SPAWN_SETSIGDEF | (session ? POSIX_SPAWN_SETSID : 0)));
    auto arguments = pointers(words);
    auto environment = pointers(variables);
    pid_t pid = -1;
    const int failure =
        ::posix_spawn(&pid, arguments.front(), &actions, &attributes, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) throw std::system_error(failure, std::generic_category(), words.front());
    return pid;
}

}  // namespace

Console::Console(const std::vector<std::string>& words, const std::map<std::string, std::string>& variables,
                 ConsoleSize size, Control control)
    : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), close_(berth::make_event()) {
    REQUIRE(master_);
    const auto terminal = name_of(master_);
    // Held open until the program has it, or the first read would find nobody there.
    const berth::FileDescriptor held(::open(terminal.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(held);
    resize(size);
    first_settings_ = settings();
    std::vector<std::string> environment;
    for (const auto& [name, value] : variables) {
        environment.push_back(name + "=" + value);
    }
    pid_ = spawn(words, std::move(environment), terminal, control);
    reader_ = std::thread([this] { read_all(); });
}

Console::~Console() {
    if (!waited_) {
        ::kill(pid_, SIGKILL);
        static_cast<void>(wait());
    }
    close();
}

void Console::read_all() {
    std::array<char, 65536> buffer{};
    while (true) {
        std::array<pollfd, 2> waiting{{{master_.get(), POLLIN, 0}, {close_.get(), POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) continue;
        if (waiting[1].revents != 0) break;
        const auto count = ::read(master_.get(), buffer.data(), buffer.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) break;  // nobody has the terminal any more
        const std::lock_guard lock(mutex_);
        shown_.append(buffer.data(), static_cast<std::size_t>(count));
        changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void Console::type(std::string_view keys) const {
    REQUIRE(berth::write_all(master_.get(), keys) == 0);
}

bool Console::shows(std::string_view wanted) {
    std::unique_lock lock(mutex_);
    std::size_t at = std::string::npos;
    const auto is_there = [&] { return (at = shown_.find(wanted)) != std::string::npos; };
    changed_.wait_for(lock, patience, [&] { return is_there() || ended_; });
    if (at == std::string::npos) {
        MESSAGE("\"" << std::string(wanted) << "\" was not shown, but: \"" << shown_ << "\"");
        return false;
    }
    shown_.erase(0, at + wanted.size());
    return true;
}

std::string Console::rest() {
    const std::lock_guard lock(mutex_);
    return shown_;
}

void Console::resize(ConsoleSize size) const {
    const winsize wanted{size.rows, size.columns, 0, 0};
    REQUIRE(::ioctl(master_.get(), TIOCSWINSZ, &wanted) == 0);
}

termios Console::settings() const {
    termios state{};
    REQUIRE(::tcgetattr(master_.get(), &state) == 0);
    return state;
}

bool Console::is_raw() const {
    return (settings().c_lflag & static_cast<tcflag_t>(ICANON | ECHO | ISIG)) == 0;
}

pid_t Console::foreground() const {
    return ::tcgetpgrp(master_.get());
}

void Console::close() {
    berth::raise_event(close_);
    if (reader_.joinable()) reader_.join();
    master_.reset();
}

void Console::signal(int number) const {
    REQUIRE(::kill(pid_, number) == 0);
}

int Console::wait() {
    int status = 0;
    const bool ended = becomes_true([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) {
        MESSAGE("it does not end; shown was: \"" << rest() << "\"");
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    waited_ = true;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool same_settings(const termios& one, const termios& other) {
    return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag && one.c_cflag == other.c_cflag &&
           one.c_lflag == other.c_lflag && std::equal(std::begin(one.c_cc), std::end(one.c_cc), std::begin(other.c_cc));
}

}  // namespace berth_test
