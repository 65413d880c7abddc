#include "cli/dev_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each round kills one generation of forks; nobody keeps forking against kill -9 for this long. */
#define ORPHAN_ROUNDS_MAX 100
#define PIDS_BYTES_MAX    65536

void dev_child_adopt_orphans(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++) {
        (void)sigaction(signo, &action, NULL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, after fork. A successful exec closes `report`; a failed one writes errno to it. */
static _Noreturn void become(const char *const *argv, const char *const *env, int output,
                             int report, pid_t parent)
{
    reset_signals();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) {
        _exit(127); /* the parent died before prctl took effect: nobody would kill us */
    }
    (void)setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0) {
        for (; *env != NULL; env++) {
            (void)putenv(strdup(*env));
        }
        union {
            const char *const *in;
            char *const *out;
        } words = {.in = argv};
        (void)execv(argv[0], words.out);
    }
    int error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

static enum err start_failed(int error, pid_t pid, int output)
{
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
    (void)close(output);
    errno = error;
    return ERR_IO;
}

enum err dev_child_start(const char *const *argv, const char *const *env, pid_t *ret_pid,
                         int *ret_output)
{
    int output[2], report[2];
    if (pipe2(output, O_CLOEXEC) != 0) {
        return ERR_IO;
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        int error = errno;
        (void)close(output[1]);
        return start_failed(error, -1, output[0]);
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    int error = errno;
    if (pid == 0) {
        become(argv, env, output[1], report[1], parent);
    }
    (void)close(output[1]);
    (void)close(report[1]);
    if (pid > 0) {
        error = 0;
        (void)!read(report[0], &error, sizeof error);
    }
    (void)close(report[0]);
    if (error != 0) {
        return start_failed(error, pid, output[0]);
    }
    (void)setpgid(pid, pid); /* parent or child, whichever comes first */
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK);
    *ret_pid = pid;
    *ret_output = output[0];
    return ERR_OK;
}

void dev_child_signal(pid_t pid, int signo)
{
    if (kill(-pid, signo) != 0) {
        (void)kill(pid, signo);
    }
}

pid_t dev_child_reap(int *ret_status)
{
    pid_t pid = waitpid(-1, ret_status, WNOHANG);
    return pid > 0 ? pid : 0;
}

/* Sends SIGKILL to each of our children; returns whether there was any. */
static bool kill_children(void)
{
    char path[64];
    char *text = calloc(1, PIDS_BYTES_MAX);
    bool any = false;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "re");
    if (f != NULL && text != NULL && fgets(text, PIDS_BYTES_MAX, f) != NULL) {
        char *at = text;
        for (char *end = NULL;; at = end) {
            long pid = strtol(at, &end, 10);
            if (end == at) {
                break;
            }
            any = kill((pid_t)pid, SIGKILL) == 0 || any;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    free(text);
    return any;
}

void dev_child_kill_all(void)
{
    for (int round = 0; round < ORPHAN_ROUNDS_MAX && kill_children(); round++) {
        pid_t pid;
        do { /* waits until one of the killed is gone; its own children then become ours */
            pid = waitpid(-1, NULL, 0);
        } while (pid < 0 && errno == EINTR);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
}

const char *dev_child_end_text(int status)
{
    static char text[64];
    if (WIFEXITED(status)) {
        (void)snprintf(text, sizeof text, "exited with %d", WEXITSTATUS(status));
    } else {
        int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        (void)snprintf(text, sizeof text, "killed by signal %d", signo);
    }
    return text;
}
