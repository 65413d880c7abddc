/* A whole cluster in one process, from one seed: real cores, real worker agents, a model of the
 * store, gateways with clients, a network, and faults. Nothing here reads a clock or a random
 * source but the world's own, so a seed is a story that can be replayed byte for byte.
 *
 * All future events are jobs in one heap. A job of a paused process waits for it; a job of a
 * process that has died is dropped. */
#ifndef MARATHON_SIM_WORLD_H
#define MARATHON_SIM_WORLD_H

#include "agent/agent.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/core.h"
#include "model/claims.h"
#include "base/heap.h"
#include "sim/mirror.h"
#include "sim/store_model.h"

#define WALL_START         1700000000000 /* unix_ms at mono 0 of every world */
#define LIVENESS_WITHIN_MS 400000 /* after the faults stop; the longest plan takes half of it */
#define COORDINATORS_MAX   3
#define WORKERS_MAX        6
#define GATEWAYS_MAX       2
#define CLIENTS_MAX        10
#define STOOD_MS           1000     /* a worker notices that it stood still for longer than this */
#define BUSY_MS            5000     /* how long fail2 asks to be left alone */
#define FORKS_MAX          2        /* of one client */
#define COST_NANO          10000000 /* what an execution that ends has used */
#define EXECUTIONS_MAX     64       /* at once on one worker: more than its slots */

struct world;
struct process;
struct job;
typedef void job_fn(struct world *w, struct job *j);

struct job {
    struct heap_node node; /* first member */
    mono_ms at;
    uint64_t order;
    job_fn *run;
    struct process *process; /* the process it belongs to; NULL: the world itself */
    uint64_t life;           /* of the process */
    void *who;
    uint64_t x, y;
    struct buf data;
    void (*drop)(struct job *j); /* frees what it holds if it will never run; may be NULL */
};

struct process {
    struct world *world;
    char name[16];
    bool alive, paused;
    mono_ms paused_at, paused_ms; /* since when; total of its life before that */
    mono_ms stood_ms;             /* of these, in pauses of over STOOD_MS */
    uint64_t life;                /* number of its starts */
    int64_t wall_off;
    struct job **waiting; /* while paused */
    size_t waiting_count, waiting_cap;
    mono_ms wake_at; /* its next EV_TIME in the heap */
};

/* ---- network: net.c ---- */

/* Between a coordinator and a worker or gateway. Frames of one direction stay in order. */
struct conn {
    uint64_t id;
    struct process *ends[2]; /* 0: the coordinator, 1: the other */
    uint64_t lives[2];
    mono_ms last[2];  /* latest arrival at that end */
    mono_ms lag[2];   /* minimum delay of everything towards that end */
    bool hello;       /* the coordinator has received HELLO: it is a peer of the core ... */
    mono_ms hello_at; /* ... since then */
    bool ready;       /* the worker may send heartbeats */
    bool closed, lose;
    bool hole[2];         /* frames towards that end vanish, as behind a broken switch */
    struct claims claims; /* gateways: the partitions that the coordinator says it owns */
};

/* ---- coordinators: coordinator.c, link.c ---- */

struct batch {
    struct arena arena;
    struct store_row **rows; /* each place holds one of the three */
    struct store_read **reads;
    struct store_publish **publishes;
    struct store_written *written;
    struct store_answer **answers;
    struct store_published *published;
    size_t count, cap;
    size_t execute; /* how many of them are executed */
    uint64_t era;
    mono_ms sent_at;
    mono_ms late; /* cut: it is executed this late */
    bool executed, cut;
};

struct link {
    bool up;
    uint64_t era; /* number of its connections */
    mono_ms last_execution, last_reply;
    struct batch *open;    /* of the core's current step */
    uint64_t changes_seen; /* of the pipelines */
    struct batch **batches;
    size_t count, cap;
};

struct coordinator {
    struct process process; /* first member */
    struct core *core;
    struct effects fx;
    struct arena frames;
    struct link link;
    uint8_t instance[NONCE_BYTES];
    uint32_t index;
    bool older; /* it speaks like the previous release */
};

/* ---- workers: worker.c ---- */

struct execution {
    uint64_t number; /* the agent's; 0 = free */
    uint64_t record; /* the audit's */
    uint32_t attempt, delivery, item;
    char function[16];
    bool stopped;
    uint64_t cost_left; /* of COST_NANO, not reported yet */
    bool mute;          /* it gives no news */
};

struct worker_host {
    struct process process; /* first member */
    struct agent *agent;
    struct agent_effects fx;
    struct arena frames;
    struct bytes functions[16], labels[4];
    char id[40];
    uint32_t slots, function_count, label_count, index;
    const struct conn *stop_from; /* sender of the STOP being handled; NULL: none */
    const struct attempt_ref *stop;
    struct execution executions[EXECUTIONS_MAX];
};

/* ---- gateways and clients: gateway.c, client.c ---- */

struct client {
    struct gateway *gateway;
    uint32_t index;
    char task_id[24];
    char steps[8192];
    uint8_t key[32], body[32];
    uint32_t starts; /* how many different starts it has made */
    int32_t priority, max_retries, max_duration_s;
    bool checkpoints;
    struct budget budget, seen; /* of its start; what it would raise it to */
    bool accepted;
    uint64_t request; /* in progress, 0 = none */
    enum message_type asked;
    uint64_t asked_conn;
    enum task_state known;
    struct recover_request recover; /* its last one: key 0 = none in this start */
    char checkpoint[64];
    uint32_t recovers;   /* not counting repetitions */
    uint64_t signal_key; /* of its last signal, 0 = none */
    char signal_data[64];
    struct signal_request signal; /* the last one */
    bool signals_go;
    uint32_t run, revision, results_bytes;
    bool dead; /* its task has a dead letter, as far as it knows */
    uint32_t dead_step;
    bool has_fan; /* its task has a step with items: this one; items_of: the step it asked about */
    uint32_t fan_step, items_of;
    uint32_t forks;             /* forks it has made: its task is the newest of them */
    char left[FORKS_MAX][24];   /* its previous tasks, which it still looks after */
    bool tends;                 /* its last request was about one of them */
    char fork_from[8];          /* the step from which it asked for a fork, "" = as it stands */
    struct start_request *fork; /* its task is this fork, NULL: it is none */
    struct arena fork_arena;
    /* watching */
    bool watches;
    uint64_t watch_conn, watch_request;
    uint64_t have, told, live;
};

struct gateway {
    struct process process; /* first member */
    struct arena frames;
    uint64_t next_request, told;
};

/* ---- publisher.c ---- */

#define PUBLISHER_ASKS 32

struct publisher_ask {
    uint64_t request; /* 0: free */
    enum message_type type;
    struct gateway *gateway;
    uint32_t coordinator;
    mono_ms until;
    uint32_t text;    /* PUT_PIPELINE */
    uint32_t version; /* GET_PIPELINES, START: 0 = the newest */
    uint32_t least;   /* START: what its owner was seen to know */
    uint32_t task;
};

struct publisher {
    struct rng rng; /* its own: worlds without it stay as they were */
    uint32_t texts, newest, starts;
    uint32_t known[COORDINATORS_MAX]; /* the version that each has shown */
    struct publisher_ask asks[PUBLISHER_ASKS];
    size_t next_ask;
};

struct audit;

struct world {
    uint64_t seed;
    bool trace;
    struct rng rng;
    mono_ms now;
    struct heap jobs;
    uint64_t next_order;
    bool healed;
    mono_ms heal_at;
    int faults;         /* 0 none .. 3 many */
    bool shares;        /* its steps have shared limits */
    uint32_t many;      /* number of items in its larger lists */
    bool upgrades;      /* some of its coordinators are of the previous release */
    bool wants;         /* its workers sometimes lack what a function needs to begin */
    mono_ms store_lag;  /* maximum delay of each batch, to the store and back */
    bool silences;      /* some of its steps have to give news, and some of these do not */
    bool forsakes;      /* recovery is switched off */
    bool fleeting;      /* ended tasks are kept for a moment only, and ids are used again */
    bool nests;         /* pipelines within have waits, failures and pipelines within */
    bool rebudgets;     /* budgets change while tasks run */
    bool leaves;        /* steps out of attempts pause their task */
    bool stands_by;     /* the last of its coordinators asks for no share */
    bool rolls;         /* partitions move all the time, and connections differ */
    bool clock_stepped; /* retry waits may be shorter after a takeover */
    struct store_model store;
    struct mirror *mirror;     /* NULL: none */
    struct store_model *older; /* the state it will go back to, once all is over */
    bool rolled_back;
    mono_ms store_stalled_until;
    mono_ms shard_until; /* until then a part of it is away */
    uint32_t shard;
    struct conn **conns;
    size_t conn_count, conn_cap;
    uint64_t next_conn, next_life;
    struct coordinator coordinators[COORDINATORS_MAX];
    struct worker_host workers[WORKERS_MAX];
    struct gateway gateways[GATEWAYS_MAX];
    struct client clients[CLIENTS_MAX];
    uint32_t coordinator_count, worker_count, gateway_count, client_count;
    struct publisher publisher;
    struct audit *audit;
    uint32_t meddled; /* how often a foreign hand was in the store */
};

/* world.c */
void world_run(uint64_t seed, bool trace, struct mirror *mirror); /* mirror: NULL = none */
void world_next(struct world *w);                                 /* runs the next job */
uint64_t chance(struct world *w, uint64_t below);
bool one_in(struct world *w, uint64_t n);
mono_ms between(struct world *w, mono_ms from, mono_ms to);
void tell(struct world *w, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The world is not as it must be: prints the seed and ends the program. */
_Noreturn void violated(struct world *w, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct job *job_add(struct world *w, struct process *p, mono_ms at, job_fn *run, void *who);
struct moment process_moment(const struct process *p);
void process_start(struct world *w, struct process *p);
void process_end(struct process *p);
void process_pause(struct process *p);
void process_continue(struct process *p);
/* Adds a wake-up job unless there is one by then. */
void process_wake_at(struct process *p, mono_ms at, job_fn *run);

/* net.c */
void net_dial(struct process *from, struct coordinator *to);
struct conn *conn_find(struct world *w, uint64_t id);
void conn_send(struct conn *k, int to, const struct message *m);
void conn_close(struct conn *k, bool lose);
void net_process_died(struct process *p);
void net_sweep(struct world *w);
void peers_heartbeat(struct world *w, struct job *j);

/* coordinator.c */
bool coordinator_stands_by(const struct coordinator *c);
void coordinator_start(struct world *w, struct coordinator *c);
void coordinator_kill(struct coordinator *c);
void coordinator_step(struct coordinator *c, const struct event *e);
void coordinator_frame(struct coordinator *c, struct conn *k, struct bytes frame);
void coordinator_closed(struct coordinator *c, struct conn *k);

/* link.c */
void link_write(struct coordinator *c, const struct store_row *row);
void link_read(struct coordinator *c, const struct store_read *read);
void link_publish(struct coordinator *c, const struct store_publish *publish);
void link_depart(struct coordinator *c);
void link_connect(struct coordinator *c, mono_ms at);
/* The connection is lost; the coordinator's process lives on, unless killed. */
void link_break(struct coordinator *c, bool killed);
void link_deadline(struct world *w, struct job *j);

/* worker.c */
void worker_host_start(struct world *w, struct worker_host *h);
/* A job of the world. */
void worker_host_restart(struct world *w, struct job *j);
void worker_host_drain(struct worker_host *h);
void worker_host_kill(struct worker_host *h);
void worker_host_frame(struct worker_host *h, struct conn *k, struct bytes frame);
void worker_host_opened(struct worker_host *h, struct conn *k);
void worker_host_closed(struct worker_host *h, struct conn *k);

/* gateway.c */
void gateway_start(struct world *w, struct gateway *g);
void gateway_kill(struct gateway *g);
void gateway_frame(struct gateway *g, struct conn *k, struct bytes frame);
void gateway_opened(struct gateway *g, struct conn *k);
void gateway_closed(struct gateway *g, struct conn *k);
struct conn *gateway_owner(struct gateway *g, struct bytes task_id);

/* rollback.c */
void rollback_plan(struct world *w);
void rollback_play(struct world *w);

/* client.c */
void client_begin(struct client *c);
void client_answer(struct client *c, const struct message *m);
void client_events(struct client *c, const struct message *m);
void client_unwatch(struct client *c); /* unless another client of its gateway also watches */
void client_conn_lost(struct client *c, uint64_t conn);
void client_owner_moved(struct client *c);
/* client_budget.c */
void client_see_budget(struct client *c, const struct task_view *v);
void client_raise_budget(struct client *c);
void client_change_budget(struct client *c);
/* client_fork.c: forks its task, and turns to the fork; client_signal.c: sends a signal. */
void client_wish_signal(struct client *c);
/* Shall it repeat its last signal to a task that has ended? */
bool client_signals_late(const struct client *c);
void client_wish_fork(struct client *c);
void client_take_fork(struct client *c, const struct message *m);
/* Ends the pauses and the waits of tasks that it has left. */
void client_tend(struct client *c);
/* A request about one of its tasks. */
void client_ask_about(struct client *c, struct message *m, const char *task_id);
void client_wish_for(struct client *c, struct message *m); /* about its task */
void client_new_key(struct client *c);
/* Has it seen everything? For the end of the world. */
bool client_content(struct client *c);

/* plan.c: what the clients want, by the seed */
void plan_world(struct world *w);
/* The input of every start: its lists are what steps have items of. */
size_t plan_task_input(const struct world *w, char *out, size_t room);
/* The input of recovers and forks that bring one. */
#define PLAN_OTHER_INPUT                                                                           \
    "{\"dish\":\"stew\",\"n\":12345678901234567890,\"none\":[],\"few\":[4,null,\"b\",5],"          \
    "\"many\":[1,3,5,7,9,11,13,15,17]}"
/* plan_order.c: a step's fields; a worker's labels. */
size_t plan_order(struct world *w, char *out, size_t room);
void plan_labels(struct world *w, struct worker_host *h);
/* How long an execution takes, and how it ends. */
mono_ms function_takes(struct world *w, const char *function);
bool function_fails(const char *function, uint32_t attempt, bool *ret_permanent);
bool function_kills(const char *function, uint32_t delivery);
/* plan_fan.c: the fields of a step with items, from "function" on. of: a step that has run before
 * it, UINT64_MAX: none. */
size_t plan_fan(struct world *w, char *out, size_t room, const char *function, uint64_t of);
bool item_fails(const char *function, uint32_t item, uint32_t delivery, bool *ret_permanent);
bool item_kills(const char *function, uint32_t item, uint32_t delivery);
extern const char *const function_names[];
extern const uint32_t function_count;

/* shard.c: a part of the store */
void shard_hit(struct world *w);
bool shard_away(const struct world *w, partition_id partition);
/* The answer while that part is away. */
void shard_read(const struct world *w, const struct store_read *read, struct store_answer *a);

/* chaos.c */
void chaos_begin(struct world *w);
void chaos_heal(struct world *w);

static inline struct coordinator *coordinator_of(struct process *p)
{
    return (struct coordinator *)(void *)p;
}

/* publisher.c */
void publisher_begin(struct world *w);
/* False: the message is not an answer to it. */
bool publisher_answer(struct world *w, const struct message *m);

#endif
