#include "support.hpp"

#ifdef THROUGH_WORKER
#include "worker/program/worker_body.hpp"
#include "worker/worker_provider.hpp"
#endif

namespace berth_test {

namespace {

FakePlugin* current = nullptr;

template <typename Function, typename... Arguments>
berth_status run(const Function& function, Arguments... arguments) {
    return function ? function(arguments...) : BERTH_OK;
}

void fill(LoadedPlugin& loaded) {
    loaded.path = "/fake/acme.so";
    loaded.manifest.name = "acme";
    loaded.manifest.version = "1.0.0";
    loaded.plugin.size = sizeof loaded.plugin;
    loaded.plugin.open = [](const berth_host* host, berth_call* call, void** self) {
        ++current->opened;
        *self = current;
        return run(current->on_open, host, call);
    };
    loaded.plugin.describe = [](void*, berth_call* call, berth_feature_sink* sink) {
        return run(current->on_describe, call, sink);
    };
    loaded.plugin.close = [](void* self) {
        ++static_cast<FakePlugin*>(self)->closed;
        if (current->on_close) current->on_close();
    };
    auto& methods = loaded.methods;
    methods.size = sizeof methods;
    methods.create = [](void*, berth_call* call, const berth_sandbox_config* config, berth_file_source* source,
                        berth_info_sink* sink) { return run(current->create, call, config, source, sink); };
    methods.get = [](void*, berth_call* call, berth_str id, berth_info_sink* sink) {
        return run(current->get, call, id, sink);
    };
    methods.list = [](void*, berth_call* call, berth_info_sink* sink) { return run(current->list, call, sink); };
    methods.destroy = [](void*, berth_call* call, berth_str id) { return run(current->destroy, call, id); };
    methods.execute = [](void*, berth_call* call, berth_str id, const berth_process* process,
                         berth_process_sink* sink) { return run(current->execute, call, id, process, sink); };
    methods.execute_stream = methods.execute;
    methods.upload_files = [](void*, berth_call* call, berth_str id, berth_file_source* source) {
        return run(current->upload_files, call, id, source);
    };
    methods.download_files = [](void*, berth_call* call, berth_str id, berth_strs paths, berth_file_sink* sink) {
        return run(current->download_files, call, id, paths, sink);
    };
    methods.get_resource_usage = [](void*, berth_call* call, berth_str id, berth_usage_sink* sink) {
        return run(current->get_resource_usage, call, id, sink);
    };
    methods.is_ready = [](void*, berth_call* call, berth_str id, berth_ready_sink* sink) {
        return run(current->is_ready, call, id, sink);
    };
    methods.restart = methods.get;
    methods.create_snapshot = [](void*, berth_call* call, berth_str id, berth_str name, berth_bytes_sink* sink) {
        return run(current->create_snapshot, call, id, name, sink);
    };
    methods.get_logs = [](void*, berth_call* call, berth_str id, const berth_log_options* options,
                          berth_bytes_sink* sink) { return run(current->get_logs, call, id, options, sink); };
    methods.set_environment_variables = [](void*, berth_call* call, berth_str id, berth_pairs set, berth_strs unset) {
        return run(current->set_environment_variables, call, id, set, unset);
    };
    methods.get_environment_variables = [](void*, berth_call* call, berth_str id, berth_pairs_sink* sink) {
        return run(current->get_environment_variables, call, id, sink);
    };
    berth_snapshots snapshots{};
    snapshots.size = sizeof snapshots;
    snapshots.list = [](void*, berth_call* call, berth_snapshot_sink* sink) {
        return run(current->list_snapshots, call, sink);
    };
    snapshots.remove = [](void*, berth_call*, berth_str) -> berth_status { return BERTH_OK; };
    loaded.snapshots = snapshots;
}

#ifdef THROUGH_WORKER
/// What a manifest says when it is true.
Manifest manifest_of(const LoadedPlugin& loaded) {
    auto manifest = loaded.manifest;
    for (const auto& row : method_table)
        if (loaded.has(row.method) && row.extension.empty()) manifest.provides.emplace_back(row.name);
    manifest.provides.emplace_back(BERTH_SNAPSHOTS_EXTENSION);
    return manifest;
}

StartedWorker start_thread(FakePlugin& plugin) {
    auto [ours, theirs] = wire::make_link();
    plugin.workers.emplace_back([&plugin, socket = std::move(theirs)]() mutable {
        worker::WorkerBody body(std::move(socket),
                                [&plugin](const std::string&, const std::string&,
                                          const FileIdentity&) -> const LoadedPlugin& { return plugin.loaded; });
        body.serve();
    });
    StartedWorker started;
    started.control = std::move(ours);
    return started;
}
#endif

}  // namespace

FakePlugin::FakePlugin() {
    current = this;
    fill(loaded);
    loaded.plugin.methods = &loaded.methods;
}

FakePlugin::~FakePlugin() {
#ifdef THROUGH_WORKER
    for (auto& worker : workers)
        worker.join();
#endif
    current = nullptr;
}

std::unique_ptr<Provider> FakePlugin::open(Settings settings, EnvironmentVariables environment) {
    Call call({.method = "open"});
    DirectProviderOptions options{"acme", std::move(settings), std::move(environment), lines.log(), {}};
#ifdef THROUGH_WORKER
    return open_worker_provider(call, {std::move(options),
                                       {loaded.path, manifest_of(loaded), {}, {}, {}, {}},
                                       [this] { return start_thread(*this); },
                                       {}});
#else
    return open_direct_provider(call, loaded, std::move(options));
#endif
}

}  // namespace berth_test
