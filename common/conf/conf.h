/* Settings: one table per program; each entry is an environment variable, the same key (lower case)
 * in an ini file, and a flag. Precedence: flag, environment, file, default. Every X can be given as
 * X_FILE (a file's content, one trailing newline dropped). An empty environment variable counts as
 * not set.
 *
 * The ini file has `key = value` lines, whole-line comments (# ;) and sections named after
 * programs: keys before the first section are for the program that reads the file, sections of
 * others are passed over. A BOOL flag stands alone (true), as --x=false or as --no-x.
 *
 * Generates --help (grouped, with defaults and units), --version and --print-config (value and
 * where it came from; secrets as ***). An entry without env is a heading of --help: its help is the
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
    CONF_LIST /* comma separated, may be given many times as a flag */
};

struct conf_entry {
    const char *env;  /* "MARATHON_LISTEN"; the ini key is "listen" (MARATHON_ dropped, lower case;
                         REDIS_URL is "redis_url") */
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
    const char *usage_tail; /* printed behind the options: examples; may be NULL */
    const struct conf_entry *entries;
    size_t entry_count;
};

struct conf;

/* Reads flags (argv), environment and the file named by --config or MARATHON_CONFIG. Prints and
 * exits 0 for --help, --version and --print-config; prints what is wrong, names the entry and its
 * source, and exits 2 on bad input. Free with conf_free. */
struct conf *conf_load(const struct conf_program *program, int argc, char **argv,
                       const char *version);
/* The same without exiting: on ERR_INVALID ret_message (a static buffer's text) says what is wrong.
 * For tests. */
enum err MUST_CHECK conf_parse(const struct conf_program *program, int argc, char **argv,
                               char **envp, struct conf **ret_conf, const char **ret_message);
void conf_free(struct conf *c);

/* By the entry's env name; asserts that it exists and has that kind. Texts live as long as the
 * conf. */
const char *conf_text(const struct conf *c, const char *env); /* also CHOICE; "" where unset */
int64_t conf_int(const struct conf *c, const char *env);
bool conf_bool(const struct conf *c, const char *env);
size_t conf_list(const struct conf *c, const char *env, const char *const **ret_items);

#endif
