// What the tests of plugins that load share: a bad plugin beside a good one, in a worker or in this process, and the
// promise of every case.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "plugin_directory.hpp"
#include "provider/direct_provider.hpp"
#include "worker/worker_provider.hpp"

namespace misbehaving {

using namespace berth;

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
        std::string text;
        std::getline(file, text, '\0');  // nothing of one that ends meanwhile
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

/// Lines of the log, those that workers print included.
class Lines {
public:
    void add(std::string_view line) {
        const std::lock_guard lock(mutex_);
        text_ += std::string(line) + "\n";
        changed_.notify_all();
    }
    [[nodiscard]] std::size_t count(std::string_view part) {
        const std::lock_guard lock(mutex_);
        return count_unlocked(part);
    }
    /// Until the part has come more than so many times, or somebody calls it off. False: called off.
    bool wait_for_more(std::string_view part, std::size_t than, const std::atomic<bool>& is_off) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_off || count_unlocked(part) > than; });
        return count_unlocked(part) > than;
    }
    void wait_for(std::string_view part) {
        const std::atomic<bool> never{false};
        (void)wait_for_more(part, 0, never);
    }
    void call_off(std::atomic<bool>& is_off) {
        const std::lock_guard lock(mutex_);
        is_off = true;
        changed_.notify_all();
    }

private:
    [[nodiscard]] std::size_t count_unlocked(std::string_view part) const {
        std::size_t found = 0;
        for (auto at = text_.find(part); at != std::string::npos; at = text_.find(part, at + part.size()))
            ++found;
        return found;
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
};

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

inline std::vector<SandboxInfo> list_all(Provider& provider) {
    Call call({.method = "list"});
    return provider.list(call);
}

inline ProcessEnd execute_one(Provider& provider) {
    Call call({.method = "execute"});
    Receiver receiver;
    const auto end = provider.execute(call, "one", {}, receiver);
    CHECK(receiver.seen == "hello\n");
    return end;
}

/// Of a call whose progress is put among the lines.
inline Call::Options heard_by(Lines& lines, std::string_view method) {
    Call::Options options;
    options.method = method;
    options.progress = [&lines](std::string_view what, std::uint64_t, std::uint64_t) { lines.add(what); };
    return options;
}

/// Runs `function`, and gives the call up once the plugin has said that it hangs.
template <typename Function>
void given_up_in_the_middle(Lines& lines, Call& call, CancelReason reason, Function&& function) {
    constexpr std::string_view words = "it hangs from here on";
    std::atomic<bool> is_over{false};
    std::thread canceller([&, before = lines.count(words)] {
        if (lines.wait_for_more(words, before, is_over)) call.cancel(reason);
    });
    struct Join {
        Lines& lines;
        std::atomic<bool>& is_over;
        std::thread& thread;
        ~Join() {
            lines.call_off(is_over);
            thread.join();
        }
    } join{lines, is_over, canceller};
    function();
}

/// Where a plugin runs.
enum class Way { worker, in_process };

inline std::unique_ptr<Provider> opened(Call& call, const PluginDirectory& directory, const Catalog& catalog,
                                        const std::string& name, Way way, Lines& lines) {
    const auto& file = file_named(catalog, name + ".so");
    const auto log =
        std::make_shared<Log>(LogLevel::trace, [&lines](LogLevel, std::string_view line) { lines.add(line); });
    if (way == Way::in_process) {
        const auto& loaded = load_plugin(file, TrustRules::of_this_process(), directory.copies());
        return open_direct_provider(call, loaded, {name, {}, {}, log, {}});
    }
    return open_worker_provider(
        call, {{name, {}, {}, log, {}},
               prepare_plugin(file, TrustRules::of_this_process(), directory.copies(), Copying::always),
               process_starter(BERTH_WORKER, {std::uint64_t{512} << 20U, {}}),
               {}});
}

/// A directory with the bad plugin and a good one, and the promise of every case: the good one serves before and after, and
/// nothing is left when both are closed.
class Case {
public:
    /// `beside`: a file that is to lie beside the plugin; empty: none.
    explicit Case(const std::string& name, Way way = Way::worker, const std::string& beside = {})
        : name_(name), way_(way), directory_{name} {
        if (!beside.empty())
            std::filesystem::copy_file(beside, directory_.path() / std::filesystem::path(beside).filename());
        catalog_ = directory_.read();
        if (way == Way::in_process) load_both();
        descriptors_ = open_descriptors();
        good_ = open("good");
        CHECK(get_one(*good_).id == "one");
    }
    Case(const Case&) = delete;
    Case& operator=(const Case&) = delete;
    ~Case() {
        CHECK(get_one(*good_).id == "one");
        CHECK(create_one(*good_).id == "one");
        CHECK(list_all(*good_).size() == 1);
        CHECK(execute_one(*good_).exit_code == 0);
        good_.reset();
        CHECK(descendants().empty());
        CHECK(open_descriptors() == descriptors_);
    }
    /// The bad one.
    [[nodiscard]] std::unique_ptr<Provider> open() { return open(name_); }
    /// The same; its deadline passes when it has said that it hangs.
    [[nodiscard]] std::unique_ptr<Provider> open_past_deadline() {
        Call call(heard_by(lines, "open"));
        std::unique_ptr<Provider> provider;
        given_up_in_the_middle(lines, call, CancelReason::deadline,
                               [&] { provider = opened(call, directory_, catalog_, name_, way_, lines); });
        return provider;
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return directory_.path(); }
    Lines lines;

private:
    [[nodiscard]] std::unique_ptr<Provider> open(const std::string& name) {
        Call call({.method = "open"});
        return opened(call, directory_, catalog_, name, way_, lines);
    }
    /// What is loaded stays loaded, and its copy open.
    void load_both() {
        for (const auto& name : {name_, std::string("good")})
            (void)load_plugin(file_named(catalog_, name + ".so"), TrustRules::of_this_process(), directory_.copies());
    }

    std::string name_;
    Way way_;
    PluginDirectory directory_;
    Catalog catalog_;
    std::size_t descriptors_ = 0;
    std::unique_ptr<Provider> good_;
};

}  // namespace misbehaving
