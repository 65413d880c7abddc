/* sim: worlds from seeds. A violation is told with its seed and the commit; the same seed tells the
 * same story again, with --trace. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static uint64_t running_seed;

/* Of the sanitizers, where they are linked in. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_seed(void)
{
    char text[160];
    int n =
        snprintf(text, sizeof text,
                 "sim: failed at seed %llu of commit %s; again: sim --seed %llu --trace\n",
                 (unsigned long long)running_seed, MARATHON_GIT, (unsigned long long)running_seed);
    fflush(stdout);
    ssize_t written = write(2, text, (size_t)n);
    (void)written;
}

static void on_abort(int signal)
{
    (void)signal;
    tell_seed();
    _exit(1);
}

static int usage(void)
{
    fputs("usage: sim [--seeds COUNT | --seeds FROM..TO | --seed N] [--trace]\n"
          "       sim --planted [COUNT]\n",
          stderr);
    return 2;
}

/* The cores with planted bugs are another program: this one has none. */
static int run_planted(char **argv)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "_planted");
    if (n > 0) {
        memcpy(path + n, "_planted", sizeof "_planted");
        execv(path, argv);
    }
    perror("sim: sim_planted");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t from = 1;
    uint64_t to = 1000;
    bool trace = false;
    if (argc > 1 && strcmp(argv[1], "--planted") == 0) {
        return run_planted(argv + 1);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            from = to = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            char *end = NULL;
            uint64_t n = strtoull(argv[++i], &end, 10);
            bool range = strncmp(end, "..", 2) == 0;
            from = range ? n : 1;
            to = range ? strtoull(end + 2, NULL, 10) : n;
        } else {
            return usage();
        }
    }
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(tell_seed);
    }
    for (running_seed = from; running_seed <= to; running_seed++) {
        world_run(running_seed, trace);
    }
    printf("sim: %llu worlds, all invariants held\n", (unsigned long long)(to - from + 1));
    return 0;
}
