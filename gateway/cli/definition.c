#include "cli/definition.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/source.h"
#include "json/scan.h"
#include "model/limits.h"
#include "model/pipeline_expand.h"

#define LINE_COLUMNS_MAX 100 /* of a line that is shown */

void definitions_free(struct definitions *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->items[i].path);
        buf_free(&d->items[i].text);
        buf_free(&d->items[i].json);
        yaml_places_free(&d->items[i].places);
        pipeline_unref(d->items[i].pipeline);
    }
    free(d->items);
    *d = (struct definitions){0};
}

/* ---- telling faults ---- */

static struct bytes line_of(struct bytes text, size_t line)
{
    size_t at = 0;
    for (size_t i = 1; i < line && at < text.len; at++) {
        i += text.ptr[at] == '\n';
    }
    size_t end = at;
    while (end < text.len && text.ptr[end] != '\n') {
        end++;
    }
    return bytes_part(text, at, end - at);
}

/* Prints the line with its number, and a caret under the column; of a long line only the part
 * around it. */
static void put_line(struct buf *out, struct bytes text, size_t number, size_t column)
{
    struct bytes line = line_of(text, number);
    size_t skip = column > LINE_COLUMNS_MAX - 20 ? column - (LINE_COLUMNS_MAX - 20) : 0;
    buf_addf(out, "%6zu | ", number);
    text_put_fit(out, bytes_part(line, skip, line.len), LINE_COLUMNS_MAX, false);
    buf_addf(out, "\n       | %*s^\n", (int)(column - 1 - skip), "");
}

/* A detail has several lines if it shows an expression: indents them all. */
static void put_detail(struct buf *out, struct bytes detail)
{
    while (detail.len > 0) {
        const uint8_t *end = memchr(detail.ptr, '\n', detail.len);
        size_t len = end != NULL ? (size_t)(end - detail.ptr) : detail.len;
        struct bytes line = bytes_part(detail, 0, len);
        for (; line.len > 0 && line.ptr[0] == ' '; line = bytes_part(line, 1, line.len - 1)) {
            buf_add_char(out, ' ');
        }
        text_put_clean(out, line);
        detail = bytes_part(detail, len + 1, detail.len);
        buf_add_str(out, detail.len > 0 ? "\n         " : "\n");
    }
}

void definition_put_fault(struct buf *out, const struct definition *d, const char *pointer,
                          struct bytes detail)
{
    const struct yaml_place *place = yaml_place_of(&d->places, pointer);
    buf_addf(out, "%s", d->path);
    if (place != NULL) {
        buf_addf(out, ":%zu:%zu", place->line, place->column);
    }
    buf_addf(out, ": %s%s", pointer, pointer[0] != '\0' ? ": " : "");
    put_detail(out, detail);
    if (place != NULL) {
        put_line(out, buf_bytes(&d->text), place->line, place->column);
    }
}

static void tell_fault(const struct definition *d, const struct pipeline_fault *fault)
{
    struct buf text = {0};
    definition_put_fault(&text, d, fault->pointer, bytes_str(fault->detail));
    cli_err(&text);
    buf_free(&text);
}

static void tell_place(const struct definition *d, size_t line, size_t column, const char *reason)
{
    struct buf text = {0};
    if (line > 0) {
        buf_addf(&text, "%s:%zu:%zu: %s\n", d->path, line, column, reason);
        put_line(&text, buf_bytes(&d->text), line, column);
    } else {
        buf_addf(&text, "%s: %s\n", d->path, reason);
    }
    cli_err(&text);
    buf_free(&text);
}

/* ---- reading ---- */

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

/* Is it JSON, by its name or its first character? Then it must obey JSON's own rules. */
static bool is_json(const struct definition *d)
{
    size_t at = 0;
    while (at < d->text.len && strchr(" \t\r\n", d->text.ptr[at]) != NULL) {
        at++;
    }
    bool begins = at < d->text.len && (d->text.ptr[at] == '{' || d->text.ptr[at] == '[');
    return ends_in(d->path, ".json") ||
           (begins && !ends_in(d->path, ".yaml") && !ends_in(d->path, ".yml"));
}

static bool translate(struct definition *d)
{
    struct json_fault json;
    struct yaml_fault yaml;
    struct bytes text = buf_bytes(&d->text);
    bool strict = is_json(d);
    if (strict && json_check(text, NULL, &json) != ERR_OK) {
        size_t line, column;
        source_place(text, json.offset, &line, &column);
        tell_place(d, line, column, json.reason);
        return false;
    }
    if (yaml_read(text, BODY_BYTES_MAX, &d->json, &d->places, &yaml) == ERR_OK) {
        if (strict) { /* numbers stay as they were written */
            buf_clear(&d->json);
            buf_add_bytes(&d->json, text);
        }
        return true;
    }
    tell_place(d, yaml.line, yaml.column, yaml.reason);
    return false;
}

static bool check(struct definition *d)
{
    struct pipeline_fault fault;
    if (pipeline_parse(buf_bytes(&d->json), &d->pipeline, &fault) != ERR_OK) {
        tell_fault(d, &fault);
        return false;
    }
    if (d->pipeline->name[0] == '\0') {
        tell_place(
            d, 1, 1,
            "a definition is {\"name\": ..., \"steps\": [...]}: this is a bare list of steps");
        pipeline_unref(d->pipeline);
        d->pipeline = NULL;
        return false;
    }
    return true;
}

static enum cli_exit read_one(const struct cli *cli, const char *path, struct definitions *all)
{
    if (all->count == DEFINITIONS_MAX) {
        return cli_usage(cli, "more than %u files at once", DEFINITIONS_MAX);
    }
    MEM_GROW(all->items, all->count, all->cap);
    struct definition *d = &all->items[all->count++];
    *d = (struct definition){.path = mem_str(path)};
    enum err e = source_file(path, &d->text);
    if (e != ERR_OK) {
        cli_say("%s cannot be read: %s", path,
                e == ERR_TOO_LARGE ? "it is larger than 1 MiB" : strerror(errno));
        return CLI_USAGE;
    }
    return translate(d) && check(d) ? CLI_COMPLETED : CLI_USAGE;
}

static int is_definition(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return name[0] != '.' && strcmp(name, "functions.json") != 0 &&
           (ends_in(name, ".json") || ends_in(name, ".yaml") || ends_in(name, ".yml"));
}

static enum cli_exit read_directory(const struct cli *cli, const char *path,
                                    struct definitions *all)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_definition, alphasort);
    enum cli_exit result = CLI_COMPLETED;
    if (count <= 0) {
        free(entries);
        cli_say("%s: %s", path,
                count < 0 ? strerror(errno) : "there is no *.json, *.yaml or *.yml in it");
        return CLI_USAGE;
    }
    for (int i = 0; i < count; i++) {
        struct buf file = {0};
        bool ends = path[strlen(path) - 1] == '/';
        buf_addf(&file, "%s%s%s", path, ends ? "" : "/", entries[i]->d_name);
        enum cli_exit code = read_one(cli, buf_cstr(&file), all);
        result = result == CLI_COMPLETED ? code : result;
        buf_free(&file);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static enum cli_exit tell_twice(const struct definitions *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct definition *first =
            d->items[i].pipeline == NULL
                ? NULL
                : definition_named(d, bytes_str(d->items[i].pipeline->name));
        if (first != NULL && first != &d->items[i]) {
            cli_say("%s and %s define the same pipeline, %s", first->path, d->items[i].path,
                    first->pipeline->name);
            return CLI_USAGE;
        }
    }
    return CLI_COMPLETED;
}

enum cli_exit definitions_read(const struct cli *cli, const char *const *paths, size_t count,
                               struct definitions *ret)
{
    enum cli_exit result = CLI_COMPLETED;
    for (size_t i = 0; i < count; i++) {
        struct stat s;
        bool directory = stat(paths[i], &s) == 0 && S_ISDIR(s.st_mode);
        enum cli_exit code =
            directory ? read_directory(cli, paths[i], ret) : read_one(cli, paths[i], ret);
        result = result == CLI_COMPLETED ? code : result;
    }
    return result == CLI_COMPLETED ? tell_twice(ret) : result;
}

/* ---- together ---- */

struct definition *definition_named(const struct definitions *d, struct bytes name)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->items[i].pipeline != NULL && bytes_is(name, d->items[i].pipeline->name)) {
            return &d->items[i];
        }
    }
    return NULL;
}

static const struct pipeline *find(void *context, struct bytes name)
{
    const struct definition *d = definition_named(context, name);
    return d != NULL ? d->pipeline : NULL;
}

/* Inserts the pipelines that p names. */
static enum err expand(const struct definitions *all, const struct pipeline *p,
                       struct pipeline_fault *ret_fault)
{
    struct definitions copy = *all;
    const struct pipeline_library library = {find, &copy};
    struct pipeline *whole = NULL;
    struct buf text = {0};
    enum err e = pipeline_expand(p, &library, &text, ret_fault);
    if (e == ERR_OK) {
        e = pipeline_parse(buf_bytes(&text), &whole, ret_fault);
    }
    if (e == ERR_OK) {
        pipeline_unref(whole);
    }
    buf_free(&text);
    return e;
}

enum cli_exit definitions_check_together(const struct cli *cli, const struct definitions *d,
                                         bool note)
{
    enum cli_exit result = CLI_COMPLETED;
    for (size_t i = 0; i < d->count; i++) {
        const struct definition *one = &d->items[i];
        struct pipeline_fault fault;
        enum err e = one->pipeline->named_count > 0 ? expand(d, one->pipeline, &fault) : ERR_OK;
        if (e == ERR_NOT_FOUND && note) {
            cli_note(cli, "%s: %s: %s; not among these files, so not checked (--server asks there)",
                     one->path, fault.pointer, fault.detail);
        } else if (e != ERR_OK && e != ERR_NOT_FOUND) {
            tell_fault(one, &fault);
            result = CLI_USAGE;
        }
    }
    return result;
}
