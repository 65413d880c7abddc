#include "run/reaper.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

/* Bytes of an environment that are searched for the mark, which comes first in the environments
 * that we pass on. */
#define ENVIRON_BYTES_MAX 65536u
/* Bound on the orphans examined in one sweep: 7 digits and a blank each. The next sweep sees the
 * rest. */
#define CHILDREN_BYTES_MAX 65536u

struct child {
    pid_t pid;
    uint64_t serial;
    reaper_fn *fn; /* NULL: forgotten */
    void *user;
};

struct reaper {
    const char *worker;
    struct child *children;
    size_t count;
    size_t cap;
    uint64_t next_serial;
    struct buf scratch;
};

static struct child *child_find(struct reaper *r, pid_t pid)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->children[i].pid == pid) {
            return &r->children[i];
        }
    }
    return NULL;
}

static bool serial_lives(const struct reaper *r, uint64_t serial)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->children[i].serial == serial) {
            return true;
        }
    }
    return false;
}

size_t reaper_count(const struct reaper *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        count += r->children[i].serial != 0;
    }
    return count;
}

/* Reads a file of /proc, cut at max, and appends a NUL; false if it is gone. */
static bool proc_read(struct reaper *r, const char *path, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    buf_clear(&r->scratch);
    buf_reserve(&r->scratch, max + 1);
    ssize_t n = 1;
    while (n > 0 && r->scratch.len < max) {
        n = read(fd, r->scratch.ptr + r->scratch.len, max - r->scratch.len);
        r->scratch.len += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    r->scratch.ptr[r->scratch.len] = '\0';
    return true;
}

/* The serial in a process's mark, 0 if it has no mark of ours. */
static uint64_t mark_of(struct reaper *r, pid_t pid)
{
    char path[64];
    char mark[128];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int n = snprintf(mark, sizeof mark, REAPER_MARK "=%s.", r->worker);
    assert(n > 0 && (size_t)n < sizeof mark);
    if (!proc_read(r, path, ENVIRON_BYTES_MAX)) {
        return 0;
    }
    const uint8_t *found = memmem(r->scratch.ptr, r->scratch.len, mark, (size_t)n);
    return found != NULL ? strtoull((const char *)found + n, NULL, 10) : 0;
}

/* Calls fn for each child of ours that is not known. */
static void strangers_each(struct reaper *r, void (*fn)(struct reaper *r, pid_t pid))
{
    if (!proc_read(r, "/proc/thread-self/children", CHILDREN_BYTES_MAX)) {
        /* a kernel without this file: what left its group lives until the guardian finds it */
        return;
    }
    char *list = mem_str_bytes(buf_bytes(&r->scratch));
    char *rest = list;
    for (char *word = strtok_r(list, " \n", &rest); word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        pid_t pid = (pid_t)strtol(word, NULL, 10);
        if (pid > 0 && child_find(r, pid) == NULL) {
            fn(r, pid);
        }
    }
    free(list);
}

/* Children that we did not start were left to us by functions; if we are process 1 of a container,
 * by others too. */
static void stranger_judge(struct reaper *r, pid_t pid)
{
    uint64_t serial = mark_of(r, pid);
    bool kept = serial != 0 ? serial_lives(r, serial) : getpid() == 1 || reaper_count(r) > 0;
    if (!kept) {
        (void)kill(pid, SIGKILL);
    }
}

/* Children that existed before we began are none of our business. */
static void stranger_adopt(struct reaper *r, pid_t pid)
{
    reaper_add(r, pid, 0, NULL, NULL);
}

static void child_ended(struct reaper *r, const siginfo_t *info)
{
    struct child *c = child_find(r, info->si_pid);
    if (c != NULL && c->serial != 0) {
        (void)kill(-info->si_pid, SIGKILL); /* before its pid can be reused */
    }
    int status = 0;
    (void)waitpid(info->si_pid, &status, 0);
    if (c == NULL) {
        return;
    }
    struct child ended = *c;
    *c = r->children[--r->count];
    if (ended.fn != NULL) {
        ended.fn(ended.user, status);
    }
}

static void on_child(void *user)
{
    struct reaper *r = user;
    for (;;) {
        siginfo_t info = {0};
        int rc = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
        if (rc != 0 || info.si_pid == 0) {
            break;
        }
        child_ended(r, &info);
    }
    strangers_each(r, stranger_judge);
}

struct reaper *reaper_create(struct loop *loop, const char *worker)
{
    struct reaper *r = mem_zalloc(sizeof *r);
    r->worker = worker;
    r->next_serial = 1;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    strangers_each(r, stranger_adopt);
    loop_on_signal(loop, SIGCHLD, on_child, r);
    return r;
}

uint64_t reaper_serial(struct reaper *r)
{
    return r->next_serial++;
}

const char *reaper_worker(const struct reaper *r)
{
    return r->worker;
}

void reaper_add(struct reaper *r, pid_t pid, uint64_t serial, reaper_fn *fn, void *user)
{
    MEM_GROW(r->children, r->count, r->cap);
    r->children[r->count++] = (struct child){pid, serial, fn, user};
}

void reaper_forget(struct reaper *r, pid_t pid)
{
    struct child *c = child_find(r, pid);
    if (c != NULL) {
        c->fn = NULL;
    }
}

void reaper_destroy(struct reaper *r)
{
    free(r->children);
    buf_free(&r->scratch);
    free(r);
}
