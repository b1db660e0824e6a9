/* The smallest whole provider in C: sandboxes in memory whose only programs are echo, cat, sleep, true and false.
 * Nothing of the machine is used, so nothing can escape: there is nothing to run. It shows the contract as C sees it:
 * views in, sinks out, one lock, `fail` for every error. Sandboxes die with the host: `persistent` is not offered.
 * Longer than a room because a plugin in C is to be one file and one compiler command, with no library to lean on. */
#define _POSIX_C_SOURCE 200809L
#include <berth/plugin.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

BERTH_MANIFEST(
    "{\"name\": \"minimal_c\", \"version\": \"1.0.0\", \"license\": \"Apache-2.0\","
    " \"description\": \"Sandboxes in memory with five built-in programs: shows the contract in C\","
    " \"features\": [\"network_none\", \"restart_keeps_files\"],"
    " \"provides\": [\"create\", \"get\", \"list\", \"destroy\", \"execute\", \"execute_stream\", \"upload_files\","
    " \"download_files\", \"get_resource_usage\", \"is_ready\", \"restart\"]}");

/* Bytes that are ours; a terminating NUL stands behind them. */
typedef struct owned {
    char* data;
    uint64_t size;
} owned;

typedef struct file {
    struct file* next;
    owned path; /* absolute, without a slash at the end */
    owned content;
    int32_t kind;
    uint32_t mode;
} file;

typedef struct box {
    struct box* next;
    char id[32];
    owned key, name, cwd;
    berth_pair* env; /* each pair's bytes are owned */
    uint64_t env_count;
    int64_t created_at_ms, used_at_ms;
    uint64_t restarts;
    file* files;
} box;

typedef struct provider {
    pthread_mutex_t lock;
    box* boxes;
} provider;

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static berth_str text(const char* bytes) {
    berth_str view = {bytes, strlen(bytes)};
    return view;
}

static berth_str view(owned from) {
    berth_str to = {from.data, from.size};
    return to;
}

static int equal(berth_str a, berth_str b) {
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* A copy; without memory the host's process is lost anyway. An absent text stays absent. */
static owned keep(const void* data, uint64_t size) {
    owned copy = {NULL, 0};
    if (data == NULL) return copy;
    copy.data = malloc(size + 1);
    if (copy.data == NULL) abort();
    memcpy(copy.data, data, size);
    copy.data[size] = 0;
    copy.size = size;
    return copy;
}

static berth_status fail(berth_call* call, berth_status code, int32_t outcome, const char* message) {
    berth_error error = {0};
    error.size = sizeof error;
    error.code = code;
    error.outcome = outcome;
    error.message = text(message);
    return call->fail(call, &error);
}

static berth_status not_found(berth_call* call) {
    return fail(call, BERTH_NOT_FOUND, BERTH_OUTCOME_NONE, "no such sandbox");
}

/* --- sandboxes; all under the lock -------------------------------------------------------------------------------- */

static box* find(provider* self, berth_str id) {
    for (box* at = self->boxes; at != NULL; at = at->next)
        if (equal(text(at->id), id)) return at;
    return NULL;
}

static void erase(provider* self, berth_str id) {
    for (box** at = &self->boxes; *at != NULL; at = &(*at)->next) {
        if (!equal(text((*at)->id), id)) continue;
        box* gone = *at;
        *at = gone->next;
        while (gone->files != NULL) {
            file* first = gone->files;
            gone->files = first->next;
            free(first->path.data), free(first->content.data), free(first);
        }
        for (uint64_t n = 0; n < gone->env_count; ++n)
            free((void*)(uintptr_t)gone->env[n].name.data), free((void*)(uintptr_t)gone->env[n].value.data);
        free(gone->env), free(gone->key.data), free(gone->name.data), free(gone->cwd.data), free(gone);
        return;
    }
}

static berth_status put(const box* from, berth_info_sink* sink) {
    berth_environment environment = {0};
    environment.size = sizeof environment;
    environment.env.data = from->env;
    environment.env.count = from->env_count;
    environment.cwd = view(from->cwd);
    berth_sandbox_info info = {0};
    info.size = sizeof info;
    info.id = text(from->id);
    info.state = BERTH_STATE_READY;
    info.network = BERTH_NETWORK_NONE;
    info.created_at_ms = from->created_at_ms;
    info.last_used_at_ms.value = from->used_at_ms;
    info.last_used_at_ms.present = from->used_at_ms != 0;
    info.environment = &environment;
    info.idempotency_key = view(from->key);
    info.name = view(from->name);
    const berth_status status = sink->put(sink, &info);
    return status == BERTH_ENOUGH ? BERTH_OK : status;
}

static file* find_file(box* in, berth_str path) {
    for (file* at = in->files; at != NULL; at = at->next)
        if (equal(view(at->path), path)) return at;
    return NULL;
}

static int below_a_file(box* in, berth_str path) {
    for (uint64_t n = 1; n < path.size; ++n) {
        const berth_str parent = {path.data, n};
        const file* at = path.data[n] == '/' ? find_file(in, parent) : NULL;
        if (at != NULL && at->kind == BERTH_FILE) return 1;
    }
    return 0;
}

/* Puts a file or directory in place, after the directories it lies in: so the list is parents first. */
static file* place(box* in, berth_str path, int32_t kind, uint32_t mode, owned content) {
    for (uint64_t n = 1; n < path.size; ++n) {
        const berth_str parent = {path.data, n};
        if (path.data[n] == '/' && find_file(in, parent) == NULL) place(in, parent, BERTH_DIRECTORY, 0755, keep("", 0));
    }
    file* at = find_file(in, path);
    if (at == NULL) {
        file** end = &in->files;
        while (*end != NULL)
            end = &(*end)->next;
        at = *end = calloc(1, sizeof *at);
        if (at == NULL) abort();
        at->path = keep(path.data, path.size);
    }
    free(at->content.data);
    at->content = content;
    at->kind = kind;
    at->mode = mode;
    return at;
}

/* An absolute path without a slash at its end; absent when the path has a part that is empty or made of dots. */
static owned absolute(berth_str path) {
    if (path.size > 1 && path.data[path.size - 1] == '/') --path.size;
    const uint64_t slash = path.size > 0 && path.data[0] == '/' ? 0 : 1;
    owned whole = keep("", 0);
    free(whole.data);
    whole.data = calloc(1, path.size + slash + 1);
    if (whole.data == NULL) abort();
    memcpy(whole.data, "/", slash);
    memcpy(whole.data + slash, path.data, path.size);
    whole.size = path.size + slash;
    if (strlen(whole.data) == whole.size && strstr(whole.data, "//") == NULL && strstr(whole.data, "/.") == NULL)
        return whole;
    free(whole.data);
    return keep(NULL, 0);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static berth_status file_error(berth_call* call, berth_status code, berth_str path, uint64_t operation) {
    berth_error error = {0};
    error.size = sizeof error;
    error.code = code;
    error.outcome = BERTH_OUTCOME_NONE;
    error.message = text(code == BERTH_PATH_ESCAPE      ? "the path leaves the sandbox"
                         : code == BERTH_FILE_NOT_FOUND ? "no such file"
                         : code == BERTH_UNSUPPORTED    ? "this example keeps no links"
                                                        : "a directory and a file are in each other's way");
    error.path = path;
    error.index.value = operation;
    error.index.present = 1;
    return call->fail(call, &error);
}

/* Reads the whole current file of a source. */
static berth_status take(berth_file_source* source, owned* content) {
    char buffer[16384];
    for (;;) {
        uint64_t got = 0;
        const berth_status status = source->read(source, buffer, sizeof buffer, &got);
        if (status == BERTH_END) return BERTH_OK;
        if (status != BERTH_OK) return status; /* the host has said why */
        char* more = realloc(content->data, content->size + got + 1);
        if (more == NULL) abort();
        memcpy(more + content->size, buffer, got);
        content->data = more;
        content->size += got;
    }
}

static berth_status receive(provider* self, berth_call* call, berth_str id, berth_file_source* source) {
    for (;;) {
        berth_file_entry entry = {0};
        entry.size = sizeof entry;
        const berth_status next = source->next(source, &entry);
        if (next == BERTH_END) return BERTH_OK;
        if (next != BERTH_OK) return next;
        if (entry.kind == BERTH_SYMLINK) return file_error(call, BERTH_UNSUPPORTED, entry.path, entry.operation);
        owned path = absolute(entry.path);
        if (path.data == NULL) return file_error(call, BERTH_PATH_ESCAPE, entry.path, entry.operation);
        owned content = keep("", 0);
        berth_status status = entry.kind == BERTH_FILE ? take(source, &content) : BERTH_OK;
        pthread_mutex_lock(&self->lock);
        box* in = find(self, id);
        const file* there = in == NULL ? NULL : find_file(in, view(path));
        if (status == BERTH_OK && in == NULL) status = not_found(call);
        if (status == BERTH_OK && below_a_file(in, view(path)))
            status = file_error(call, BERTH_NOT_DIRECTORY, entry.path, entry.operation);
        if (status == BERTH_OK && there != NULL && there->kind != entry.kind)
            status = file_error(call, there->kind == BERTH_DIRECTORY ? BERTH_IS_DIRECTORY : BERTH_NOT_DIRECTORY,
                                entry.path, entry.operation);
        if (status == BERTH_OK) {
            place(in, view(path), entry.kind, entry.mode, content);
            in->used_at_ms = now_ms(CLOCK_REALTIME);
        } else {
            free(content.data);
        }
        pthread_mutex_unlock(&self->lock);
        free(path.data);
        if (status != BERTH_OK) return status;
        source->done(source, entry.operation);
    }
}

static berth_status send(const file* from, uint64_t operation, berth_str below, berth_file_sink* sink) {
    berth_file_entry entry = {0};
    entry.size = sizeof entry;
    entry.flags = BERTH_ENTRY_MODE_KNOWN | (below.size == 0 ? BERTH_ENTRY_TOP : 0);
    entry.kind = from->kind;
    entry.mode = from->mode;
    entry.operation = operation;
    entry.path = below;
    const berth_bytes content = {(const uint8_t*)from->content.data, from->content.size};
    berth_status status = sink->begin(sink, &entry);
    if (status == BERTH_OK && from->kind == BERTH_FILE) status = sink->write(sink, content);
    return status == BERTH_OK ? sink->commit(sink) : status;
}

static berth_status upload_files(void* self, berth_call* call, berth_str id, berth_file_source* source) {
    return receive(self, call, id, source);
}

static berth_status download_files(void* raw, berth_call* call, berth_str id, berth_strs paths, berth_file_sink* sink) {
    provider* self = raw;
    berth_status status = BERTH_OK;
    pthread_mutex_lock(&self->lock);
    box* in = find(self, id);
    if (in == NULL) status = not_found(call);
    for (uint64_t n = 0; n < paths.count && status == BERTH_OK; ++n) {
        owned path = absolute(paths.data[n]);
        const file* top = path.data == NULL ? NULL : find_file(in, view(path));
        if (top == NULL) {
            const berth_status code = path.data == NULL ? BERTH_PATH_ESCAPE : BERTH_FILE_NOT_FOUND;
            status = file_error(call, code, paths.data[n], n);
        }
        if (status == BERTH_OK) status = send(top, n, text(""), sink);
        for (const file* at = in->files; at != NULL && status == BERTH_OK; at = at->next)
            if (at->path.size > path.size && at->path.data[path.size] == '/' &&
                memcmp(at->path.data, path.data, path.size) == 0) {
                const berth_str below = {at->path.data + path.size + 1, at->path.size - path.size - 1};
                status = send(at, n, below, sink);
            }
        free(path.data);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* --- the life of a sandbox ---------------------------------------------------------------------------------------- */

static berth_status create(void* raw, berth_call* call, const berth_sandbox_config* config,
                           berth_file_source* initial_files, berth_info_sink* sink) {
    provider* self = raw;
    if (config->setup_commands.count != 0 || config->labels.count != 0)
        return fail(call, BERTH_UNSUPPORTED, BERTH_OUTCOME_NONE, "this example has no shell and keeps no labels");
    pthread_mutex_lock(&self->lock);
    for (const box* at = self->boxes; at != NULL; at = at->next)
        if (equal(view(at->key), config->idempotency_key)) {
            const berth_status status = put(at, sink); /* the same key gives the same sandbox */
            pthread_mutex_unlock(&self->lock);
            return status;
        }
    box* made = calloc(1, sizeof *made);
    const berth_environment* wanted = config->environment;
    if (made == NULL) abort();
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) abort();
    snprintf(made->id, sizeof made->id, "c-%016llx", (unsigned long long)random);
    made->key = keep(config->idempotency_key.data, config->idempotency_key.size);
    made->name = keep(config->name.data, config->name.size);
    made->cwd = wanted->cwd.data == NULL ? keep("/", 1) : keep(wanted->cwd.data, wanted->cwd.size);
    made->created_at_ms = now_ms(CLOCK_REALTIME);
    made->env_count = wanted->env.count;
    made->env = calloc(wanted->env.count + 1, sizeof *made->env);
    if (made->env == NULL) abort();
    for (uint64_t n = 0; n < wanted->env.count; ++n) {
        made->env[n].name = view(keep(wanted->env.data[n].name.data, wanted->env.data[n].name.size));
        made->env[n].value = view(keep(wanted->env.data[n].value.data, wanted->env.data[n].value.size));
        made->env[n].flags = wanted->env.data[n].flags;
    }
    made->next = self->boxes;
    self->boxes = made;
    char id[sizeof made->id];
    memcpy(id, made->id, sizeof id);
    pthread_mutex_unlock(&self->lock);

    berth_status status = receive(self, call, text(id), initial_files);
    pthread_mutex_lock(&self->lock);
    const box* ready = find(self, text(id));
    if (status == BERTH_OK) status = ready == NULL ? not_found(call) : put(ready, sink);
    if (status != BERTH_OK) erase(self, text(id)); /* a create that fails leaves nothing behind (rule C3) */
    pthread_mutex_unlock(&self->lock);
    return status;
}

static berth_status get(void* raw, berth_call* call, berth_str id, berth_info_sink* sink) {
    provider* self = raw;
    pthread_mutex_lock(&self->lock);
    const box* found = find(self, id);
    const berth_status status = found == NULL ? not_found(call) : put(found, sink);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static berth_status list(void* raw, berth_call* call, berth_info_sink* sink) {
    provider* self = raw;
    berth_status status = BERTH_OK;
    (void)call;
    pthread_mutex_lock(&self->lock);
    for (const box* at = self->boxes; at != NULL && status == BERTH_OK; at = at->next)
        status = put(at, sink);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static berth_status destroy(void* raw, berth_call* call, berth_str id) {
    provider* self = raw;
    pthread_mutex_lock(&self->lock);
    const berth_status status = find(self, id) == NULL ? not_found(call) : BERTH_OK;
    if (status == BERTH_OK) erase(self, id);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static berth_status restart(void* raw, berth_call* call, berth_str id, berth_info_sink* sink) {
    provider* self = raw;
    pthread_mutex_lock(&self->lock);
    box* found = find(self, id);
    if (found != NULL) ++found->restarts; /* ends every sleep */
    const berth_status status = found == NULL ? not_found(call) : put(found, sink);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static berth_status get_resource_usage(void* raw, berth_call* call, berth_str id, berth_usage_sink* sink) {
    provider* self = raw;
    berth_usage usage = {0}; /* what is not known stays absent */
    usage.size = sizeof usage;
    usage.disk_bytes.present = 1;
    pthread_mutex_lock(&self->lock);
    const box* found = find(self, id);
    for (const file* at = found == NULL ? NULL : found->files; at != NULL; at = at->next)
        usage.disk_bytes.value += at->content.size;
    pthread_mutex_unlock(&self->lock);
    return found == NULL ? not_found(call) : sink->put(sink, &usage);
}

static berth_status is_ready(void* raw, berth_call* call, berth_str id, berth_ready_sink* sink) {
    provider* self = raw;
    (void)call;
    pthread_mutex_lock(&self->lock);
    const int32_t ready = find(self, id) != NULL;
    pthread_mutex_unlock(&self->lock);
    return sink->put(sink, ready);
}

/* --- processes: five built-in programs ---------------------------------------------------------------------------- */

static berth_status say(berth_call* call, berth_process_sink* sink, int32_t stream, berth_str what) {
    const berth_bytes bytes = {(const uint8_t*)what.data, what.size};
    berth_status status = BERTH_INTERRUPTED;
    while (status == BERTH_INTERRUPTED) { /* an event waits: read it, then offer the same bytes again */
        berth_event event = {0};
        event.size = sizeof event;
        status = sink->output(sink, stream, bytes);
        while (status == BERTH_INTERRUPTED && call->next_event(call, &event) == BERTH_OK)
            event.size = sizeof event;
    }
    return status;
}

/* How often the sandbox was restarted; destroyed counts as once more than ever. */
static uint64_t restarts_of(provider* self, berth_str id) {
    pthread_mutex_lock(&self->lock);
    const box* in = find(self, id);
    const uint64_t restarts = in == NULL ? UINT64_MAX : in->restarts;
    pthread_mutex_unlock(&self->lock);
    return restarts;
}

/* Sleeps, at most until its time limit; a cancel, a kill, a restart or a destroy ends it. */
static void sleep_for(provider* self, berth_call* call, berth_str id, int64_t milliseconds, int64_t timeout,
                      berth_process_end* end) {
    const int64_t begin = now_ms(CLOCK_MONOTONIC);
    const int64_t length = timeout > 0 && timeout < milliseconds ? timeout : milliseconds;
    const uint64_t restarts = restarts_of(self, id);
    end->signal = 15;
    for (;;) {
        const int64_t left = begin + length - now_ms(CLOCK_MONOTONIC);
        struct pollfd events = {call->events_fd(call), POLLIN, 0};
        berth_event event = {0};
        event.size = sizeof event;
        end->kind = BERTH_ENDED_KILLED;
        if (restarts_of(self, id) != restarts) return;
        while (call->next_event(call, &event) == BERTH_OK) {
            if (event.kind == BERTH_EVENT_SIGNAL && (event.signal == 15 || event.signal == 9)) {
                end->signal = event.signal;
                return;
            }
            event.size = sizeof event;
        }
        end->kind = BERTH_ENDED_CANCELLED;
        if (call->cancelled(call)) return;
        end->kind = BERTH_ENDED_TIMEOUT;
        if (left <= 0 && length < milliseconds) return;
        end->kind = BERTH_ENDED_EXITED;
        if (left <= 0) {
            end->signal = 0;
            return;
        }
        poll(&events, 1, left < 50 ? (int)left : 50);
    }
}

static berth_status execute(void* raw, berth_call* call, berth_str id, const berth_process* process,
                            berth_process_sink* sink) {
    provider* self = raw;
    const berth_str* args = process->args.data;
    const berth_opt_i64 no_pid = {0, 0};
    berth_process_end end = {0};
    end.size = sizeof end;
    end.kind = BERTH_ENDED_EXITED;
    if (call->cancelled(call)) return fail(call, BERTH_CANCELLED, BERTH_OUTCOME_NONE, "cancelled");
    pthread_mutex_lock(&self->lock);
    box* in = find(self, id);
    if (in != NULL) in->used_at_ms = now_ms(CLOCK_REALTIME);
    pthread_mutex_unlock(&self->lock);
    if (in == NULL) return not_found(call);
    sink->started(sink, no_pid);
    if (equal(process->command, text("echo"))) {
        for (uint64_t n = 0; n < process->args.count; ++n) {
            if (n != 0) say(call, sink, BERTH_STDOUT, text(" "));
            say(call, sink, BERTH_STDOUT, args[n]);
        }
        say(call, sink, BERTH_STDOUT, text("\n"));
    } else if (equal(process->command, text("cat")) && process->args.count == 0) {
        const berth_str input = {(const char*)process->input.data, process->input.size};
        if (input.data != NULL) say(call, sink, BERTH_STDOUT, input);
    } else if (equal(process->command, text("sleep")) && process->args.count == 1) {
        char seconds[32] = "";
        memcpy(seconds, args[0].data, args[0].size < 31 ? args[0].size : 31);
        sleep_for(self, call, id, (int64_t)(strtod(seconds, NULL) * 1000), process->environment->timeout_ms.value,
                  &end);
    } else if (equal(process->command, text("false"))) {
        end.exit_code = 1;
    } else if (!equal(process->command, text("true"))) {
        say(call, sink, BERTH_STDERR, text("minimal_c: the programs are echo, cat, sleep, true and false\n"));
        end.exit_code = 127;
    }
    return sink->ended(sink, &end);
}

/* --- the plugin ----------------------------------------------------------------------------------------------------
 */

static berth_status open_provider(const berth_host* host, berth_call* call, void** self) {
    provider* made = calloc(1, sizeof *made);
    (void)host;
    if (made == NULL) return fail(call, BERTH_RESOURCE_EXHAUSTED, BERTH_OUTCOME_NONE, "no memory");
    pthread_mutex_init(&made->lock, NULL);
    *self = made;
    return BERTH_OK;
}

static berth_status describe(void* self, berth_call* call, berth_feature_sink* sink) {
    const char* const names[] = {"network_none", "restart_keeps_files"};
    (void)self, (void)call;
    for (int n = 0; n < 2; ++n) {
        berth_feature feature = {0};
        feature.size = sizeof feature;
        feature.name = text(names[n]);
        const berth_status status = sink->put(sink, &feature);
        if (status != BERTH_OK) return status == BERTH_ENOUGH ? BERTH_OK : status;
    }
    return BERTH_OK;
}

static void close_provider(void* raw) {
    provider* self = raw;
    while (self->boxes != NULL)
        erase(self, text(self->boxes->id));
    pthread_mutex_destroy(&self->lock);
    free(self);
}

const berth_plugin* berth_plugin_v1(uint32_t host_minor) {
    static const berth_methods methods = {
        .size = sizeof methods,
        .create = create,
        .get = get,
        .list = list,
        .destroy = destroy,
        .execute = execute,
        .execute_stream = execute,
        .upload_files = upload_files,
        .download_files = download_files,
        .get_resource_usage = get_resource_usage,
        .is_ready = is_ready,
        .restart = restart,
    };
    static const berth_plugin plugin = {
        .size = sizeof plugin,
        .minor = BERTH_CONTRACT_MINOR,
        .methods = &methods,
        .open = open_provider,
        .describe = describe,
        .close = close_provider,
    };
    (void)host_minor;
    return &plugin;
}
