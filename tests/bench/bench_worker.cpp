// A plugin in a worker: a call against a bare round trip over a socketpair between two processes, a new worker against
// posix_spawn of `true`, the next call after a kill, and a gibibyte each way against the same plugin in this process.
//
//   bench_worker --worker PROGRAM --plugin FILE --plugins DIR [--mebibytes N] [--calls N] [--rounds N]
//                [--only "get through a worker"]
//
// --only, for a profiler, leaves out all but one side of the calls.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "embedded.hpp"
#include "measure.hpp"
#include "plugin/plugin_file.hpp"
#include "provider/direct_provider.hpp"
#include "worker/worker_provider.hpp"

namespace {

using nlohmann::json;

constexpr std::size_t message_bytes = 256;

/// A process that sends back what it gets.
class Echo {
public:
    Echo() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::runtime_error("socketpair");
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ends[0]);
            std::array<char, message_bytes> bytes{};
            for (;;) {
                const auto got = ::recv(ends[1], bytes.data(), bytes.size(), 0);
                if (got <= 0) ::_exit(0);
                if (::send(ends[1], bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) ::_exit(1);
            }
        }
        ::close(ends[1]);
        socket_ = ends[0];
    }
    Echo(const Echo&) = delete;
    Echo& operator=(const Echo&) = delete;
    ~Echo() {
        ::close(socket_);
        bench::wait_for(child_);
    }
    void round_trip() const {
        std::array<char, message_bytes> bytes{};
        if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ||
            ::recv(socket_, bytes.data(), bytes.size(), MSG_WAITALL) != static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("the echo is gone");
    }

private:
    pid_t child_ = 0;
    int socket_ = -1;
};

/// One plugin file, opened in either way.
class Opener {
public:
    Opener(std::string worker, const std::string& plugin)
        : worker_(std::move(worker)), rules_(berth::TrustRules::of_this_process()) {
        const std::filesystem::path path(plugin);
        const auto directory = berth::open_trusted_directory(path.parent_path().string(), rules_);
        file_ = berth::read_plugin_file(directory, path.filename().string(), berth::SearchOrigin::command_line, rules_,
                                        berth::Pins());
        if (file_.error) throw *file_.error;
    }
    [[nodiscard]] std::unique_ptr<berth::Provider> in_worker() const {
        berth::Call call({.method = "open"});
        return berth::open_worker_provider(call, {options(),
                                                  berth::prepare_plugin(file_, rules_, {}, berth::Copying::always),
                                                  berth::process_starter(worker_, {}),
                                                  {}});
    }
    [[nodiscard]] std::unique_ptr<berth::Provider> in_process() const {
        berth::Call call({.method = "open"});
        return berth::open_direct_provider(call, berth::load_plugin(file_, rules_), options());
    }

private:
    [[nodiscard]] static berth::DirectProviderOptions options() {
        return {"bench", {}, {}, std::make_shared<berth::Log>(berth::LogLevel::error, berth::Log::Handler()), {}};
    }
    std::string worker_;
    berth::TrustRules rules_;
    berth::PluginFile file_;
};

void get_one(berth::Provider& provider) {
    berth::Call call({.method = "get"});
    if (provider.get(call, "one").id != "one") throw std::runtime_error("another sandbox");
}

std::optional<pid_t> worker_process() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string number;
        std::string program;
        std::string state;
        pid_t parent = 0;
        file >> number >> program >> state >> parent;
        if (program == "(berth-worker)" && parent == ::getpid()) return std::stoi(name);
    }
    return std::nullopt;
}

double resident_kibibytes(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
    throw std::runtime_error("no VmRSS");
}

/// Both ends of every pair on one processor, or the scheduler's mood of the minute is what is measured: a wake-up on the
/// other one takes five times as long here.
class OneProcessor {
public:
    OneProcessor() {
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t first;
        CPU_ZERO(&first);
        for (int processor = 0; processor < CPU_SETSIZE && CPU_COUNT(&first) == 0; ++processor)
            if (CPU_ISSET(processor, &before_)) CPU_SET(processor, &first);
        ::sched_setaffinity(0, sizeof first, &first);
    }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;
    ~OneProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_{};
};

json calls(const Opener& opener, const bench::Arguments& given, int rounds) {
    const int count = given.number("calls", 1000);
    const OneProcessor one;
    const Echo echo;
    const auto remote = opener.in_worker();
    const auto direct = opener.in_process();
    const auto times = [count](const auto& action) {
        return bench::timed([count, action] {
            for (int index = 0; index < count; ++index)
                action();
        });
    };
    bench::Comparison comparison;
    comparison.add("socketpair round trip", times([&] { echo.round_trip(); }));
    comparison.add("get through a worker", times([&] { get_one(*remote); }));
    comparison.add("get in this process", times([&] { get_one(*direct); }));
    comparison.keep_only(given.text("only"));
    comparison.run(rounds, 1);
    auto report = comparison.report();
    report["resident_kib"] = resident_kibibytes(worker_process().value());
    return report;
}

json starts(const Opener& opener, int rounds) {
    const bench::Words words({"true"});
    bench::Comparison comparison;
    comparison.add("posix_spawn + wait", bench::timed([&] { bench::wait_for(bench::spawn(words.get(), {})); }));
    comparison.add("worker until it is open", [&] {
        const auto start = bench::Clock::now();
        const auto provider = opener.in_worker();
        return std::vector<double>{bench::microseconds_since(start)};
    });
    comparison.add("next call after a kill", [&] {
        const auto provider = opener.in_worker();
        get_one(*provider);
        ::kill(worker_process().value(), SIGKILL);
        const auto start = bench::Clock::now();
        get_one(*provider);
        return std::vector<double>{bench::microseconds_since(start)};
    });
    comparison.run(rounds, 1);
    return comparison.report();
}

class Counter final : public berth::OutputReceiver {
public:
    void output(berth::OutputStream, std::string_view bytes) override { total += bytes.size(); }
    std::uint64_t total = 0;
};

/// A Host with `local` as it usually is, or in a worker.
class LocalHost {
public:
    LocalHost(const bench::Arguments& given, const std::string& place, berth::RunMode run)
        : host_(options(given, place, run)), sandbox_(bench::make_sandbox(host_)) {}
    void output(int mebibytes) {
        Counter counter;
        auto process = host_.execute_stream(
            sandbox_, bench::command({"head", "-c", std::to_string(mebibytes) + "M", "/dev/zero"}), counter);
        if (process.wait().exit_code != 0 || counter.total != static_cast<std::uint64_t>(mebibytes) << 20U)
            throw std::runtime_error("the writer failed");
    }
    void upload(const std::string& file) {
        const std::array files{berth::FileOperation{file, "there.bin", {}, {}}};
        host_.upload_files(sandbox_, files);
    }

private:
    static berth::HostOptions options(const bench::Arguments& given, const std::string& place, berth::RunMode run) {
        auto options = bench::embedded_options(given.text("plugins"), place);
        options.configuration.providers.front().run = run;
        options.worker_program = given.text("worker");
        return options;
    }
    berth::Host host_;
    berth::SandboxName sandbox_;
};

json bulk(const bench::Arguments& given, const std::string& place, const char* direct, const char* remote,
          const std::function<void(LocalHost&)>& action, int rounds) {
    LocalHost here(given, place + "/direct", berth::RunMode::in_process);
    LocalHost there(given, place + "/worker", berth::RunMode::worker);
    bench::Comparison comparison;
    comparison.add(direct, bench::timed([&] { action(here); }));
    comparison.add(remote, bench::timed([&] { action(there); }));
    comparison.run(rounds, 1);
    return comparison.report();
}

json measure(int count, char** words) {
    const bench::Arguments given(count, words);
    const bench::Place place(given.text("place", "/var/tmp"));
    const int rounds = given.number("rounds", 9);
    const int mebibytes = given.number("mebibytes", 1024);
    const Opener opener(given.text("worker"), given.text("plugin"));
    json report;
    report["calls"] = calls(opener, given, rounds);
    if (!given.text("only").empty()) return report;
    const auto file = place.path() + "/file";
    {
        std::ofstream whole(file, std::ios::binary);
        const std::string part(std::size_t{1} << 20U, 'x');
        for (int mebibyte = 0; mebibyte < mebibytes; ++mebibyte)
            whole << part;
    }
    report["starts"] = starts(opener, rounds);
    report["output"] = bulk(
        given, place.path() + "/output", "output, in this process", "output, through a worker",
        [&](LocalHost& host) { host.output(mebibytes); }, rounds);
    report["upload"] = bulk(
        given, place.path() + "/upload", "upload, in this process", "upload, through a worker",
        [&](LocalHost& host) { host.upload(file); }, rounds);
    return report;
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_worker", [&] { return measure(count, words); });
}
