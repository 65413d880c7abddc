/* Settings: one table per program. Each entry is an environment variable, a key of the same name
 * (lower case) in an ini file, and a flag. Precedence: flag, environment, file, default. Every
 * setting X can also be given as X_FILE: its value is then that file's content, without one
 * trailing newline. An empty environment variable counts as unset.
 *
 * The ini file has `key = value` lines, whole-line comments (# or ;) and sections named after
 * programs. Keys before the first section are for whichever program reads the file; sections of
 * other programs are skipped. A BOOL flag is written alone (true), as --x=false or as --no-x.
 *
 * Generates --help (grouped, with defaults and units), --version and --print-config (each value and
 * its source; secrets as ***). An entry without env is a heading in --help, with help as its
 * title. */
#ifndef MARATHON_CONF_CONF_H
#define MARATHON_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum conf_kind {
    CONF_TEXT,
    CONF_INT,
    CONF_BOOL,
    CONF_CHOICE,
    CONF_LIST /* comma separated; the flag may be repeated */
};

struct conf_entry {
    /* "MARATHON_LISTEN"; the ini key is "listen" (MARATHON_ removed, lower case); REDIS_URL is
     * "redis_url" */
    const char *env;
    const char *flag; /* "listen" for --listen VALUE; NULL = the ini key with dashes */
    enum conf_kind kind;
    const char *fallback; /* default, as text */
    const char *choices;  /* CONF_CHOICE: "auto|redis|memory" */
    int64_t min, max;     /* CONF_INT */
    bool secret;
    const char *help; /* one line, with the unit */
};

struct conf_program {
    const char *name;       /* "marathon-worker" */
    const char *summary;    /* one line */
    const char *usage_tail; /* printed after the options: examples; may be NULL */
    const struct conf_entry *entries;
    size_t entry_count;
};

struct conf;

/* Reads the flags (argv), the environment, and the file named by --config or MARATHON_CONFIG. For
 * --help, --version and --print-config it prints and exits with 0. On bad input it prints what is
 * wrong, with the entry and its source, and exits with 2. Free with conf_free. */
struct conf *conf_load(const struct conf_program *program, int argc, char **argv,
                       const char *version);
/* The same without exiting, for tests: on ERR_INVALID *ret_message (in a static buffer) says what
 * is wrong. */
enum err MUST_CHECK conf_parse(const struct conf_program *program, int argc, char **argv,
                               char **envp, struct conf **ret_conf, const char **ret_message);
void conf_free(struct conf *c);

/* Getters, by the entry's env name; they assert that the entry exists and has that kind. Texts live
 * as long as the conf. */
const char *conf_text(const struct conf *c, const char *env); /* also CHOICE; "" if unset */
int64_t conf_int(const struct conf *c, const char *env);
bool conf_bool(const struct conf *c, const char *env);
size_t conf_list(const struct conf *c, const char *env, const char *const **ret_items);

#endif
