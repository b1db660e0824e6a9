#include "usage.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "process_table.hpp"

namespace berth_init {
namespace {

struct Sum {
    const Run* runs;
    std::uint64_t processes = 0;
    std::uint64_t pages = 0;
    std::uint64_t ticks = 0;
};

void add(void* context, const ProcessLine& line) {
    auto& sum = *static_cast<Sum*>(context);
    sum.ticks += line.cpu_ticks;
    if (line.state == 'Z' || line.state == 'X') {
        return;
    }
    ++sum.processes;
    for (const Run* run = sum.runs; run != nullptr; run = run->next) {
        if (run->anchor_lives && run->anchor == line.pid) {
            return;
        }
    }
    sum.pages += line.resident_pages;
}

struct Traffic {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
};

// Of every interface but lo. A line of /proc/net/dev is "name: bytes and 7 more received, bytes and 7 more sent".
Traffic traffic() {
    Traffic sum;
    const int file = open("/proc/net/dev", O_RDONLY | O_CLOEXEC);
    char text[8192];
    const ssize_t size = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0) {
        close(file);
    }
    text[size < 0 ? 0 : size] = 0;
    char* rest = nullptr;
    for (char* line = strtok_r(text, "\n", &rest); line != nullptr; line = strtok_r(nullptr, "\n", &rest)) {
        char name[32];
        unsigned long long received = 0;
        unsigned long long sent = 0;
        if (std::sscanf(line, " %31[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &received, &sent) == 3 &&
            std::strcmp(name, "lo") != 0) {
            sum.received += received;
            sum.sent += sent;
        }
    }
    return sum;
}

}  // namespace

void write_usage(Buffer& answer, const Run* runs) {
    Sum sum{runs};
    each_process(add, &sum);
    const Traffic bytes = traffic();
    const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    protocol::Writer frame(answer, protocol::Type::usage_sample);
    frame.u64(sum.pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)))
        .u64(sum.processes)
        .u64(sum.ticks * (1'000'000'000 / ticks_per_second))
        .u64(static_cast<std::uint64_t>(monotonic_ns()))
        .u64(bytes.received)
        .u64(bytes.sent)
        .finish();
}

}  // namespace berth_init
