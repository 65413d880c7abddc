/* The ini file: `key = value` lines, whole-line comments (# or ;), [sections] named after programs.
 * Keys before the first section are for whichever program reads the file; a section of another
 * program (marathon...) is skipped. */
#include "conf/conf_build.h"

#include <errno.h>

static enum err read_stream(struct conf *c, FILE *file, const char *path, const char *what,
                            struct bytes *ret_content)
{
    struct buf content = {0};
    enum err e = ERR_OK;
    for (;;) {
        buf_reserve(&content, 4096);
        size_t got = fread(content.ptr + content.len, 1, 4096, file);
        content.len += got;
        if (got == 0) {
            break;
        }
        if (content.len > CONF_FILE_BYTES_MAX) {
            e = conf_fault(c, "%s: file %s is larger than %u bytes", what, path,
                           CONF_FILE_BYTES_MAX);
            break;
        }
    }
    if (e == ERR_OK && ferror(file) != 0) {
        e = conf_fault(c, "%s: cannot read %s: %s", what, path, strerror(errno));
    }
    if (e == ERR_OK) {
        *ret_content = arena_bytes(&c->arena, buf_bytes(&content));
    }
    buf_free(&content);
    return e;
}

enum err conf_read_file(struct conf *c, const char *path, const char *what,
                        struct bytes *ret_content)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return conf_fault(c, "%s: cannot open %s: %s", what, path, strerror(errno));
    }
    enum err e = read_stream(c, file, path, what, ret_content);
    (void)fclose(file);
    return e;
}

static bool is_space(uint8_t b)
{
    return b == ' ' || b == '\t' || b == '\r';
}

static struct bytes trim(struct bytes b)
{
    while (b.len > 0 && is_space(b.ptr[0])) {
        b = bytes_part(b, 1, b.len);
    }
    while (b.len > 0 && is_space(b.ptr[b.len - 1])) {
        b.len--;
    }
    return b;
}

/* Quotes around a value preserve white space at its ends. */
static struct bytes strip_quotes(struct bytes b)
{
    if (b.len >= 2 && b.ptr[0] == '"' && b.ptr[b.len - 1] == '"') {
        return bytes_part(b, 1, b.len - 2);
    }
    return b;
}

static enum err apply_setting(struct conf *c, struct bytes line, unsigned number)
{
    const uint8_t *equals = memchr(line.ptr, '=', line.len);
    if (equals == NULL) {
        return conf_fault(c, "%s:%u: \"%.*s\" is neither key = value nor [section]", c->ini_path,
                          number, (int)(line.len < 100 ? line.len : 100), (const char *)line.ptr);
    }
    size_t key_len = (size_t)(equals - line.ptr);
    struct bytes key = trim(bytes_part(line, 0, key_len));
    struct bytes value = strip_quotes(trim(bytes_part(line, key_len + 1, line.len)));
    struct conf_given given = {.source = SOURCE_INI};
    given.entry = conf_find(c->program, NAMED_BY_KEY, key, &given.is_path);
    int shown = (int)(key.len < 100 ? key.len : 100);
    if (given.entry == NULL) {
        return conf_fault(c, "%s:%u: unknown key \"%.*s\"%s, see --help", c->ini_path, number,
                          shown, (const char *)key.ptr, conf_suggest(c, NAMED_BY_KEY, key));
    }
    const struct conf_value *v = conf_value_of(c, given.entry);
    if (v->source == SOURCE_INI && given.entry->kind != CONF_LIST &&
        v->from_file == given.is_path) {
        return conf_fault(c, "%s:%u: key \"%.*s\" is given twice, first at %s", c->ini_path, number,
                          shown, (const char *)key.ptr, v->where);
    }
    given.text = (const char *)arena_bytes(&c->arena, value).ptr;
    given.where =
        arena_printf(&c->arena, "%s:%u (%.*s)", c->ini_path, number, shown, (const char *)key.ptr);
    return conf_set(c, &given);
}

static enum err enter_section(struct conf *c, struct bytes line, unsigned number, bool *ret_ours)
{
    struct bytes name = trim(bytes_part(line, 1, line.len - 2));
    if (line.ptr[line.len - 1] != ']' || !bytes_is(bytes_part(name, 0, 8), "marathon")) {
        return conf_fault(c, "%s:%u: a section must be the name of a program: [%s]", c->ini_path,
                          number, c->program->name);
    }
    *ret_ours = bytes_is(name, c->program->name);
    return ERR_OK;
}

enum err conf_ini_apply(struct conf *c)
{
    struct bytes rest;
    enum err e = conf_read_file(c, c->ini_path, "--config", &rest);
    bool ours = true;
    for (unsigned number = 1; e == ERR_OK && rest.len > 0; number++) {
        const uint8_t *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline != NULL ? (size_t)(newline - rest.ptr) : rest.len;
        struct bytes line = trim(bytes_part(rest, 0, len));
        rest = bytes_part(rest, len + 1, rest.len);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';') {
            continue;
        }
        if (memchr(line.ptr, 0, line.len) != NULL) {
            e = conf_fault(c, "%s:%u: a NUL byte; this is not an ini file", c->ini_path, number);
        } else if (line.ptr[0] == '[') {
            e = enter_section(c, line, number, &ours);
        } else if (ours) {
            e = apply_setting(c, line, number);
        }
    }
    return e;
}
