/* What a plugin offers: the 16 methods, the plugin itself, its one entry, its notes in the binary.
 *
 * Every method is [any thread, concurrent], on one sandbox and on many, runs on a stack of at least 256 KiB (1 MiB in
 * sanitizer builds), and may block: it returns when it is done, cancelled or failed. `id` is well-formed when it
 * arrives: the host has checked everything that needs no backend. What each method means, case by case, stands in
 * docs/contract.md. */
#ifndef BERTH_PROVIDER_H
#define BERTH_PROVIDER_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BERTH_CONTRACT_MAJOR 1
#define BERTH_CONTRACT_MINOR 0

/* The table. The first 11 are required: a NULL among them and the plugin is refused. The other 5 are offered by being
 * there. What is appended later is optional by definition. */
typedef struct berth_methods {
    uint32_t size;
    uint32_t flags;

    /* Makes a sandbox, uploads `initial_files` (never NULL), runs the setup commands, and returns when it is ready.
     * When anything fails or a cancel comes, nothing is left behind. The same idempotency key gives the same sandbox. */
    berth_status (*create)(void* self, berth_call* call, const berth_sandbox_config* config,
                           berth_file_source* initial_files, berth_info_sink* sink);
    /* What is known now. Wakes nothing, changes nothing. NOT_FOUND only on a definite answer of the backend. */
    berth_status (*get)(void* self, berth_call* call, berth_str id, berth_info_sink* sink);
    /* All sandboxes of this provider, all pages, or an error. */
    berth_status (*list)(void* self, berth_call* call, berth_info_sink* sink);
    /* Ends every process and deletes everything but snapshots; returns when it is really gone. */
    berth_status (*destroy)(void* self, berth_call* call, berth_str id);
    /* Runs one process to its end. No live stdin and no signals; output may come late and in one piece. */
    berth_status (*execute)(void* self, berth_call* call, berth_str id, const berth_process* process,
                            berth_process_sink* sink);
    /* The same, live: output as it comes, events while it runs. */
    berth_status (*execute_stream)(void* self, berth_call* call, berth_str id, const berth_process* process,
                                   berth_process_sink* sink);
    /* Takes each entry of `source`. Parents are made, an existing file is replaced whole or not at all. */
    berth_status (*upload_files)(void* self, berth_call* call, berth_str id, berth_file_source* source);
    /* Gives what lies at each of `paths` (bytes); the index in it is the entry's `operation`. A link at the path
     * itself is followed inside the sandbox; those below are given as links. */
    berth_status (*download_files)(void* self, berth_call* call, berth_str id, berth_strs paths, berth_file_sink* sink);
    berth_status (*get_resource_usage)(void* self, berth_call* call, berth_str id, berth_usage_sink* sink);
    /* 1 exactly when the state is READY or BUSY. An unknown id or an unreachable backend is 0, not an error. Cheap. */
    berth_status (*is_ready)(void* self, berth_call* call, berth_str id, berth_ready_sink* sink);
    /* Ends all processes and starts again: same id, files, environment and limits. */
    berth_status (*restart)(void* self, berth_call* call, berth_str id, berth_info_sink* sink);

    /* Captures files and environment; writes the new snapshot's id into `sink`. */
    berth_status (*create_snapshot)(void* self, berth_call* call, berth_str id, berth_str name, berth_bytes_sink* sink);
    /* Replaces files and environment; processes end, the id stays. When it fails, the old files are still there. */
    berth_status (*restore_snapshot)(void* self, berth_call* call, berth_str id, berth_str snapshot);
    /* Lifecycle events and output, oldest first, one entry a line, each with time, source and pid. */
    berth_status (*get_logs)(void* self, berth_call* call, berth_str id, const berth_log_options* options,
                             berth_bytes_sink* sink);
    /* Merges `set` into the sandbox's environment and removes `unset`: all of it or nothing. */
    berth_status (*set_environment_variables)(void* self, berth_call* call, berth_str id, berth_pairs set,
                                              berth_strs unset);
    berth_status (*get_environment_variables)(void* self, berth_call* call, berth_str id, berth_pairs_sink* sink);
} berth_methods;

/* The first extension: what is needed so that snapshots do not leak. */
#define BERTH_SNAPSHOTS_EXTENSION "berth.snapshots/1"
typedef struct berth_snapshots {
    uint32_t size;
    uint32_t flags;
    berth_status (*list)(void* self, berth_call* call, berth_snapshot_sink* sink);
    berth_status (*remove)(void* self, berth_call* call, berth_str snapshot);
} berth_snapshots;

typedef struct berth_plugin {
    uint32_t size;
    uint32_t minor; /* contract minor the plugin was built for */
    const berth_methods* methods;
    /* Makes one instance for one provider of berth.yaml. Ready or failed, nothing between. [exclusive on this self] */
    berth_status (*open)(const berth_host* host, berth_call* call, void** self);
    /* Features of this instance on this machine with this account. Those of the manifest that are not put are
     * withdrawn without a reason. [any thread] */
    berth_status (*describe)(void* self, berth_call* call, berth_feature_sink* sink);
    /* After the last method has returned, once. Join your threads here. [exclusive on this self] */
    void (*close)(void* self);
    /* A growing struct of functions by id, or NULL. Ids are lower case with a revision after a slash; third parties use
     * their reverse domain. Only ids this host was built with are offered when the plugin runs in a worker.
     * May be NULL. Pure. [any thread] */
    const void* (*get_extension)(berth_str id);
} berth_plugin;

/* The one exported symbol; the contract's major is in its name. Pure and constant time: no work before `open`. */
typedef const berth_plugin* (*berth_entry)(uint32_t host_minor);
#define BERTH_ENTRY_SYMBOL "berth_plugin_v1"

#if defined(__GNUC__)
#define BERTH_EXPORT __attribute__((visibility("default")))
#else
#define BERTH_EXPORT
#endif

BERTH_EXPORT const berth_plugin* berth_plugin_v1(uint32_t host_minor);

/* --- notes: what the host reads without running anything --------------------------------------------------------- */

#define BERTH_NOTE_SECTION ".note.berth"
#define BERTH_NOTE_OWNER "berth"
enum {
    BERTH_NOTE_MANIFEST = 1, /* JSON text */
    BERTH_NOTE_PROVIDES = 2  /* names of methods and extensions, separated by spaces; optional beside a manifest
                                that says `provides` itself */
};

/* Places a manifest in a C plugin: BERTH_MANIFEST("{\"name\": ...}"), once, at file scope. `used, retain` keep it
 * through strip and --gc-sections. */
#define BERTH_MANIFEST(text)                                                                         \
    static const struct {                                                                            \
        uint32_t name_size;                                                                          \
        uint32_t text_size;                                                                          \
        uint32_t type;                                                                               \
        char name[8];                                                                                \
        char content[(sizeof(text) + 2) / 4 * 4];                                                    \
    } berth_manifest_note __attribute__((section(BERTH_NOTE_SECTION), used, retain, aligned(4))) = { \
        sizeof(BERTH_NOTE_OWNER), sizeof(text) - 1, BERTH_NOTE_MANIFEST, BERTH_NOTE_OWNER, text}

#ifdef __cplusplus
}
#endif
#endif
