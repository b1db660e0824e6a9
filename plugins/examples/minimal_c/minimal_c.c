/* The smallest whole provider in C: sandboxes in memory whose only programs are echo, cat, sleep, true and false.
 * Nothing of the machine is used, so nothing can escape: there is nothing to run. It shows the contract as C sees it:
 * views in, sinks out, one lock, `fail` for every error. Sandboxes die with the host: `persistent` is not offered.
 * Here are the 11 methods and the plugin's table; boxes.h keeps the sandboxes, programs.h runs what there is to run. */
#define _POSIX_C_SOURCE 200809L
#include <berth/plugin.h>
#include <stdio.h>
#include <sys/random.h>

#include "boxes.h"
#include "programs.h"

BERTH_MANIFEST(
    "{\"name\": \"minimal_c\", \"version\": \"1.0.0\", \"license\": \"Apache-2.0\","
    " \"description\": \"Sandboxes in memory with five built-in programs: shows the contract in C\","
    " \"features\": [\"network_none\", \"restart_keeps_files\"],"
    " \"provides\": [\"create\", \"get\", \"list\", \"destroy\", \"execute\", \"execute_stream\", \"upload_files\","
    " \"download_files\", \"get_resource_usage\", \"is_ready\", \"restart\"]}");

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

/* --- answers ------------------------------------------------------------------------------------------------------ */

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

/* Puts the files of a source into a sandbox. */
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

/* --- processes ---------------------------------------------------------------------------------------------------- */

static berth_status execute(void* raw, berth_call* call, berth_str id, const berth_process* process,
                            berth_process_sink* sink) {
    provider* self = raw;
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
    run_program(self, call, id, process, sink, &end);
    return sink->ended(sink, &end);
}

/* --- the plugin --------------------------------------------------------------------------------------------------- */

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
