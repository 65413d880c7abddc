/* Reads on their way to the store, and what goes on when their answers come (asks.c). */
#ifndef MARATHON_CORE_ASKS_H
#define MARATHON_CORE_ASKS_H

#include "core/core.h"
#include "core/task.h"

struct hold;
struct lane;
struct peer;
struct scope;

/* Reads that wait for the store. Gateways may use half of them and are refused beyond that: a flood
 * of questions must not keep the core from its own reads. */
#define ASKS_PENDING_MAX 16384

/* Why a read was asked for: decides what happens with its answer. */
enum ask_kind {
    ASK_OWNERS,
    ASK_LIVE,
    ASK_ORDER,
    ASK_LIMITS,
    ASK_HOLDS,
    ASK_KEYS,
    ASK_RESOLVE,
    ASK_TASK,
    ASK_REVIVE,
    ASK_FORK,
    ASK_DOC,
    ASK_HISTORY,
    ASK_LIST,
    ASK_DEAD,
    ASK_READY,
    ASK_AUDIT,
    ASK_AUDIT_TASK,
    ASK_ITEMS,
    ASK_PIPELINE,
    ASK_VERSIONS,
    ASK_PUBLISH,
    ASK_USAGE
};

struct ask {
    uint64_t read_id;
    enum ask_kind kind;
    struct arena arena; /* owns the copies below */
    partition_id partition;
    peer_id peer; /* whom to answer, 0 = nobody */
    uint64_t request;
    enum message_type type; /* type of the request */
    struct bytes task_id;
    uint32_t run, step, item; /* ORDER, LIMITS, RESOLVE, KEYS */
    uint64_t worker;          /* ORDER, LIMITS, KEYS: serial */
    struct hold *hold;        /* ORDER, LIMITS: owned */
    struct scope *scope;      /* ORDER: what the order needs */
    struct lane *lane;        /* LIMITS */
    struct recover_request recover;
    struct shared *input;   /* TASK, REVIVE, PIPELINE: a new one, for the task's row; or NULL */
    struct bytes dead_step; /* TASK, for a requeue: the step's name or step_id */
    struct doc_request doc;
    struct ask *next; /* DOC: the next one in the queue */
    struct list_request list;
    struct items_request items_wanted; /* ITEMS */
    uint32_t items_total, usage_by;    /* ITEMS, USAGE */
    bool items_over;                   /* ITEMS: their step is over */
    struct deed deed;                  /* TASK, REVIVE */
    struct budget budget;              /* TASK, for a resume */
    struct request_mark mark;          /* TASK, REVIVE: identifies a signal, recover or requeue */
    struct task *task;                 /* REVIVE, FORK: owned, until its document is read */
    bool *keep;                        /* REVIVE, FORK: for each step whether its result stays */
    struct task_summary *items;        /* LIST */
    uint32_t item_count, pages, audited_count;
    uint64_t partitions; /* LIST, DEAD, USAGE: mask of those whose tasks are asked for */
    /* AUDIT: task ids; version 0: it is listed in the store and not in memory */
    struct bytes *audited;
    uint64_t *versions;
    uint32_t *runs;
    struct fence fence;   /* AUDIT, FORK: the partition's fence when it was asked */
    struct message again; /* PIPELINE: the request to be handled once it is there, in the arena */
    struct bytes name;    /* PIPELINE, VERSIONS */
    uint32_t version;     /* PIPELINE */
    struct pipeline *pipeline; /* PUBLISH: owned */
};

struct ask *ask_create(struct core *c, enum ask_kind kind); /* NULL where too many wait */
/* A read for a request; NULL: too many wait, and the request was refused. */
struct ask *ask_for(struct core *c, const struct peer *p, const struct message *m,
                    enum ask_kind kind);
/* A further read for the same request, once the first one was answered; NULL likewise. */
struct ask *ask_again(struct core *c, const struct ask *from, enum ask_kind kind);
struct deed deed_copy(struct arena *arena, const struct deed *deed);
void ask_send(struct core *c, struct ask *ask, struct store_read *read); /* sets read_id */
void asks_on_answer(struct core *c, const struct store_answer *a);
void ask_free(void *ask);

#endif
