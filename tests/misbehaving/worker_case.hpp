// What the tests of plugins in workers share: a bad plugin beside a good one, and the promise of every case.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "plugin_directory.hpp"
#include "provider/direct_provider.hpp"
#include "worker/worker_provider.hpp"

namespace misbehaving {

using namespace berth;
using namespace std::chrono_literals;

class NoFiles final : public FileSource {
public:
    std::optional<FileEntry> next() override { return std::nullopt; }
    std::size_t read(std::span<std::byte>) override { return 0; }
    bool rewind() override { return false; }
    int pipe() override { return -1; }
    void done(std::uint64_t) override {}
};

class Receiver final : public ProcessReceiver {
public:
    void started(std::optional<std::int64_t>) override {}
    Taken output(OutputStream, std::string_view bytes) override {
        seen += bytes;
        return Taken::taken;
    }
    std::string seen;
};

/// Processes below this one, by their parents' word; zombies count.
inline std::set<pid_t> descendants() {
    std::map<pid_t, pid_t> parents;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string text((std::istreambuf_iterator<char>(file)), {});
        const auto end = text.rfind(')');
        if (end == std::string::npos) continue;
        parents[std::stoi(name)] = std::stoi(text.substr(end + 4));
    }
    std::set<pid_t> found{::getpid()};
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [child, parent] : parents)
            if (found.count(parent) != 0 && found.insert(child).second) grown = true;
    }
    found.erase(::getpid());
    return found;
}

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

/// Lines of the workers.
struct Lines {
    std::mutex mutex;
    std::string text;
    [[nodiscard]] bool has(std::string_view part) {
        const std::lock_guard lock(mutex);
        return text.find(part) != std::string::npos;
    }
};

inline std::unique_ptr<Provider> opened(const Catalog& catalog, const std::string& name, Lines* lines = nullptr,
                                        std::optional<Call::Clock::time_point> until = {}) {
    const auto& file = file_named(catalog, name + ".so");
    const auto log = std::make_shared<Log>(LogLevel::trace, [lines](LogLevel, std::string_view line) {
        if (lines == nullptr) return;
        const std::lock_guard lock(lines->mutex);
        lines->text += std::string(line) + "\n";
    });
    Call call({.method = "open", .deadline = until});
    std::thread clock;
    if (until) {
        clock = std::thread([&call, moment = *until] {
            std::this_thread::sleep_until(moment);
            call.cancel(CancelReason::deadline);
        });
    }
    struct Join {
        std::thread& thread;
        ~Join() {
            if (thread.joinable()) thread.join();
        }
    } join{clock};
    return open_worker_provider(call, {{name, {}, {}, log, {}},
                                       file.path,
                                       file.identity,
                                       *file.manifest,
                                       process_starter(BERTH_WORKER, {std::uint64_t{512} << 20U, {}}),
                                       {}});
}

template <typename Function>
Error failure_of(Function&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return {Diagnostic{"BERTH-R-00", Code::internal}, "unreachable"};
}

inline SandboxInfo create_one(Provider& provider) {
    Call call({.method = "create"});
    NoFiles files;
    SandboxConfig config;
    config.idempotency_key = "key";
    return provider.create(call, config, files, {});
}

inline SandboxInfo get_one(Provider& provider) {
    Call call({.method = "get"});
    return provider.get(call, "one");
}

/// Cancelled a moment after it began, as if by a person.
template <typename Function>
void cancelled_soon(Call& call, CancelReason reason, Function&& function) {
    std::thread canceller([&] {
        std::this_thread::sleep_for(20ms);
        call.cancel(reason);
    });
    struct Join {
        std::thread& thread;
        ~Join() { thread.join(); }
    } join{canceller};
    function();
}

/// A directory with the bad plugin and a good one, and the promise of every case: the good one serves before and after, and
/// nothing is left when both are closed.
class Case {
public:
    explicit Case(const std::string& name) : name_(name), directory_{name}, catalog_(directory_.read()) {
        good_ = misbehaving_opened("good");
        CHECK(get_one(*good_).id == "one");
    }
    Case(const Case&) = delete;
    Case& operator=(const Case&) = delete;
    ~Case() {
        CHECK(get_one(*good_).id == "one");
        CHECK(create_one(*good_).id == "one");
        good_.reset();
        CHECK(descendants().empty());
        CHECK(open_descriptors() == descriptors_);
    }
    [[nodiscard]] std::unique_ptr<Provider> open() { return misbehaving_opened(name_); }
    [[nodiscard]] std::unique_ptr<Provider> open_until(Milliseconds patience) {
        return opened(catalog_, name_, &lines, Call::Clock::now() + patience);
    }
    Lines lines;

private:
    std::unique_ptr<Provider> misbehaving_opened(const std::string& name) { return opened(catalog_, name, &lines); }
    std::string name_;
    std::size_t descriptors_ = open_descriptors();
    PluginDirectory directory_;
    Catalog catalog_;
    std::unique_ptr<Provider> good_;
};

}  // namespace misbehaving
