/* Internals of conf_parse: the settings while they are collected. A later source overrides an
 * earlier one, in this order: defaults, ini file, environment, flags. */
#ifndef MARATHON_CONF_CONF_BUILD_H
#define MARATHON_CONF_CONF_BUILD_H

#include <stdio.h>

#include "conf/conf.h"

#define CONF_FILE_BYTES_MAX (256u << 10) /* of an ini file or an X_FILE */
#define CONF_NAME_BYTES_MAX 80           /* of an ini key or flag, made from an env name */

enum conf_source { SOURCE_DEFAULT, SOURCE_INI, SOURCE_ENVIRONMENT, SOURCE_FLAG };

struct conf_value {
    const char *text; /* as given; "" = unset */
    const char
        *where; /* "default", "flag --listen", "environment variable X", "/etc/m.ini:3 (listen)" */
    enum conf_source source;
    bool from_file; /* given by X_FILE */
    int64_t number; /* CONF_INT; CONF_BOOL as 0 and 1 */
    const char **items;
    size_t item_count;
    size_t item_cap;
};

struct conf {
    const struct conf_program *program;
    struct arena arena;
    struct conf_value *values; /* one per entry */
    const char *ini_path;      /* NULL = none */
    bool print_config;
    char message[640]; /* what is wrong, on ERR_INVALID */
};

/* One setting, as one source gave it. */
struct conf_given {
    const struct conf_entry *entry;
    const char *text;
    const char *where; /* lives as long as the conf */
    enum conf_source source;
    bool is_path; /* given as X_FILE: text is the path of a file that has the value */
};

/* Fills c->message and returns ERR_INVALID. */
enum err conf_fault(struct conf *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* conf_name.c: "MARATHON_WORK_DIR" becomes the key "work_dir" and the flag "work-dir". */
const char *conf_key(const struct conf_entry *entry, char name[CONF_NAME_BYTES_MAX]);
const char *conf_flag(const struct conf_entry *entry, char name[CONF_NAME_BYTES_MAX]);

enum conf_naming { NAMED_BY_ENV, NAMED_BY_KEY, NAMED_BY_FLAG };
/* The entry called name. If name is an entry's name plus _FILE (_file, -file), that entry, with
 * *ret_is_path true. NULL = unknown. */
const struct conf_entry *conf_find(const struct conf_program *program, enum conf_naming naming,
                                   struct bytes name, bool *ret_is_path);
/* ", did you mean X?" if an unknown name is close to a known one, else "". */
const char *conf_suggest(struct conf *c, enum conf_naming naming, struct bytes name);

/* conf_value.c */
enum err MUST_CHECK conf_set_default(struct conf *c, const struct conf_entry *entry);
enum err MUST_CHECK conf_set(struct conf *c, const struct conf_given *given);
struct conf_value *conf_value_of(const struct conf *c, const struct conf_entry *entry);
/* What the entry accepts, as a phrase: "a whole number from 1 to 9". Lives in the conf's arena. */
const char *conf_wanted(struct arena *arena, const struct conf_entry *entry);

/* conf_flags.c: reads argv in two passes, since --config must be known before any flag is
 * applied. */
enum err MUST_CHECK conf_flags_read_own(struct conf *c, int argc, char **argv);
enum err MUST_CHECK conf_flags_apply(struct conf *c, int argc, char **argv);

/* conf_ini.c */
enum err MUST_CHECK conf_ini_apply(struct conf *c);
/* Reads a whole file into the arena and appends a NUL. `what` names the file in the error
 * message. */
enum err MUST_CHECK conf_read_file(struct conf *c, const char *path, const char *what,
                                   struct bytes *ret_content);

/* conf_print.c */
void conf_print_help(const struct conf_program *program, FILE *out);
void conf_print_values(const struct conf *c, FILE *out);

#endif
