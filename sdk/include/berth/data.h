/* What a request says and what an answer tells: the GROWING structs.
 *
 * Each begins with its own `size` and `flags`, holds no padding, is passed by pointer only, and is never embedded in
 * another struct nor put into an array: members are only ever appended, in multiples of eight bytes (rule V2).
 * All-zero is always legal and means "nothing given". Times are milliseconds; points in time are Unix time in UTC;
 * memory is in MiB in requests and in bytes in usage. This file knows no function. */
#ifndef BERTH_DATA_H
#define BERTH_DATA_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What processes run with. The base of a sandbox configuration, a process, and a sandbox's description.
 * For limits 0 means none and absent means the default. */
typedef struct berth_environment {
    uint32_t size;
    uint32_t flags;
    berth_pairs env;                /* names [A-Za-z_][A-Za-z0-9_]*; values are bytes without NUL; unique names */
    berth_str cwd;                  /* sandbox path, bytes; relative: against the sandbox's own cwd */
    berth_opt_i64 timeout_ms;       /* limit of one process */
    berth_opt_u64 memory_limit_mib; /* feature memory_limit (sandbox) or process_limits (process) */
    berth_opt_f64 cpu_limit;        /* percent, 100 = one core, a ceiling; feature cpu_limit or process_limits */
} berth_environment;

enum { BERTH_SANDBOX_PERSISTENT = 1 /* keep the sandbox beyond the host that made it; feature persistent */ };

/* What `create` is asked for. */
typedef struct berth_sandbox_config {
    uint32_t size;
    uint32_t flags;                       /* BERTH_SANDBOX_* */
    const berth_environment* environment; /* never NULL */
    berth_str name;                       /* label; not unique */
    berth_str template_name;              /* feature template */
    berth_strs setup_commands;            /* shell lines for `sh -c`, in order, after the initial files */
    berth_pairs labels;
    berth_str idempotency_key;    /* never absent. Store it with the sandbox and give it back in the info */
    berth_opt_i64 ttl_ms;         /* feature ttl: destroy after this time, whatever runs */
    berth_opt_i64 idle_ttl_ms;    /* feature idle_ttl: destroy after this time without calls */
    berth_opt_u64 disk_limit_mib; /* feature disk_limit */
    berth_opt_u64 pids_limit;     /* feature pids_limit */
    berth_strs network_allow;     /* with BERTH_NETWORK_ALLOW_LIST: host names and CIDRs */
    int32_t network;              /* BERTH_NETWORK_*; features network_none, _host, _outbound, _allow_list */
    uint32_t reserved;            /* zero */
    berth_pairs extra;            /* provider-specific wishes; an unknown one is INVALID_ARGUMENT */
} berth_sandbox_config;

enum {
    BERTH_PROCESS_LIVE_STDIN = 1,     /* stdin comes from call->stdin_fd; feature stdin */
    BERTH_PROCESS_TTY = 2,            /* run on a terminal; all output is STDOUT; feature tty */
    BERTH_PROCESS_DISCARD_STDOUT = 4, /* throw the bytes away; never block the process */
    BERTH_PROCESS_DISCARD_STDERR = 8,
    BERTH_PROCESS_KILL_BACKGROUND = 16 /* after the main process ended, end what it left behind */
};

/* One process. No shell: `command` and `args` are an argv and arrive byte for byte. */
typedef struct berth_process {
    uint32_t size;
    uint32_t flags;                       /* BERTH_PROCESS_* */
    const berth_environment* environment; /* laid over the sandbox's, for this process only; never NULL */
    berth_str command;                    /* bytes; without `/` it is looked up along the sandbox's PATH */
    berth_strs args;                      /* bytes without NUL */
    berth_bytes input;                    /* written to stdin, then closed; absent: stdin is at its end at once */
    int64_t kill_grace_ms;                /* between SIGTERM and SIGKILL; filled in by the host */
    int64_t drain_grace_ms;               /* how long output is awaited after the main process ended; filled in */
    uint32_t rows;                        /* with BERTH_PROCESS_TTY */
    uint32_t columns;
    berth_str terminal; /* with BERTH_PROCESS_TTY: the value of TERM */
    berth_pairs extra;
} berth_process;

/* How a process ended. */
typedef struct berth_process_end {
    uint32_t size;
    uint32_t flags;
    int32_t kind;              /* BERTH_ENDED_* */
    int32_t exit_code;         /* 0..255 when the process exited by itself, whoever asked it to */
    int32_t signal;            /* the signal that ended it, or 0 when it exited */
    int32_t reserved;          /* zero */
    berth_opt_i64 duration_ms; /* from start to end as the backend measured it; absent: the host measures */
} berth_process_end;

/* A sample of now. What the backend does not know is absent: never zero, never an estimate. */
typedef struct berth_usage {
    uint32_t size;
    uint32_t flags;
    berth_opt_f64 cpu_percent;            /* 100 = one core */
    berth_opt_u64 memory_bytes;           /* resident memory of all processes of the sandbox */
    berth_opt_u64 disk_bytes;             /* the sandbox's files */
    berth_opt_u64 network_received_bytes; /* since creation or the last restart */
    berth_opt_u64 network_sent_bytes;
    berth_opt_u64 process_count;
    berth_opt_u64 memory_limit_bytes;
    berth_opt_f64 cpu_limit_percent;
    berth_opt_u64 disk_limit_bytes;
    berth_opt_i64 sampled_at_ms;
} berth_usage;

/* A sandbox as it is now. The provider's name is not in it: the host knows it. */
typedef struct berth_sandbox_info {
    uint32_t size;
    uint32_t flags;  /* BERTH_SANDBOX_* */
    berth_str id;    /* 1-128 of [A-Za-z0-9._-], not `.` or `..`; never reused */
    int32_t state;   /* BERTH_STATE_* */
    int32_t network; /* BERTH_NETWORK_*, as really given; 0 = not known */
    int64_t created_at_ms;
    berth_opt_i64 last_used_at_ms; /* last execute, upload or download; `get` does not change it */
    berth_opt_i64 expires_at_ms;
    const berth_environment* environment; /* the truth: what was given, defaults filled in; never NULL */
    const berth_usage* usage;             /* may be NULL */
    berth_str idempotency_key;            /* as given to create */
    berth_str name;
    berth_str template_name;
    berth_str error_text; /* when the state is ERROR */
    berth_str backend_id; /* the backend's own name for it, when it differs from id */
    berth_pairs labels;
    berth_pairs facts; /* what a person may want to see in `inspect`, name and value */
} berth_sandbox_info;

enum { BERTH_LOG_FOLLOW = 1 /* keep going as new lines come, until cancel; feature log_follow */ };

typedef struct berth_log_options {
    uint32_t size;
    uint32_t flags;         /* BERTH_LOG_FOLLOW */
    berth_opt_u64 lines;    /* only the last n of what `since` leaves; 0 = none */
    berth_opt_i64 since_ms; /* only lines at or after this moment */
} berth_log_options;

enum {
    BERTH_ENTRY_TOP = 1,       /* first entry of its operation: the path the caller named */
    BERTH_ENTRY_MODE_KNOWN = 2 /* `mode` holds permission bits */
};

/* One file, directory or link on its way in or out. */
typedef struct berth_file_entry {
    uint32_t size;
    uint32_t flags;        /* BERTH_ENTRY_* */
    int32_t kind;          /* BERTH_FILE, BERTH_DIRECTORY, BERTH_SYMLINK */
    uint32_t mode;         /* permission bits, 0-0777 */
    uint64_t operation;    /* index of the caller's file operation */
    berth_str path;        /* bytes. Upload: the whole sandbox path. Download: below the wanted path, "" for itself */
    berth_str link_target; /* bytes; with BERTH_SYMLINK */
    berth_opt_u64 length;  /* bytes of a file, when known beforehand */
} berth_file_entry;

/* A feature of this instance, as `describe` tells it. */
typedef struct berth_feature {
    uint32_t size;
    uint32_t flags;
    berth_str name;   /* a feature name of the manifest */
    berth_str reason; /* absent: offered. Present: withdrawn on this machine or account, and why, and what enables it */
} berth_feature;

typedef struct berth_snapshot_info {
    uint32_t size;
    uint32_t flags;
    berth_str id;
    berth_str name;
    berth_str sandbox_id; /* where it was taken, when known */
    int64_t created_at_ms;
    berth_opt_u64 size_bytes;
    berth_opt_i64 expires_at_ms;
} berth_snapshot_info;

#ifdef __cplusplus
}
#endif
#endif
