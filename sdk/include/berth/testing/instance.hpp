// Drives a plugin as a host does, from its table: one typed function for each method, for authors' unit tests.
#ifndef BERTH_TESTING_INSTANCE_HPP
#define BERTH_TESTING_INSTANCE_HPP

#include "fake_host.hpp"

namespace berth::inline sdk_v1::testing {

/// What a call came to: a value or an error.
template <class T>
struct Answer {
    std::optional<Error> error;
    T result{};
    std::size_t puts = 0;  ///< How often a sandbox was put: an announced one counts too.

    bool ok() const { return !error; }
    /// The result; throws the error when there is one.
    const T& value() const {
        if (error) throw *error;
        return result;
    }
    const T* operator->() const { return &value(); }
    const T& operator*() const { return value(); }
};
struct Nothing {};

/// What became of a process: exactly one of `end` and `error`.
struct ProcessRun {
    std::optional<Error> error;
    bool started = false;
    std::optional<std::int64_t> pid;
    std::string out;
    std::string err;
    std::optional<ProcessEnd> end;
};

/// One configured instance of a plugin, opened on a fake host. Its methods may be called from several threads.
class Instance {
public:
    /// The plugin that is linked into the test. Throws its berth::Error when it does not open.
    explicit Instance(FakeHost& host) : Instance(host, ::berth_plugin_v1(host.minor)) {}
    /// Any plugin, by what its entry returned.
    Instance(FakeHost& host, const berth_plugin* plugin) : host_(host), plugin_(*plugin) {
        std::optional<Error> error = run("open", [&](FakeCall& call) { return plugin_.open(&host_, &call, &self_); });
        if (error) throw *error;
    }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance() {
        if (self_ != nullptr) plugin_.close(self_);
    }

    Answer<SandboxInfo> create(SandboxRequest request = {}) {
        if (request.idempotency_key.empty()) request.idempotency_key = "key-" + std::to_string(++keys_);
        Answer<SandboxInfo> answer = info("create", [&](FakeCall& call, Arena& arena, FakeInfoSink& sink) {
            auto& source = host_.keep(std::make_unique<FakeFileSource>(call, request.initial_files));
            return plugin_.methods->create(self_, &call, testing::detail::lend(arena, request, host_.shared().size),
                                           &source, &sink);
        });
        if (answer.ok() && answer.result.idempotency_key != request.idempotency_key)
            host_.rules().broken("data", "create did not give back the idempotency key");
        if (answer.ok()) note([&] { made_.insert(answer.result.id); });
        return answer;
    }
    Answer<SandboxInfo> get(std::string_view id) {
        return info("get", [&](FakeCall& call, Arena& arena, FakeInfoSink& sink) {
            return plugin_.methods->get(self_, &call, arena.text(id), &sink);
        });
    }
    Answer<SandboxInfo> restart(std::string_view id) {
        return info("restart", [&](FakeCall& call, Arena& arena, FakeInfoSink& sink) {
            return plugin_.methods->restart(self_, &call, arena.text(id), &sink);
        });
    }
    Answer<std::vector<SandboxInfo>> list() {
        return collect<FakeInfoSink, std::vector<SandboxInfo>>("list", [&](FakeCall& call, Arena&, FakeInfoSink& sink) {
            return plugin_.methods->list(self_, &call, &sink);
        });
    }
    Answer<Nothing> destroy(std::string_view id) {
        Answer<Nothing> answer = nothing("destroy", [&](FakeCall& call, Arena& arena) {
            return plugin_.methods->destroy(self_, &call, arena.text(id));
        });
        if (answer.ok()) note([&] { made_.erase(std::string{id}); });
        return answer;
    }
    ProcessRun execute(std::string_view id, const ProcessRequest& request) {
        return process("execute", plugin_.methods->execute, id, request);
    }
    ProcessRun execute_stream(std::string_view id, const ProcessRequest& request) {
        return process("execute_stream", plugin_.methods->execute_stream, id, request);
    }
    Answer<std::set<std::uint64_t>> upload_files(std::string_view id, const std::vector<UploadEntry>& entries) {
        Answer<std::set<std::uint64_t>> answer;
        answer.error = run("upload_files", [&](FakeCall& call) {
            Lent lent{arena()};
            auto& source = host_.keep(std::make_unique<FakeFileSource>(call, entries));
            const berth_status status = plugin_.methods->upload_files(self_, &call, lent.arena.text(id), &source);
            answer.result = source.completed;
            return status;
        });
        return answer;
    }
    Answer<std::map<std::pair<std::uint64_t, std::string>, Downloaded>> download_files(
        std::string_view id, const std::vector<std::string>& paths) {
        Answer<std::map<std::pair<std::uint64_t, std::string>, Downloaded>> answer;
        answer.error = run("download_files", [&](FakeCall& call) {
            Lent lent{arena()};
            auto& sink = host_.keep(std::make_unique<FakeFileSink>(call, paths.size()));
            const berth_status status =
                plugin_.methods->download_files(self_, &call, lent.arena.text(id), lent.arena.texts(paths), &sink);
            answer.result = sink.files;
            return status;
        });
        return answer;
    }
    Answer<Usage> get_resource_usage(std::string_view id) {
        return last<Usage>(collect<FakeUsageSink, std::vector<Usage>>(
            "get_resource_usage", [&](FakeCall& call, Arena& arena, FakeUsageSink& sink) {
                return plugin_.methods->get_resource_usage(self_, &call, arena.text(id), &sink);
            }));
    }
    Answer<bool> is_ready(std::string_view id) {
        const auto ready = last<std::int32_t>(collect<FakeReadySink, std::vector<std::int32_t>>(
            "is_ready", [&](FakeCall& call, Arena& arena, FakeReadySink& sink) {
                return plugin_.methods->is_ready(self_, &call, arena.text(id), &sink);
            }));
        return {ready.error, ready.result != 0, ready.puts};
    }

    /// The optional methods throw std::logic_error-like Code::unsupported when the plugin has no such method, as a host
    /// answers without entering it.
    Answer<std::string> create_snapshot(std::string_view id, std::string_view name) {
        offered(plugin_.methods->create_snapshot);
        return collect<FakeBytesSink, std::string>(
            "create_snapshot", [&](FakeCall& call, Arena& arena, FakeBytesSink& sink) {
                return plugin_.methods->create_snapshot(self_, &call, arena.text(id), arena.text(name), &sink);
            });
    }
    Answer<Nothing> restore_snapshot(std::string_view id, std::string_view snapshot) {
        offered(plugin_.methods->restore_snapshot);
        return nothing("restore_snapshot", [&](FakeCall& call, Arena& arena) {
            return plugin_.methods->restore_snapshot(self_, &call, arena.text(id), arena.text(snapshot));
        });
    }
    Answer<std::string> get_logs(std::string_view id, const LogRequest& request = {}) {
        offered(plugin_.methods->get_logs);
        Answer<std::string> answer;
        answer.error = run("get_logs", [&](FakeCall& call) {
            Lent lent{arena()};
            auto& sink = host_.keep(std::make_unique<FakeBytesSink>(call, request.on_bytes));
            const berth_status status =
                plugin_.methods->get_logs(self_, &call, lent.arena.text(id),
                                          testing::detail::lend(lent.arena, request, host_.shared().size), &sink);
            answer.result = sink.taken;
            return status;
        });
        return answer;
    }
    Answer<Nothing> set_environment_variables(std::string_view id, const Variables& set,
                                              const std::vector<std::string>& unset = {}) {
        offered(plugin_.methods->set_environment_variables);
        return nothing("set_environment_variables", [&](FakeCall& call, Arena& arena) {
            return plugin_.methods->set_environment_variables(self_, &call, arena.text(id), arena.pairs(set),
                                                              arena.texts(unset));
        });
    }
    Answer<Variables> get_environment_variables(std::string_view id) {
        offered(plugin_.methods->get_environment_variables);
        const auto pairs = collect<FakePairsSink, std::vector<Variable>>(
            "get_environment_variables", [&](FakeCall& call, Arena& arena, FakePairsSink& sink) {
                return plugin_.methods->get_environment_variables(self_, &call, arena.text(id), &sink);
            });
        Answer<Variables> answer{pairs.error, {}, 0};
        for (const Variable& item : pairs.result)
            answer.result.set(item.name, item.value, item.secret);
        return answer;
    }
    Answer<std::vector<SnapshotInfo>> list_snapshots() {
        const berth_snapshots& snapshots = snapshot_extension();
        return collect<FakeSnapshotSink, std::vector<SnapshotInfo>>(
            "list_snapshots",
            [&](FakeCall& call, Arena&, FakeSnapshotSink& sink) { return snapshots.list(self_, &call, &sink); });
    }
    Answer<Nothing> delete_snapshot(std::string_view snapshot) {
        const berth_snapshots& snapshots = snapshot_extension();
        return nothing("delete_snapshot", [&](FakeCall& call, Arena& arena) {
            return snapshots.remove(self_, &call, arena.text(snapshot));
        });
    }
    /// Features of this instance: name, and the reason why it was withdrawn if it was.
    Answer<std::vector<std::pair<std::string, std::optional<std::string>>>> describe() {
        return collect<FakeFeatureSink, std::vector<std::pair<std::string, std::optional<std::string>>>>(
            "describe",
            [&](FakeCall& call, Arena&, FakeFeatureSink& sink) { return plugin_.describe(self_, &call, &sink); });
    }

    /// Lists once more and holds it against what was made and destroyed here: a sandbox that no create returned is one
    /// that nobody knows (rule C3).
    void expect_nothing_left() {
        const auto infos = list();
        for (const SandboxInfo& sandbox : infos.result)
            if (made_.find(sandbox.id) == made_.end())
                host_.rules().broken("C3", "a sandbox was left behind by a create that failed");
    }

private:
    struct Lent {
        Arena& arena;
        ~Lent() { arena.die(); }
    };
    template <class Act>
    void note(Act&& act) {
        const ::berth::detail::Locking locking{&lock_};
        act();
    }
    Arena& arena() { return host_.keep(std::make_unique<Arena>()); }

    template <class Body>
    std::optional<Error> run(const char* method, Body&& body) {
        FakeCall& call = host_.keep(std::make_unique<FakeCall>(host_.shared(), method));
        const berth_status status = body(call);
        host_.close_all(call);
        return call.finish(status);
    }
    template <class Body>
    Answer<Nothing> nothing(const char* method, Body&& body) {
        return {run(method,
                    [&](FakeCall& call) {
                        Lent lent{arena()};
                        return body(call, lent.arena);
                    }),
                {},
                0};
    }
    template <class Sink, class Taken, class Body>
    Answer<Taken> collect(const char* method, Body&& body) {
        Answer<Taken> answer;
        answer.error = run(method, [&](FakeCall& call) {
            Lent lent{arena()};
            auto& sink = host_.keep(std::make_unique<Sink>(call));
            const berth_status status = body(call, lent.arena, sink);
            answer.result = sink.taken;
            answer.puts = sink.taken.size();
            return status;
        });
        return answer;
    }
    /// The last of several puts counts; OK without any is a breach.
    template <class T>
    Answer<T> last(Answer<std::vector<T>> all) {
        Answer<T> answer{all.error, {}, all.puts};
        if (!all.result.empty())
            answer.result = all.result.back();
        else if (answer.ok())
            host_.rules().broken("E4", "the method returned OK without a result");
        return answer;
    }
    template <class Body>
    Answer<SandboxInfo> info(const char* method, Body&& body) {
        return last<SandboxInfo>(collect<FakeInfoSink, std::vector<SandboxInfo>>(method, std::forward<Body>(body)));
    }
    template <class Method>
    ProcessRun process(const char* method, Method* entry, std::string_view id, const ProcessRequest& request) {
        ProcessRun result;
        FakeProcessSink* kept = nullptr;
        std::optional<Error> error = run(method, [&](FakeCall& call) {
            Lent lent{arena()};
            if (request.live_stdin) call.give_stdin(*request.live_stdin);
            FakeProcessSink& sink = host_.keep(std::make_unique<FakeProcessSink>(call, request));
            kept = &sink;
            return entry(self_, &call, lent.arena.text(id),
                         testing::detail::lend(lent.arena, request, host_.shared().size), &sink);
        });
        result.error = kept->terminal(std::move(error));
        result.started = kept->has_started;
        result.pid = kept->pid;
        result.out = kept->out;
        result.err = kept->err;
        result.end = kept->end;
        return result;
    }
    template <class Method>
    static void offered(Method* method) {
        if (method == nullptr) throw Error(Code::unsupported, "the plugin does not offer this method");
    }
    const berth_snapshots& snapshot_extension() {
        const void* found = plugin_.get_extension != nullptr
                                ? plugin_.get_extension(::berth::detail::text(BERTH_SNAPSHOTS_EXTENSION))
                                : nullptr;
        if (found == nullptr) throw Error(Code::unsupported, "the plugin does not offer this extension");
        return *static_cast<const berth_snapshots*>(found);
    }

    FakeHost& host_;
    const berth_plugin& plugin_;
    void* self_ = nullptr;
    std::atomic<std::uint64_t> keys_{0};
    ::berth::detail::Lock lock_;
    std::set<std::string> made_;
};

}  // namespace berth::inline sdk_v1::testing

#endif
