#include "conf/conf_build.h"

#include <stdlib.h>

extern char **environ;

static bool has_flag(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0) {
            return true;
        }
    }
    return false;
}

/* Ends the program after its output: exits with 0 only if all of the output could be written. */
static _Noreturn void finish(void)
{
    exit(fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1);
}

struct conf *conf_load(const struct conf_program *program, int argc, char **argv,
                       const char *version)
{
    /* First of all, before anything can fail: those who ask for help are often stuck. */
    if (has_flag(argc, argv, "--help") || has_flag(argc, argv, "-h")) {
        conf_print_help(program, stdout);
        finish();
    }
    if (has_flag(argc, argv, "--version")) {
        (void)printf("%s %s\n", program->name, version);
        finish();
    }
    struct conf *c;
    const char *message;
    if (conf_parse(program, argc, argv, environ, &c, &message) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", program->name, message);
        exit(2);
    }
    if (c->print_config) {
        conf_print_values(c, stdout);
        conf_free(c);
        finish();
    }
    return c;
}
