#include "run/functions.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "run/functions_read.h"

#define FILE_BYTES_MAX (4u << 20) /* a functions file: far beyond FUNCTIONS_MAX sane entries */

static const char *const builtins[] = {"echo", "sleep", "fail", "stamp"};

const struct function *functions_find(const struct functions *f, struct bytes name)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (bytes_is(name, f->items[i].name)) {
            return &f->items[i];
        }
    }
    return NULL;
}

void functions_add_builtins(struct functions *f)
{
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        MEM_GROW(f->items, f->count, f->cap);
        f->items[f->count++] = (struct function){.name = builtins[i], .kind = FUNCTION_BUILTIN};
    }
}

void functions_free(struct functions *f)
{
    free(f->items);
    arena_free(&f->arena);
    *f = (struct functions){0};
}

static enum err entries_read(struct functions *f, const struct doc_value *entries,
                             const char *folder, struct functions_fault *fault)
{
    for (size_t i = 0; i < doc_count(entries); i++) {
        const char *name = NULL;
        const struct doc_value *entry = doc_member(entries, i, &name);
        struct function out = {.name = arena_str(&f->arena, name)};
        struct function_reader r = {.arena = &f->arena, .folder = folder, .fault = fault};
        reader_enter(&r, "/functions");
        reader_enter_key(&r, name);
        if (f->count == FUNCTIONS_MAX) {
            reader_fault(&r, "a worker offers at most %u functions", FUNCTIONS_MAX);
            return ERR_FULL;
        }
        if (!id_valid(bytes_str(name))) {
            reader_fault(&r, "a function's name is 1 to %d of A-Z a-z 0-9 _ . : -", ID_BYTES_MAX);
            return ERR_INVALID;
        }
        if (functions_find(f, bytes_str(name)) != NULL) {
            reader_fault(&r, "the name is taken: by a built-in, or by another file");
            return ERR_INVALID;
        }
        enum err e = function_read(&r, entry, &out);
        if (e != ERR_OK) {
            return e;
        }
        MEM_GROW(f->items, f->count, f->cap);
        f->items[f->count++] = out;
    }
    return ERR_OK;
}

enum err functions_parse(struct functions *f, struct bytes text, const char *folder,
                         struct functions_fault *ret_fault)
{
    struct doc *d = NULL;
    struct doc_fault bad;
    *ret_fault = (struct functions_fault){0};
    if (doc_parse(text, &d, &bad) != ERR_OK) {
        (void)snprintf(ret_fault->detail, sizeof ret_fault->detail, "line %d, column %d: %s",
                       bad.line, bad.column, bad.reason);
        return ERR_INVALID;
    }
    struct function_reader r = {.folder = folder, .fault = ret_fault};
    uint32_t count = f->count;
    const struct doc_value *root = doc_root(d);
    const struct doc_value *entries = doc_get(root, "functions");
    static const char *const known[] = {"functions", NULL};
    enum err e = reader_fields(&r, root, known);
    if (e == ERR_OK && doc_kind(entries) != JSON_OBJECT) {
        reader_enter(&r, "/functions");
        reader_fault(
            &r, "expected an object: {\"functions\": {\"<name>\": {\"exec\": [\"./program\"]}}}");
        e = ERR_INVALID;
    }
    if (e == ERR_OK) {
        e = entries_read(f, entries, folder, ret_fault);
    }
    if (e != ERR_OK) {
        f->count = count;
    }
    doc_free(d);
    return e;
}

static enum err file_read(const char *file, struct buf *out, struct functions_fault *fault)
{
    FILE *in = fopen(file, "re");
    size_t n = 1;
    while (in != NULL && n > 0 && out->len <= FILE_BYTES_MAX) {
        buf_reserve(out, 65536);
        n = fread(out->ptr + out->len, 1, 65536, in);
        out->len += n;
    }
    bool bad = in == NULL || ferror(in) != 0;
    if (bad) {
        (void)snprintf(fault->detail, sizeof fault->detail, "cannot be read: %s", strerror(errno));
    } else if (out->len > FILE_BYTES_MAX) {
        (void)snprintf(fault->detail, sizeof fault->detail, "larger than %u bytes", FILE_BYTES_MAX);
        bad = true;
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return bad ? ERR_IO : ERR_OK;
}

enum err functions_load(struct functions *f, const char *file, struct functions_fault *ret_fault)
{
    *ret_fault = (struct functions_fault){0};
    struct buf text = {0};
    enum err e = file_read(file, &text, ret_fault);
    char *path = e == ERR_OK ? realpath(file, NULL) : NULL;
    if (e == ERR_OK) {
        e = functions_parse(f, buf_bytes(&text), path != NULL ? dirname(path) : ".", ret_fault);
    }
    free(path);
    buf_free(&text);
    return e;
}
