/* Parses command lines by a table of options. Pure: it neither prints nor exits.
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`; options and operands in any order; `--`
 * ends the options; a lone `-` is an operand or a value (standard input). */
#ifndef MARATHON_CLI_ARGS_H
#define MARATHON_CLI_ARGS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

#define ARGS_OPERANDS_MAX 64 /* ids in one `cancel`; for more use xargs */
#define ARGS_VALUES_MAX   64 /* options given at once */

struct arg_option {
    const char *name;  /* "steps" for --steps */
    char letter;       /* 'o' for -o, 0 = none */
    const char *value; /* placeholder of its value in --help; NULL = a switch */
    const char *help;  /* one line */
};

struct arg_given {
    const struct arg_option *option;
    const char *value; /* "" for a switch */
};

struct args {
    const char *operands[ARGS_OPERANDS_MAX];
    size_t operand_count;
    struct arg_given given[ARGS_VALUES_MAX];
    size_t given_count;
};

/* Two tables: the command's own options and the shared ones. argv[0] is the first word after the
 * command. Borrows the texts of argv. On ERR_INVALID ret_message (appended) names the word and says
 * what is wrong. */
struct arg_tables {
    const struct arg_option *own;
    size_t own_count;
    const struct arg_option *shared;
    size_t shared_count;
};

enum err MUST_CHECK args_parse(const struct arg_tables *tables, int argc, char *const *argv,
                               struct args *ret_args, struct buf *ret_message);
bool args_has(const struct args *a, const char *name);
/* The value given last, or NULL. */
const char *args_value(const struct args *a, const char *name);
/* Value number `index` of an option that may be repeated, or NULL. */
const char *args_value_at(const struct args *a, const char *name, size_t index);
struct arg_range {
    int64_t min, max;
};
/* A whole number within bounds; leaves *ret unchanged if the option was not given. */
enum err MUST_CHECK args_number(const struct args *a, const char *name, struct arg_range range,
                                int64_t *ret, struct buf *ret_message);

#endif
