/* Sandboxes and their files, kept in memory: found, changed, freed. The caller holds the lock of the provider. Knows the
 * contract's views and nothing of calls and sinks. */
#ifndef MINIMAL_C_BOXES_H
#define MINIMAL_C_BOXES_H

#include <berth/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

#endif
