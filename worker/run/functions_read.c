#include "run/functions_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONNECT_S_DEFAULT 5
#define CONNECT_S_MAX     300

void reader_enter(struct function_reader *r, const char *step)
{
    size_t len = strlen(r->pointer);
    (void)snprintf(r->pointer + len, sizeof r->pointer - len, "%s", step);
}

void reader_enter_key(struct function_reader *r, const char *key)
{
    reader_enter(r, "/");
    for (const char *c = key; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};
        reader_enter(r, *c == '~' ? "~0" : *c == '/' ? "~1" : one);
    }
}

void reader_fault(struct function_reader *r, const char *format, ...)
{
    (void)snprintf(r->fault->pointer, sizeof r->fault->pointer, "%s", r->pointer);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->fault->detail, sizeof r->fault->detail, format, args);
    va_end(args);
}

static void fault_unknown(struct function_reader *r, const char *key, const char *const *known)
{
    char fields[80] = "";
    for (size_t len = 0; *known != NULL && len < sizeof fields; known++) {
        len += (size_t)snprintf(fields + len, sizeof fields - len, "%s%s", len > 0 ? ", " : "",
                                *known);
    }
    reader_enter_key(r, key);
    reader_fault(r, "unknown field; known here: %s", fields);
}

enum err reader_fields(struct function_reader *r, const struct doc_value *value,
                       const char *const *known)
{
    if (doc_kind(value) != JSON_OBJECT) {
        reader_fault(r, "expected an object");
        return ERR_INVALID;
    }
    for (size_t i = 0; i < doc_count(value); i++) {
        const char *key = NULL;
        (void)doc_member(value, i, &key);
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, key) != 0) {
            k++;
        }
        if (*k == NULL) {
            fault_unknown(r, key, known);
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

/* Reads a text without NULs (texts end up as C strings); may be optional. */
static const char *text_read(struct function_reader *r, const struct doc_value *v)
{
    struct bytes s = doc_string(v);
    if (doc_kind(v) != JSON_STRING || s.len == 0 || strlen((const char *)s.ptr) != s.len) {
        return NULL;
    }
    return (const char *)arena_bytes(r->arena, s).ptr;
}

static const char *path_read(struct function_reader *r, const char *text)
{
    return text[0] == '/' ? text : arena_printf(r->arena, "%s/%s", r->folder, text);
}

static enum err argv_read(struct function_reader *r, const struct doc_value *v,
                          struct function *out)
{
    size_t count = doc_count(v);
    reader_enter(r, "/exec");
    if (doc_kind(v) != JSON_ARRAY || count == 0 || count > FUNCTION_ARGS_MAX) {
        reader_fault(r, "expected an array of 1 to %u strings: the program and its arguments",
                     FUNCTION_ARGS_MAX);
        return ERR_INVALID;
    }
    out->argv = arena_alloc(r->arena, (count + 1) * sizeof *out->argv);
    for (size_t i = 0; i < count; i++) {
        bool empty =
            i > 0 && doc_kind(doc_at(v, i)) == JSON_STRING && doc_string(doc_at(v, i)).len == 0;
        out->argv[i] = empty ? "" : text_read(r, doc_at(v, i));
        if (out->argv[i] == NULL) {
            reader_enter(r, arena_printf(r->arena, "/%zu", i));
            reader_fault(r, "expected a string%s", i == 0 ? ": the program" : "");
            return ERR_INVALID;
        }
    }
    if (strchr(out->argv[0], '/') != NULL) {
        out->argv[0] = path_read(r, out->argv[0]);
    }
    return ERR_OK;
}

struct pair_rule {
    const char *field;
    const char *form;      /* "%s=%s" */
    const char *forbidden; /* characters that a key must not have */
};

/* Reads an object of texts into "K=V" or "K: V" lines. */
static enum err pairs_read(struct function_reader *r, const struct doc_value *entry,
                           const struct pair_rule *rule, const char ***ret_lines)
{
    const struct doc_value *v = doc_get(entry, rule->field);
    size_t count = doc_count(v);
    const char **lines = arena_alloc(r->arena, (count + 1) * sizeof *lines);
    if (v == NULL) {
        *ret_lines = lines;
        return ERR_OK;
    }
    reader_enter_key(r, rule->field);
    if (doc_kind(v) != JSON_OBJECT || count > FUNCTION_VARS_MAX) {
        reader_fault(r, "expected an object of at most %u strings", FUNCTION_VARS_MAX);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        const char *key = NULL;
        const struct doc_value *item = doc_member(v, i, &key);
        struct bytes text = doc_string(item);
        bool bad = doc_kind(item) != JSON_STRING || *key == '\0' ||
                   strpbrk(key, rule->forbidden) != NULL ||
                   strlen((const char *)text.ptr) != text.len ||
                   strpbrk((const char *)text.ptr, "\r\n") != NULL;
        if (bad) {
            reader_enter_key(r, key);
            reader_fault(r,
                         "expected a string without line breaks; its name must not be empty, and "
                         "has no \"=\" in env, no \":\", blank or tab in headers");
            return ERR_INVALID;
        }
        lines[i] = arena_printf(r->arena, "%s%s%s", key, rule->form, (const char *)text.ptr);
    }
    *ret_lines = lines;
    return ERR_OK;
}

static enum err exec_read(struct function_reader *r, const struct doc_value *entry,
                          struct function *out)
{
    static const char *const known[] = {"exec", "env", "cwd", NULL};
    static const struct pair_rule rule = {"env", "=", "="};
    size_t here = strlen(r->pointer);
    enum err e = reader_fields(r, entry, known);
    if (e == ERR_OK) {
        e = argv_read(r, doc_get(entry, "exec"), out);
    }
    if (e == ERR_OK) {
        r->pointer[here] = '\0';
        e = pairs_read(r, entry, &rule, &out->env);
    }
    const struct doc_value *cwd = doc_get(entry, "cwd");
    if (e == ERR_OK && cwd != NULL) {
        r->pointer[here] = '\0';
        reader_enter(r, "/cwd");
        const char *text = text_read(r, cwd);
        if (text == NULL) {
            reader_fault(r, "expected the path of a folder");
            return ERR_INVALID;
        }
        out->cwd = path_read(r, text);
    }
    return e;
}

static enum err plugin_read(struct function_reader *r, const struct doc_value *entry,
                            struct function *out)
{
    static const char *const known[] = {"plugin", NULL};
    enum err e = reader_fields(r, entry, known);
    if (e != ERR_OK) {
        return e;
    }
    const char *text = text_read(r, doc_get(entry, "plugin"));
    if (text == NULL) {
        reader_enter(r, "/plugin");
        reader_fault(r, "expected the path of a shared object");
        return ERR_INVALID;
    }
    out->path = path_read(r, text);
    return ERR_OK;
}

static enum err http_read(struct function_reader *r, const struct doc_value *entry,
                          struct function *out)
{
    static const char *const known[] = {"http", "headers", "timeout_connect", NULL};
    static const struct pair_rule rule = {"headers", ": ", ": \t"};
    size_t here = strlen(r->pointer);
    enum err e = reader_fields(r, entry, known);
    if (e != ERR_OK) {
        return e;
    }
    out->url = text_read(r, doc_get(entry, "http"));
    if (out->url == NULL ||
        (strncasecmp(out->url, "http://", 7) != 0 && strncasecmp(out->url, "https://", 8) != 0)) {
        reader_enter(r, "/http");
        reader_fault(r, "expected a URL that begins with http:// or https://");
        return ERR_INVALID;
    }
    e = pairs_read(r, entry, &rule, &out->headers);
    const struct doc_value *limit = doc_get(entry, "timeout_connect");
    double seconds = limit != NULL ? doc_number(limit) : CONNECT_S_DEFAULT;
    if (e == ERR_OK && !(seconds >= 0.001 && seconds <= CONNECT_S_MAX)) {
        r->pointer[here] = '\0';
        reader_enter(r, "/timeout_connect");
        reader_fault(r, "expected seconds, more than 0 and at most %d", CONNECT_S_MAX);
        return ERR_INVALID;
    }
    out->connect_ms = (uint32_t)(seconds * 1000);
    return e;
}

enum err function_read(struct function_reader *r, const struct doc_value *entry,
                       struct function *out)
{
    int kinds = (doc_get(entry, "exec") != NULL) + (doc_get(entry, "plugin") != NULL) +
                (doc_get(entry, "http") != NULL);
    if (kinds != 1) {
        reader_fault(r, "expected an object with one of exec, http and plugin");
        return ERR_INVALID;
    }
    if (doc_get(entry, "exec") != NULL) {
        out->kind = FUNCTION_EXEC;
        return exec_read(r, entry, out);
    }
    if (doc_get(entry, "plugin") != NULL) {
        out->kind = FUNCTION_PLUGIN;
        return plugin_read(r, entry, out);
    }
    out->kind = FUNCTION_HTTP;
    return http_read(r, entry, out);
}
