/* The value of one entry: checked against the entry's kind, then stored. */
#include "conf/conf_build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

struct conf_value *conf_value_of(const struct conf *c, const struct conf_entry *entry)
{
    return &c->values[entry - c->program->entries];
}

const char *conf_wanted(struct arena *arena, const struct conf_entry *entry)
{
    switch (entry->kind) {
    case CONF_INT:
        if (entry->min == entry->max) {
            return "a whole number";
        }
        if (entry->max == INT64_MAX) {
            return arena_printf(arena, "a whole number from %" PRId64, entry->min);
        }
        return arena_printf(arena, "a whole number from %" PRId64 " to %" PRId64, entry->min,
                            entry->max);
    case CONF_BOOL:
        return "true or false";
    case CONF_CHOICE:
        return arena_printf(arena, "one of %s", entry->choices);
    case CONF_LIST:
        return "a list, separated by commas";
    case CONF_TEXT:
        break;
    }
    return "a text";
}

static bool parse_int(const struct conf_entry *entry, const char *text, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    bool starts_well = *text == '-' || (*text >= '0' && *text <= '9');
    if (!starts_well || *end != '\0' || errno != 0) {
        return false;
    }
    /* min = max marks a table entry without bounds */
    if (entry->min != entry->max && (v < entry->min || v > entry->max)) {
        return false;
    }
    *ret_number = v;
    return true;
}

static bool parse_bool(const char *text, int64_t *ret_number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret_number = i % 2;
            return true;
        }
    }
    return false;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *at = choices; len > 0; at++) {
        size_t choice_len = strcspn(at, "|");
        if (choice_len == len && memcmp(at, text, len) == 0) {
            return true;
        }
        at += choice_len;
        if (*at == '\0') {
            break;
        }
    }
    return false;
}

static void add_item(struct conf *c, struct conf_value *v, struct bytes item)
{
    MEM_GROW(v->items, v->item_count, v->item_cap);
    v->items[v->item_count++] = (const char *)arena_bytes(&c->arena, item).ptr;
}

static void add_items(struct conf *c, struct conf_value *v, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        at += strspn(at, ", \t\n");
        size_t len = strcspn(at, ",\n");
        size_t trimmed = len;
        while (trimmed > 0 && (at[trimmed - 1] == ' ' || at[trimmed - 1] == '\t')) {
            trimmed--;
        }
        if (trimmed > 0) {
            add_item(c, v, bytes_of(at, trimmed));
        }
        at += len;
    }
}

/* False if the text does not fit the entry's kind; the value is then unchanged. */
static bool assign(struct conf *c, const struct conf_entry *entry, struct conf_value *v,
                   const char *text)
{
    bool fits = true;
    switch (entry->kind) {
    case CONF_INT:
        fits = parse_int(entry, text, &v->number);
        break;
    case CONF_BOOL:
        fits = parse_bool(text, &v->number);
        break;
    case CONF_CHOICE:
        fits = is_choice(entry->choices, text);
        break;
    case CONF_LIST:
        add_items(c, v, text);
        break;
    case CONF_TEXT:
        break;
    }
    if (fits) {
        v->text = arena_str(&c->arena, text);
    }
    return fits;
}

enum err conf_set_default(struct conf *c, const struct conf_entry *entry)
{
    struct conf_value *v = conf_value_of(c, entry);
    v->source = SOURCE_DEFAULT;
    v->where = "default";
    v->text = "";
    if (entry->fallback != NULL && entry->fallback[0] != '\0' &&
        !assign(c, entry, v, entry->fallback)) {
        return conf_fault(c, "default of %s: \"%s\" must be %s", entry->env, entry->fallback,
                          conf_wanted(&c->arena, entry));
    }
    return ERR_OK;
}

/* The content of the file that an X_FILE names, without one trailing newline. */
static enum err read_value(struct conf *c, const struct conf_given *given, const char **ret_text)
{
    struct bytes content;
    enum err e = conf_read_file(c, given->text, given->where, &content);
    if (e != ERR_OK) {
        return e;
    }
    if (content.len > 0 && memchr(content.ptr, 0, content.len) != NULL) {
        return conf_fault(c, "%s: file %s is binary", given->where, given->text);
    }
    if (content.len > 0 && content.ptr[content.len - 1] == '\n') {
        content.len--;
    }
    *ret_text = (const char *)arena_bytes(&c->arena, content).ptr;
    return ERR_OK;
}

enum err conf_set(struct conf *c, const struct conf_given *given)
{
    const struct conf_entry *entry = given->entry;
    struct conf_value *v = conf_value_of(c, entry);
    const char *text = given->text;
    if (v->source == given->source && v->from_file != given->is_path) {
        return conf_fault(c, "%s and %s are both given; give one of them", v->where, given->where);
    }
    if (given->is_path) {
        enum err e = read_value(c, given, &text);
        if (e != ERR_OK) {
            return e;
        }
    }
    if (v->source != given->source) {
        /* values of one source extend a list; a new source replaces it */
        v->item_count = 0;
    }
    if (!assign(c, entry, v, text)) {
        const char *shown = entry->secret || given->is_path
                                ? "the value"
                                : arena_printf(&c->arena, "\"%.200s\"", text);
        return conf_fault(c, "%s: %s must be %s", given->where, shown,
                          conf_wanted(&c->arena, entry));
    }
    v->source = given->source;
    v->where = given->where;
    v->from_file = given->is_path;
    return ERR_OK;
}
