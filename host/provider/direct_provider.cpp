// Longer than most because it is the list of all methods: each a few lines of the same form, which are read side by
// side.
#include "direct_provider.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "../base/broken_pipe.hpp"
#include "../base/text.hpp"
#include "../plugin/method_table.hpp"
#include "../service/host_services.hpp"
#include "c_call.hpp"
#include "c_files.hpp"
#include "c_process.hpp"
#include "c_request.hpp"
#include "c_results.hpp"
#include "diagnostics.hpp"
#include "reported.hpp"
#include "terminal_rule.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t longest_exception = 4096;

/// Names of the methods and extensions that a plugin has, as its manifest and its table agree on.
std::vector<std::string> methods_of(const LoadedPlugin& plugin) {
    std::vector<std::string> names;
    for (const auto& row : method_table) {
        if (plugin.has(row.method)) names.emplace_back(row.name);
    }
    if (plugin.snapshots) names.emplace_back(BERTH_SNAPSHOTS_EXTENSION);
    return names;
}

/// Which values of a request must not come back in any text.
std::vector<std::string_view> secret_values(const SandboxConfig& config) {
    std::vector<std::string_view> values;
    for (const auto& name : config.secret_env) {
        const auto found = config.environment.env.find(name);
        if (found != config.environment.env.end()) values.emplace_back(found->second);
    }
    return values;
}

/// How a method came back: what judge() hears of it, if there is anything to judge.
struct Returned {
    std::string_view method;
    berth_status status = BERTH_OK;
    Answer answer = Answer::not_needed;
    std::optional<std::string> exception;
    std::string missing;
};

/// Runs code of the plugin. What it throws stops here: beyond this line an exception would be undefined behaviour for
/// a plugin in C, and a lost call for everybody else.
template <typename Function>
Returned enter(CCall& call, Function&& function) {
    Returned returned;
    returned.method = call.call().method();
    try {
        returned.status = function();
    } catch (const std::exception& error) {
        returned.exception = bearable(call.safe(error.what()), longest_exception);
    } catch (...) {
        returned.exception = "something that is no std::exception";
    }
    return returned;
}

bool is_ok(const Returned& returned) noexcept {
    return !returned.exception && returned.status == BERTH_OK;
}

/// `what` is looked at only when it is missing.
void expect(Returned& returned, bool there, std::string_view what, Answer given = Answer::given) {
    returned.answer = there ? given : Answer::missing;
    if (!there) returned.missing = what;
}

/// OK promises that every file was taken. The host's own source knows.
void expect_all_taken(Returned& returned, CCall& call, FileSourceFace& files) {
    if (!is_ok(returned)) return;
    (void)call.guard([&] {
        if (const auto left = files.left_over()) expect(returned, false, "it did not take " + berth::quoted(*left));
        return BERTH_OK;
    });
}

class DirectProvider final : public Provider {
public:
    DirectProvider(const LoadedPlugin& plugin, DirectProviderOptions options)
        : plugin_(plugin),
          methods_(plugin.methods),
          name_(std::move(options.name)),
          services_(name_, std::move(options.settings), std::move(options.environment), std::move(options.log),
                    std::move(options.places), std::move(options.http)),
          self_(options.instance),
          sees_broken_pipes_(options.instance == nullptr && !broken_pipes_are_ignored()) {}
    DirectProvider(const DirectProvider&) = delete;
    DirectProvider& operator=(const DirectProvider&) = delete;
    ~DirectProvider() override { close(); }

    void open(Call& call);

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] const Offer& offer() const noexcept override { return offer_; }

    SandboxInfo create(Call& call, const SandboxConfig& config, FileSource& files, const InfoHandler& early) override;
    SandboxInfo get(Call& call, std::string_view id) override;
    std::vector<SandboxInfo> list(Call& call) override;
    void destroy(Call& call, std::string_view id) override;
    ProcessEnd execute(Call& call, std::string_view id, const ProcessConfig& process,
                       ProcessReceiver& receiver) override;
    ProcessEnd execute_stream(Call& call, std::string_view id, const ProcessConfig& process,
                              ProcessReceiver& receiver) override;
    void upload_files(Call& call, std::string_view id, FileSource& source) override;
    void download_files(Call& call, std::string_view id, std::span<const std::string> paths, FileSink& sink) override;
    ResourceUsage get_resource_usage(Call& call, std::string_view id) override;
    bool is_ready(Call& call, std::string_view id) override;
    SandboxInfo restart(Call& call, std::string_view id) override;
    std::string create_snapshot(Call& call, std::string_view id, std::string_view snapshot_name) override;
    void restore_snapshot(Call& call, std::string_view id, std::string_view snapshot) override;
    void get_logs(Call& call, std::string_view id, const LogOptions& options, Follow follow,
                  const BytesHandler& handler) override;
    void set_environment_variables(Call& call, std::string_view id, const Variables& set,
                                   std::span<const std::string> unset) override;
    Variables get_environment_variables(Call& call, std::string_view id) override;
    std::vector<SnapshotInfo> list_snapshots(Call& call) override;
    void delete_snapshot(Call& call, std::string_view snapshot) override;

private:
    /// Keeps SIGPIPE from a plugin in this process (rule T4), where the program does not ignore it anyway.
    class Quiet {
    public:
        explicit Quiet(const DirectProvider& provider) {
            if (provider.sees_broken_pipes_) quiet_.emplace();
        }

    private:
        std::optional<BrokenPipeIsNoSignal> quiet_;
    };

    /// Counts the methods that run, for `close` waits for the last one. Whoever leaves before somebody waits does so in
    /// one step, and touches nothing afterwards: the provider may be gone by then.
    class Running {
    public:
        explicit Running(DirectProvider& provider) : provider_(provider), quiet_(provider) {
            provider_.running_.fetch_add(one_method, std::memory_order_relaxed);
        }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            auto& running = provider_.running_;
            auto found = running.load(std::memory_order_relaxed);
            while ((found & is_closing) == 0) {
                if (running.compare_exchange_weak(found, found - one_method, std::memory_order_release,
                                                  std::memory_order_relaxed))
                    return;
            }
            const std::lock_guard lock(provider_.mutex_);
            running.fetch_sub(one_method, std::memory_order_release);
            provider_.idle_.notify_all();
        }

    private:
        DirectProvider& provider_;
        const Quiet quiet_;
    };

    void close() noexcept;
    void describe(Call& call);
    /// Decides what a method's return comes to; throws the error, if it is one.
    void conclude(CCall& call, Returned&& returned, std::string_view sandbox) {
        // What judge() says when there is nothing to judge.
        if (is_ok(returned) && returned.answer != Answer::missing && call.is_unremarkable()) return;
        settle(call, std::move(returned), sandbox);
    }
    void settle(CCall& call, Returned&& returned, std::string_view sandbox);
    template <typename Function>
    Function* required(Function* function, const Call& call) const;
    template <typename Function>
    SandboxInfo one_info(Call& call, std::string_view id, Function function);
    template <typename Function>
    void without_result(Call& call, std::string_view id, Function&& function);
    ProcessEnd run_process(Call& call, std::string_view id, const ProcessConfig& process, ProcessReceiver& receiver,
                           decltype(berth_methods::execute) function);
    [[nodiscard]] CCall face_of(Call& call) { return CCall(call, services_.log()); }
    [[nodiscard]] InfoRules rules(std::optional<std::string_view> id = {}) const { return {name_, id, nullptr, {}}; }

    const LoadedPlugin& plugin_;
    const berth_methods& methods_;
    std::string name_;
    HostServices services_;
    Offer offer_;
    Call::Listening stream_listening_ = Call::Listening::endings;
    void* self_;
    const bool sees_broken_pipes_;
    bool open_ = false;
    static constexpr std::uint64_t is_closing = 1;
    static constexpr std::uint64_t one_method = 2;
    std::atomic<std::uint64_t> running_{0};  ///< methods that run, and whether close() waits for them
    std::mutex mutex_;                       ///< of that wait
    std::condition_variable idle_;
};

// --- life ------------------------------------------------------------------------------------------------------------

void DirectProvider::open(Call& call) {
    const Quiet quiet(*this);
    CCall face = face_of(call);
    auto returned = enter(face, [&] { return plugin_.plugin.open(services_.face(), face.face(), &self_); });
    open_ = is_ok(returned);
    conclude(face, std::move(returned), {});
    offer_.methods = methods_of(plugin_);
    describe(call);
    constexpr std::string_view listening[] = {"signals", "tty", "stdin", "detach"};
    if (std::any_of(std::begin(listening), std::end(listening),
                    [this](auto name) { return offer_.has_feature(name); })) {
        stream_listening_ = Call::Listening::everything;
    }
}

void DirectProvider::describe(Call& call) {
    CCall face = face_of(call);
    FeatureSink sink(face, plugin_.manifest.features);
    auto returned = enter(face, [&] { return plugin_.plugin.describe(self_, face.face(), sink.face()); });
    returned.method = "describe";
    offer_.features = std::move(sink.close());
    conclude(face, std::move(returned), {});
}

void DirectProvider::close() noexcept {
    {
        std::unique_lock lock(mutex_);
        running_.fetch_or(is_closing, std::memory_order_relaxed);
        idle_.wait(lock, [this] { return running_.load(std::memory_order_acquire) == is_closing; });
    }
    if (!std::exchange(open_, false)) return;
    const Quiet quiet(*this);
    try {
        plugin_.plugin.close(self_);
    } catch (...) {
        services_.log().write(
            LogLevel::error, name_,
            "the plugin threw an exception in close [" + std::string(provider_diagnostics::threw.number) + "]");
    }
}

void DirectProvider::settle(CCall& call, Returned&& returned, std::string_view sandbox) {
    MethodReturn whole;
    whole.method = returned.method;
    whole.status = returned.status;
    whole.exception = std::move(returned.exception);
    whole.answer = returned.answer;
    whole.missing = std::move(returned.missing);
    whole.records = call.take_records();
    whole.cancelled = call.call().cancel_reason();
    const std::string method(returned.method);
    const auto ruling = judge(std::move(whole));
    for (const auto& remark : ruling.remarks)
        services_.log().write(LogLevel::warning, name_, remark);
    if (ruling.error) throw ruling.error->with_place(name_, method, sandbox);
}

template <typename Function>
Function* DirectProvider::required(Function* function, const Call& call) const {
    if (function != nullptr) return function;
    throw Error(provider_diagnostics::reported(Code::unsupported), "the provider does not offer this method",
                "choose a provider that does")
        .with_place(name_, call.method(), {});
}

template <typename Function>
SandboxInfo DirectProvider::one_info(Call& call, std::string_view id, Function function) {
    const Running running(*this);
    CCall face = face_of(call);
    InfoSink sink(face, rules(id));
    auto returned = enter(face, [&] { return function(self_, face.face(), c_view(id), sink.face()); });
    auto& info = sink.close();
    expect(returned, info.has_value(), "it did not say what the sandbox is like");
    conclude(face, std::move(returned), id);
    return std::move(*info);
}

template <typename Function>
void DirectProvider::without_result(Call& call, std::string_view id, Function&& function) {
    const Running running(*this);
    CCall face = face_of(call);
    conclude(face, enter(face, [&] { return function(face.face()); }), id);
}

// --- sandboxes -------------------------------------------------------------------------------------------------------

SandboxInfo DirectProvider::create(Call& call, const SandboxConfig& config, FileSource& files,
                                   const InfoHandler& early) {
    const Running running(*this);
    CCall face(call, services_.log(), secret_values(config));
    const CSandboxConfig request(config);
    FileSourceFace source(face, files);
    InfoSink sink(face, {name_, {}, &config.secret_env, config.idempotency_key}, early);
    auto returned =
        enter(face, [&] { return methods_.create(self_, face.face(), request.face(), source.face(), sink.face()); });
    source.close();
    auto& info = sink.close();
    expect(returned, info.has_value(), "it did not say which sandbox it made");
    if (info) expect_all_taken(returned, face, source);
    conclude(face, std::move(returned), info ? info->id : std::string());
    return std::move(*info);
}

SandboxInfo DirectProvider::get(Call& call, std::string_view id) {
    return one_info(call, id, methods_.get);
}

SandboxInfo DirectProvider::restart(Call& call, std::string_view id) {
    return one_info(call, id, methods_.restart);
}

std::vector<SandboxInfo> DirectProvider::list(Call& call) {
    const Running running(*this);
    CCall face = face_of(call);
    InfoListSink sink(face, rules());
    auto returned = enter(face, [&] { return methods_.list(self_, face.face(), sink.face()); });
    auto& infos = sink.close();
    conclude(face, std::move(returned), {});
    return std::move(infos);
}

void DirectProvider::destroy(Call& call, std::string_view id) {
    without_result(call, id, [&](berth_call* face) { return methods_.destroy(self_, face, c_view(id)); });
}

ResourceUsage DirectProvider::get_resource_usage(Call& call, std::string_view id) {
    const Running running(*this);
    CCall face = face_of(call);
    UsageSink sink(face);
    auto returned =
        enter(face, [&] { return methods_.get_resource_usage(self_, face.face(), c_view(id), sink.face()); });
    auto& usage = sink.close();
    expect(returned, usage.has_value(), "it gave no usage, not even an empty one");
    conclude(face, std::move(returned), id);
    return *usage;
}

bool DirectProvider::is_ready(Call& call, std::string_view id) {
    const Running running(*this);
    CCall face = face_of(call);
    ReadySink sink(face);
    auto returned = enter(face, [&] { return methods_.is_ready(self_, face.face(), c_view(id), sink.face()); });
    const auto ready = sink.close();
    expect(returned, ready.has_value(), "it said neither yes nor no");
    conclude(face, std::move(returned), id);
    return *ready;
}

// --- processes and files ---------------------------------------------------------------------------------------------

ProcessEnd DirectProvider::run_process(Call& call, std::string_view id, const ProcessConfig& process,
                                       ProcessReceiver& receiver, decltype(berth_methods::execute) function) {
    const Running running(*this);
    CCall face = face_of(call);
    const CProcess request(process);
    ProcessSink sink(face, receiver);
    auto returned = enter(face, [&] { return function(self_, face.face(), c_view(id), request.face(), sink.face()); });
    const auto end = sink.close();
    expect(returned, end.has_value(), "it did not say how the process ended", Answer::conclusive);
    conclude(face, std::move(returned), id);
    return *end;
}

ProcessEnd DirectProvider::execute(Call& call, std::string_view id, const ProcessConfig& process,
                                   ProcessReceiver& receiver) {
    call.listen(Call::Listening::endings);
    return run_process(call, id, process, receiver, methods_.execute);
}

ProcessEnd DirectProvider::execute_stream(Call& call, std::string_view id, const ProcessConfig& process,
                                          ProcessReceiver& receiver) {
    call.listen(stream_listening_);
    return run_process(call, id, process, receiver, methods_.execute_stream);
}

void DirectProvider::upload_files(Call& call, std::string_view id, FileSource& files) {
    const Running running(*this);
    CCall face = face_of(call);
    FileSourceFace source(face, files);
    auto returned = enter(face, [&] { return methods_.upload_files(self_, face.face(), c_view(id), source.face()); });
    source.close();
    expect_all_taken(returned, face, source);
    conclude(face, std::move(returned), id);
}

void DirectProvider::download_files(Call& call, std::string_view id, std::span<const std::string> paths,
                                    FileSink& files) {
    const Running running(*this);
    CCall face = face_of(call);
    const auto views = c_views(paths);
    FileSinkFace sink(face, files, paths.size());
    auto returned = enter(
        face, [&] { return methods_.download_files(self_, face.face(), c_view(id), c_list(views), sink.face()); });
    sink.close(is_ok(returned) ? BERTH_OK : BERTH_INTERNAL);
    const auto missing = sink.missing_operation();
    expect(returned, !missing, missing ? "nothing came of " + berth::quoted(paths[*missing]) : std::string());
    conclude(face, std::move(returned), id);
}

// --- optional methods ------------------------------------------------------------------------------------------------

std::string DirectProvider::create_snapshot(Call& call, std::string_view id, std::string_view snapshot_name) {
    auto* const function = required(methods_.create_snapshot, call);
    const Running running(*this);
    CCall face = face_of(call);
    IdSink sink(face);
    auto returned =
        enter(face, [&] { return function(self_, face.face(), c_view(id), c_view(snapshot_name), sink.face()); });
    auto snapshot = sink.close();
    expect(returned, snapshot.has_value(), "it did not say the id of the snapshot");
    conclude(face, std::move(returned), id);
    return std::move(*snapshot);
}

void DirectProvider::restore_snapshot(Call& call, std::string_view id, std::string_view snapshot) {
    auto* const function = required(methods_.restore_snapshot, call);
    without_result(call, id, [&](berth_call* face) { return function(self_, face, c_view(id), c_view(snapshot)); });
}

void DirectProvider::get_logs(Call& call, std::string_view id, const LogOptions& options, Follow follow,
                              const BytesHandler& handler) {
    auto* const function = required(methods_.get_logs, call);
    const Running running(*this);
    CCall face = face_of(call);
    const auto request = c_log_options(options, follow);
    BytesSink sink(face, handler);
    auto returned = enter(face, [&] { return function(self_, face.face(), c_view(id), &request, sink.face()); });
    sink.close();
    conclude(face, std::move(returned), id);
}

void DirectProvider::set_environment_variables(Call& call, std::string_view id, const Variables& set,
                                               std::span<const std::string> unset) {
    auto* const function = required(methods_.set_environment_variables, call);
    const auto pairs = c_pairs(set);
    const auto names = c_views(unset);
    without_result(call, id,
                   [&](berth_call* face) { return function(self_, face, c_view(id), c_list(pairs), c_list(names)); });
}

Variables DirectProvider::get_environment_variables(Call& call, std::string_view id) {
    auto* const function = required(methods_.get_environment_variables, call);
    const Running running(*this);
    CCall face = face_of(call);
    VariablesSink sink(face);
    auto returned = enter(face, [&] { return function(self_, face.face(), c_view(id), sink.face()); });
    auto& variables = sink.close();
    conclude(face, std::move(returned), id);
    return std::move(variables);
}

std::vector<SnapshotInfo> DirectProvider::list_snapshots(Call& call) {
    auto* const function = required(plugin_.snapshots ? plugin_.snapshots->list : nullptr, call);
    const Running running(*this);
    CCall face = face_of(call);
    SnapshotSink sink(face, name_);
    auto returned = enter(face, [&] { return function(self_, face.face(), sink.face()); });
    auto& snapshots = sink.close();
    conclude(face, std::move(returned), {});
    return std::move(snapshots);
}

void DirectProvider::delete_snapshot(Call& call, std::string_view snapshot) {
    auto* const function = required(plugin_.snapshots ? plugin_.snapshots->remove : nullptr, call);
    without_result(call, {}, [&](berth_call* face) { return function(self_, face, c_view(snapshot)); });
}

}  // namespace

std::unique_ptr<Provider> open_direct_provider(Call& call, const LoadedPlugin& plugin, DirectProviderOptions options) {
    auto provider = std::make_unique<DirectProvider>(plugin, std::move(options));
    provider->open(call);
    return provider;
}

}  // namespace berth::inline host_v1
