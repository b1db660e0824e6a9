#include "id_namespace.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

namespace berth_root {
namespace {

using berth_local::Descriptor;

constexpr const char* uid_program = "/usr/bin/newuidmap";
constexpr const char* gid_program = "/usr/bin/newgidmap";

void write_map(pid_t process, const char* file, std::initializer_list<Extent> map) {
    std::string text;
    for (const Extent& extent : map) {
        text += std::to_string(extent.inside) + " " + std::to_string(extent.outside) + " " +
                std::to_string(extent.count) + "\n";
    }
    const std::string path = "/proc/" + std::to_string(process) + "/" + file;
    const Descriptor opened(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!opened || ::write(opened.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        give_up("cannot map the ids of the sandbox", errno);
    }
}

// An ordinary user's first extent may be the user's own id, which differs between users and groups.
std::vector<std::string> program_arguments(const char* program, pid_t process, std::initializer_list<Extent> map) {
    std::vector<std::string> arguments{program, std::to_string(process)};
    for (const Extent& extent : map) {
        const bool own = extent.outside == ::getuid() && extent.count == 1 && program == gid_program;
        arguments.push_back(std::to_string(extent.inside));
        arguments.push_back(std::to_string(own ? ::getgid() : extent.outside));
        arguments.push_back(std::to_string(extent.count));
    }
    return arguments;
}

void ask_program(const char* program, pid_t process, std::initializer_list<Extent> map) {
    std::vector<std::string> texts = program_arguments(program, process, map);
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        arguments.push_back(text.data());
    }
    arguments.push_back(nullptr);
    char* const no_environment[] = {nullptr};
    const pid_t child = ::fork();
    if (child == 0) {
        ::execve(program, arguments.data(), no_environment);
        give_up((std::string("cannot run ") + program).c_str(), errno);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child < 0 || status != 0) {
        give_up((std::string(program) + " refuses the ids of the sandbox").c_str(), 0);
    }
}

void map_ids(pid_t process, std::initializer_list<Extent> map) {
    if (::geteuid() == 0) {
        write_map(process, "uid_map", map);
        write_map(process, "gid_map", map);
    } else {
        ask_program(uid_program, process, map);
        ask_program(gid_program, process, map);
    }
}

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        give_up("cannot make a pipe", errno);
    }
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool wait_for_byte(const Descriptor& end) {
    char byte = 0;
    ssize_t size = 0;
    while ((size = ::read(end.get(), &byte, 1)) < 0 && errno == EINTR) {
    }
    return size == 1;
}

void say_byte(const Descriptor& end) {
    [[maybe_unused]] const ssize_t size = ::write(end.get(), "", 1);
}

}  // namespace

void give_up(const char* what, int error) {
    const std::string why = error != 0 ? ": " + std::generic_category().message(error) : std::string();
    std::fprintf(stderr, "berth-root: %s%s\n", what, why.c_str());
    std::fflush(stderr);
    ::_exit(1);
}

void make_namespace(std::initializer_list<Extent> map) {
    // The map is written from outside: by a child that stays behind.
    Pipe made = make_pipe();
    const pid_t self = ::getpid();
    const pid_t writer = ::fork();
    if (writer == 0) {
        made.write.reset();
        if (wait_for_byte(made.read)) {
            map_ids(self, map);
            ::_exit(0);
        }
        ::_exit(1);
    }
    if (writer < 0) {
        give_up("cannot start a process", errno);
    }
    if (::unshare(CLONE_NEWUSER) != 0) {
        give_up("cannot make a user namespace", errno);
    }
    say_byte(made.write);
    int status = 0;
    while (::waitpid(writer, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        ::_exit(1);  // it said why
    }
}

void become_first_id() {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
        give_up("cannot become the first id of the range", errno);
    }
}

Descriptor namespace_with(const Extent& extent) {
    Pipe made = make_pipe();
    Pipe end = make_pipe();
    const pid_t holder = ::fork();
    if (holder == 0) {
        end.write.reset();
        if (::unshare(CLONE_NEWUSER) != 0) {
            give_up("cannot make a user namespace", errno);
        }
        say_byte(made.write);
        (void)wait_for_byte(end.read);
        ::_exit(0);
    }
    made.write.reset();
    if (holder < 0 || !wait_for_byte(made.read)) {
        ::_exit(1);
    }
    map_ids(holder, {extent});
    Descriptor opened(::open(("/proc/" + std::to_string(holder) + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
        give_up("cannot open a user namespace", errno);
    }
    end.write.reset();
    while (::waitpid(holder, nullptr, 0) < 0 && errno == EINTR) {
    }
    return opened;
}

}  // namespace berth_root
