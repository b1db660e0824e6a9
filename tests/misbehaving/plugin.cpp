// One source, many plugins: a well-behaved provider, and by macro exactly one thing wrong with it. Each is named by its
// manifest, which CMake writes into MANIFEST_HEADER. Uses the C contract only, so nothing of ours hides a mistake.
#include <berth/plugin.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "dangers.hpp"

// What a plugin does in these places beside what it should; a statement of dangers.hpp.
#ifndef WHEN_LOADED
#define WHEN_LOADED (void)0
#endif
#ifndef IN_OPEN
#define IN_OPEN (void)0
#endif
#ifndef IN_CREATE
#define IN_CREATE (void)0
#endif
#ifndef IN_GET
#define IN_GET (void)0
#endif
#ifndef IN_EXECUTE
#define IN_EXECUTE (void)0
#endif
#ifndef IN_DOWNLOAD
#define IN_DOWNLOAD (void)0
#endif

#ifndef WITHOUT_MANIFEST
#include MANIFEST_HEADER
#endif

#ifdef USES_ABSENT_LIBRARY
extern "C" int berth_absent_library();
#endif
#ifdef USES_ABSENT_SYMBOL
extern "C" int berth_absent_symbol();
#endif
#ifdef LINKS_OPENSSL
extern "C" const char* OpenSSL_version(int which);
#endif

namespace {

berth_str text(std::string_view value) {
    return {value.data(), value.size()};
}

std::string_view view(berth_str value) {
    return {value.data, value.size};
}

/// The one sandbox of this provider: it is always there and always ready.
#ifdef GIVES_ID_WITH_DOTS
constexpr std::string_view sandbox_id = "../one";
#else
constexpr std::string_view sandbox_id = "one";
#endif

/// What `open` makes: counts so that a test can see that `close` came.
struct Instance {
    std::atomic<int> calls{0};
};

berth_status refuse(berth_call* call, berth_status code, std::string_view message) {
    berth_error error{};
    error.size = sizeof error;
    error.code = code;
    error.outcome = BERTH_OUTCOME_NONE;
    error.message = text(message);
    return call->fail(call, &error);
}

berth_status put_info(berth_info_sink* sink, berth_str idempotency_key = {}) {
    berth_environment environment{};
    environment.size = sizeof environment;
    environment.cwd = text("/workspace");
    berth_sandbox_info info{};
    info.size = sizeof info;
    info.id = text(sandbox_id);
    info.state = BERTH_STATE_READY;
    info.created_at_ms = 1'790'000'000'000;
    info.environment = &environment;
    info.idempotency_key = idempotency_key;
#ifdef GIVES_NAME_NOT_UTF8
    info.name = text("\xff\xfe name");
#elif defined(LINKS_OPENSSL)
    info.name = text(OpenSSL_version(0));
#else
    info.name = text("the one");
#endif
#ifdef USES_SINK_LATER
    dangers::use_sink_later(sink, info);
#endif
    return sink->put(sink, &info);
}

berth_status create(void* /*self*/, berth_call* /*call*/, const berth_sandbox_config* config,
                    berth_file_source* initial_files, berth_info_sink* sink) {
    IN_CREATE;
    berth_file_entry entry{};
    entry.size = sizeof entry;
    berth_status status = initial_files->next(initial_files, &entry);
    while (status == BERTH_OK)
        status = initial_files->next(initial_files, &entry);
    if (status != BERTH_END) return status;
    return put_info(sink, config->idempotency_key);
}

berth_status get([[maybe_unused]] void* self, [[maybe_unused]] berth_call* call, berth_str id, berth_info_sink* sink) {
    static_cast<Instance*>(self)->calls.fetch_add(1);
    IN_GET;
#if defined(THROWS)
    throw std::runtime_error("thrown across the contract");
#elif defined(FAILS_WITHOUT_SAYING)
    return BERTH_UNAVAILABLE;
#elif defined(RETURNS_UNKNOWN_NUMBER)
    return 77;
#elif defined(RETURNS_SINK_NUMBER)
    return BERTH_ENOUGH;
#elif defined(OK_WITHOUT_RESULT)
    return BERTH_OK;
#endif
    // Reached by the others; the compiler sees it unreachable where one of the above returned.
    return view(id) == sandbox_id ? put_info(sink) : refuse(call, BERTH_NOT_FOUND, "there is no such sandbox");
}

berth_status list(void* /*self*/, berth_call* /*call*/, berth_info_sink* sink) {
    return put_info(sink);
}

berth_status destroy(void* /*self*/, [[maybe_unused]] berth_call* call, berth_str /*id*/) {
#ifdef DIES_WHEN_DONE
    if (!dangers::remove_sandbox_and_die()) return refuse(call, BERTH_NOT_FOUND, "there is no such sandbox");
#endif
    return BERTH_OK;
}

berth_status execute(void* /*self*/, berth_call* call, berth_str /*id*/, const berth_process* /*process*/,
                     berth_process_sink* sink) {
    IN_EXECUTE;
    static constexpr std::string_view hello = "hello\n";
    berth_status status = sink->started(sink, {42, 1});
    if (status != BERTH_OK) return status;
    do {
        status = sink->output(sink, BERTH_STDOUT, {reinterpret_cast<const uint8_t*>(hello.data()), hello.size()});
        berth_event event{};
        event.size = sizeof event;
        while (status == BERTH_INTERRUPTED && call->next_event(call, &event) == BERTH_OK)
            event.size = sizeof event;
    } while (status == BERTH_INTERRUPTED);
    if (status != BERTH_OK && status != BERTH_ENOUGH) return status;
    berth_process_end end{};
    end.size = sizeof end;
    end.kind = BERTH_ENDED_EXITED;
#ifdef OK_WITHOUT_RESULT
    return BERTH_OK;
#endif
#ifdef ENDS_TWICE
    (void)sink->ended(sink, &end);
    end.exit_code = 3;
    (void)sink->output(sink, BERTH_STDOUT, {reinterpret_cast<const uint8_t*>(hello.data()), hello.size()});
    (void)sink->ended(sink, &end);
    return BERTH_OK;
#else
    return sink->ended(sink, &end);
#endif
}

berth_status upload_files(void* /*self*/, berth_call* /*call*/, berth_str /*id*/, berth_file_source* source) {
    berth_file_entry entry{};
    entry.size = sizeof entry;
    for (;;) {
        const berth_status status = source->next(source, &entry);
        if (status != BERTH_OK) return status == BERTH_END ? BERTH_OK : status;
        source->done(source, entry.operation);
    }
}

berth_status download_files(void* /*self*/, berth_call* call, berth_str /*id*/, berth_strs /*paths*/,
                            [[maybe_unused]] berth_file_sink* sink) {
    IN_DOWNLOAD;
    return refuse(call, BERTH_FILE_NOT_FOUND, "the sandbox has no files");
}

berth_status get_resource_usage(void* /*self*/, berth_call* /*call*/, berth_str /*id*/, berth_usage_sink* sink) {
    berth_usage usage{};
    usage.size = sizeof usage;
    return sink->put(sink, &usage);
}

berth_status is_ready(void* /*self*/, berth_call* /*call*/, berth_str id, berth_ready_sink* sink) {
    return sink->put(sink, view(id) == sandbox_id ? 1 : 0);
}

berth_status restart(void* /*self*/, berth_call* /*call*/, berth_str /*id*/, berth_info_sink* sink) {
    return put_info(sink);
}

berth_status get_logs(void* /*self*/, berth_call* /*call*/, berth_str /*id*/, const berth_log_options* /*options*/,
                      berth_bytes_sink* sink) {
    static constexpr std::string_view line = "2026-11-23T06:13:03.120Z lifecycle 0 created\n";
    return sink->write(sink, {reinterpret_cast<const uint8_t*>(line.data()), line.size()});
}

berth_status list_snapshots(void* /*self*/, berth_call* /*call*/, berth_snapshot_sink* /*sink*/) {
    return BERTH_OK;
}

[[maybe_unused]] berth_status delete_snapshot(void* /*self*/, berth_call* /*call*/, berth_str /*snapshot*/) {
    return BERTH_OK;
}

/// The table of this plugin; a later minor version's is longer than what any host of today knows.
struct Table {
    berth_methods known;
#ifdef LATER_MINOR
    void (*unknown[4])();
#endif
};

constexpr Table make_table() {
    Table table{};
    table.known.size = sizeof table;
#ifdef METHODS_TOO_SMALL
    table.known.size = offsetof(berth_methods, restart);
#endif
#ifndef LACKS_REQUIRED
    table.known.create = create;
    table.known.restart = restart;
#endif
    table.known.get = get;
    table.known.list = list;
    table.known.destroy = destroy;
    table.known.execute = execute;
    table.known.execute_stream = execute;
    table.known.upload_files = upload_files;
    table.known.download_files = download_files;
    table.known.get_resource_usage = get_resource_usage;
    table.known.is_ready = is_ready;
#if !defined(ONLY_REQUIRED) && !defined(LACKS_PROVIDED)
    table.known.get_logs = get_logs;
#endif
    return table;
}

constexpr berth_snapshots make_snapshots() {
    berth_snapshots snapshots{};
    snapshots.size = sizeof snapshots;
    snapshots.list = list_snapshots;
#ifndef HALF_EXTENSION
    snapshots.remove = delete_snapshot;
#endif
    return snapshots;
}

constexpr Table table = make_table();
[[maybe_unused]] constexpr berth_snapshots snapshots = make_snapshots();

berth_status open([[maybe_unused]] const berth_host* host, [[maybe_unused]] berth_call* call, void** self) {
    IN_OPEN;
#ifdef OPEN_THROWS
    throw std::runtime_error("thrown across the contract");
#endif
#ifdef OPEN_FAILS
    return refuse(call, BERTH_AUTH_FAILED, "the token has expired");
#endif
    *self = new Instance;
    return BERTH_OK;
}

berth_status describe(void* /*self*/, berth_call* /*call*/, berth_feature_sink* /*sink*/) {
    return BERTH_OK;
}

void close(void* self) {
    delete static_cast<Instance*>(self);
}

const void* get_extension([[maybe_unused]] berth_str id) {
#ifndef ONLY_REQUIRED
    if (view(id) == BERTH_SNAPSHOTS_EXTENSION) return &snapshots;
#endif
    return nullptr;
}

constexpr berth_plugin make_plugin() {
    berth_plugin plugin{};
    plugin.size = sizeof plugin;
#ifdef PLUGIN_TOO_SMALL
    plugin.size = offsetof(berth_plugin, close);
#endif
#ifdef LATER_MINOR
    plugin.minor = 7;
#endif
    plugin.methods = &table.known;
    plugin.open = open;
#ifndef LACKS_CLOSE
    plugin.describe = describe;
    plugin.close = close;
#endif
    plugin.get_extension = get_extension;
    return plugin;
}

[[maybe_unused]] constexpr berth_plugin plugin = make_plugin();

[[maybe_unused]] const int loaded = (WHEN_LOADED, 0);

#ifdef RUNS_WHEN_LOADED
/// Proves that a file was loaded: reading one must never run this.
struct Trap {
    Trap() { std::_Exit(99); }
};
const Trap trap;
#endif

}  // namespace

#ifndef ENTRY
#define ENTRY berth_plugin_v1
#endif
extern "C" BERTH_EXPORT const berth_plugin* ENTRY([[maybe_unused]] uint32_t host_minor) {
#ifdef USES_ABSENT_LIBRARY
    if (berth_absent_library() != 0) return nullptr;
#endif
#ifdef USES_ABSENT_SYMBOL
    if (berth_absent_symbol() != 0) return nullptr;
#endif
#if defined(ENTRY_THROWS)
    throw std::runtime_error("thrown across the contract");
#elif defined(ENTRY_GIVES_NOTHING)
    return nullptr;
#else
    return &plugin;
#endif
}

#ifdef BRINGS_OPENSSL
// Of another version, as it were: whoever gets hold of these instead of the real ones does not live long.
extern "C" BERTH_EXPORT void* SSL_CTX_new(const void* /*method*/) {
    std::abort();
}
extern "C" BERTH_EXPORT int OPENSSL_init_crypto(unsigned long long /*options*/, const void* /*settings*/) {
    std::abort();
}
#endif
