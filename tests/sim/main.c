/* sim: worlds of the pure core. The other kinds of worlds are separate programs: cores with planted
 * bugs, which this program must not contain, and worlds beside a real Redis, whose library this
 * program does not need. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

static int run_other(const char *suffix, char **argv)
{
    char path[4096] = "";
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
    if (n > 0) {
        snprintf(path + n, sizeof path - (size_t)n, "_%s", suffix);
        execv(path, argv);
    }
    perror(path);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct run_kind kind = {
        .name = "sim",
        .seeds = 1000,
        .usage =
            "usage: sim [--seeds COUNT | --seeds FROM..TO | --seed N] [--jobs PROCESSES] "
            "[--trace]\n"
            "           [--map-seed N]\n"
            "       sim --planted [COUNT]\n"
            "       sim --redis [--seeds ... | --seed N] [--jobs PROCESSES] [--trace]\n"
            "\n"
            "Runs worlds of the pure core, one from each seed (1 to 1000), in as many processes "
            "as\n"
            "there are cores, and checks the invariants after each event. --trace tells the story\n"
            "of each; none depends on how maps hash (--map-seed). --planted runs cores with known "
            "bugs, each of which must be caught. --redis\n"
            "gives the rows and reads of each world (1 to 100) to a real Redis as well, which "
            "must\n"
            "answer as the model does.\n",
    };
    if (argc > 1 && strcmp(argv[1], "--planted") == 0) {
        return run_other("planted", argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "--redis") == 0) {
        return run_other("redis", argv + 1);
    }
    return run_main(argc, argv, &kind);
}
