/* The vocabulary of the contract: views, optional numbers and every fixed number.
 *
 * Everything here is frozen: these LEAF types have no `size`, never change, and alone may stand by value, in arrays
 * and inside other structs. Numbers are never renumbered; new ones are only added. This file knows no method. */
#ifndef BERTH_TYPES_H
#define BERTH_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text: UTF-8, not NUL-terminated. `data == NULL` means absent; present and empty has a non-null `data`.
 * Paths, arguments, environment values and output are bytes: see the field's own comment. */
typedef struct berth_str {
    const char* data;
    uint64_t size;
} berth_str;

typedef struct berth_bytes {
    const uint8_t* data;
    uint64_t size;
} berth_bytes;

typedef struct berth_strs {
    const berth_str* data;
    uint64_t count;
} berth_strs;

/* A name and a value. `flags` travels with the pair, so that a secret cannot lose its mark. */
typedef struct berth_pair {
    berth_str name;
    berth_str value;
    uint64_t flags; /* BERTH_PAIR_* */
} berth_pair;

typedef struct berth_pairs {
    const berth_pair* data;
    uint64_t count;
} berth_pairs;

enum { BERTH_PAIR_SECRET = 1 /* never shown, never logged */ };

/* Numbers that may be absent. Absent is not zero: `present` is 0 or 1. */
typedef struct berth_opt_i64 {
    int64_t value;
    uint64_t present;
} berth_opt_i64;

typedef struct berth_opt_u64 {
    uint64_t value;
    uint64_t present;
} berth_opt_u64;

typedef struct berth_opt_f64 {
    double value;
    uint64_t present;
} berth_opt_f64;

/* What a function answers. 1..999 are errors a person may see; 1000.. are answers of sinks, sources and services to
 * the plugin, which a method must never return. */
typedef int32_t berth_status;
enum {
    BERTH_OK = 0,
    BERTH_INVALID_ARGUMENT = 1,       /* a field is missing, malformed or out of range */
    BERTH_NOT_FOUND = 2,              /* a definite answer: no such sandbox in this provider */
    BERTH_SNAPSHOT_NOT_FOUND = 3,     /* no such snapshot */
    BERTH_TEMPLATE_NOT_FOUND = 4,     /* the template asked for is unknown */
    BERTH_NOT_READY = 5,              /* the sandbox is initializing, stopped or broken */
    BERTH_CONFLICT = 6,               /* a state change or snapshot is already under way; a source file changed */
    BERTH_UNSUPPORTED = 7,            /* this provider cannot do what was asked */
    BERTH_TIMEOUT = 8,                /* the operation ran over its limit (a process timeout is a result) */
    BERTH_CANCELLED = 9,              /* the caller gave up, and nothing was started or everything was undone */
    BERTH_EXECUTION_FAILED = 10,      /* the sandbox could not even try to start the process; a setup command failed */
    BERTH_FILE_NOT_FOUND = 11,        /* no such file or directory */
    BERTH_IS_DIRECTORY = 12,          /* a file was expected */
    BERTH_NOT_DIRECTORY = 13,         /* a directory was expected */
    BERTH_FILE_EXISTS = 14,           /* the name is taken */
    BERTH_PERMISSION_DENIED = 15,     /* the file may not be read or written */
    BERTH_PATH_ESCAPE = 16,           /* the path, after `..` and links, lies outside its root */
    BERTH_RESOURCE_EXHAUSTED = 17,    /* disk, memory or quota is used up */
    BERTH_RATE_LIMITED = 18,          /* the backend says slow down; retry_after_ms may say how long */
    BERTH_AUTH_FAILED = 19,           /* credential missing, wrong or expired */
    BERTH_UNAVAILABLE = 20,           /* backend unreachable, connection lost, provider dead */
    BERTH_ISOLATION_UNAVAILABLE = 21, /* the isolation asked for does not exist on this machine */
    BERTH_PROTOCOL_ERROR = 22,        /* backend or plugin broke its protocol or this contract */
    BERTH_INTERNAL = 23,              /* anything else; a bug */

    BERTH_END = 1000,         /* no more entries or bytes */
    BERTH_AGAIN = 1001,       /* nothing yet; poll the descriptor and ask again */
    BERTH_INTERRUPTED = 1002, /* nothing taken: an event waits. Read it, then offer the same bytes again */
    BERTH_ENOUGH = 1003,      /* nobody will read more; not an error. Keep draining what must be drained */
    BERTH_CONTRACT = 1004     /* the plugin broke an order rule; nothing was taken */
};

/* What may have happened on the backend when an error is reported. Zero is the safe answer: a caller that does not
 * know must not repeat the act. */
enum {
    BERTH_OUTCOME_UNKNOWN = 0, /* it may or may not have happened */
    BERTH_OUTCOME_NONE = 1,    /* certainly nothing happened */
    BERTH_OUTCOME_DONE = 2     /* it certainly happened */
};

/* The state of a sandbox. A zeroed struct is no state at all, and a contract fault. An unknown number reads as ERROR. */
enum {
    BERTH_STATE_INITIALIZING = 1,
    BERTH_STATE_READY = 2,
    BERTH_STATE_BUSY = 3,
    BERTH_STATE_STOPPED = 4,
    BERTH_STATE_ERROR = 5
};

/* How a process ended. Zero is a contract fault, never "completed". */
enum {
    BERTH_ENDED_EXITED = 1,        /* by itself; exit_code counts */
    BERTH_ENDED_SIGNALLED = 2,     /* by a signal that nobody here sent */
    BERTH_ENDED_KILLED = 3,        /* by a kill of the caller, by destroy or restart */
    BERTH_ENDED_CANCELLED = 4,     /* by a cancel of the call, after the process had started */
    BERTH_ENDED_TIMEOUT = 5,       /* by its own timeout */
    BERTH_ENDED_OUT_OF_MEMORY = 6, /* by its memory limit */
    BERTH_ENDED_DETACHED = 7       /* it has not: the plugin left it running, as a DETACH event asked */
};

enum { BERTH_STDOUT = 1, BERTH_STDERR = 2 };

/* What a sandbox may reach. DEFAULT is the provider's own choice. ALLOW_LIST with an empty list allows nothing. */
enum {
    BERTH_NETWORK_DEFAULT = 0,
    BERTH_NETWORK_NONE = 1,
    BERTH_NETWORK_HOST = 2,
    BERTH_NETWORK_OUTBOUND = 3,
    BERTH_NETWORK_ALLOW_LIST = 4
};

enum { BERTH_FILE = 1, BERTH_DIRECTORY = 2, BERTH_SYMLINK = 3 };

enum { BERTH_LOG_TRACE = 1, BERTH_LOG_DEBUG = 2, BERTH_LOG_INFO = 3, BERTH_LOG_WARNING = 4, BERTH_LOG_ERROR = 5 };

/* True when the struct behind `pointer` is long enough to hold `member`. Needed on the plugin's side only, before
 * reading a member that a later minor version added. `type` is a parameter because strict C11 has no typeof. */
#define BERTH_HAS(type, pointer, member) \
    ((pointer) != NULL && (pointer)->size >= offsetof(type, member) + sizeof((pointer)->member))

#ifdef __cplusplus
}
#endif
#endif
