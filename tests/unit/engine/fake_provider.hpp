// A provider made of functions that each test sets, and a Host around it: the engine's tests need no plugin.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/host.hpp"
#include "engine/provider_source.hpp"
#include "plugin/method_table.hpp"

namespace berth_test {

using namespace berth;

/// Something that happens once, and that other threads wait for.
class Signal {
public:
    void raise() {
        const std::lock_guard lock(mutex_);
        raised_ = true;
        changed_.notify_all();
    }
    /// False when it has not come within a bound that no healthy run reaches.
    [[nodiscard]] bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return raised_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool raised_ = false;
};

/// Looks again and again until `condition` holds; false when it never does.
template <class Condition>
bool eventually(const Condition& condition) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
         std::chrono::steady_clock::now() < end; std::this_thread::yield()) {
        if (condition()) return true;
    }
    return false;
}

inline Error provider_error(Code code, std::string message, Outcome outcome = Outcome::none) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.outcome = outcome;
    return {Diagnostic{"BERTH-R-00", code}, std::move(fields)};
}

/// Waits as a well-behaved plugin does until its call is cancelled.
inline void wait_for_cancel(Call& call) {
    while (!call.cancelled())
        std::this_thread::yield();
}

/// What the provider does; every function may be replaced before the call.
struct Script {
    std::function<SandboxInfo(Call&, const SandboxConfig&, FileSource&, const Provider::InfoHandler&)> create =
        [this](Call&, const SandboxConfig& config, FileSource&, const Provider::InfoHandler&) {
            SandboxInfo info;
            info.id = "made-" + std::to_string(++made);
            info.state = SandboxState::ready;
            info.persistent = config.persistent;
            info.labels = config.labels;
            info.environment = config.environment;
            info.idempotency_key = config.idempotency_key;
            return info;
        };
    std::function<SandboxInfo(Call&, std::string_view)> get = [](Call&, std::string_view id) {
        SandboxInfo info;
        info.id = id;
        info.state = SandboxState::ready;
        return info;
    };
    std::function<std::vector<SandboxInfo>(Call&)> list = [](Call&) { return std::vector<SandboxInfo>{}; };
    std::function<void(Call&, std::string_view)> destroy = [](Call&, std::string_view) {};
    using Execute = std::function<ProcessEnd(Call&, std::string_view, const ProcessConfig&, ProcessReceiver&)>;
    Execute execute = [](Call&, std::string_view, const ProcessConfig&, ProcessReceiver& receiver) {
        receiver.started(7);
        return ProcessEnd{};
    };
    Execute execute_stream = execute;
    std::function<void(Call&, std::string_view, FileSource&)> upload = [](Call&, std::string_view, FileSource&) {};
    std::function<void(Call&, std::string_view, std::span<const std::string>, FileSink&)> download =
        [](Call&, std::string_view, std::span<const std::string>, FileSink&) {};
    std::function<bool(Call&, std::string_view)> is_ready = [](Call&, std::string_view) { return true; };
    std::function<SandboxInfo(Call&, std::string_view)> restart = get;
    std::function<void(Call&, const LogOptions&, Provider::Follow, const Provider::BytesHandler&)> get_logs =
        [](Call&, const LogOptions&, Provider::Follow, const Provider::BytesHandler&) {};
    std::function<void()> find = [] {};
    std::function<void(Call&)> open = [](Call&) {};
    std::string version = "1.0";

    Offer offer = [] {
        Offer everything;
        for (const auto& row : method_table)
            everything.methods.emplace_back(row.name);
        everything.methods.emplace_back("berth.snapshots/1");
        for (const auto& feature : feature_names())
            everything.features.push_back({feature, true, {}});
        return everything;
    }();
    void withdraw(const std::string& feature, const std::string& reason) {
        for (auto& state : offer.features) {
            if (state.name == feature) {
                state.offered = false;
                state.reason = reason;
            }
        }
    }
    void lack(const std::string& method) { std::erase(offer.methods, method); }

    std::atomic<int> made{0};
    std::atomic<int> opened{0};
    std::atomic<int> closed{0};
    std::atomic<int> entered{0};  ///< calls of any method
};

class FakeProvider final : public Provider {
public:
    FakeProvider(std::string name, std::shared_ptr<Script> script)
        : name_(std::move(name)), script_(std::move(script)) {}
    ~FakeProvider() override { ++script_->closed; }
    const std::string& name() const noexcept override { return name_; }
    const Offer& offer() const noexcept override { return script_->offer; }

    SandboxInfo create(Call& call, const SandboxConfig& config, FileSource& files, const InfoHandler& early) override {
        return entered().create(call, config, files, early);
    }
    SandboxInfo get(Call& call, std::string_view id) override { return entered().get(call, id); }
    std::vector<SandboxInfo> list(Call& call) override { return entered().list(call); }
    void destroy(Call& call, std::string_view id) override { entered().destroy(call, id); }
    ProcessEnd execute(Call& call, std::string_view id, const ProcessConfig& process,
                       ProcessReceiver& receiver) override {
        return entered().execute(call, id, process, receiver);
    }
    ProcessEnd execute_stream(Call& call, std::string_view id, const ProcessConfig& process,
                              ProcessReceiver& receiver) override {
        return entered().execute_stream(call, id, process, receiver);
    }
    void upload_files(Call& call, std::string_view id, FileSource& source) override {
        entered().upload(call, id, source);
    }
    void download_files(Call& call, std::string_view id, std::span<const std::string> paths, FileSink& sink) override {
        entered().download(call, id, paths, sink);
    }
    ResourceUsage get_resource_usage(Call&, std::string_view) override {
        entered();
        return {};
    }
    bool is_ready(Call& call, std::string_view id) override { return entered().is_ready(call, id); }
    SandboxInfo restart(Call& call, std::string_view id) override { return entered().restart(call, id); }
    std::string create_snapshot(Call&, std::string_view, std::string_view name) override {
        entered();
        return "snapshot-" + std::string(name);
    }
    void restore_snapshot(Call&, std::string_view, std::string_view) override { entered(); }
    void get_logs(Call& call, std::string_view, const LogOptions& options, Follow follow,
                  const BytesHandler& handler) override {
        entered().get_logs(call, options, follow, handler);
    }
    void set_environment_variables(Call&, std::string_view, const Variables&, std::span<const std::string>) override {
        entered();
    }
    Variables get_environment_variables(Call&, std::string_view) override {
        entered();
        return {};
    }
    std::vector<SnapshotInfo> list_snapshots(Call&) override {
        entered();
        SnapshotInfo snapshot;
        snapshot.id = "s";
        return {snapshot};
    }
    void delete_snapshot(Call&, std::string_view) override { entered(); }

private:
    Script& entered() {
        ++script_->entered;
        return *script_;
    }
    std::string name_;
    std::shared_ptr<Script> script_;
};

class FakeSource final : public ProviderSource {
public:
    explicit FakeSource(std::map<std::string, std::shared_ptr<Script>> scripts) : scripts_(std::move(scripts)) {}
    std::shared_ptr<FoundProvider> find(const ProviderConfiguration& provider) override {
        const auto& script = scripts_.at(provider.plugin);
        script->find();
        return std::make_shared<Found>(provider.name, script);
    }

private:
    class Found final : public FoundProvider {
    public:
        Found(std::string name, std::shared_ptr<Script> script) : name_(std::move(name)), script_(std::move(script)) {
            facts_ = {"/plugins/" + name_ + ".so", script_->version, script_->offer.methods, {}, {}};
            for (const auto& feature : script_->offer.features)
                facts_.features.push_back(feature.name);
        }
        [[nodiscard]] const ProviderFacts& facts() const noexcept override { return facts_; }
        std::unique_ptr<Provider> open(Call& call) override {
            ++script_->opened;
            script_->open(call);
            return std::make_unique<FakeProvider>(name_, script_);
        }

    private:
        std::string name_;
        std::shared_ptr<Script> script_;
        ProviderFacts facts_;
    };
    std::map<std::string, std::shared_ptr<Script>> scripts_;
};

/// A Host with the provider `fake` (and others, when asked), whose configuration a test may change before the start.
struct Setting {
    std::shared_ptr<Script> script = std::make_shared<Script>();
    std::map<std::string, std::shared_ptr<Script>> scripts{{"fake", script}};
    HostOptions options = [] {
        HostOptions made;
        made.configuration.providers.resize(1);
        made.configuration.providers.front().name = "fake";
        made.configuration.providers.front().plugin = "fake";
        made.configuration.default_provider = "fake";
        return made;
    }();
    std::mutex log_mutex;
    std::string log;

    ProviderConfiguration& provider() { return options.configuration.providers.front(); }
    ProviderConfiguration& add(const std::string& name) {
        scripts[name] = std::make_shared<Script>();
        auto& added = options.configuration.providers.emplace_back();
        added.name = name;
        added.plugin = name;
        return added;
    }
    std::unique_ptr<Host> start() {
        options.log = [this](LogLevel, std::string_view line) {
            const std::lock_guard lock(log_mutex);
            log.append(line).append("\n");
        };
        return std::make_unique<Host>(options, std::make_unique<FakeSource>(scripts));
    }
    std::string logged() {
        const std::lock_guard lock(log_mutex);
        return log;
    }
};

inline const SandboxName sandbox{"fake", "box"};

/// The error of a call that must fail.
template <class Action>
Error failure_of(const Action& action) {
    try {
        (void)action();
    } catch (const Error& error) {
        return error;
    }
    return {Diagnostic{"no failure", Code::internal}, "it did not fail"};
}

inline ProcessConfig command(std::string name) {
    ProcessConfig process;
    process.command = std::move(name);
    return process;
}

}  // namespace berth_test
