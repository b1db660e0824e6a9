#include "worker_provider.hpp"

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "call_bell.hpp"
#include "diagnostics.hpp"
#include "remote_plugin.hpp"
#include "restart_rule.hpp"
#include "worker_connection.hpp"

namespace berth::inline host_v1 {

namespace {

/// One worker with an instance in it. Members in the order of their making: the instance closes before its worker ends.
struct Generation {
    std::unique_ptr<WorkerConnection> connection;
    LoadedPlugin plugin;
    std::unique_ptr<Provider> provider;
};

/// Whether anything of an answer has been handed on: then it cannot be begun anew.
class WatchedSink final : public FileSink {
public:
    explicit WatchedSink(FileSink& sink) : sink_(sink) {}
    void begin(const FileEntry& entry) override {
        is_touched = true;
        sink_.begin(entry);
    }
    void write(std::string_view bytes) override { sink_.write(bytes); }
    void commit() override { sink_.commit(); }
    void skip(const FileEntry& entry, std::string_view reason) override {
        is_touched = true;
        sink_.skip(entry, reason);
    }
    bool is_touched = false;

private:
    FileSink& sink_;
};

class WorkerProvider final : public Provider {
public:
    explicit WorkerProvider(WorkerProviderOptions options) : options_(std::move(options)) {}
    WorkerProvider(const WorkerProvider&) = delete;
    WorkerProvider& operator=(const WorkerProvider&) = delete;
    ~WorkerProvider() override {
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [this] { return running_ == 0; });
    }

    void open(Call& call) {
        current_ = make(call);
        offer_ = current_->provider->offer();
    }

    [[nodiscard]] const std::string& name() const noexcept override { return options_.provider.name; }
    [[nodiscard]] const Offer& offer() const noexcept override { return offer_; }

    SandboxInfo create(Call& call, const SandboxConfig& config, FileSource& files, const InfoHandler& early) override {
        return once(call, [&](Provider& provider) { return provider.create(call, config, files, early); });
    }
    SandboxInfo get(Call& call, std::string_view id) override {
        return again(call, [&](Provider& provider) { return provider.get(call, id); });
    }
    std::vector<SandboxInfo> list(Call& call) override {
        return again(call, [&](Provider& provider) { return provider.list(call); });
    }
    void destroy(Call& call, std::string_view id) override {
        remove(call, Code::not_found, [&](Provider& provider) { provider.destroy(call, id); });
    }
    ProcessEnd execute(Call& call, std::string_view id, const ProcessConfig& process,
                       ProcessReceiver& receiver) override {
        return once(call, [&](Provider& provider) { return provider.execute(call, id, process, receiver); });
    }
    ProcessEnd execute_stream(Call& call, std::string_view id, const ProcessConfig& process,
                              ProcessReceiver& receiver) override {
        return once(call, [&](Provider& provider) { return provider.execute_stream(call, id, process, receiver); });
    }
    void upload_files(Call& call, std::string_view id, FileSource& source) override {
        once(call, [&](Provider& provider) { provider.upload_files(call, id, source); });
    }
    void download_files(Call& call, std::string_view id, std::span<const std::string> paths, FileSink& sink) override {
        WatchedSink watched(sink);
        again(
            call, [&](Provider& provider) { provider.download_files(call, id, paths, watched); },
            [&] { return !watched.is_touched; });
    }
    ResourceUsage get_resource_usage(Call& call, std::string_view id) override {
        return again(call, [&](Provider& provider) { return provider.get_resource_usage(call, id); });
    }
    bool is_ready(Call& call, std::string_view id) override {
        return again(call, [&](Provider& provider) { return provider.is_ready(call, id); });
    }
    SandboxInfo restart(Call& call, std::string_view id) override {
        return once(call, [&](Provider& provider) { return provider.restart(call, id); });
    }
    std::string create_snapshot(Call& call, std::string_view id, std::string_view snapshot_name) override {
        return once(call, [&](Provider& provider) { return provider.create_snapshot(call, id, snapshot_name); });
    }
    void restore_snapshot(Call& call, std::string_view id, std::string_view snapshot) override {
        once(call, [&](Provider& provider) { provider.restore_snapshot(call, id, snapshot); });
    }
    void get_logs(Call& call, std::string_view id, const LogOptions& options, Follow follow,
                  const BytesHandler& handler) override {
        bool is_touched = false;
        const BytesHandler watched = [&](std::string_view bytes) {
            is_touched = true;
            handler(bytes);
        };
        again(
            call, [&](Provider& provider) { provider.get_logs(call, id, options, follow, watched); },
            [&] { return !is_touched; });
    }
    void set_environment_variables(Call& call, std::string_view id, const Variables& set,
                                   std::span<const std::string> unset) override {
        again(call, [&](Provider& provider) { provider.set_environment_variables(call, id, set, unset); });
    }
    Variables get_environment_variables(Call& call, std::string_view id) override {
        return again(call, [&](Provider& provider) { return provider.get_environment_variables(call, id); });
    }
    std::vector<SnapshotInfo> list_snapshots(Call& call) override {
        return again(call, [&](Provider& provider) { return provider.list_snapshots(call); });
    }
    void delete_snapshot(Call& call, std::string_view snapshot) override {
        remove(call, Code::snapshot_not_found, [&](Provider& provider) { provider.delete_snapshot(call, snapshot); });
    }

private:
    using Clock = RestartRule::Clock;

    /// Counts the methods that run: the end waits for the last one.
    class Running {
    public:
        explicit Running(WorkerProvider& provider) : provider_(provider) {
            const std::lock_guard lock(provider_.mutex_);
            ++provider_.running_;
        }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            const std::lock_guard lock(provider_.mutex_);
            if (--provider_.running_ == 0) provider_.idle_.notify_all();
        }

    private:
        WorkerProvider& provider_;
    };

    template <typename Function>
    using Result = std::invoke_result_t<const Function&, Provider&>;

    template <typename Function>
    Result<Function> once(Call& call, const Function& function) {
        const Running running(*this);
        return function(*current(call)->provider);
    }

    template <typename Function>
    Result<Function> again(Call& call, const Function& function) {
        return again(call, function, [] { return true; });
    }
    /// Once more on a new worker when the first one died under it and nothing of the answer has been handed on.
    template <typename Function, typename Untouched>
    Result<Function> again(Call& call, const Function& function, const Untouched& untouched) {
        const Running running(*this);
        const auto generation = current(call);
        try {
            return function(*generation->provider);
        } catch (const Error& error) {
            if (!generation->connection->death() || call.cancelled() || !untouched()) throw;
            const auto diagnostic = error.diagnostic();
            if (diagnostic != worker_diagnostics::died.number && diagnostic != worker_diagnostics::overran.number &&
                diagnostic != worker_diagnostics::broke_protocol.number)
                throw;
        }
        return function(*current(call)->provider);
    }

    /// The same for what removes something: a worker that died over it may have done it, and then it is gone as it should.
    template <typename Function>
    void remove(Call& call, Code gone, const Function& function) {
        bool is_first = true;
        again(call, [&](Provider& provider) {
            const bool was_tried = !std::exchange(is_first, false);
            try {
                function(provider);
            } catch (const Error& error) {
                if (!was_tried || error.code() != gone) throw;
            }
        });
    }

    [[nodiscard]] std::shared_ptr<Generation> current(Call& call);
    [[nodiscard]] std::shared_ptr<Generation> make(Call& call);
    [[nodiscard]] std::shared_ptr<Generation> revive(Call& call, std::unique_lock<std::mutex> lock);
    void wait_until(Clock::time_point moment, Call& call) const;
    void check_quarantine();
    [[nodiscard]] Error too_many_deaths(const WorkerDeath& last);

    WorkerProviderOptions options_;
    Offer offer_;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::size_t running_ = 0;
    std::mutex reviving_;  ///< one at a time makes a new worker; the others wait for it
    std::shared_ptr<Generation> current_;
    RestartRule rule_;
    std::optional<Error> quarantined_;
};

std::shared_ptr<Generation> WorkerProvider::make(Call& call) {
    // Another provider, or another host, may have found out about this file.
    if (options_.quarantine) {
        if (const auto refusal = options_.quarantine->refusal())
            throw refusal->with_place(options_.provider.name, call.method(), {});
    }
    auto generation = std::make_shared<Generation>();
    const auto& log = options_.provider.log;
    generation->connection = std::make_unique<WorkerConnection>(
        options_.start,
        [log, name = options_.provider.name](LogLevel level, std::string_view line) { log->write(level, name, line); });
    try {
        const auto facts = generation->connection->load(options_.plugin, call);
        generation->plugin = remote_plugin(options_.plugin.path, options_.plugin.manifest, facts);
        auto options = options_.provider;
        options.instance = generation->connection.get();
        generation->provider = open_direct_provider(call, generation->plugin, std::move(options));
        return generation;
    } catch (const Error& error) {
        // What takes too long may have a slow backend to blame.
        const auto number = error.diagnostic();
        const bool was_its_own =
            number == worker_diagnostics::died.number || number == worker_diagnostics::broke_protocol.number;
        const auto death = generation->connection->death();
        if (options_.quarantine && was_its_own && death)
            options_.quarantine->died_opening({1, {}, death->text, death->last_words});
        throw error.with_place(options_.provider.name, "open", {});
    }
}

std::shared_ptr<Generation> WorkerProvider::current(Call& call) {
    {
        const std::lock_guard lock(mutex_);
        check_quarantine();
        if (!current_->connection->death()) return current_;
    }
    return revive(call, std::unique_lock(reviving_));
}

std::shared_ptr<Generation> WorkerProvider::revive(Call& call, std::unique_lock<std::mutex> /*reviving*/) {
    std::shared_ptr<Generation> dead;
    Clock::time_point start_at;
    {
        const std::lock_guard lock(mutex_);
        check_quarantine();
        if (!current_->connection->death()) return current_;  // somebody else was faster
        dead = current_;
        const auto now = Clock::now();
        rule_.died(now);
        start_at = rule_.may_start_at();
        if (rule_.is_exhausted(now)) {
            quarantined_ = too_many_deaths(dead->connection->death().value());
            throw *quarantined_;
        }
    }
    wait_until(start_at, call);
    auto fresh = make(call);
    const std::lock_guard lock(mutex_);
    current_ = fresh;
    return fresh;
}

/// Once somebody has lifted it, the plugin begins anew.
void WorkerProvider::check_quarantine() {
    if (!quarantined_) return;
    if (!options_.quarantine || options_.quarantine->refusal()) throw *quarantined_;
    quarantined_.reset();
    rule_ = {};
}

Error WorkerProvider::too_many_deaths(const WorkerDeath& last) {
    const WorkerDeaths deaths{rule_.deaths(), RestartRule::memory, last.text, last.last_words};
    ErrorFields fields;
    fields.message = "the plugin is not started any more: its worker died " + std::to_string(deaths.count) +
                     " times within a minute, the last one " + deaths.last;
    fields.hint =
        options_.quarantine ? options_.quarantine->begin(deaths) : "Repair or replace the file, then start Berth anew";
    if (!deaths.last_words.empty()) fields.details.emplace_back("stderr", deaths.last_words);
    return Error(worker_diagnostics::quarantined, std::move(fields)).with_place(options_.provider.name, {}, {});
}

void WorkerProvider::wait_until(Clock::time_point moment, Call& call) const {
    const auto woken = make_event();
    const CallBell bell(call, woken);
    for (;;) {
        if (call.cancelled()) {
            throw Error(worker_diagnostics::backing_off,
                        "the worker of the plugin died several times in a row and is not "
                        "started again yet; the call was given up meanwhile",
                        "Try again later, and look at why it dies: its last lines are in the log")
                .with_place(options_.provider.name, call.method(), {});
        }
        const auto left = std::chrono::ceil<Milliseconds>(moment - Clock::now()).count();
        if (left <= 0) return;
        pollfd one{woken.get(), POLLIN, 0};
        ::poll(&one, 1, static_cast<int>(left));
        clear_event(woken);
    }
}

}  // namespace

std::unique_ptr<Provider> open_worker_provider(Call& call, WorkerProviderOptions options) {
    auto provider = std::make_unique<WorkerProvider>(std::move(options));
    provider->open(call);
    return provider;
}

}  // namespace berth::inline host_v1
