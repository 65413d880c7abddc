/* sim: worlds from seeds. A violation is told with its seed and the commit; the same seed tells the
 * same story again, with --trace. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define JOBS_MAX      64u    /* more would only wait for one another */
#define PROGRESS_EACH 10000u /* worlds; about a minute */

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
    fputs("usage: sim [--seeds COUNT | --seeds FROM..TO | --seed N] [--jobs PROCESSES] [--trace]\n"
          "       sim --planted [COUNT]\n"
          "\n"
          "Runs worlds of the pure core, one from each seed (1 to 1000), in as many processes as\n"
          "there are cores, and checks the invariants after each event. --trace tells the story\n"
          "of each. --planted runs cores with known bugs, each of which must be caught.\n",
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

/* Worlds from, from + step, ... to, in this process. */
static void run_worlds(uint64_t from, uint64_t to, uint64_t step, bool trace)
{
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(tell_seed);
    }
    bool watched = isatty(2);
    uint64_t done = 0;
    for (running_seed = from; running_seed <= to; running_seed += step) {
        world_run(running_seed, trace);
        if (++done % PROGRESS_EACH == 0 && watched) {
            fprintf(stderr, "sim: seed %llu of %llu\n", (unsigned long long)running_seed,
                    (unsigned long long)to);
        }
    }
}

/* The same in several processes. True: no world failed. */
static bool run_side_by_side(uint64_t from, uint64_t to, uint64_t jobs)
{
    fflush(stdout);
    for (uint64_t k = 0; k < jobs; k++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("sim: fork");
            return false;
        }
        if (pid == 0) {
            run_worlds(from + k, to, jobs, false);
            _exit(0);
        }
    }
    bool good = true;
    int status;
    while (wait(&status) > 0) {
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

struct words {
    uint64_t from, to, jobs;
    bool trace;
};

static bool read_words(int argc, char **argv, struct words *w)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            w->trace = true;
        } else if (i + 1 == argc) {
            return false;
        } else if (strcmp(argv[i], "--seed") == 0) {
            w->from = w->to = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--jobs") == 0) {
            w->jobs = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            char *end = NULL;
            uint64_t n = strtoull(argv[++i], &end, 10);
            bool range = strncmp(end, "..", 2) == 0;
            w->from = range ? n : 1;
            w->to = range ? strtoull(end + 2, NULL, 10) : n;
        } else {
            return false;
        }
    }
    return w->from >= 1 && w->from <= w->to && w->jobs >= 1 && w->jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--planted") == 0) {
        return run_planted(argv + 1);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct words w = {.from = 1, .to = 1000, .jobs = cores < 1 ? 1 : (uint64_t)cores};
    w.jobs = w.jobs > JOBS_MAX ? JOBS_MAX : w.jobs;
    if (!read_words(argc, argv, &w)) {
        return usage();
    }
    uint64_t worlds = w.to - w.from + 1;
    if (w.trace || w.jobs == 1 || worlds < w.jobs) {
        run_worlds(w.from, w.to, 1, w.trace);
    } else if (!run_side_by_side(w.from, w.to, w.jobs)) {
        return 1;
    }
    printf("sim: %llu worlds, all invariants held\n", (unsigned long long)worlds);
    return 0;
}
