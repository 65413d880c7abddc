#include "run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "run/files.h"

/* The child's descriptors are first moved up here, out of the way of 0 to 3. */
#define FD_ABOVE   16
#define PIPE_COUNT (SPAWN_FDS + 1)

struct plan {
    const struct spawn_spec *spec;
    int fds[PIPE_COUNT]; /* the child's ends; the last one is for the report */
    pid_t parent;
    struct rlimit files; /* the program's limit: what the worker was started with */
};

static _Noreturn void child_give_up(int report, const char *stage)
{
    struct spawn_report r = {.error = errno};
    for (size_t i = 0; i < sizeof r.stage - 1 && stage[i] != '\0'; i++) {
        r.stage[i] = stage[i];
    }
    ssize_t n = write(report, &r, sizeof r);
    _exit(n == (ssize_t)sizeof r ? 127 : 126);
}

static void child_signals_reset(void)
{
    struct sigaction normal;
    memset(&normal, 0, sizeof normal);
    normal.sa_handler = SIG_DFL;
    for (int signo = 1; signo < NSIG; signo++) {
        /* fails for KILL and STOP, which are at their default anyway */
        (void)sigaction(signo, &normal, NULL);
    }
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs in the forked child of a process with threads: async-signal-safe calls only. */
static _Noreturn void child_run(struct plan *plan)
{
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != plan->parent) {
        _exit(126); /* the worker died before prctl took effect */
    }
    for (int i = 0; i < PIPE_COUNT; i++) {
        int above = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, FD_ABOVE);
        if (above < 0) {
            child_give_up(plan->fds[SPAWN_FDS], "dup");
        }
        plan->fds[i] = above;
    }
    int report = plan->fds[SPAWN_FDS];
    for (int i = 0; i < SPAWN_FDS; i++) {
        if (dup2(plan->fds[i], i) < 0) {
            child_give_up(report, "dup2");
        }
    }
    (void)close_range(SPAWN_FDS, ~0U, CLOSE_RANGE_CLOEXEC);
    child_signals_reset();
    (void)setrlimit(RLIMIT_NOFILE, &plan->files);
    if (plan->spec->cwd != NULL && chdir(plan->spec->cwd) != 0) {
        child_give_up(report, "chdir");
    }
    union {
        const char *const *ours;
        char *const *theirs;
    } argv = {plan->spec->argv}, env = {plan->spec->env};
    (void)execvpe(argv.theirs[0], argv.theirs, env.theirs);
    child_give_up(report, "exec");
}

static void pipes_close(int pipes[PIPE_COUNT][2], int side)
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        if (pipes[i][side] >= 0) {
            (void)close(pipes[i][side]);
            pipes[i][side] = -1;
        }
    }
}

/* Side 0 is read from, side 1 is written to. */
static int child_side(int i)
{
    return i == SPAWN_STDIN ? 0 : 1;
}

static enum err pipes_open(int pipes[PIPE_COUNT][2])
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        pipes[i][0] = pipes[i][1] = -1;
    }
    for (int i = 0; i < PIPE_COUNT; i++) {
        int ours = 1 - child_side(i);
        if (pipe2(pipes[i], O_CLOEXEC) != 0 || fcntl(pipes[i][ours], F_SETFL, O_NONBLOCK) != 0) {
            int error = errno;
            pipes_close(pipes, 0);
            pipes_close(pipes, 1);
            errno = error;
            return ERR_IO;
        }
    }
    return ERR_OK;
}

enum err spawn_program(const struct spawn_spec *spec, struct spawned *ret_child)
{
    int pipes[PIPE_COUNT][2];
    if (pipes_open(pipes) != ERR_OK) {
        return ERR_IO;
    }
    struct plan plan = {.spec = spec, .parent = getpid(), .files = files_of_programs()};
    for (int i = 0; i < PIPE_COUNT; i++) {
        plan.fds[i] = pipes[i][child_side(i)];
    }
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of ours may run in the child */
    /* without the atfork handlers of libraries, which are for children that continue */
    pid_t pid = _Fork();
    if (pid == 0) {
        child_run(&plan);
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (int i = 0; i < PIPE_COUNT; i++) {
        (void)close(pipes[i][child_side(i)]);
    }
    if (pid < 0) {
        for (int i = 0; i < PIPE_COUNT; i++) {
            (void)close(pipes[i][1 - child_side(i)]);
        }
        errno = error;
        return ERR_IO;
    }
    ret_child->pid = pid;
    for (int i = 0; i < SPAWN_FDS; i++) {
        ret_child->fds[i] = pipes[i][1 - child_side(i)];
    }
    ret_child->report = pipes[SPAWN_FDS][0];
    return ERR_OK;
}
