/* One call: how long it may take, what the caller says meanwhile, where results go, where files come from.
 *
 * All objects here are made by the host, valid until the method returns, and used by one thread at a time
 * [one thread at a time], not always the same; only `cancelled` is free [any thread]. Results are PUSHED into sinks
 * and files PULLED from sources: no memory changes owner, and the host never calls back into the plugin. */
#ifndef BERTH_CALL_H
#define BERTH_CALL_H

#include "data.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BERTH_ERROR_PASSED =
        1 /* the reason is what a sink, source or service of the host answered with this code: `outcome`
                              is added to it, and the message is for a host that does not know this flag */
};

/* Why a method failed. Everything is copied inside `fail`. No text may hold a credential, an environment value or input. */
typedef struct berth_error {
    uint32_t size;
    uint32_t flags;      /* BERTH_ERROR_* */
    int32_t code;        /* BERTH_INVALID_ARGUMENT .. BERTH_INTERNAL */
    int32_t outcome;     /* BERTH_OUTCOME_*; zero is the safe "unknown" */
    berth_str message;   /* what happened, one sentence, without the sandbox's name */
    berth_str hint;      /* what to do next */
    berth_pairs details; /* such as command, exit_code, stdout, stderr of a failed setup command */
    berth_opt_u64 index; /* which file operation or setup command */
    berth_str path;      /* which file, bytes */
    berth_opt_i64 retry_after_ms;
    berth_str upstream_code; /* the backend's own code */
    berth_str upstream_request_id;
} berth_error;

enum {
    BERTH_EVENT_CANCEL = 1, /* give up; `reason` says why. From now on services and sinks answer CANCELLED */
    BERTH_EVENT_SIGNAL = 2, /* send `signal`: TERM and KILL to the whole group, others to the main process */
    BERTH_EVENT_RESIZE = 3, /* the terminal is now `rows` x `columns` */
    BERTH_EVENT_DETACH = 4  /* leave the process running and return with BERTH_ENDED_DETACHED */
};

enum { BERTH_CANCEL_CALLER = 1, BERTH_CANCEL_DEADLINE = 2, BERTH_CANCEL_SHUTDOWN = 3 };

/* Something the caller says while a call runs. An unknown kind is to be skipped. */
typedef struct berth_event {
    uint32_t size;
    uint32_t kind;  /* BERTH_EVENT_* */
    int32_t reason; /* BERTH_CANCEL_* */
    int32_t signal; /* Linux number */
    uint32_t rows;
    uint32_t columns;
} berth_event;

typedef struct berth_call berth_call;
struct berth_call {
    uint32_t size;
    uint32_t flags;
    uint64_t number;     /* unique in this host; for logs */
    int64_t deadline_ns; /* CLOCK_MONOTONIC; INT64_MAX = none. It bounds the operation, not the process. The host
                            also sends a CANCEL event when it passes, so nobody need compute a time-out */
    void* host_data;     /* the host's */

    /* 1 once the caller gave up or the deadline passed, else 0. [any thread] */
    int32_t (*cancelled)(const berth_call* call);
    /* A descriptor that polls readable while an event waits. The host's: never read, never close it; dup to keep it
     * past the call. -1: the host has none left; fall back on `cancelled`. [one thread at a time] */
    int (*events_fd)(berth_call* call);
    /* Takes the next event into `event` (set event->size first). OK, or AGAIN when none waits. Never blocks.
     * [one thread at a time] */
    berth_status (*next_event)(berth_call* call, berth_event* event);
    /* With BERTH_PROCESS_LIVE_STDIN: the read end of a pipe that carries stdin, else -1. The host's descriptor: it may
     * be handed to a child, dup it to keep it. End of file is the end of stdin. [one thread at a time] */
    int (*stdin_fd)(berth_call* call);
    /* Records why this call fails; returns error->code, so that `return call->fail(call, &error);` reads well. The
     * last one counts; returning BERTH_OK afterwards is success all the same. [one thread at a time] */
    berth_status (*fail)(berth_call* call, const berth_error* error);
    /* After a cancel: opens a bounded window, once, in which services work again, to delete what was made or to run
     * a kill ladder. Returns the milliseconds really granted, 0 when there is no cancel or the window was used. Called
     * in any state, also with 0, it says that a clean-up begins: what services answer from here on is not why the call
     * fails when something before it is. [one thread at a time] */
    int64_t (*begin_cleanup)(berth_call* call, int64_t wanted_ms);
    /* Tells a waiting person what goes on. `total` 0 = unknown. [one thread at a time] */
    void (*progress)(berth_call* call, berth_str what, uint64_t done, uint64_t total);
};

/* --- sinks: where results go. Views may live on the plugin's stack: the host copies inside each function. ------- */

/* create, get, restart: the last `put` counts. create should put as soon as the backend has named the sandbox
 * (INITIALIZING) and again when it is ready. list: one put for each sandbox, in any order. */
typedef struct berth_info_sink berth_info_sink;
struct berth_info_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_info_sink* sink, const berth_sandbox_info* info); /* OK, ENOUGH, CANCELLED */
};

typedef struct berth_usage_sink berth_usage_sink;
struct berth_usage_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_usage_sink* sink, const berth_usage* usage);
};

typedef struct berth_ready_sink berth_ready_sink;
struct berth_ready_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_ready_sink* sink, int32_t ready); /* 1 or 0 */
};

typedef struct berth_pairs_sink berth_pairs_sink;
struct berth_pairs_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_pairs_sink* sink, const berth_pair* pair);
};

/* Bytes in order: logs, a snapshot's id, a secret, a stored value. Blocks while the reader is behind. */
typedef struct berth_bytes_sink berth_bytes_sink;
struct berth_bytes_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*write)(berth_bytes_sink* sink, berth_bytes bytes); /* OK, ENOUGH, CANCELLED */
};

typedef struct berth_feature_sink berth_feature_sink;
struct berth_feature_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_feature_sink* sink, const berth_feature* feature);
};

typedef struct berth_snapshot_sink berth_snapshot_sink;
struct berth_snapshot_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    berth_status (*put)(berth_snapshot_sink* sink, const berth_snapshot_info* snapshot);
};

/* The course of one process: started, output..., ended. The terminal event is made by the host when the method
 * returns; `ended` only records what to say in it. Returning OK without `ended` is a PROTOCOL_ERROR. */
typedef struct berth_process_sink berth_process_sink;
struct berth_process_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    /* At most once and first; output implies it. Program not found: started without pid, then ended with exit 127. */
    berth_status (*started)(berth_process_sink* sink, berth_opt_i64 pid);
    /* `stream` is BERTH_STDOUT or BERTH_STDERR. Takes all or nothing, at most 1 MiB at once. Blocks while the reader
     * is behind. OK; INTERRUPTED: read the event, then offer the same bytes again; ENOUGH: drop further output;
     * CONTRACT after `ended`. */
    berth_status (*output)(berth_process_sink* sink, int32_t stream, berth_bytes bytes);
    berth_status (*ended)(berth_process_sink* sink, const berth_process_end* end);
};

/* --- files ------------------------------------------------------------------------------------------------------ */

/* Files on their way into a sandbox, parents before children. The plugin never sees a host path. */
typedef struct berth_file_source berth_file_source;
struct berth_file_source {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    /* The next entry (set entry->size first); what was not read of the one before is skipped. Views live until the
     * next call of `next`. OK, END, CANCELLED, or the host's own error (return it unchanged, without `fail`). */
    berth_status (*next)(berth_file_source* source, berth_file_entry* entry);
    /* Up to `capacity` bytes of the current file into `buffer`, *got says how many. OK with *got > 0, END, CONFLICT when
     * the file changed meanwhile, CANCELLED. */
    berth_status (*read)(berth_file_source* source, void* buffer, uint64_t capacity, uint64_t* got);
    /* Begins the current file anew, for a repeated transfer. UNSUPPORTED when it cannot. */
    berth_status (*rewind)(berth_file_source* source);
    /* A pipe that carries the rest of the current file at kernel speed, or -1; the host's descriptor, closed at `next`.
     * The length must then be checked against entry->length, and `read` afterwards tells END or CONFLICT. */
    int (*pipe)(berth_file_source* source);
    /* Every entry of this operation is in place. Feeds "how many were done" of an error. */
    void (*done)(berth_file_source* source, uint64_t operation);
};

/* Files on their way out. The host checks names, refuses what would leave the target, and renames at commit. */
typedef struct berth_file_sink berth_file_sink;
struct berth_file_sink {
    uint32_t size;
    uint32_t flags;
    void* host_data;
    /* Announces an entry; a file's bytes follow. OK, or the host's own error (return it unchanged). */
    berth_status (*begin)(berth_file_sink* sink, const berth_file_entry* entry);
    berth_status (*write)(berth_file_sink* sink, berth_bytes bytes);
    /* The announced entry is complete. Without it the file never existed. */
    berth_status (*commit)(berth_file_sink* sink);
    /* A fifo, socket or device met inside a directory: counted, not copied. */
    berth_status (*skip)(berth_file_sink* sink, const berth_file_entry* entry, berth_str reason);
};

#ifdef __cplusplus
}
#endif
#endif
