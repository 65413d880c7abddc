/* The functions that a worker offers, from JSON files:
 *
 *   {"functions": {
 *     "menu.extract": {"exec": ["./menu_extract.py"], "env": {"LANG": "C"}, "cwd": "data"},
 *     "menu.bcg": {"plugin": "bcg.so"},
 *     "score": {"http": "http://127.0.0.1:9000/run", "headers": {"X-Key": "k"},
 *               "timeout_connect": 5}}}
 *
 * Paths (argv[0] with a slash, plugin, cwd) that are not absolute are relative to the file's
 * folder; an argv[0] without a slash is looked up in PATH. The built-ins echo, sleep, fail and
 * stamp are always there. Strict: an unknown field is an error. */
#ifndef MARATHON_RUN_FUNCTIONS_H
#define MARATHON_RUN_FUNCTIONS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "model/limits.h"

enum function_kind { FUNCTION_BUILTIN, FUNCTION_EXEC, FUNCTION_HTTP, FUNCTION_PLUGIN };

#define FUNCTION_ARGS_MAX 256u /* words of an argv; more belongs in a script */
#define FUNCTION_VARS_MAX 256u /* entries of env or headers */

struct function {
    const char *name;
    enum function_kind kind;
    const char **argv;    /* EXEC, ends with NULL */
    const char **env;     /* EXEC: "K=V", ends with NULL */
    const char *cwd;      /* EXEC: NULL = the worker's work directory */
    const char *path;     /* PLUGIN: the shared object */
    const char *url;      /* HTTP */
    const char **headers; /* HTTP: "K: V", ends with NULL */
    uint32_t connect_ms;  /* HTTP */
};

/* Owns all texts. Zero-initialise it; functions_free when done. */
struct functions {
    struct arena arena;
    struct function *items; /* in the order of addition */
    uint32_t count;
    uint32_t cap;
};

struct functions_fault {
    char pointer[160]; /* JSON pointer to the fault, empty for the text as a whole */
    char detail[240];
};

void functions_add_builtins(struct functions *f);
/* Adds the functions in one file's text; folder is the file's, for relative paths. Adds nothing on
 * failure. ERR_INVALID: fault says what and where; ERR_FULL: more than FUNCTIONS_MAX. */
enum err MUST_CHECK functions_parse(struct functions *f, struct bytes text, const char *folder,
                                    struct functions_fault *ret_fault);
/* The same from a file. ERR_IO: it cannot be read; fault says why. */
enum err MUST_CHECK functions_load(struct functions *f, const char *file,
                                   struct functions_fault *ret_fault);
const struct function *functions_find(const struct functions *f, struct bytes name);
void functions_free(struct functions *f);

#endif
