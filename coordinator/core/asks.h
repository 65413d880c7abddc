/* Reads on their way to the store, and what goes on when their answers come (asks.c). */
#ifndef MARATHON_CORE_ASKS_H
#define MARATHON_CORE_ASKS_H

#include "core/core.h"
#include "core/task.h"

struct hold;
struct lane;
struct peer;
struct scope;

/* Reads waiting for the store. Gateways may have half of them, and are refused beyond it: a flood
 * of questions must not keep the core from its own */
#define ASKS_PENDING_MAX 16384

/* Why a read was asked for, and what goes on when its answer comes. */
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
    struct arena arena; /* holds the copies below, and this struct's request texts */
    partition_id partition;
    peer_id peer; /* whom to answer, 0 = nobody */
    uint64_t request;
    enum message_type type; /* of the request */
    struct bytes task_id;
    uint32_t run, step, item; /* ORDER, LIMITS, RESOLVE, KEYS */
    uint64_t worker;          /* ORDER, LIMITS, KEYS: serial */
    struct hold *hold;        /* ORDER, LIMITS: owned */
    struct scope *scope;      /* ORDER: what it has asked for */
    struct lane *lane;        /* LIMITS */
    struct recover_request recover;
    struct bytes dead_step; /* TASK, for a requeue: name or step_id */
    struct doc_request doc;
    struct ask *next; /* DOC: waits for its turn before the next one */
    struct list_request list;
    struct items_request items_wanted; /* ITEMS */
    uint32_t items_total, usage_by;    /* ITEMS, USAGE */
    bool items_over;                   /* their step is */
    struct deed deed;                  /* TASK, REVIVE */
    struct budget budget;              /* TASK, for a resume */
    struct request_mark mark;          /* TASK, REVIVE: of a signal, a recover, a requeue */
    struct task *task;                 /* REVIVE, FORK: owned, until its document is read */
    bool *keep;                        /* REVIVE: the steps whose results stay */
    struct task_summary *items;        /* LIST */
    uint32_t item_count, pages, audited_count;
    uint64_t partitions;   /* LIST, DEAD, USAGE: whose tasks it is about */
    struct bytes *audited; /* AUDIT: ids; of version 0: one that is listed and not in memory */
    uint64_t *versions;
    uint32_t *runs;
    struct fence fence;        /* AUDIT, FORK: the partition's at the time */
    struct message again;      /* PIPELINE: what is to be handled once it is there, in the arena */
    struct bytes name;         /* PIPELINE, VERSIONS */
    uint32_t version;          /* PIPELINE */
    struct pipeline *pipeline; /* PUBLISH: owned */
};

struct ask *ask_create(struct core *c, enum ask_kind kind); /* NULL where too many wait */
/* One of a request, or NULL: it was refused. */
struct ask *ask_for(struct core *c, const struct peer *p, const struct message *m,
                    enum ask_kind kind);
/* The next one of the same request, once another has been answered; likewise. */
struct ask *ask_again(struct core *c, const struct ask *from, enum ask_kind kind);
struct deed deed_copy(struct arena *arena, const struct deed *deed);
void ask_send(struct core *c, struct ask *ask, struct store_read *read); /* sets read_id */
void asks_on_answer(struct core *c, const struct store_answer *a);
void ask_free(void *ask);

#endif
