#include "process_id.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

struct StatLine {
    char state = 0;
    pid_t parent = 0;
    std::uint64_t start = 0;
    std::string name;
};

constexpr std::size_t most_arguments = 256U << 10;

std::optional<std::string> proc_file(pid_t pid, const char* name, std::size_t limit = 4096) {
    try {
        return read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/" + name, limit);
    } catch (const Failure&) {
        return std::nullopt;  // ESRCH: it went while we read
    }
}

std::optional<StatLine> stat_line(pid_t pid) {
    const std::optional<std::string> text = proc_file(pid, "stat");
    const std::size_t fields = text ? text->rfind(')') : std::string::npos;
    if (fields == std::string::npos) {
        return std::nullopt;
    }
    StatLine line;
    unsigned long long start = 0;
    const int read = std::sscanf(text->c_str() + fields + 1,
                                 " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                                 &line.state, &line.parent, &start);
    line.start = start;
    const std::size_t name = text->find('(') + 1;
    line.name = text->substr(name, fields - name);
    return read == 3 ? std::optional(line) : std::nullopt;
}

}  // namespace

const std::string& this_boot() {
    static const std::string boot = [] {
        std::string read = read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64).value_or("unknown");
        while (!read.empty() && read.back() == '\n') {
            read.pop_back();
        }
        return read;
    }();
    return boot;
}

std::optional<ProcessId> ProcessId::of(pid_t pid) {
    const std::optional<StatLine> line = pid > 0 ? stat_line(pid) : std::nullopt;
    if (!line || line->state == 'Z' || line->state == 'X') {
        return std::nullopt;
    }
    return ProcessId{pid, line->start, this_boot()};
}

bool ProcessId::alive() const {
    const std::optional<StatLine> line = pid > 0 ? stat_line(pid) : std::nullopt;
    return line && line->state != 'Z' && line->state != 'X' && line->start == start && boot == this_boot();
}

Descriptor ProcessId::open() const {
    if (pid <= 0) {
        return {};
    }
    Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    // The handle is of whoever has the number now: look again whether that is who was meant.
    return handle && alive() ? std::move(handle) : Descriptor();
}

std::string ProcessId::text() const {
    return std::to_string(pid) + " " + std::to_string(start) + " " + boot;
}

std::optional<ProcessId> ProcessId::parse(const std::string& text) {
    std::istringstream words(text);
    ProcessId id;
    if (!(words >> id.pid >> id.start >> id.boot) || id.pid <= 0) {
        return std::nullopt;
    }
    return id;
}

std::optional<ProcessId> parent_called(pid_t pid, std::string_view name) {
    const std::optional<StatLine> line = stat_line(pid);
    const std::optional<StatLine> parent = line ? stat_line(line->parent) : std::nullopt;
    if (!parent || parent->name != name || parent->state == 'Z' || parent->state == 'X') {
        return std::nullopt;
    }
    return ProcessId{line->parent, parent->start, this_boot()};
}

std::optional<pid_t> first_in_namespace(pid_t pid) {
    constexpr int deepest = 10'000;
    for (int depth = 0; pid > 0 && depth < deepest; ++depth) {
        const std::string status = proc_file(pid, "status").value_or("");
        // Its numbers in every namespace, the innermost last.
        const std::size_t numbers = status.find("\nNSpid:");
        const std::size_t end = status.find('\n', numbers + 1);
        if (numbers == std::string::npos || end == std::string::npos) {
            return std::nullopt;
        }
        if (status.substr(numbers, end - numbers).ends_with("\t1")) {
            return pid;
        }
        const std::optional<StatLine> line = stat_line(pid);
        pid = line ? line->parent : 0;
    }
    return std::nullopt;
}

std::vector<ProcessId> processes_started_with(const std::vector<std::string>& words) {
    std::string wanted(1, '\0');
    for (const std::string& word : words) {
        wanted.append(word).append(1, '\0');
    }
    std::vector<ProcessId> found;
    const Descriptor processes(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& name : processes ? names_in(processes.get()) : std::vector<std::string>{}) {
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) {
            continue;
        }
        const std::optional<ProcessId> process = ProcessId::of(pid);
        if (process && proc_file(pid, "cmdline", most_arguments).value_or("").find(wanted) != std::string::npos) {
            found.push_back(*process);
        }
    }
    return found;
}

void kill_through(const Descriptor& handle) {
    if (handle) {
        ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
    }
}

bool wait_gone(const Descriptor& handle, std::chrono::milliseconds limit) {
    if (!handle) {
        return true;
    }
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd gone{handle.get(), POLLIN, 0};
        const int ready = ::poll(&gone, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 && left.count() <= 0) {
            return false;
        }
    }
}

}  // namespace berth_local
