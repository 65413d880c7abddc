#include "main/definitions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "core/definitions.h"
#include "model/limits.h"
#include "model/pipeline_expand.h"

static enum err read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_IO;
    }
    enum err e = ERR_OK;
    for (;;) {
        buf_reserve(out, 65536);
        ssize_t n = read(fd, out->ptr + out->len, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            e = n < 0 ? ERR_IO : ERR_OK;
            break;
        }
        out->len += (size_t)n;
        if (out->len > BODY_BYTES_MAX) {
            e = ERR_TOO_LARGE;
            break;
        }
    }
    close(fd);
    return e;
}

static void tell_invalid(const char *path, const struct pipeline_fault *fault)
{
    log_line(LOG_ERROR, "definition_invalid", "file=%s pointer=%s detail=%s", LOG_Q(path),
             LOG_Q(fault->pointer), LOG_Q(fault->detail));
}

struct loaded {
    char *path;
    struct pipeline *pipeline;
};

struct directory {
    struct definitions *definitions;
    struct loaded *items;
    size_t count, cap;
};

static enum err load_file(const char *path, struct directory *d)
{
    struct buf text = {0};
    enum err e = read_file(path, &text);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "definition_unreadable", "file=%s error=%s", LOG_Q(path),
                 LOG_Q(err_text(e)));
        buf_free(&text);
        return ERR_INVALID;
    }
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    e = definitions_get(d->definitions, buf_bytes(&text), 0, &p, &fault);
    buf_free(&text);
    if (e == ERR_OK && p->name[0] == '\0') {
        snprintf(fault.pointer, sizeof fault.pointer, "/name");
        snprintf(fault.detail, sizeof fault.detail, "a definition in a directory needs a name");
        pipeline_unref(p);
        e = ERR_INVALID;
    }
    if (e != ERR_OK) {
        tell_invalid(path, &fault);
        return ERR_INVALID;
    }
    MEM_GROW(d->items, d->count, d->cap);
    d->items[d->count++] = (struct loaded){mem_str(path), p};
    return ERR_OK;
}

static const struct pipeline *find_loaded(void *context, struct bytes name)
{
    const struct directory *d = context;
    for (size_t i = 0; i < d->count; i++) {
        if (bytes_is(name, d->items[i].pipeline->name)) {
            return d->items[i].pipeline;
        }
    }
    return NULL;
}

/* Pipelines that name others: together they must make one that can be run. What is not in the
 * directory may be stored already; whether it is, a start sees. */
static enum err check_together(struct directory *d, const struct loaded *item)
{
    const struct pipeline_library library = {find_loaded, d};
    struct pipeline_fault fault;
    struct pipeline *whole = NULL;
    struct buf text = {0};
    if (item->pipeline->named_count == 0) {
        return ERR_OK;
    }
    enum err e = pipeline_expand(item->pipeline, &library, &text, &fault);
    if (e == ERR_OK) {
        e = definitions_get(d->definitions, buf_bytes(&text), 0, &whole, &fault);
        pipeline_unref(whole);
    }
    buf_free(&text);
    if (e == ERR_OK || e == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    tell_invalid(item->path, &fault);
    return ERR_INVALID;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), len = strlen(end);
    return n > len && strcmp(name + n - len, end) == 0;
}

static bool is_yaml(const char *name)
{
    return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

static int is_definition(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "functions.json") != 0 &&
           (ends_with(entry->d_name, ".json") || is_yaml(entry->d_name));
}

static enum err load_entry(const char *path, struct directory *d)
{
    if (is_yaml(path)) {
        log_line(LOG_WARN, "definition_skipped",
                 "path=%s reason=\"only .json is read here\" do=\"marathon pipelines apply %s\"",
                 LOG_Q(path), path);
        return ERR_OK;
    }
    return load_file(path, d);
}

struct publisher {
    struct definitions *definitions;
    struct store *store;
    unix_ms now;
};

static void publish(const struct publisher *by, const struct pipeline *p)
{
    struct store_publish publish = {.name = bytes_str(p->name),
                                    .source = p->source,
                                    .at = by->now,
                                    .by = BYTES_LIT("a coordinator's files"),
                                    .unless_known = true};
    memcpy(publish.hash, p->hash.digest, sizeof publish.hash);
    by->store->ops->publish(by->store, &publish);
}

static enum err load_directory(const char *directory, const struct publisher *by)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0) {
        log_line(LOG_ERROR, "definitions_unreadable", "directory=%s error=%s", LOG_Q(directory),
                 LOG_Q(strerror(errno)));
        return ERR_NOT_FOUND;
    }
    enum err result = ERR_OK;
    struct directory d = {.definitions = by->definitions};
    for (int i = 0; i < count; i++) {
        struct buf path = {0};
        buf_addf(&path, "%s/%s", directory, entries[i]->d_name);
        if (load_entry(buf_cstr(&path), &d) != ERR_OK) {
            result = ERR_INVALID;
        }
        buf_free(&path);
        free(entries[i]);
    }
    free(entries);
    for (size_t i = 0; i < d.count; i++) {
        if (check_together(&d, &d.items[i]) != ERR_OK) {
            result = ERR_INVALID;
        } else {
            publish(by, d.items[i].pipeline);
        }
    }
    for (size_t i = 0; i < d.count; i++) {
        free(d.items[i].path);
        pipeline_unref(d.items[i].pipeline);
    }
    free(d.items);
    return result;
}

static enum err load_all(const char *const *directories, size_t count, const struct publisher *by)
{
    enum err result = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        enum err e = load_directory(directories[i], by);
        result = result == ERR_OK ? e : result;
    }
    return result;
}

void definitions_publish_or_exit(const struct conf *conf, struct core *core, struct store *store,
                                 unix_ms now)
{
    struct publisher by = {core_definitions(core), store, now};
    const char *const *directories = NULL;
    size_t count = conf_list(conf, "MARATHON_PIPELINES", &directories);
    if (load_all(directories, count, &by) != ERR_OK) {
        fprintf(stderr,
                "marathon-coordinator: pipeline definitions have errors, see the log above\n");
        _exit(2);
    }
}
