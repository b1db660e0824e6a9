/* What the host offers to a plugin: log, settings, secrets, state, http, websocket.
 *
 * Handles that the plugin drives; the host never calls back. A service is NULL when this host does not offer it, and
 * each function that waits takes the call it waits for: a cancel or deadline makes it answer CANCELLED at once,
 * except inside a clean-up window. A failing service has already recorded its error in the call: return its code
 * unchanged, without `fail`. This file knows no method of a provider. */
#ifndef BERTH_HOST_H
#define BERTH_HOST_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct berth_host berth_host;

/* --- settings: the checked configuration of this provider, defaults of the schema filled in ---------------------- */

enum {
    BERTH_SETTING_TEXT = 1,
    BERTH_SETTING_INTEGER = 2,
    BERTH_SETTING_NUMBER = 3,
    BERTH_SETTING_BOOLEAN = 4,
    BERTH_SETTING_NULL = 5,
    BERTH_SETTING_LIST = 6, /* `integer` = how many items */
    BERTH_SETTING_MAP = 7   /* `integer` = how many members */
};

/* One value. Its views live as long as the provider is open. */
typedef struct berth_setting {
    uint32_t size;
    uint32_t flags;
    int32_t kind;      /* BERTH_SETTING_* */
    int32_t boolean;   /* 0 or 1 */
    berth_str pointer; /* JSON pointer, such as /git/token */
    berth_str text;
    int64_t integer;
    double number; /* also set for integers */
} berth_setting;

typedef struct berth_settings {
    uint32_t size;
    uint32_t flags;
    /* The value at a JSON pointer (set setting->size first). OK; END when there is none. Secrets are not in here.
     * [any thread] */
    berth_status (*get)(const berth_host* host, berth_str pointer, berth_setting* setting);
    /* The n-th of all values, parents before children, in the order of pointers; END after the last. [any thread] */
    berth_status (*at)(const berth_host* host, uint64_t index, berth_setting* setting);
} berth_settings;

typedef struct berth_secrets {
    uint32_t size;
    uint32_t flags;
    /* The secret at a JSON pointer of the configuration. Ask at each use and do not keep it: tokens expire. NULL as
     * `call` is allowed nowhere. OK; END when it is not configured; AUTH_FAILED when its source cannot be read.
     * [any thread] */
    berth_status (*get)(const berth_host* host, berth_call* call, berth_str pointer, berth_bytes_sink* sink);
} berth_secrets;

/* --- state: a small durable key-value store of this provider ------------------------------------------------------ */

/* Keys are 1-256 bytes, values at most 1 MiB. Safe with several hosts at once and after a crash. */
typedef struct berth_state {
    uint32_t size;
    uint32_t flags;
    /* OK with value and *revision (> 0); END when there is none. [any thread] */
    berth_status (*get)(const berth_host* host, berth_call* call, berth_str key, berth_bytes_sink* value,
                        uint64_t* revision);
    /* Stores when the stored revision is still `expected` (0 = there must be none); *revision is the new one.
     * CONFLICT when somebody was faster. [any thread] */
    berth_status (*put)(const berth_host* host, berth_call* call, berth_str key, berth_bytes value, uint64_t expected,
                        uint64_t* revision);
    berth_status (*remove)(const berth_host* host, berth_call* call, berth_str key, uint64_t expected);
    /* Each key that begins with `prefix`: pair.name is the key, pair.value empty. [any thread] */
    berth_status (*list)(const berth_host* host, berth_call* call, berth_str prefix, berth_pairs_sink* keys);
} berth_state;

/* --- http -------------------------------------------------------------------------------------------------------- */

typedef struct berth_exchange berth_exchange; /* opaque; belongs to its call and is closed with it at the latest */

enum {
    BERTH_HTTP_REPEATABLE = 1,    /* the host may send it again after a failure: it makes nothing twice */
    BERTH_HTTP_UNINTERRUPTED = 2, /* it makes something: once sent, a cancel waits for the answer (bounded) */
    BERTH_HTTP_STREAMED_BODY = 4  /* the body comes through `write` and `finish`, not in `body`; never repeated */
};

typedef struct berth_http_request {
    uint32_t size;
    uint32_t flags; /* BERTH_HTTP_* */
    berth_str method;
    berth_str url;
    berth_pairs headers; /* a value that holds a secret carries BERTH_PAIR_SECRET */
    berth_bytes body;
    berth_opt_u64 body_length; /* of a streamed body, when known */
    berth_opt_i64 idle_ms;     /* fail when nothing moves for so long */
    berth_str unix_socket;     /* connect here instead; bytes */
    berth_pairs
        retry_after_headers; /* vendors' own: name = header, value = "seconds" | "milliseconds" | "unix_seconds" */
} berth_http_request;

typedef struct berth_http_head {
    uint32_t size;
    uint32_t flags;
    int32_t status;
    int32_t reserved;
    berth_pairs headers;          /* names in lower case; live until `close` */
    berth_opt_i64 retry_after_ms; /* already computed from any form */
    berth_opt_u64 length;
} berth_http_head;

typedef struct berth_http {
    uint32_t size;
    uint32_t flags;
    berth_status (*open)(const berth_host* host, berth_call* call, const berth_http_request* request,
                         berth_exchange** exchange); /* [any thread] */
    /* Part of a streamed body, with back-pressure. END: the server has answered already; read the head. */
    berth_status (*write)(berth_exchange* exchange, berth_bytes bytes);
    berth_status (*finish)(berth_exchange* exchange);
    /* Waits for status and headers (set head->size first). */
    berth_status (*head)(berth_exchange* exchange, berth_http_head* head);
    /* Waits for bytes. END only after a complete body; a cut one is UNAVAILABLE. */
    berth_status (*read)(berth_exchange* exchange, void* buffer, uint64_t capacity, uint64_t* got);
    /* The same without waiting: AGAIN, then poll `fd`. */
    berth_status (*try_read)(berth_exchange* exchange, void* buffer, uint64_t capacity, uint64_t* got);
    int (*fd)(berth_exchange* exchange);
    void (*close)(berth_exchange* exchange);
} berth_http;

/* --- websocket --------------------------------------------------------------------------------------------------- */

typedef struct berth_socket berth_socket; /* opaque; belongs to its call and is closed with it at the latest */

enum { BERTH_SOCKET_TEXT = 1, BERTH_SOCKET_BINARY = 2, BERTH_SOCKET_CLOSED = 3 };

/* What arrived. With BERTH_SOCKET_CLOSED `close_code` says why; 1006 when the peer did not say. */
typedef struct berth_socket_message {
    uint32_t size;
    uint32_t kind;     /* BERTH_SOCKET_* */
    berth_bytes bytes; /* lives until the next receive */
    int32_t close_code;
    int32_t reserved;
} berth_socket_message;

typedef struct berth_websocket {
    uint32_t size;
    uint32_t flags;
    berth_status (*open)(const berth_host* host, berth_call* call, const berth_http_request* request,
                         berth_socket** socket); /* [any thread] */
    berth_status (*send)(berth_socket* socket, uint32_t kind, berth_bytes bytes);
    berth_status (*receive)(berth_socket* socket, berth_socket_message* message);
    berth_status (*try_receive)(berth_socket* socket, berth_socket_message* message);
    int (*fd)(berth_socket* socket);
    void (*close)(berth_socket* socket, int32_t close_code);
} berth_websocket;

/* --- the host ---------------------------------------------------------------------------------------------------- */

/* Handed to `open`, valid until `close` has returned. */
struct berth_host {
    uint32_t size;
    uint32_t minor; /* contract minor this host speaks */
    void* host_data;
    berth_str provider_name; /* as in berth.yaml */
    /* One line for the operator; secrets known to the host are masked. Also outside a call. [any thread] */
    void (*log)(const berth_host* host, int32_t level, berth_str message);
    const berth_settings* settings;
    const berth_secrets* secrets;
    const berth_state* state;
    const berth_http* http;
    const berth_websocket* websocket;
};

#ifdef __cplusplus
}
#endif
#endif
