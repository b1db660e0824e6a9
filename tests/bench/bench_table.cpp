// What Berth adds to a method of a plugin in this process: the method called through a provider, as the engine calls it, and
// the function pointer of the plugin's table called bare, by a program that trusts the plugin and checks nothing. The methods
// are the emptiest there are: `destroy`, which only returns, and `is_ready`, which answers yes. What is timed begins where a
// call begins, with its Call, and ends where its result is in the caller's hands.
//
//   bench_table --plugin FILE [--calls N] [--rounds N] [--warmup N] [--only FIGURE]
//
// The program ignores SIGPIPE, as whoever writes to sockets does; one provider is opened before it does so, and keeps the
// signal from the plugin in each call. Allocations are counted, too, in calls of their own.
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "measure.hpp"
#include "plugin/plugin_file.hpp"
#include "provider/direct_provider.hpp"

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

#ifndef BERTH_SANITIZED
// Whoever allocates, operator new among them, comes through here.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    ++allocations;
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++allocations;
    return __libc_memalign(alignment, size);
}
}
#endif

namespace {

using nlohmann::json;

constexpr std::string_view sandbox = "one";

const berth::LoadedPlugin& load(const std::string& plugin) {
    const auto rules = berth::TrustRules::of_this_process();
    const std::filesystem::path path(plugin);
    const auto directory = berth::open_trusted_directory(path.parent_path().string(), rules);
    const auto file = berth::read_plugin_file(directory, path.filename().string(), berth::SearchOrigin::command_line,
                                              rules, berth::Pins());
    if (file.error) throw *file.error;
    return berth::load_plugin(file, rules);
}

std::unique_ptr<berth::Provider> open(const berth::LoadedPlugin& plugin) {
    berth::Call call({.method = "open"});
    return berth::open_direct_provider(
        call, plugin,
        {"bench", {}, {}, std::make_shared<berth::Log>(berth::LogLevel::error, berth::Log::Handler()), {}});
}

/// The same methods by somebody who calls the table and nothing else: no check, no record, no end of a call.
class Bare {
public:
    explicit Bare(const berth::LoadedPlugin& plugin) : methods_(plugin.methods) { call_.size = sizeof call_; }
    void destroy() {
        if (methods_.destroy(nullptr, &call_, {sandbox.data(), sandbox.size()}) != BERTH_OK) throw std::bad_exception();
    }
    void is_ready() {
        std::int32_t ready = 0;
        berth_ready_sink sink{sizeof sink, 0, &ready, &keep};
        const auto status = methods_.is_ready(nullptr, &call_, {sandbox.data(), sandbox.size()}, &sink);
        if (status != BERTH_OK || ready != 1) throw std::bad_exception();
    }

private:
    static berth_status keep(berth_ready_sink* sink, std::int32_t ready) noexcept {
        *static_cast<std::int32_t*>(sink->host_data) = ready;
        return BERTH_OK;
    }
    const berth_methods& methods_;
    berth_call call_{};
};

void destroy(berth::Provider& provider) {
    berth::Call call({.method = "destroy"});
    provider.destroy(call, sandbox);
}

void is_ready(berth::Provider& provider) {
    berth::Call call({.method = "is_ready"});
    if (!provider.is_ready(call, sandbox)) throw std::runtime_error("the plugin says no");
}

/// A program that embeds Berth has threads, and the C library spares one that has none the price of a lock.
class Bystander {
public:
    Bystander() : thread_([this] { over_.wait(false); }) {}
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    ~Bystander() {
        over_ = true;
        over_.notify_one();
        thread_.join();
    }

private:
    std::atomic<bool> over_{false};
    std::thread thread_;
};

/// Nanoseconds of one of `count` calls.
template <typename Action>
double each(int count, const Action& action) {
    const auto start = bench::Clock::now();
    for (int index = 0; index < count; ++index)
        action();
    return bench::microseconds_since(start) * 1000 / count;
}

template <typename Action>
double allocations_of(int count, const Action& action) {
    const auto before = allocations;
    for (int index = 0; index < count; ++index)
        action();
    return static_cast<double>(allocations - before) / count;
}

json measure(int count, char** words) {
    const bench::Arguments given(count, words);
    // A step is shorter than a turn on the processor: most rounds are then nobody else's.
    const int calls = given.number("calls", 10'000);
    const auto& plugin = load(given.text("plugin"));
    // Before SIGPIPE is ignored: this one keeps it from the plugin by itself.
    const auto keeping = open(plugin);
    ::signal(SIGPIPE, SIG_IGN);
    const auto provider = open(plugin);
    Bare bare(plugin);
    const Bystander bystander;

    // Both in one step, one right after the other: what the machine does meanwhile hits both.
    const auto compare = [calls](const auto& without, const auto& with) {
        return [calls, without, with] {
            const double alone = each(calls, without);
            const double through = each(calls, with);
            return std::vector<double>{alone, through, through - alone};
        };
    };
    bench::Comparison comparison;
    comparison.add({{"destroy, bare", "destroy", "destroy: added"},
                    compare([&] { bare.destroy(); }, [&] { destroy(*provider); })});
    comparison.add({{"is_ready, bare", "is_ready", "is_ready: added"},
                    compare([&] { bare.is_ready(); }, [&] { is_ready(*provider); })});
    comparison.add({{"destroy, bare, once more", "destroy, SIGPIPE not ignored", "destroy, SIGPIPE not ignored: added"},
                    compare([&] { bare.destroy(); }, [&] { destroy(*keeping); })});
    comparison.keep_only(given.text("only"));
    comparison.run(given.number("rounds", 500), given.number("warmup", 10));
    auto report = comparison.report("ns");
    report["allocations"] = {{"destroy", allocations_of(calls, [&] { destroy(*provider); })},
                             {"is_ready", allocations_of(calls, [&] { is_ready(*provider); })}};
    return report;
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_table", [&] { return measure(count, words); });
}
