#include "conf/conf_build.h"

#include <stdarg.h>
#include <stdlib.h>

enum err conf_fault(struct conf *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->message, sizeof c->message, format, args);
    va_end(args);
    return ERR_INVALID;
}

/* The value of NAME in envp, or NULL. An empty value counts as unset, since compose files leave
 * variables empty. */
static const char *environment_get(char **envp, const char *name)
{
    size_t len = strlen(name);
    for (char **at = envp; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=' && (*at)[len + 1] != '\0') {
            return *at + len + 1;
        }
    }
    return NULL;
}

static enum err set_from_environment(struct conf *c, const struct conf_entry *entry, char **envp,
                                     bool is_path)
{
    const char *name = is_path ? arena_printf(&c->arena, "%s_FILE", entry->env) : entry->env;
    bool exact;
    if (is_path && conf_find(c->program, NAMED_BY_ENV, bytes_str(name), &exact) != entry) {
        return ERR_OK; /* NAME_FILE is an entry of its own */
    }
    const char *text = environment_get(envp, name);
    if (text == NULL) {
        return ERR_OK;
    }
    struct conf_given given = {.entry = entry,
                               .text = text,
                               .where = arena_printf(&c->arena, "environment variable %s", name),
                               .source = SOURCE_ENVIRONMENT,
                               .is_path = is_path};
    return conf_set(c, &given);
}

static enum err apply_environment(struct conf *c, char **envp)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->program->entry_count && e == ERR_OK; i++) {
        const struct conf_entry *entry = &c->program->entries[i];
        if (entry->env == NULL) {
            continue;
        }
        e = set_from_environment(c, entry, envp, false);
        if (e == ERR_OK) {
            e = set_from_environment(c, entry, envp, true);
        }
    }
    return e;
}

static enum err apply_defaults(struct conf *c)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->program->entry_count && e == ERR_OK; i++) {
        if (c->program->entries[i].env != NULL) {
            e = conf_set_default(c, &c->program->entries[i]);
        }
    }
    return e;
}

static enum err gather(struct conf *c, int argc, char **argv, char **envp)
{
    enum err e = apply_defaults(c);
    if (e == ERR_OK) {
        e = conf_flags_read_own(c, argc, argv);
    }
    if (e != ERR_OK) {
        return e;
    }
    if (c->ini_path == NULL) {
        c->ini_path = environment_get(envp, "MARATHON_CONFIG");
    }
    if (c->ini_path != NULL) {
        c->ini_path = arena_str(&c->arena, c->ini_path);
        e = conf_ini_apply(c);
    }
    if (e == ERR_OK) {
        e = apply_environment(c, envp);
    }
    return e == ERR_OK ? conf_flags_apply(c, argc, argv) : e;
}

enum err conf_parse(const struct conf_program *program, int argc, char **argv, char **envp,
                    struct conf **ret_conf, const char **ret_message)
{
    static char message[sizeof((struct conf *)0)->message];
    struct conf *c = mem_zalloc(sizeof *c);
    c->program = program;
    c->values = mem_zalloc(program->entry_count * sizeof *c->values);
    enum err e = gather(c, argc, argv, envp);
    if (e != ERR_OK) {
        memcpy(message, c->message, sizeof message);
        *ret_message = message;
        conf_free(c);
        return e;
    }
    *ret_conf = c;
    return ERR_OK;
}

void conf_free(struct conf *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->program->entry_count; i++) {
        free(c->values[i].items);
    }
    free(c->values);
    arena_free(&c->arena);
    free(c);
}
