#include "run/guardian.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "run/reaper.h"

#define ENVIRON_BYTES_MAX 65536
/* A process may fork while it is being hunted: sweeps are repeated until they find nothing, at most
 * this often. */
#define SWEEPS_MAX 100

static bool carries(pid_t pid, const char *mark)
{
    static char environment[ENVIRON_BYTES_MAX];
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, environment, sizeof environment);
    (void)close(fd);
    return n > 0 && memmem(environment, (size_t)n, mark, strlen(mark)) != NULL;
}

unsigned guardian_sweep(const char *worker)
{
    char mark[160];
    unsigned found = 0;
    (void)snprintf(mark, sizeof mark, REAPER_MARK "=%s.", worker);
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return 0;
    }
    for (struct dirent *e = readdir(proc); e != NULL; e = readdir(proc)) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 1 && pid != getpid() && carries(pid, mark)) {
            found += kill(pid, SIGKILL) == 0;
        }
    }
    (void)closedir(proc);
    return found;
}

static _Noreturn void guard(int in, const char *worker)
{
    (void)prctl(PR_SET_NAME, "marathon-guard", 0, 0, 0);
    (void)setpgid(0, 0); /* a terminal's Ctrl-C is for the worker to handle */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    if (dup2(in, STDIN_FILENO) < 0 || close_range(1, ~0U, 0) != 0) {
        _exit(1);
    }
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) != 0 && errno == EINTR) {
    }
    for (int i = 0; i < SWEEPS_MAX && guardian_sweep(worker) > 0; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    _exit(0);
}

enum err guardian_start(const char *worker)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return ERR_IO;
    }
    pid_t pid = fork();
    if (pid == 0) {
        guard(fds[0], worker);
    }
    /* the other end stays open as long as this process lives: its closing is the signal */
    (void)close(fds[0]);
    if (pid < 0) {
        (void)close(fds[1]);
        return ERR_IO;
    }
    return ERR_OK;
}
