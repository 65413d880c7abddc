#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/frame.h"

#define BEAT_MS 400

static void send_message(struct desk *d, const struct message *m)
{
    struct buf out = {0};
    assert_int_equal(frame_encode(m, &out), ERR_OK);
    if (d->transport->ops->send(d->transport, d->conn, &(struct slices){.own = out}) != ERR_OK) {
        print_message("a message to a worker that is gone\n");
    }
    buf_free(&out);
}

/* ---- what the worker says ---- */

static void on_hello(struct desk *d)
{
    d->hellos++;
    struct message m = {.type = MSG_WELCOME};
    if (d->refusals > 0) {
        d->refusals--;
        m.welcome.reason = BYTES_LIT("not today");
        send_message(d, &m);
        return;
    }
    m.welcome.version = WIRE_VERSION;
    m.welcome.id = BYTES_LIT("desk");
    send_message(d, &m);
    send_message(d, &(struct message){.type = MSG_OWNED, .owned = {.partitions = UINT64_MAX}});
}

static struct desk_task *task_find(struct desk *d, struct bytes id)
{
    for (size_t i = 0; i < d->task_count; i++) {
        if (bytes_is(id, d->tasks[i].id)) {
            return &d->tasks[i];
        }
    }
    fail_msg("a task that nobody ordered");
    return NULL;
}

static void on_outcome(struct desk *d, const struct step_outcome *o)
{
    struct desk_task *t = task_find(d, o->ref.task_id);
    if (t->outcomes++ == 0) {
        t->ended_at = loop_now(d->loop).mono;
        t->outcome = *o;
        t->outcome.result = arena_bytes(&t->memory, o->result);
        t->outcome.message = arena_bytes(&t->memory, o->message);
    }
    if (d->acknowledges) {
        desk_answer(d, t, VERDICT_APPLIED);
    }
}

static void on_beat(struct desk *d, uint32_t age_ms)
{
    mono_ms now = loop_now(d->loop).mono;
    mono_ms gap = d->beat_at > 0 ? now - d->beat_at : 0;
    d->beat_gap_ms = gap > d->beat_gap_ms ? gap : d->beat_gap_ms;
    d->beat_at = now;
    d->beats++;
    d->loop_age_ms = age_ms;
}

static void take(struct desk *d, const struct message *m)
{
    if (m->type == MSG_HELLO) {
        on_hello(d);
    } else if (m->type == MSG_RUNNING) {
        d->runnings++;
        d->claims = m->running.count;
    } else if (m->type == MSG_CREDIT) {
        assert_true(d->runnings > 0);
        d->credits += m->credit.count;
    } else if (m->type == MSG_OUTCOME) {
        on_outcome(d, &m->outcome);
    } else if (m->type == MSG_PROGRESS) {
        struct desk_task *t = task_find(d, m->progress.ref.task_id);
        t->news++;
        t->fraction = m->progress.fraction;
    } else if (m->type == MSG_BEAT) {
        on_beat(d, m->beat.loop_age_ms);
    } else if (m->type == MSG_DRAINING) {
        d->draining = true;
    } else {
        fail_msg("a worker does not say %s", message_type_name(m->type));
    }
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct desk *d = user;
    (void)dialer;
    d->conn = conn;
    d->runnings = 0;
    d->claims = d->credits = 0;
    d->beat_at = 0;
}

static void on_frame(void *user, conn_id conn, struct bytes frame)
{
    struct desk *d = user;
    struct arena arena = {0};
    struct message m;
    assert_int_equal(frame_decode(frame, &arena, &m), ERR_OK);
    if (conn == d->conn) {
        take(d, &m);
    }
    arena_free(&arena);
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct desk *d = user;
    (void)why;
    if (conn == d->conn) {
        d->conn = 0;
    }
}

static void on_beat_timer(void *user)
{
    struct desk *d = user;
    if (d->conn != 0) {
        send_message(d, &(struct message){.type = MSG_BEAT});
    }
    loop_timer_set(d->beat, loop_now(d->loop).mono + BEAT_MS);
}

/* ---- waiting ---- */

struct wait {
    struct desk *desk;
    bool (*done)(struct desk *d, void *user);
    void *user;
    mono_ms until;
    bool reached;
};

static void on_look(void *user)
{
    struct wait *w = user;
    struct desk *d = w->desk;
    mono_ms now = loop_now(d->loop).mono;
    if (!d->exited && waitpid(d->worker, &d->status, WNOHANG) == d->worker) {
        d->exited = true;
    }
    if (w->done(d, w->user)) {
        w->reached = true;
        loop_stop(d->loop);
        return;
    }
    if (now > w->until) {
        fail_msg("still waiting after %d ms", DESK_WAIT_MS);
    }
    loop_timer_set(d->look, now + 5);
}

void desk_until(struct desk *d, bool (*done)(struct desk *d, void *user), void *user)
{
    struct wait w = {d, done, user, clock_now().mono + DESK_WAIT_MS, false};
    d->look = loop_timer_create(d->loop, on_look, &w);
    loop_timer_set(d->look, loop_now(d->loop).mono);
    loop_run(d->loop);
    assert_true(w.reached);
    loop_timer_destroy(d->look);
}

static bool has_credit(struct desk *d, void *user)
{
    (void)user;
    return d->conn != 0 && d->credits > 0;
}

/* ---- the worker's process ---- */

static void worker_start(struct desk *d, const struct desk_options *o)
{
    int log[2] = {-1, -1};
    char file[96];
    (void)snprintf(file, sizeof file, "%s/functions.json", d->folder);
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    assert_true(fputs(o->functions, out) >= 0);
    assert_int_equal(fclose(out), 0);
    if (o->log_pipe) {
        assert_int_equal(pipe2(log, O_CLOEXEC), 0);
        assert_true(fcntl(log[1], F_SETPIPE_SZ, 4096) >= 0);
    }
    d->worker = fork();
    if (d->worker == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0,
                    0); /* a test that fails leaves nothing behind */
        (void)setenv("MARATHON_COORDINATORS", d->url, 1);
        (void)setenv("MARATHON_FUNCTIONS", file, 1);
        (void)setenv("MARATHON_WORK_DIR", d->folder, 1);
        (void)setenv("MARATHON_SLOTS", o->slots != NULL ? o->slots : "4", 1);
        (void)setenv("MARATHON_DRAIN_SECONDS", o->drain_s != NULL ? o->drain_s : "25", 1);
        (void)setenv("MARATHON_STOP_GRACE", o->grace_s != NULL ? o->grace_s : "1", 1);
        (void)setenv("MARATHON_LOG_LEVEL", o->log_pipe ? "debug" : "error", 1);
        if (o->log_pipe) {
            (void)dup2(log[1], STDERR_FILENO);
        }
        (void)execl(MARATHON_WORKER, "marathon-worker", (char *)NULL);
        _exit(127);
    }
    if (o->log_pipe) {
        (void)close(log[1]);
    }
    d->log = log[0];
}

struct desk *desk_open(const struct desk_options *options)
{
    struct desk *d = mem_zalloc(sizeof *d);
    (void)snprintf(d->folder, sizeof d->folder, "/tmp/marathon-desk-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->url, sizeof d->url, "ipc://%s/desk.sock", d->folder);
    d->acknowledges = true;
    d->refusals = options->refusals;
    worker_start(d, options); /* it dials until we listen; and no thread of ours runs yet */
    d->loop = loop_create();
    d->transport = transport_nng_create(d->loop, 250);
    struct transport_handler handler = {on_opened, on_frame, on_closed, d};
    assert_int_equal(d->transport->ops->listen(d->transport, d->url, handler), ERR_OK);
    d->beat = loop_timer_create(d->loop, on_beat_timer, d);
    loop_timer_set(d->beat, loop_now(d->loop).mono);
    desk_until(d, has_credit, NULL);
    return d;
}

static void on_shut(void *user)
{
    struct desk *d = user;
    d->transport->ops->destroy(d->transport);
    d->transport = NULL;
    loop_stop(d->loop);
}

void desk_close(struct desk *d)
{
    if (!d->exited) {
        (void)kill(d->worker, SIGKILL);
        (void)waitpid(d->worker, &d->status, 0);
    }
    loop_timer_set(d->beat, NEVER_MS);
    d->transport->ops->shutdown(d->transport, 100, on_shut, d);
    while (d->transport != NULL) {
        loop_run(d->loop);
    }
    loop_timer_destroy(d->beat);
    loop_destroy(d->loop);
    if (d->log >= 0) {
        (void)close(d->log);
    }
    for (size_t i = 0; i < d->task_count; i++) {
        arena_free(&d->tasks[i].memory);
    }
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", d->folder);
    assert_int_equal(system(command), 0);
    free(d);
}

/* ---- verbs ---- */

struct step_order desk_order_of(const char *task, const char *function, uint32_t timeout_ms)
{
    return (struct step_order){.ref = {.task_id = bytes_str(task), .run = 1, .attempt = 1},
                               .name = BYTES_LIT("step"),
                               .function = bytes_str(function),
                               .idempotency_key = BYTES_LIT("key"),
                               .timeout_ms = timeout_ms,
                               .input.whole = BYTES_LIT("{\"seconds\":2}"),
                               .results.whole = BYTES_LIT("{}")};
}

void desk_send_order(struct desk *d, const struct step_order *order)
{
    assert_true(d->credits > 0);
    d->credits--;
    send_message(d, &(struct message){.type = MSG_ORDER, .order = *order});
}

struct desk_task *desk_order(struct desk *d, const char *task, const char *function,
                             uint32_t timeout_ms)
{
    desk_until(d, has_credit, NULL);
    assert_true(d->task_count < sizeof d->tasks / sizeof *d->tasks);
    struct desk_task *t = &d->tasks[d->task_count++];
    (void)snprintf(t->id, sizeof t->id, "%s", task);
    t->ordered_at = loop_now(d->loop).mono;
    struct step_order order = desk_order_of(t->id, function, timeout_ms);
    desk_send_order(d, &order);
    return t;
}

struct told {
    const struct desk_task *task;
    unsigned times;
};

static bool is_told(struct desk *d, void *user)
{
    const struct told *told = user;
    (void)d;
    return told->task->outcomes >= told->times;
}

void desk_wait_outcome(struct desk *d, struct desk_task *t, unsigned times)
{
    struct told told = {t, times};
    desk_until(d, is_told, &told);
}

void desk_answer(struct desk *d, const struct desk_task *t, enum verdict verdict)
{
    send_message(d, &(struct message){.type = MSG_ACK, .ack = {t->outcome.number, verdict}});
}

void desk_stop(struct desk *d, const char *task)
{
    struct message m = {.type = MSG_STOP};
    m.stop.ref = desk_order_of(task, "", 0).ref;
    m.stop.reason = STOP_CANCELLED;
    send_message(d, &m);
}

static bool is_back(struct desk *d, void *user)
{
    const unsigned *hellos = user;
    return d->hellos > *hellos && has_credit(d, NULL);
}

void desk_reconnect(struct desk *d)
{
    unsigned hellos = d->hellos;
    d->transport->ops->close(d->transport, d->conn);
    desk_until(d, is_back, &hellos);
}

void desk_signal(struct desk *d, int signo)
{
    assert_int_equal(kill(d->worker, signo), 0);
}

static bool has_exited(struct desk *d, void *user)
{
    (void)user;
    return d->exited;
}

int desk_wait_exit(struct desk *d)
{
    desk_until(d, has_exited, NULL);
    return d->status;
}

struct pid_wait {
    const char *file;
    pid_t pid;
};

static bool pid_there(struct desk *d, void *user)
{
    struct pid_wait *w = user;
    char path[160];
    char text[32] = "";
    (void)snprintf(path, sizeof path, "%s/%s", d->folder, w->file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    w->pid = n > 0 && text[n - 1] == '\n' ? (pid_t)strtol(text, NULL, 10) : 0;
    return w->pid > 0;
}

pid_t desk_wait_pid(struct desk *d, const char *file)
{
    struct pid_wait w = {.file = file};
    desk_until(d, pid_there, &w);
    return w.pid;
}

/* Gone, or a zombie that a lazy init has not buried. */
static bool pid_gone(struct desk *d, void *user)
{
    (void)d;
    char path[64];
    char text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)((struct pid_wait *)user)->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

void desk_wait_gone(struct desk *d, pid_t pid)
{
    struct pid_wait w = {.pid = pid};
    desk_until(d, pid_gone, &w);
}

void desk_assert_failed(const struct desk_task *t, enum code code, const char *part)
{
    const struct step_outcome *o = &t->outcome;
    assert_true(t->outcomes > 0);
    assert_false(o->ok);
    if (o->code != code || memmem(o->message.ptr, o->message.len, part, strlen(part)) == NULL) {
        fail_msg("%s: %s", code_info(o->code)->name, (const char *)o->message.ptr);
    }
}
