#include "main/definitions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "model/limits.h"

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

static enum err load_file(const char *path, definition_fn *fn, void *user)
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
    e = pipeline_parse(buf_bytes(&text), &p, &fault);
    buf_free(&text);
    if (e == ERR_OK && p->name[0] == '\0') {
        snprintf(fault.pointer, sizeof fault.pointer, "/name");
        snprintf(fault.detail, sizeof fault.detail, "a definition in a directory needs a name");
        pipeline_unref(p);
        e = ERR_INVALID;
    }
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "definition_invalid", "file=%s pointer=%s detail=%s", LOG_Q(path),
                 LOG_Q(fault.pointer), LOG_Q(fault.detail));
        return ERR_INVALID;
    }
    fn(user, p);
    pipeline_unref(p);
    return ERR_OK;
}

static int is_definition(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0 &&
           strcmp(entry->d_name, "functions.json") != 0;
}

enum err definitions_load(const char *directory, definition_fn *fn, void *user)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0) {
        log_line(LOG_ERROR, "definitions_unreadable", "directory=%s error=%s", LOG_Q(directory),
                 LOG_Q(strerror(errno)));
        return ERR_NOT_FOUND;
    }
    enum err result = ERR_OK;
    for (int i = 0; i < count; i++) {
        struct buf path = {0};
        buf_addf(&path, "%s/%s", directory, entries[i]->d_name);
        if (load_file(buf_cstr(&path), fn, user) != ERR_OK) {
            result = ERR_INVALID;
        }
        buf_free(&path);
        free(entries[i]);
    }
    free(entries);
    return result;
}
