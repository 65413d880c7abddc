#include "conf/conf.h"

#include "conf/conf_build.h"

/* Asking for a name that is not in the table, or for another kind, is a bug of the program. */
static const struct conf_value *value_of(const struct conf *c, const char *env, unsigned kinds)
{
    bool is_path;
    const struct conf_entry *entry = conf_find(c->program, NAMED_BY_ENV, bytes_str(env), &is_path);
    if (entry == NULL || is_path || (kinds & 1u << entry->kind) == 0) {
        die("setting %s is not in the table of %s, or of another kind", env, c->program->name);
    }
    return conf_value_of(c, entry);
}

const char *conf_text(const struct conf *c, const char *env)
{
    return value_of(c, env, 1u << CONF_TEXT | 1u << CONF_CHOICE)->text;
}

int64_t conf_int(const struct conf *c, const char *env)
{
    return value_of(c, env, 1u << CONF_INT)->number;
}

bool conf_bool(const struct conf *c, const char *env)
{
    return value_of(c, env, 1u << CONF_BOOL)->number != 0;
}

size_t conf_list(const struct conf *c, const char *env, const char *const **ret_items)
{
    const struct conf_value *v = value_of(c, env, 1u << CONF_LIST);
    *ret_items = (const char *const *)v->items;
    return v->item_count;
}
