#include "run/process.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/kept.h"

#define READ_BYTES 65536
/* Streams with a kept buffer: the first read takes this much, or what is there if that is more. If
 * there is even more, it is seldom all of it. */
#define KEPT_BYTES_FIRST 4096u
#define KEPT_BYTES_WHOLE 16384u

struct stream {
    struct process *process;
    int index;
    int fd; /* -1: closed */
    struct loop_watch *watch;
};

struct process {
    struct loop *loop;
    struct reaper *reaper;
    struct process_handler handler;
    pid_t pid; /* 0: none, or reaped */
    struct stream streams[SPAWN_FDS];
    struct stream report;
    struct spawn_report failure;
    const char *error; /* why no process could be created */
    bool lacking;      /* because resources were lacking */
    struct buf input;
    size_t input_at;
    bool input_ends;
    bool exited;
    int status;
    struct loop_timer *timer; /* ends the wait for the pipes or for the kernel */
};

static void stream_close(struct stream *s)
{
    if (s->fd >= 0) {
        loop_watch_destroy(s->watch);
        (void)close(s->fd);
        s->fd = -1;
    }
}

/* Descriptors, processes, memory: the function is not to blame. */
static bool lacks_means(int error)
{
    return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
}

static void end_tell(struct process *p)
{
    for (int i = 0; i < SPAWN_FDS; i++) {
        stream_close(&p->streams[i]);
    }
    stream_close(&p->report);
    loop_timer_set(p->timer, NEVER_MS);
    struct process_end end = {.status = p->status};
    if (p->error != NULL) {
        end.error = p->error;
        end.stage = "fork";
        end.lacking = p->lacking;
    } else if (p->failure.error != 0) {
        end.error = strerror(p->failure.error);
        end.lacking = lacks_means(p->failure.error);
        end.stage = p->failure.stage;
    }
    p->handler.ended(p->handler.user, &end);
}

static void end_check(struct process *p)
{
    if (p->exited && p->streams[SPAWN_STDOUT].fd < 0 && p->streams[SPAWN_STDERR].fd < 0 &&
        p->streams[SPAWN_NEWS].fd < 0 && p->report.fd < 0) {
        end_tell(p);
    }
}

static void on_timer(void *user)
{
    end_tell(user);
}

static void on_exited(void *user, int status)
{
    struct process *p = user;
    p->pid = 0;
    p->exited = true;
    p->status = status;
    stream_close(&p->streams[SPAWN_STDIN]);
    loop_timer_set(p->timer, loop_now(p->loop).mono + PROCESS_DRAIN_MS);
    end_check(p);
}

/* Leaves a byte to spare, since end of file has to be read too. */
static void kept_make_room(struct buf *b, int fd)
{
    int there = 0;
    if (b->len > 0) {
        kept_reserve(b, 1);
    } else if (ioctl(fd, FIONREAD, &there) != 0 || (size_t)there < KEPT_BYTES_FIRST) {
        kept_reserve(b, KEPT_BYTES_FIRST);
    } else {
        kept_reserve(b, (size_t)there < KEPT_BYTES_WHOLE ? (size_t)there + 1 : KEPT_BYTES_LARGE);
    }
}

static void on_readable(void *user, int ready)
{
    (void)ready;
    static uint8_t bytes[READ_BYTES]; /* loop's thread only */
    struct stream *s = user;
    struct process *p = s->process;
    struct buf passing = {.ptr = bytes, .cap = sizeof bytes};
    struct buf *kept = p->handler.kept[s->index], *b = kept != NULL ? kept : &passing;
    if (b != &passing) {
        kept_make_room(b, s->fd);
    }
    size_t before = b->len;
    ssize_t n = read(s->fd, b->ptr + before, b->cap - before);
    if (n > 0) {
        b->len += (size_t)n;
        p->handler.output(p->handler.user, s->index, bytes_part(buf_bytes(b), before, b->len));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream_close(s);
        end_check(p);
    }
}

void process_read(struct process *p, int stream)
{
    uint8_t bytes[4096]; /* may be called while output is being handled: a separate buffer */
    struct stream *s = &p->streams[stream];
    for (int i = 0; s->fd >= 0 && i < READ_BYTES / (int)sizeof bytes; i++) {
        ssize_t n = read(s->fd, bytes, sizeof bytes);
        if (n <= 0) {
            break; /* end of file is left to the watch */
        }
        p->handler.output(p->handler.user, stream, bytes_of(bytes, (size_t)n));
    }
}

static void on_report(void *user, int ready)
{
    (void)ready;
    struct stream *s = user;
    struct spawn_report r;
    ssize_t n = read(s->fd, &r, sizeof r);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n == (ssize_t)sizeof r) {
        s->process->failure = r;
        s->process->failure.stage[sizeof r.stage - 1] = '\0';
    }
    stream_close(s);
    end_check(s->process);
}

static void input_flush(struct process *p)
{
    struct stream *s = &p->streams[SPAWN_STDIN];
    while (s->fd >= 0 && p->input_at < p->input.len) {
        ssize_t n = write(s->fd, p->input.ptr + p->input_at, p->input.len - p->input_at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            loop_watch_set(s->watch, LOOP_WRITABLE);
            return;
        }
        if (n < 0) { /* it does not read its input, which is no error */
            stream_close(s);
            break;
        }
        p->input_at += (size_t)n;
    }
    buf_free(&p->input); /* megabytes need not stay while it runs */
    p->input_at = 0;
    if (s->fd >= 0) {
        loop_watch_set(s->watch, 0);
        if (p->input_ends) {
            stream_close(s);
        }
    }
}

static void on_writable(void *user, int ready)
{
    (void)ready;
    struct stream *s = user;
    input_flush(s->process);
}

static void stream_open(struct process *p, struct stream *s, int fd, loop_watch_fn *fn)
{
    s->fd = fd;
    s->watch = loop_watch_create(p->loop, fd, fn, s);
    loop_watch_set(s->watch, fn == on_writable ? 0 : LOOP_READABLE);
}

/* A copy of the environment with the mark in front, where the reaper looks for it. */
static const char **environment_mark(const char *const *env, const char *mark)
{
    size_t count = 0;
    while (env[count] != NULL) {
        count++;
    }
    const char **out = mem_alloc((count + 2) * sizeof *out);
    out[0] = mark;
    memcpy(&out[1], env, (count + 1) * sizeof *out);
    return out;
}

struct process *process_start(struct loop *loop, struct reaper *reaper,
                              const struct spawn_spec *spec, struct process_handler handler)
{
    struct process *p = mem_zalloc(sizeof *p);
    p->loop = loop;
    p->reaper = reaper;
    p->handler = handler;
    p->timer = loop_timer_create(loop, on_timer, p);
    p->report = (struct stream){.process = p, .fd = -1};
    for (int i = 0; i < SPAWN_FDS; i++) {
        p->streams[i] = (struct stream){.process = p, .index = i, .fd = -1};
    }
    uint64_t serial = reaper_serial(reaper);
    struct buf mark = {0};
    buf_addf(&mark, REAPER_MARK "=%s.%" PRIu64, reaper_worker(reaper), serial);
    const char **env = environment_mark(spec->env, buf_cstr(&mark));
    struct spawn_spec marked = {.argv = spec->argv, .env = env, .cwd = spec->cwd};
    struct spawned child;
    if (spawn_program(&marked, &child) == ERR_OK) {
        p->pid = child.pid;
        reaper_add(reaper, child.pid, serial, on_exited, p);
        for (int i = 0; i < SPAWN_FDS; i++) {
            stream_open(p, &p->streams[i], child.fds[i],
                        i == SPAWN_STDIN ? on_writable : on_readable);
        }
        stream_open(p, &p->report, child.report, on_report);
    } else {
        p->lacking = lacks_means(errno);
        p->error = strerror(errno);
        loop_timer_set(p->timer, loop_now(loop).mono);
    }
    free(env);
    buf_free(&mark);
    return p;
}

void process_write(struct process *p, struct buf *data)
{
    if (p->input.len == 0) {
        buf_free(&p->input);
        p->input = *data;
        *data = (struct buf){0};
    } else {
        buf_add_bytes(&p->input, buf_bytes(data));
        buf_free(data);
    }
    input_flush(p);
}

void process_close_input(struct process *p)
{
    p->input_ends = true;
    if (p->input.len == 0) {
        stream_close(&p->streams[SPAWN_STDIN]);
    }
}

/* A child that has not reached its setsid yet has no group of its own. */
static void group_signal(pid_t pid, int signo)
{
    if (kill(-pid, signo) != 0) {
        (void)kill(pid, signo);
    }
}

void process_stop(struct process *p)
{
    if (p->pid != 0) {
        group_signal(p->pid, SIGTERM);
    }
}

void process_kill(struct process *p)
{
    if (p->pid != 0) {
        group_signal(p->pid, SIGKILL);
        p->status = SIGKILL; /* what waitpid would report, should the kernel never let go of it */
        loop_timer_set(p->timer, loop_now(p->loop).mono + PROCESS_KILL_MS);
    }
}

void process_destroy(struct process *p)
{
    if (p->pid != 0) {
        group_signal(p->pid, SIGKILL);
        reaper_forget(p->reaper, p->pid);
    }
    for (int i = 0; i < SPAWN_FDS; i++) {
        stream_close(&p->streams[i]);
    }
    stream_close(&p->report);
    loop_timer_destroy(p->timer);
    buf_free(&p->input);
    free(p);
}
