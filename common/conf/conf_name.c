#include "conf/conf_build.h"

#include <ctype.h>

#define PREFIX "MARATHON_"

/* The name in lower case, without the prefix, with `separator` in place of underscores. */
static const char *make_name(const char *env, char separator, char name[CONF_NAME_BYTES_MAX])
{
    if (strncmp(env, PREFIX, sizeof PREFIX - 1) == 0) {
        env += sizeof PREFIX - 1;
    }
    size_t len = 0;
    for (; env[len] != '\0' && len < CONF_NAME_BYTES_MAX - 1; len++) {
        name[len] = env[len] == '_' ? separator : (char)tolower((unsigned char)env[len]);
    }
    name[len] = '\0';
    return name;
}

const char *conf_key(const struct conf_entry *entry, char name[CONF_NAME_BYTES_MAX])
{
    return make_name(entry->env, '_', name);
}

const char *conf_flag(const struct conf_entry *entry, char name[CONF_NAME_BYTES_MAX])
{
    return entry->flag != NULL ? entry->flag : make_name(entry->env, '-', name);
}

static const char *name_of(const struct conf_entry *entry, enum conf_naming naming,
                           char name[CONF_NAME_BYTES_MAX])
{
    switch (naming) {
    case NAMED_BY_KEY:
        return conf_key(entry, name);
    case NAMED_BY_FLAG:
        return conf_flag(entry, name);
    case NAMED_BY_ENV:
        break;
    }
    return entry->env;
}

static const struct conf_entry *find_exact(const struct conf_program *program,
                                           enum conf_naming naming, struct bytes name)
{
    char buffer[CONF_NAME_BYTES_MAX];
    for (size_t i = 0; i < program->entry_count; i++) {
        const struct conf_entry *entry = &program->entries[i];
        if (entry->env != NULL && bytes_is(name, name_of(entry, naming, buffer))) {
            return entry;
        }
    }
    return NULL;
}

const struct conf_entry *conf_find(const struct conf_program *program, enum conf_naming naming,
                                   struct bytes name, bool *ret_is_path)
{
    static const char *const endings[] = {
        [NAMED_BY_ENV] = "_FILE", [NAMED_BY_KEY] = "_file", [NAMED_BY_FLAG] = "-file"};
    const size_t ending_len = 5;
    const struct conf_entry *entry = find_exact(program, naming, name);
    bool is_path = false;
    if (entry == NULL && name.len > ending_len &&
        bytes_is(bytes_part(name, name.len - ending_len, ending_len), endings[naming])) {
        entry = find_exact(program, naming, bytes_part(name, 0, name.len - ending_len));
        is_path = true;
    }
    if (entry != NULL) {
        *ret_is_path = is_path;
    }
    return entry;
}

/* Edit distance: the insertions, deletions and changes that turn a into b. */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[CONF_NAME_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1] ? 1 : 0);
            size_t gap = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[b.len];
}

const char *conf_suggest(struct conf *c, enum conf_naming naming, struct bytes name)
{
    char buffer[CONF_NAME_BYTES_MAX];
    size_t best = 3; /* from this distance on it is a different word */
    const char *suggestion = "";
    if (name.len >= CONF_NAME_BYTES_MAX) {
        return suggestion;
    }
    for (size_t i = 0; i < c->program->entry_count; i++) {
        const struct conf_entry *entry = &c->program->entries[i];
        if (entry->env == NULL) {
            continue;
        }
        const char *known = name_of(entry, naming, buffer);
        size_t d = strlen(known) < CONF_NAME_BYTES_MAX ? distance(name, bytes_str(known)) : best;
        if (d < best) {
            best = d;
            suggestion = arena_printf(&c->arena, ", did you mean %s%s?",
                                      naming == NAMED_BY_FLAG ? "--" : "", known);
        }
    }
    return suggestion;
}
