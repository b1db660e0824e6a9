// The contract's table over a plain class: one noexcept function for each method, each the same three steps: views in,
// the author's method inside the guard, the result into the host's sink.
#ifndef BERTH_DETAIL_TABLE_HPP
#define BERTH_DETAIL_TABLE_HPP

#include <memory>

#include "../locked.hpp"
#include "accept.hpp"
#include "guard.hpp"
#include "manifest.hpp"

namespace berth::inline sdk_v1::detail {

/// One instance for one provider of berth.yaml.
template <class T>
struct Instance {
    Instance(const berth_host* host, Call& call) requires opens_with_call<T>
        : object(Host{host}, Settings{host}, call) {}
    Instance(const berth_host* host, Call&) requires(!opens_with_call<T>) : object(Host{host}, Settings{host}) {}
    T object;
    Lock lock;
};

/// `Manifest` gives the manifest's text by `text()`; `Declared` is the author's class, or it in berth::Locked.
template <class Declared, class Manifest>
struct Table {
    using T = typename Unwrap<Declared>::Type;
    static constexpr bool locks = Unwrap<Declared>::locks;
    enum class Locks { all, nothing };

    template <Locks Wanted = Locks::all, class Body>
    static berth_status run(void* self, berth_call* raw_call, berth_info_sink* infos, Body&& body) noexcept {
        auto& instance = *static_cast<Instance<T>*>(self);
        Call call{raw_call, infos, locks ? &instance.lock : nullptr};
        return guard(call, [&] {
            const Locking locking{locks && Wanted == Locks::all ? &instance.lock : nullptr};
            return body(instance.object, call);
        });
    }

    static berth_status create(void* self, berth_call* raw_call, const berth_sandbox_config* config,
                               berth_file_source* files, berth_info_sink* sink) noexcept {
        return run(self, raw_call, sink, [&](T& object, Call& call) {
            FileSource source{files};
            const SandboxInfo info = object.create(call, SandboxConfig{*config}, source);
            const berth_status status = sink->put(sink, RawInfo{info}.get());
            // A cancel in the last moment: nobody will know this sandbox, so it must go again (rule C3).
            if (status == BERTH_CANCELLED) {
                auto undo = call.undo([&] { object.destroy(call, info.id); });
            }
            return put_answer(status);
        });
    }
    static berth_status get(void* self, berth_call* raw_call, berth_str id, berth_info_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            return put_answer(sink->put(sink, RawInfo{object.get(call, view(id))}.get()));
        });
    }
    static berth_status list(void* self, berth_call* raw_call, berth_info_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            if constexpr (list_returns<T>) {
                for (const SandboxInfo& info : std::vector<SandboxInfo>(object.list(call))) {
                    const berth_status status = sink->put(sink, RawInfo{info}.get());
                    if (status != BERTH_OK) return put_answer(status);
                }
            } else {
                InfoSink infos{sink};
                object.list(call, infos);
            }
            return berth_status{BERTH_OK};
        });
    }
    static berth_status destroy(void* self, berth_call* raw_call, berth_str id) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            object.destroy(call, view(id));
            return berth_status{BERTH_OK};
        });
    }

    template <class Run>
    static berth_status process(void* self, berth_call* raw_call, berth_process_sink* sink, Run&& run_it) noexcept {
        return run<Locks::nothing>(self, raw_call, nullptr, [&](T& object, Call& call) {
            ProcessSink output{sink, call};
            const ProcessEnd end = run_it(object, call, output);
            if (!output.has_started()) output.started();
            const berth_process_end raw_end = raw(end);
            return put_answer(sink->ended(sink, &raw_end));
        });
    }
    static berth_status execute(void* self, berth_call* raw_call, berth_str id, const berth_process* process_,
                                berth_process_sink* sink) noexcept {
        return process(self, raw_call, sink, [&](T& object, Call& call, ProcessSink& output) -> ProcessEnd {
            return object.execute(call, view(id), Process{*process_}, output);
        });
    }
    static berth_status execute_stream(void* self, berth_call* raw_call, berth_str id, const berth_process* process_,
                                       berth_process_sink* sink) noexcept {
        return process(self, raw_call, sink, [&](T& object, Call& call, ProcessSink& output) -> ProcessEnd {
            return object.execute_stream(call, view(id), Process{*process_}, output);
        });
    }

    static berth_status upload_files(void* self, berth_call* raw_call, berth_str id,
                                     berth_file_source* files) noexcept {
        return run<Locks::nothing>(self, raw_call, nullptr, [&](T& object, Call& call) {
            FileSource source{files};
            object.upload_files(call, view(id), source);
            return berth_status{BERTH_OK};
        });
    }
    static berth_status download_files(void* self, berth_call* raw_call, berth_str id, berth_strs paths,
                                       berth_file_sink* files) noexcept {
        return run<Locks::nothing>(self, raw_call, nullptr, [&](T& object, Call& call) {
            FileSink sink{files};
            object.download_files(call, view(id), Paths{paths}, sink);
            return berth_status{BERTH_OK};
        });
    }
    static berth_status get_resource_usage(void* self, berth_call* raw_call, berth_str id,
                                           berth_usage_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            const berth_usage usage = raw(Usage(object.get_resource_usage(call, view(id))));
            return put_answer(sink->put(sink, &usage));
        });
    }
    static berth_status is_ready(void* self, berth_call* raw_call, berth_str id, berth_ready_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            return put_answer(sink->put(sink, object.is_ready(call, view(id)) ? 1 : 0));
        });
    }
    static berth_status restart(void* self, berth_call* raw_call, berth_str id, berth_info_sink* sink) noexcept {
        return run(self, raw_call, sink, [&](T& object, Call& call) {
            return put_answer(sink->put(sink, RawInfo{object.restart(call, view(id))}.get()));
        });
    }

    static berth_status create_snapshot(void* self, berth_call* raw_call, berth_str id, berth_str name,
                                        berth_bytes_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            const std::string snapshot = object.create_snapshot(call, view(id), view(name));
            return put_answer(sink->write(sink, bytes(snapshot)));
        });
    }
    static berth_status restore_snapshot(void* self, berth_call* raw_call, berth_str id, berth_str snapshot) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            object.restore_snapshot(call, view(id), view(snapshot));
            return berth_status{BERTH_OK};
        });
    }
    static berth_status get_logs(void* self, berth_call* raw_call, berth_str id, const berth_log_options* options,
                                 berth_bytes_sink* sink) noexcept {
        constexpr Locks wanted = get_logs_streams<T> ? Locks::nothing : Locks::all;
        return run<wanted>(self, raw_call, nullptr, [&](T& object, Call& call) {
            if constexpr (get_logs_streams<T>) {
                ByteSink out{sink};
                object.get_logs(call, view(id), LogOptions{*options}, out);
                return berth_status{BERTH_OK};
            } else {
                const std::string log = object.get_logs(call, view(id), LogOptions{*options});
                return put_answer(sink->write(sink, bytes(log)));
            }
        });
    }
    static berth_status set_environment_variables(void* self, berth_call* raw_call, berth_str id, berth_pairs set,
                                                  berth_strs unset) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            object.set_environment_variables(call, view(id), Pairs{set}, Strings{unset});
            return berth_status{BERTH_OK};
        });
    }
    static berth_status get_environment_variables(void* self, berth_call* raw_call, berth_str id,
                                                  berth_pairs_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            const Variables variables = object.get_environment_variables(call, view(id));
            for (const Variable& variable : variables) {
                const berth_pair item = pair(variable);
                const berth_status status = sink->put(sink, &item);
                if (status != BERTH_OK) return put_answer(status);
            }
            return berth_status{BERTH_OK};
        });
    }

    static berth_status list_snapshots(void* self, berth_call* raw_call, berth_snapshot_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            for (const SnapshotInfo& snapshot : std::vector<SnapshotInfo>(object.list_snapshots(call))) {
                const berth_snapshot_info item = raw(snapshot);
                const berth_status status = sink->put(sink, &item);
                if (status != BERTH_OK) return put_answer(status);
            }
            return berth_status{BERTH_OK};
        });
    }
    static berth_status delete_snapshot(void* self, berth_call* raw_call, berth_str snapshot) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            object.delete_snapshot(call, view(snapshot));
            return berth_status{BERTH_OK};
        });
    }

    static berth_status open(const berth_host* host, berth_call* raw_call, void** self) noexcept {
        Call call{raw_call};
        return guard(call, [&] {
            *self = std::make_unique<Instance<T>>(host, call).release();
            return berth_status{BERTH_OK};
        });
    }
    static berth_status describe(void* self, berth_call* raw_call, berth_feature_sink* sink) noexcept {
        return run(self, raw_call, nullptr, [&](T& object, Call& call) {
            Features features;
            if constexpr (features_fits<T>) features = object.features(call);
            (void)object;
            (void)call;
            for (std::string_view name : manifest_features(Manifest::text())) {
                const std::string* reason = features.withdrawn().find(name);
                berth_feature feature = sized<berth_feature>();
                feature.name = text(name);
                if (reason != nullptr) feature.reason = text(*reason);
                const berth_status status = sink->put(sink, &feature);
                if (status != BERTH_OK) return put_answer(status);
            }
            return berth_status{BERTH_OK};
        });
    }
    static void close(void* self) noexcept { delete static_cast<Instance<T>*>(self); }

    static constexpr berth_methods make_methods() {
        berth_methods m{};
        m.size = sizeof(berth_methods);
        m.create = &Table::create;
        m.get = &Table::get;
        m.list = &Table::list;
        m.destroy = &Table::destroy;
        m.execute = &Table::execute;
        m.execute_stream = &Table::execute_stream;
        m.upload_files = &Table::upload_files;
        m.download_files = &Table::download_files;
        m.get_resource_usage = &Table::get_resource_usage;
        m.is_ready = &Table::is_ready;
        m.restart = &Table::restart;
        if constexpr (create_snapshot_fits<T>) m.create_snapshot = &Table::create_snapshot;
        if constexpr (restore_snapshot_fits<T>) m.restore_snapshot = &Table::restore_snapshot;
        if constexpr (get_logs_fits<T>) m.get_logs = &Table::get_logs;
        if constexpr (set_environment_variables_fits<T>)
            m.set_environment_variables = &Table::set_environment_variables;
        if constexpr (get_environment_variables_fits<T>)
            m.get_environment_variables = &Table::get_environment_variables;
        return m;
    }
    static constexpr berth_snapshots make_snapshots() {
        berth_snapshots s{};
        s.size = sizeof(berth_snapshots);
        if constexpr (has_snapshots<T>) {
            s.list = &Table::list_snapshots;
            s.remove = &Table::delete_snapshot;
        }
        return s;
    }
    static const void* extension(berth_str id) noexcept {
        return has_snapshots<T> && view(id) == BERTH_SNAPSHOTS_EXTENSION ? &snapshots : nullptr;
    }

    static constexpr berth_methods methods = make_methods();
    static constexpr berth_snapshots snapshots = make_snapshots();
    static constexpr berth_plugin plugin{sizeof(berth_plugin), BERTH_CONTRACT_MINOR, &methods,         &Table::open,
                                         &Table::describe,     &Table::close,        &Table::extension};
};

/// What the entry returns. Only for a class that was accepted: a wrong one has had its errors already.
template <class Declared, class Manifest>
const berth_plugin* plugin_of() noexcept {
    if constexpr (accepted<typename Unwrap<Declared>::Type>()) {
        return &Table<Declared, Manifest>::plugin;
    } else {
        return nullptr;
    }
}

}  // namespace berth::inline sdk_v1::detail

#endif
