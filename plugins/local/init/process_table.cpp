// See process_table.hpp. A line of /proc/PID/stat is "pid (name) state parent group session ...": the name may hold
// anything, so fields are counted from the last parenthesis.
#include "process_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../directory_entry.hpp"

namespace berth_init {
namespace {

bool read_line(const char* name, ProcessLine& line) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    char text[1024];
    const ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) {
        return false;
    }
    text[size] = 0;
    const char* fields = std::strrchr(text, ')');
    if (fields == nullptr) {
        return false;
    }
    unsigned long long user = 0;
    unsigned long long system = 0;
    long long childrens_user = 0;
    long long childrens_system = 0;
    long long resident = 0;
    const int read_fields = std::sscanf(
        fields + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld %*d %*d %*d %*d %*u %*u %lld",
        &line.state, &line.parent, &line.group, &line.session, &user, &system, &childrens_user, &childrens_system,
        &resident);
    if (read_fields != 9) {
        return false;
    }
    line.pid = std::atoi(name);
    line.cpu_ticks = user + system + static_cast<unsigned long long>(childrens_user + childrens_system);
    line.resident_pages = resident < 0 ? 0 : static_cast<std::uint64_t>(resident);
    return true;
}

struct Family {
    pid_t* members = nullptr;
    std::size_t count = 0;
    std::size_t capacity = 0;
    pid_t anchor = 0;
    pid_t main = 0;
    bool grown = false;
    bool alive = false;  // a member that is not dying yet was met

    bool has(pid_t pid) const {
        for (std::size_t i = 0; i < count; ++i) {
            if (members[i] == pid) {
                return true;
            }
        }
        return false;
    }
    void add(pid_t pid) {
        if (count == capacity) {
            const std::size_t wanted = capacity == 0 ? 64 : capacity * 2;
            auto* grown_members = static_cast<pid_t*>(std::realloc(members, wanted * sizeof(pid_t)));
            if (grown_members == nullptr) {
                return;
            }
            members = grown_members;
            capacity = wanted;
        }
        members[count++] = pid;
        grown = true;
    }
};

void look(void* context, const ProcessLine& line) {
    auto& family = *static_cast<Family*>(context);
    if (line.pid == 1 || line.pid == family.anchor) {
        return;
    }
    const bool of_anchor = family.anchor != 0 && line.parent == family.anchor;
    const bool of_main =
        family.main != 0 && (line.pid == family.main || line.group == family.main || line.session == family.main);
    if (!of_anchor && !of_main && !family.has(line.parent)) {
        return;
    }
    if (!family.has(line.pid)) {
        family.add(line.pid);
    }
    if (line.state != 'Z' && line.state != 'X') {
        family.alive = true;
        kill(line.pid, SIGKILL);
    }
}

}  // namespace

void each_process(void (*visit)(void* context, const ProcessLine& line), void* context) {
    DIR* directory = opendir("/proc");
    if (directory == nullptr) {
        return;
    }
    while (const dirent* entry = next_entry(directory)) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        ProcessLine line{};
        if (read_line(entry->d_name, line)) {
            visit(context, line);
        }
    }
    closedir(directory);
}

void kill_descendants(pid_t anchor, pid_t main) {
    Family family;
    family.anchor = anchor;
    family.main = main;
    for (int round = 0; round < 16; ++round) {
        family.grown = false;
        family.alive = false;
        each_process(look, &family);
        if (!family.grown && (round > 0 || !family.alive)) {
            break;
        }
    }
    std::free(family.members);
}

}  // namespace berth_init
