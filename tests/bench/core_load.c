/* bench_core: the core alone, with a store that answers at once and workers that do nothing: what a
 * step costs by what else there is. Prints JSON; `measured` is where the counting happens, so that
 * callgrind can be told to count there only. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/core.h"

#define IN_FLIGHT     64u
#define SLOTS         64u
#define GATEWAY       1u
#define FIRST_WORKER  2u
#define LENGTH_MAX    5000u
#define TASK_ID_BYTES 24u

enum todo_kind { TODO_WRITTEN, TODO_READ, TODO_OUTCOME };

struct todo {
    enum todo_kind kind;
    uint64_t id; /* of the write or the read */
    enum read_kind read;
    uint32_t parts;
    peer_id peer;
    struct attempt_ref ref;
    char task_id[TASK_ID_BYTES];
};

struct rig {
    struct core *core;
    struct effects fx;
    struct moment now;
    struct todo *todo; /* a ring */
    size_t head, count, cap;
    unsigned waiting, length, workers, watchers;
    unsigned long steps;
    char *chain; /* the pipeline of the measured tasks */
    unsigned next_task, live;
    uint64_t request, outcome;
    bool done;  /* no task more */
    bool named; /* steps name the result that they need; else they are handed all before them */
    struct bytes parts[LENGTH_MAX];
};

static struct todo *push(struct rig *r)
{
    if (r->count == r->cap) {
        size_t cap = r->cap < 1024 ? 1024 : r->cap * 2;
        struct todo *bigger = mem_zalloc(cap * sizeof *bigger);
        for (size_t i = 0; i < r->count; i++) {
            bigger[i] = r->todo[(r->head + i) % r->cap];
        }
        free(r->todo);
        r->todo = bigger;
        r->cap = cap;
        r->head = 0;
    }
    return &r->todo[(r->head + r->count++) % r->cap];
}

static void take_order(struct rig *r, peer_id peer, const struct step_order *order)
{
    struct todo *t = push(r);
    *t = (struct todo){.kind = TODO_OUTCOME, .peer = peer, .ref = order->ref};
    (void)snprintf(t->task_id, sizeof t->task_id, "%.*s", (int)order->ref.task_id.len,
                   (const char *)order->ref.task_id.ptr);
}

static void step(struct rig *r, const struct event *e)
{
    core_step(r->core, r->now, e, &r->fx);
    for (size_t i = 0; i < r->fx.count; i++) {
        const struct effect *x = &r->fx.items[i];
        if (x->kind == FX_WRITE) {
            *push(r) = (struct todo){.kind = TODO_WRITTEN, .id = x->row->write_id};
        } else if (x->kind == FX_READ) {
            *push(r) = (struct todo){.kind = TODO_READ,
                                     .id = x->read->read_id,
                                     .read = x->read->kind,
                                     .parts = x->read->range_count};
        } else if (x->kind == FX_SEND && x->message->type == MSG_ORDER) {
            take_order(r, x->peer, &x->message->order);
        } else if (x->kind == FX_SEND && x->message->type == MSG_REFUSED) {
            fprintf(stderr, "bench_core: refused: %.*s\n", (int)x->message->refused.detail.len,
                    (const char *)x->message->refused.detail.ptr);
            exit(1);
        }
    }
}

static void send(struct rig *r, peer_id peer, const struct message *m)
{
    step(r, &(struct event){.kind = EV_MESSAGE, .peer = peer, .message = m});
}

static void start(struct rig *r, const char *id, const char *steps)
{
    struct message m = {.type = MSG_START, .request = ++r->request};
    m.start = (struct start_request){.task_id = bytes_str(id),
                                     .steps = bytes_str(steps),
                                     .input = BYTES_LIT("{}"),
                                     .enable_checkpoints = true,
                                     .checkpoint_interval_s = -1,
                                     .max_retries = -1,
                                     .max_duration_s = -1};
    send(r, GATEWAY, &m);
}

static void start_measured(struct rig *r)
{
    char id[TASK_ID_BYTES];
    (void)snprintf(id, sizeof id, "m-%u", r->next_task++);
    r->live++;
    start(r, id, r->chain);
}

static void answer_read(struct rig *r, const struct todo *t)
{
    static struct owner_record owners[64];
    struct store_answer a = {.kind = t->read, .read_id = t->id};
    a.owners = t->read == READ_OWNERS ? owners : NULL;
    a.parts = r->parts;
    a.part_count = t->parts;
    a.input = BYTES_LIT("{}");
    step(r, &(struct event){.kind = EV_READ, .answer = &a});
}

static void end_attempt(struct rig *r, struct todo *t)
{
    struct message m = {.type = MSG_OUTCOME};
    t->ref.task_id = bytes_str(t->task_id);
    m.outcome = (struct step_outcome){.ref = t->ref,
                                      .number = ++r->outcome,
                                      .ok = true,
                                      .result = BYTES_LIT("1"),
                                      .started_at = r->now.wall};
    bool last = t->ref.step + 1 == r->length;
    struct message credit = {.type = MSG_CREDIT};
    credit.credit.count = 1;
    peer_id peer = t->peer;
    send(r, peer, &m);
    send(r, peer, &credit);
    if (last) {
        r->live--;
    }
}

/* Until so many steps more have ended, or nothing is left to do. */
__attribute__((noinline)) static void measured(struct rig *r, unsigned long steps)
{
    unsigned long until = r->outcome + steps;
    unsigned long in_flight = steps / r->length; /* each to its end: what its start costs counts */
    in_flight = in_flight < IN_FLIGHT ? in_flight : IN_FLIGHT;
    while (r->outcome < until) {
        while (!r->done && r->live < in_flight) {
            start_measured(r);
        }
        if (r->count == 0) {
            return;
        }
        struct todo t = r->todo[r->head];
        r->head = (r->head + 1) % r->cap;
        r->count--;
        if (t.kind == TODO_OUTCOME) {
            end_attempt(r, &t);
        } else if (t.kind == TODO_READ) {
            answer_read(r, &t);
        } else {
            struct store_written w = {.write_id = t.id, .run = 1};
            step(r, &(struct event){.kind = EV_WRITTEN, .written = &w});
        }
    }
}

/* Carries out all that is to be done, and starts nothing. */
static void settle(struct rig *r)
{
    r->done = true;
    measured(r, ~0ul / 2);
    r->done = false;
}

static void hello(struct rig *r, peer_id peer, enum role role)
{
    char id[40];
    struct bytes function = BYTES_LIT("f");
    (void)snprintf(id, sizeof id, "peer-%llu", (unsigned long long)peer);
    struct message m = {.type = MSG_HELLO};
    m.hello.role = role;
    m.hello.version_min = m.hello.version_max = 1;
    m.hello.id = bytes_str(id);
    m.hello.slots = SLOTS;
    m.hello.functions = &function;
    m.hello.function_count = role == ROLE_WORKER ? 1 : 0;
    step(r, &(struct event){.kind = EV_PEER_UP, .peer = peer, .message = &m});
    if (role == ROLE_WORKER) {
        struct message running = {.type = MSG_RUNNING};
        struct message credit = {.type = MSG_CREDIT};
        credit.credit.count = SLOTS;
        send(r, peer, &running);
        send(r, peer, &credit);
    }
}

static void prepare(struct rig *r)
{
    static const uint8_t secret[SECRET_BYTES] = {1};
    struct core_config config = core_config_default();
    config.tasks_max = 2000000;
    r->core = core_create(&config);
    r->now = (struct moment){1000000, 1700000000000};
    step(r, &(struct event){.kind = EV_STORE_UP, .secret = secret});
    step(r, &(struct event){.kind = EV_TIME});
    settle(r);
    r->now.mono += 500; /* the claim grace */
    step(r, &(struct event){.kind = EV_TIME});
    settle(r);
    hello(r, GATEWAY, ROLE_GATEWAY);
    for (unsigned i = 0; i < r->workers; i++) {
        hello(r, FIRST_WORKER + i, ROLE_WORKER);
    }
    for (unsigned i = 0; i < r->waiting; i++) {
        char id[TASK_ID_BYTES];
        (void)snprintf(id, sizeof id, "w-%u", i);
        start(r, id, "[{\"name\":\"s\",\"function\":\"nobody\"}]");
        if (i % 1000 == 999) {
            settle(r);
        }
    }
    settle(r);
    for (unsigned i = 0; i < r->watchers; i++) {
        char id[TASK_ID_BYTES];
        struct message m = {.type = MSG_WATCH, .request = ++r->request};
        (void)snprintf(id, sizeof id, "w-%u", i);
        m.task.task_id = bytes_str(id);
        send(r, GATEWAY, &m);
    }
    settle(r);
    struct buf chain = {0};
    for (unsigned i = 0; i < r->length; i++) {
        buf_addf(&chain, "%s{\"name\":\"s%u\",\"function\":\"f\"", i == 0 ? "[" : ",", i);
        if (r->named && i > 0) {
            buf_addf(&chain, ",\"input\":{\"last\":\"${steps.s%u.result}\"}", i - 1);
        }
        buf_add_str(&chain, "}");
        r->parts[i] = BYTES_LIT("1");
    }
    buf_add_str(&chain, "]");
    r->chain = mem_str_bytes(buf_bytes(&chain));
    buf_free(&chain);
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"waiting", 1, NULL, 'w'}, {"length", 1, NULL, 'l'},
                                          {"workers", 1, NULL, 'k'}, {"watchers", 1, NULL, 'v'},
                                          {"steps", 1, NULL, 's'},   {"named", 0, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    static struct rig rig = {.waiting = 1, .length = 5, .workers = 2, .steps = 100000};
    struct rig *r = &rig;
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        unsigned n = optarg != NULL ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        r->named = r->named || c == 'n';
        r->waiting = c == 'w' ? n : r->waiting;
        r->length = c == 'l' ? n : r->length;
        r->workers = c == 'k' ? n : r->workers;
        r->watchers = c == 'v' ? n : r->watchers;
        r->steps = c == 's' ? n : r->steps;
    }
    if (r->length == 0 || r->length > LENGTH_MAX || r->workers == 0 || r->steps < r->length ||
        r->watchers > r->waiting) {
        fprintf(stderr, "usage: bench_core [--waiting N] [--length N] [--workers N] [--watchers N]"
                        " [--steps N] [--named]; watchers are of waiting tasks\n");
        return 2;
    }
    prepare(r);
    double began = cpu_seconds();
    measured(r, r->steps);
    double ns = (cpu_seconds() - began) * 1e9;
    unsigned long done = core_stats(r->core).steps_completed_total;
    printf("{\"steps\":%lu,\"ns_per_step\":%.0f}\n", done, ns / (double)done);
    return done >= r->steps ? 0 : 1;
}
