#include "usage.hpp"

#include <unistd.h>

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

}  // namespace

void write_usage(Buffer& answer, const Run* runs) {
    Sum sum{runs};
    each_process(add, &sum);
    const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    protocol::Writer frame(answer, protocol::Type::usage_sample);
    frame.u64(sum.pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)))
        .u64(sum.processes)
        .u64(sum.ticks * (1'000'000'000 / ticks_per_second))
        .u64(static_cast<std::uint64_t>(monotonic_ns()))
        .finish();
}

}  // namespace berth_init
