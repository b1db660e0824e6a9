// A gibibyte of a process's output, from a sandbox to a callback of the host, against a bare loop that reads the same
// program's output from a pipe of the same size. Also how much the host's memory grew meanwhile.
//
//   bench_output --plugins DIR --place DIR [--mebibytes N] [--rounds N]
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "embedded.hpp"
#include "measure.hpp"

namespace {

constexpr int pipe_bytes = 1 << 20;
constexpr std::size_t read_bytes = 256U << 10;

/// The writer of both sides: 64 KiB at a time out of memory.
std::vector<std::string> writer(int mebibytes) {
    return {"head", "-c", std::to_string(mebibytes) + "M", "/dev/zero"};
}

class Counter final : public berth::OutputReceiver {
public:
    void output(berth::OutputStream, std::string_view bytes) override { total += bytes.size(); }
    std::uint64_t total = 0;
};

void expect(std::uint64_t total, int mebibytes) {
    if (total != static_cast<std::uint64_t>(mebibytes) << 20U) {
        throw std::runtime_error("found " + std::to_string(total) + " bytes");
    }
}

void read_bare(char* const* words, int mebibytes, char* buffer) {
    bench::Pipe pipe;
    fcntl(pipe.read_end, F_SETPIPE_SZ, pipe_bytes);
    bench::Streams streams;
    streams.set(1, pipe.write_end);
    const pid_t child = bench::spawn(words, streams);
    pipe.close_write_end();
    std::uint64_t total = 0;
    for (ssize_t size = 1; size > 0; total += static_cast<std::uint64_t>(size)) {
        size = read(pipe.read_end, buffer, read_bytes);
    }
    bench::wait_for(child);
    expect(total, mebibytes);
}

double resident_kibibytes() {
    long pages = 0;
    FILE* file = std::fopen("/proc/self/statm", "re");
    if (file == nullptr || std::fscanf(file, "%*d %ld", &pages) != 1) throw std::runtime_error("no /proc/self/statm");
    std::fclose(file);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

nlohmann::json measure(int count, char** arguments) {
    const bench::Arguments given(count, arguments);
    const int mebibytes = given.number("mebibytes", 1024);
    const bench::Place place(given.text("place", "/var/tmp"));
    berth::Host host(bench::embedded_options(given.text("plugins"), place.path() + "/state"));
    const auto sandbox = bench::make_sandbox(host);
    const auto buffer = std::make_unique<char[]>(read_bytes);
    const bench::Words words(writer(mebibytes));
    const auto command = bench::command(writer(mebibytes));
    const auto stream = [&] {
        Counter counter;
        auto process = host.execute_stream(sandbox, command, counter);
        if (process.wait().exit_code != 0) throw std::runtime_error("the writer failed");
        expect(counter.total, mebibytes);
    };
    bench::Comparison comparison;
    comparison.add("pipe and a read loop", bench::timed([&] { read_bare(words.get(), mebibytes, buffer.get()); }));
    comparison.add("execute_stream to a callback", bench::timed(stream));
    // The first process of a Host brings its threads and caches; what one more gibibyte adds is what counts.
    (void)host.execute(sandbox, bench::command({"true"}));
    auto small = command;
    small.args = {"-c", "4M", "/dev/zero"};
    Counter counter;
    host.execute_stream(sandbox, small, counter).wait();
    // Each may catch the allocator at another moment: the one in the middle of three.
    std::array<double, 3> growth{};
    for (auto& one : growth) {
        const double before = resident_kibibytes();
        stream();
        one = resident_kibibytes() - before;
    }
    std::sort(growth.begin(), growth.end());
    comparison.run(given.number("rounds", 9), given.number("warmup", 1));
    auto report = comparison.report();
    report["memory_growth_kib"] = growth[1];
    return report;
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_output", [&] { return measure(count, words); });
}
