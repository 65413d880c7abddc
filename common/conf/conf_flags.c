#include "conf/conf_build.h"

/* The flag at argv[*at]: its name, and its value if it has one. */
struct flag {
    struct bytes name;
    const char *text; /* the part after '=', or NULL */
};

static enum err read_flag(struct conf *c, const char *arg, struct flag *ret_flag)
{
    if (arg[0] != '-' || arg[1] != '-' || arg[2] == '\0' || arg[2] == '=') {
        return conf_fault(c, "unexpected argument \"%.200s\"; %s takes flags only, see --help", arg,
                          c->program->name);
    }
    const char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    ret_flag->name = bytes_of(arg + 2, len - 2);
    ret_flag->text = equals != NULL ? equals + 1 : NULL;
    return ERR_OK;
}

/* Flags without a value that every program has. conf_load acts on the first two before it reads
 * anything. */
static bool is_own_switch(struct bytes name)
{
    return bytes_is(name, "help") || bytes_is(name, "version") || bytes_is(name, "print-config");
}

/* Takes the value after '=', or consumes the next argument. */
static enum err take_value(struct conf *c, const struct flag *flag, char **argv, int *at,
                           const char **ret_text)
{
    if (flag->text != NULL) {
        *ret_text = flag->text;
        return ERR_OK;
    }
    const char *next = argv[*at + 1]; /* argv ends with a NULL */
    if (next == NULL || (next[0] == '-' && next[1] == '-')) {
        return conf_fault(c, "flag --%.*s needs a value: --%.*s=VALUE", (int)flag->name.len,
                          (const char *)flag->name.ptr, (int)flag->name.len,
                          (const char *)flag->name.ptr);
    }
    (*at)++;
    *ret_text = next;
    return ERR_OK;
}

/* Finds the entry that a flag sets. For a BOOL, --no-x means x = false. */
static enum err find_flag(struct conf *c, const struct flag *flag, struct conf_given *ret_given,
                          bool *ret_negated)
{
    const struct conf_program *program = c->program;
    bool negated = false;
    const struct conf_entry *entry =
        conf_find(program, NAMED_BY_FLAG, flag->name, &ret_given->is_path);
    if (entry == NULL && bytes_is(bytes_part(flag->name, 0, 3), "no-") && flag->text == NULL) {
        struct bytes rest = bytes_part(flag->name, 3, flag->name.len);
        entry = conf_find(program, NAMED_BY_FLAG, rest, &ret_given->is_path);
        negated = true;
        if (entry != NULL && (entry->kind != CONF_BOOL || ret_given->is_path)) {
            entry = NULL;
        }
    }
    if (entry == NULL) {
        return conf_fault(c, "unknown flag --%.*s%s, see --help", (int)flag->name.len,
                          (const char *)flag->name.ptr, conf_suggest(c, NAMED_BY_FLAG, flag->name));
    }
    ret_given->entry = entry;
    *ret_negated = negated;
    return ERR_OK;
}

static enum err apply_flag(struct conf *c, const struct flag *flag, char **argv, int *at)
{
    struct conf_given given = {.source = SOURCE_FLAG};
    bool negated;
    enum err e = find_flag(c, flag, &given, &negated);
    if (e != ERR_OK) {
        return e;
    }
    given.where =
        arena_printf(&c->arena, "flag --%.*s", (int)flag->name.len, (const char *)flag->name.ptr);
    if (given.entry->kind == CONF_BOOL && flag->text == NULL && !given.is_path) {
        given.text = negated ? "false" : "true";
    } else {
        e = take_value(c, flag, argv, at, &given.text);
    }
    return e == ERR_OK ? conf_set(c, &given) : e;
}

/* Both passes walk the arguments alike and differ only in what they do with them. */
static enum err each_flag(struct conf *c, int argc, char **argv, bool apply)
{
    for (int at = 1; at < argc; at++) {
        struct flag flag;
        enum err e = read_flag(c, argv[at], &flag);
        if (e != ERR_OK) {
            return e;
        }
        if (bytes_is(flag.name, "config")) {
            e = take_value(c, &flag, argv, &at, &c->ini_path);
        } else if (is_own_switch(flag.name)) {
            c->print_config = c->print_config || bytes_is(flag.name, "print-config");
        } else if (apply) {
            e = apply_flag(c, &flag, argv, &at);
        } else {
            struct conf_given given;
            bool negated;
            const char *text;
            e = find_flag(c, &flag, &given, &negated);
            if (e == ERR_OK && (given.entry->kind != CONF_BOOL || given.is_path)) {
                e = take_value(c, &flag, argv, &at, &text);
            }
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

enum err conf_flags_read_own(struct conf *c, int argc, char **argv)
{
    return each_flag(c, argc, argv, false);
}

enum err conf_flags_apply(struct conf *c, int argc, char **argv)
{
    return each_flag(c, argc, argv, true);
}
