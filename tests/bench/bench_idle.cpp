// What many live idle sandboxes cost: PSS of their processes, kernel slab, page tables and kernel stacks, against as many
// of the same bubblewrap holding a static program that sleeps. Each kind is made, measured and ended for itself.
//
//   bench_idle --plugins DIR --hold FILE --place DIR [--sandboxes N] [--rounds N]
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include "embedded.hpp"
#include "measure.hpp"

namespace {

/// Kibibytes of a line such as "Slab:  123 kB" in a file of /proc.
double kibibytes(const std::string& path, const std::string& name) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1));
    }
    return 0;
}

struct Memory {
    double pss = 0;
    double slab = 0;
    double page_tables = 0;
    double stacks = 0;
    [[nodiscard]] double sum() const { return pss + slab + page_tables + stacks; }
};

Memory operator-(const Memory& one, const Memory& other) {
    return {one.pss - other.pss, one.slab - other.slab, one.page_tables - other.page_tables, one.stacks - other.stacks};
}

/// PSS of every process with one of these names; the rest is the kernel's own count of the whole machine.
Memory memory_now() {
    Memory memory;
    DIR* processes = opendir("/proc");
    while (const dirent* entry = processes != nullptr ? readdir(processes) : nullptr) {
        const std::string directory = std::string("/proc/") + entry->d_name;
        std::string name;
        std::getline(std::ifstream(directory + "/comm"), name);
        if (name == "bwrap" || name == "berth-init" || name == "bench_hold" || name == "9") {
            memory.pss += kibibytes(directory + "/smaps_rollup", "Pss");
        }
    }
    if (processes != nullptr) closedir(processes);
    memory.slab = kibibytes("/proc/meminfo", "Slab");
    memory.page_tables = kibibytes("/proc/meminfo", "PageTables");
    memory.stacks = kibibytes("/proc/meminfo", "KernelStack");
    return memory;
}

/// Namespaces go asynchronously: waits until the slab no longer shrinks.
void settle() {
    double before = kibibytes("/proc/meminfo", "Slab");
    for (int attempt = 0; attempt < 20; ++attempt) {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        const double now = kibibytes("/proc/meminfo", "Slab");
        if (now > before - 256) return;
        before = now;
    }
}

using Maker = std::function<std::shared_ptr<void>(int)>;

nlohmann::json figure(const std::string& name, int sandboxes, const Maker& make) {
    settle();
    const Memory before = memory_now();
    std::vector<std::shared_ptr<void>> made;
    for (int index = 0; index < sandboxes; ++index) {
        made.push_back(make(index));
    }
    settle();
    const Memory each = memory_now() - before;
    const double count = sandboxes;
    return {{"name", name},
            {"kib_each", each.sum() / count},
            {"pss_kib_each", each.pss / count},
            {"slab_kib_each", each.slab / count},
            {"page_tables_kib_each", each.page_tables / count},
            {"kernel_stacks_kib_each", each.stacks / count}};
}

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const int sandboxes = given.number("sandboxes", 1000);
    const bench::Place place(given.text("place", "/var/tmp"));
    berth::Host host(bench::embedded_options(given.text("plugins"), place.path() + "/state"));
    const bench::HeldProgram held(given.text("hold"));
    const Maker bare = [&](int index) {
        return std::make_shared<bench::HeldSandbox>(place.path() + "/bare-" + std::to_string(index), held);
    };
    const Maker berths = [&](int) {
        return std::shared_ptr<void>(new berth::SandboxName(bench::make_sandbox(host)), [&](void* sandbox) {
            const std::unique_ptr<berth::SandboxName> name(static_cast<berth::SandboxName*>(sandbox));
            host.destroy(*name);
        });
    };
    // A warm-up of both fills the kernel's caches, which would else be counted for whoever comes first.
    (void)figure("", sandboxes / 10 + 1, bare);
    (void)figure("", sandboxes / 10 + 1, berths);
    nlohmann::json answer{{"sandboxes", sandboxes}, {"figures", nlohmann::json::array()}};
    for (int round = 0; round < given.number("rounds", 1); ++round) {
        answer["figures"].push_back(figure("bwrap holding a static program", sandboxes, bare));
        answer["figures"].push_back(figure("sandbox", sandboxes, berths));
    }
    return answer;
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_idle", [&] { return measure(count, words); });
}
