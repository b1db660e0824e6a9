#include "machine.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <system_error>

namespace standin {

namespace {

std::vector<std::string> bubblewrap_words(const std::filesystem::path& root, int socket) {
    std::vector<std::string> words{"bwrap",      "--unshare-all", "--unshare-user", "--uid",   "1000",
                                   "--gid",      "1000",          "--hostname",     "sandbox", "--as-pid-1",
                                   "--clearenv", "--bind",        root.string(),    "/"};
    for (const auto* shared : {"/usr", "/etc/alternatives", "/etc/ssl", "/etc/ld.so.cache"}) {
        words.insert(words.end(), {"--ro-bind-try", shared, shared});
    }
    words.insert(words.end(), {"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--ro-bind", STANDIN_AGENT,
                               "/run/agent", "--chdir", "/", "--", "/run/agent", std::to_string(socket)});
    return words;
}

pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t all;
    ::sigfillset(&all);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    // A group of its own: an interrupt of the terminal is for the stand-in, which ends its machines itself.
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t process = -1;
    const int failure = ::posix_spawnp(&process, pointers[0], nullptr, &attributes, pointers.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) throw std::system_error(failure, std::generic_category(), "starting bwrap");
    return process;
}

/// Descriptors that a child inherits may not be made while another child is spawned.
std::mutex& spawning() {
    static std::mutex mutex;
    return mutex;
}

std::string whole(int file) {
    std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
    ::lseek(file, 0, SEEK_SET);
    std::size_t at = 0;
    while (at < text.size()) {
        const auto count = ::read(file, text.data() + at, text.size() - at);
        if (count <= 0) throw std::system_error(errno, std::generic_category(), "reading what a helper wrote");
        at += static_cast<std::size_t>(count);
    }
    return text;
}

berth::FileDescriptor memory_file(std::string_view bytes) {
    berth::FileDescriptor file(::memfd_create("standin", MFD_CLOEXEC));
    if (!file) throw std::system_error(errno, std::generic_category(), "memfd_create");
    if (const int failure = berth::write_all(file.get(), bytes)) {
        throw std::system_error(failure, std::generic_category(), "writing a helper's input");
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

}  // namespace

Machine::Machine(const std::filesystem::path& root) {
    const std::lock_guard lock(spawning());
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    socket_.reset(ends[0]);
    const berth::FileDescriptor other(ends[1]);
    ::fcntl(other.get(), F_SETFD, 0);
    bubblewrap_ = spawn(bubblewrap_words(root, other.get()));
    listener_ = std::thread([this] { listen(); });
}

bool Machine::send(const FrameHeader& header, std::string_view texts, const int* descriptors) {
    const std::lock_guard sending(sending_);
    constexpr auto size = 3 * sizeof(int);
    std::array<char, CMSG_SPACE(size)> control{};
    FrameHeader copy = header;
    iovec part{&copy, sizeof copy};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptors != nullptr) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        auto* attached = CMSG_FIRSTHDR(&message);
        attached->cmsg_level = SOL_SOCKET;
        attached->cmsg_type = SCM_RIGHTS;
        attached->cmsg_len = CMSG_LEN(size);
        std::memcpy(CMSG_DATA(attached), descriptors, size);
    }
    if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) != sizeof copy) return false;
    while (!texts.empty()) {
        const auto count = ::send(socket_.get(), texts.data(), texts.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        texts.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

std::optional<std::uint32_t> Machine::start(const Program& program, const int (&descriptors)[3], Started started,
                                            Ended ended) {
    std::string texts = program.directory + '\0';
    for (const auto& word : program.words) {
        texts += word + '\0';
    }
    for (const auto& variable : program.variables) {
        texts += variable + '\0';
    }
    std::uint32_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        if (gone_) return std::nullopt;
        number = ++last_;
        running_[number] = {std::move(started), std::move(ended)};
    }
    const auto kind = program.account == Program::Account::root ? FrameHeader::start_as_root : FrameHeader::start;
    const FrameHeader header{kind, number, static_cast<std::uint32_t>(texts.size()),
                             static_cast<std::uint32_t>(program.words.size())};
    if (send(header, texts, descriptors)) return number;
    const std::lock_guard lock(mutex_);
    // Where the end of the machine was faster, it has told of this one, too.
    return running_.erase(number) == 0 ? std::optional(number) : std::nullopt;
}

bool Machine::is_gone() {
    const std::lock_guard lock(mutex_);
    return gone_;
}

void Machine::signal(std::uint32_t process, int number) {
    if (is_gone()) return;
    static_cast<void>(send({FrameHeader::signal, process, 0, static_cast<std::uint32_t>(number)}, "", nullptr));
}

void Machine::signal_group(std::uint32_t process, int number) {
    if (is_gone()) return;
    static_cast<void>(send({FrameHeader::signal_group, process, 0, static_cast<std::uint32_t>(number)}, "", nullptr));
}

void Machine::listen() {
    Report report{};
    std::size_t got = 0;
    while (true) {
        const auto count = ::recv(socket_.get(), reinterpret_cast<char*>(&report) + got, sizeof report - got, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        got += static_cast<std::size_t>(count);
        if (got < sizeof report) continue;
        got = 0;
        handle(report);
    }
    std::map<std::uint32_t, Running> lost;
    {
        const std::lock_guard lock(mutex_);
        gone_ = true;
        lost.swap(running_);
    }
    for (const auto& [number, running] : lost) {
        running.ended({});
    }
}

void Machine::handle(const Report& report) {
    Running running;
    {
        const std::lock_guard lock(mutex_);
        const auto found = running_.find(report.number);
        if (found == running_.end()) return;
        if (report.kind == Report::started) {
            running.started = found->second.started;
        } else {
            running = std::move(found->second);
            running_.erase(found);
        }
    }
    switch (report.kind) {
        case Report::started:
            if (running.started) running.started();
            break;
        case Report::no_directory:
            running.ended({Outcome::Kind::no_directory, report.value, 0});
            break;
        case Report::no_program:
            running.ended({Outcome::Kind::no_program, report.value, 0});
            break;
        default:
            running.ended({Outcome::Kind::ended, report.value, report.cpu_milliseconds});
            break;
    }
}

void Machine::stop() {
    const std::lock_guard lock(stopping_);
    if (bubblewrap_ < 0) return;
    ::shutdown(socket_.get(), SHUT_RDWR);  // the agent ends, and with it its whole process namespace
    listener_.join();
    while (::waitpid(bubblewrap_, nullptr, 0) < 0 && errno == EINTR) {
    }
    bubblewrap_ = -1;
}

Machine::Said Machine::run(const Program& program, std::string_view input) {
    const auto from = memory_file(input);
    const auto output = memory_file("");
    const auto error = memory_file("");
    std::mutex mutex;
    std::condition_variable changed;
    bool over = false;
    Said said;
    const auto number = start(program, {from.get(), output.get(), error.get()}, nullptr, [&](const Outcome& outcome) {
        const std::lock_guard lock(mutex);
        said.outcome = outcome;
        over = true;
        changed.notify_all();
    });
    if (!number) return said;
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return over; });
    said.output = whole(output.get());
    said.error = whole(error.get());
    return said;
}

}  // namespace standin
