/* A violation is told with its seed and the commit; the same seed tells the same story again, with
 * --trace. */
#include "run.h"

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
static const struct run_kind *running;

/* Of the sanitizers, where they are linked in. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_seed(void)
{
    char text[160];
    int n = snprintf(text, sizeof text,
                     "%s: failed at seed %llu of commit %s; again: %s --seed %llu --trace\n",
                     running->name, (unsigned long long)running_seed, MARATHON_GIT, running->name,
                     (unsigned long long)running_seed);
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

/* Worlds from, from + step, ... to, in this process. */
static void run_worlds(uint64_t from, uint64_t to, uint64_t step, bool trace)
{
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(tell_seed);
    }
    struct mirror *mirror = running->open != NULL ? running->open() : NULL;
    bool watched = isatty(2);
    uint64_t done = 0;
    for (running_seed = from; running_seed <= to; running_seed += step) {
        world_run(running_seed, trace, mirror);
        if (++done % PROGRESS_EACH == 0 && watched) {
            fprintf(stderr, "%s: seed %llu of %llu\n", running->name,
                    (unsigned long long)running_seed, (unsigned long long)to);
        }
    }
    if (mirror != NULL) {
        running->close(mirror);
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

int run_main(int argc, char **argv, const struct run_kind *kind)
{
    running = kind;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct words w = {.from = 1, .to = kind->seeds, .jobs = cores < 1 ? 1 : (uint64_t)cores};
    w.jobs = w.jobs > JOBS_MAX ? JOBS_MAX : w.jobs;
    if (!read_words(argc, argv, &w)) {
        fputs(kind->usage, stderr);
        return 2;
    }
    uint64_t worlds = w.to - w.from + 1;
    if (w.trace || w.jobs == 1 || worlds < w.jobs) {
        run_worlds(w.from, w.to, 1, w.trace);
    } else if (!run_side_by_side(w.from, w.to, w.jobs)) {
        return 1;
    }
    printf("%s: %llu worlds, all invariants held\n", kind->name, (unsigned long long)worlds);
    return 0;
}
