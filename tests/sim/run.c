/* A violation is printed with its seed and the commit; the same seed with --trace tells the same
 * story again. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/map.h"
#include "world.h"

#define JOBS_MAX      64u    /* more would only compete for the processors */
#define PROGRESS_EACH 10000u /* worlds; about a minute */

static uint64_t *running_seed;
static const struct run_kind *running;

/* From the sanitizers, if they are linked in. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

uint64_t *run_share_seeds(uint64_t processes)
{
    void *shared = mmap(NULL, processes * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return shared;
}

static void tell_end(uint64_t seed, const char *what)
{
    char text[200];
    int n = snprintf(text, sizeof text,
                     "%s: %s at seed %llu of commit %s; again: %s --seed %llu --trace\n",
                     running->name, what, (unsigned long long)seed, MARATHON_GIT, running->name,
                     (unsigned long long)seed);
    fflush(stdout);
    ssize_t written = write(2, text, (size_t)n);
    (void)written;
}

static void tell_seed(void)
{
    tell_end(*running_seed, "failed");
}

static void on_abort(int signal)
{
    (void)signal;
    tell_seed();
    _exit(1);
}

struct words {
    uint64_t from, to, jobs;
    bool trace;
};

/* Runs the worlds from, from + step, ... up to `to` in this process. */
static void run_worlds(uint64_t from, uint64_t to, uint64_t step, bool trace)
{
    signal(SIGABRT, on_abort);
    if (trace) {
        setvbuf(stdout, NULL, _IOLBF, 0); /* so that a death by a signal loses no line */
    }
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(tell_seed);
    }
    struct mirror *mirror = running->open != NULL ? running->open() : NULL;
    bool watched = isatty(2);
    uint64_t done = 0;
    for (uint64_t seed = from; seed <= to; seed += step) {
        *running_seed = seed;
        world_run(seed, trace, mirror);
        if (++done % PROGRESS_EACH == 0 && watched) {
            fprintf(stderr, "%s: seed %llu of %llu\n", running->name, (unsigned long long)seed,
                    (unsigned long long)to);
        }
    }
    if (mirror != NULL) {
        running->close(mirror);
    }
}

/* True: the process has run its worlds, and all invariants held. A process that died by a signal
 * could not report its seed itself. */
static bool ended_well(int status, uint64_t seed)
{
    if (WIFSIGNALED(status)) {
        char what[100];
        snprintf(what, sizeof what, "died by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
        tell_end(seed, what);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The same in several processes. True: no world failed. */
static bool run_side_by_side(const struct words *w, uint64_t jobs)
{
    pid_t pids[JOBS_MAX];
    uint64_t *seeds = run_share_seeds(jobs);
    fflush(stdout);
    for (uint64_t k = 0; k < jobs; k++) {
        pids[k] = fork();
        if (pids[k] < 0) {
            perror("fork");
            return false;
        }
        if (pids[k] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            running_seed = &seeds[k];
            run_worlds(w->from + k, w->to, jobs, w->trace);
            exit(0);
        }
    }
    bool good = true;
    for (uint64_t k = 0; k < jobs; k++) {
        int status = 0;
        good = waitpid(pids[k], &status, 0) == pids[k] && ended_well(status, seeds[k]) && good;
    }
    return good;
}

static bool read_words(int argc, char **argv, struct words *w)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            w->trace = true;
        } else if (i + 1 == argc) {
            return false;
        } else if (strcmp(argv[i], "--seed") == 0) {
            w->from = w->to = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--map-seed") == 0) {
            map_seed(strtoull(argv[++i], NULL, 10)); /* which changes no story */
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
    uint64_t jobs = w.trace ? 1 : w.jobs < worlds ? w.jobs : worlds;
    if (!run_side_by_side(&w, jobs)) {
        return 1;
    }
    printf("%s: %llu worlds, all invariants held\n", kind->name, (unsigned long long)worlds);
    return 0;
}
