#include "usage_script.hpp"

#include <sstream>

namespace berth_cloud {

// Memory is that of all processes, page by page as each has it; the disk is the whole one, system included.
const char* const usage_script = R"SH(
head -n1 /proc/stat | { read -r x a; echo "cpu1 $a"; }
set -- /proc/[0-9]*; n=0 r=0
for x do if read -r a b c <"$x/statm"; then n=$((n + 1)) r=$((r + b)); fi; done 2>/dev/null
echo "processes $n"
echo "pages $r $(getconf PAGESIZE 2>/dev/null || echo 4096)"
while read -r a b c d e f g h i j k; do case $a in lo: | *'|'*) ;; *:) echo "net $b $j" ;; esac; done </proc/net/dev
df -kP . | { read -r x; read -r x a b c; echo "disk $b $a"; }
sleep 0.2
head -n1 /proc/stat | { read -r x a; echo "cpu2 $a"; }
while read -r x a; do case $x in cpu[0-9]*) echo core ;; esac; done </proc/stat
)SH";

namespace {

struct Times {
    double busy = 0;
    double all = 0;
};

Times times_of(std::istringstream& fields) {
    Times times;
    double value = 0;
    for (int n = 0; n < 8 && fields >> value; ++n) {  // guest time is in user time already
        times.all += value;
        if (n != 3 && n != 4) times.busy += value;  // idle, waiting for disks
    }
    return times;
}

}  // namespace

berth::Usage read_usage(std::string_view text) {
    berth::Usage usage;
    std::istringstream lines{std::string{text}};
    std::optional<Times> first;
    std::optional<Times> second;
    int cores = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string what;
        std::uint64_t one = 0;
        std::uint64_t two = 0;
        fields >> what;
        if (what == "cpu1") first = times_of(fields);
        if (what == "cpu2") second = times_of(fields);
        if (what == "core") ++cores;
        if (what == "processes" && fields >> one) usage.process_count = one;
        if (what == "pages" && fields >> one >> two) usage.memory_bytes = one * two;
        if (what == "disk" && fields >> one >> two) {
            usage.disk_bytes = one * 1024;
            usage.disk_limit_bytes = two * 1024;
        }
        if (what == "net" && fields >> one >> two) {
            usage.network_received_bytes = usage.network_received_bytes.value_or(0) + one;
            usage.network_sent_bytes = usage.network_sent_bytes.value_or(0) + two;
        }
    }
    if (first && second && second->all > first->all && cores > 0)
        usage.cpu_percent = (second->busy - first->busy) / (second->all - first->all) * 100 * cores;
    usage.sampled_at = berth::now();
    return usage;
}

}  // namespace berth_cloud
