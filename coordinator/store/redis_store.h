/* Internals of store_redis: its state, and the functions its files share.
 *
 * store_redis.c  the vtable, the turn's flush, loss of the connection
 * redis_start.c  from an open connection to `up`; the start gate, again every 10 s
 * redis_replicas.c writes that replicas must confirm; redis_trial.c would a start be accepted
 * redis_answers.c answers to rows; redis_read.c, redis_reads.c, ... reads and their answers
 * redis_adopt.c  as one node of a cluster: rows and reads that move between nodes
 * redis_pipelines.c definitions; redis_versions.c their versions, and news of other processes */
#ifndef MARATHON_STORE_REDIS_STORE_H
#define MARATHON_STORE_REDIS_STORE_H

#include "store/redis_batch.h"
#include "store/redis_cache.h"
#include "store/redis_command.h"
#include "store/redis_gate.h"
#include "store/redis_library.h"
#include "store/redis_link.h"
#include "store/redis_names.h"
#include "store/redis_sentinel.h"
#include "store/redis_slots.h"
#include "store/store.h"

/* A pipeline that another process has stored is known within a second */
#define CHANGES_EVERY_MS 500
#define STORE_TEXT_BYTES 256 /* one line for an operator */

enum redis_phase {
    REDIS_AWAY,     /* not connected */
    REDIS_STARTING, /* connected, being set up */
    REDIS_READY,    /* `up` was called */
};

struct redis_read;
struct publication;

/* The callbacks of a store that is one node of a Redis Cluster, to the store over all nodes
 * (store_cluster.c); they come besides those of struct store_handler. Such a store handles rows and
 * reads of partitions only: no secret, no pipelines. */
struct redis_member {
    /* For each answer that is a redirection, before the other callbacks that follow from it. */
    void (*redirected)(void *user, const struct redirect *why);
    /* The call was not executed. The callee takes ownership of its contents. */
    void (*call_refused)(void *user, struct batch_call *call, const struct redirect *why);
    /* likewise, of r */
    void (*read_refused)(void *user, struct redis_read *r, const struct redirect *why);
    /* A read made by redis_read_part is over; the result is r->answer. The callee takes ownership
     * of r. */
    void (*part_done)(void *user, struct redis_read *r);
    void *user;
};

struct redis_store {
    struct store base; /* must be first: cast from struct store */
    struct loop *loop;
    struct store_handler handler;
    struct redis_names names;
    struct redis_url url;
    bool relaxed;
    const struct redis_member *member;  /* NULL: not part of a cluster */
    uint32_t rows_out[PARTITION_COUNT]; /* member: rows given and not answered */
    partition_id some_partition;        /* one of the partitions that the node has */
    mono_ms widened_at;                 /* when Redis' input buffer for us was last made large */
    struct redis_link *link;
    struct redis_sentinel *sentinel; /* NULL: the URL names the server itself */
    enum redis_phase phase;
    bool was_ready;               /* REDIS_READY was reached before */
    struct redis_command command; /* the command being built */
    char library[LIBRARY_NAME_BYTES];
    struct batch_queue batches;
    struct redis_read *reads; /* all that are not answered yet, oldest first */
    struct redis_read *reads_last;
    struct redis_cache cache;
    /* reads to be answered from the cache in the next turn, oldest first */
    struct redis_read *cached;
    struct redis_read *cached_last;
    struct loop_timer *cached_timer;
    struct loop_timer *orphans; /* answers what is given while Redis is away */

    struct publication *publications; /* not stored yet, oldest first */
    uint32_t *loading;                /* versions of the definitions being read, in order */
    uint32_t loading_count, loading_at;
    struct loop_timer *changed_timer; /* next check for pipelines that others have published */
    uint64_t changed_seen;

    struct redis_gate gate;
    bool library_missing; /* FUNCTION LIST did not have it */
    struct loop_timer *gate_timer;
    uint32_t replicas_wanted; /* replicas that must confirm each write; 0 = none */
    mono_ms deadline_ms;
    char lacking[STORE_TEXT_BYTES]; /* says how many replicas are missing; "" = there are enough */
    char closed[STORE_TEXT_BYTES];  /* why admission is closed, as last reported; "" = open */
    char noted[STORE_TEXT_BYTES];   /* the note last reported */
    char denied[STORE_TEXT_BYTES];  /* rights that its Redis user lacks; "" = none */
    char remarks[REMARK_COUNT][STORE_TEXT_BYTES]; /* as last reported */
    char fault[STORE_TEXT_BYTES];                 /* for store_redis_gate_fault */
    uint8_t secret[SECRET_BYTES];
    struct store_stats stats; /* totals and histogram only */
    uint64_t rows_answered;
    uint64_t reads_waiting;
};

/* ---- life ---- */

#define DEADLINE_MS_DEFAULT 1000 /* used if the options have none */

struct redis_setup {
    struct loop *loop;
    const struct redis_url *url;
    const struct store_redis_options *options;
    bool tags;
    const struct redis_member *member;   /* NULL: not part of a cluster */
    const struct redis_login *sentinels; /* NULL: the URL names the server itself */
};
struct redis_store *redis_store_create(const struct redis_setup *setup,
                                       struct store_handler handler);
/* The gate's finding that keeps the store down at its start, or NULL */
const char *redis_store_fault(const struct redis_store *s);

/* ---- for all files ---- */

/* Begins s->command: FCALL or FCALL_RO of the library's function "<library>_<function>". */
void redis_call_begin(struct redis_store *s, const char *verb, const char *function);
/* Adds a key's name to s->command. */
void redis_add_key(struct redis_store *s, enum redis_key key, partition_id partition,
                   struct bytes id);
/* Sends s->command. */
void redis_send(struct redis_store *s, redis_reply_fn *fn, void *user);
/* Gives the connection up because of an error reply, or one of an unexpected form; `doing` says
 * what was asked. */
void redis_refused(struct redis_store *s, const char *doing, const struct redisReply *reply);
void redis_note(struct redis_store *s, const char *text);
void redis_remark(struct redis_store *s, enum store_remark kind, const char *text);

/* ---- start ---- */

void redis_start(struct redis_store *s);
/* Checks that the secret is unchanged. If the store was emptied or set up anew meanwhile, the
 * connection is given up; the next one makes or reads the secret anew. */
void redis_secret_look(struct redis_store *s);
void redis_start_done(struct redis_store *s); /* all definitions are read: calls `up` */
void redis_gate_again(void *store);           /* the timer's callback */
void redis_gate_later(struct redis_store *s); /* sets that timer */

/* Reports why admission is closed, or that it is open, if that has changed. */
void redis_tell_admission(struct redis_store *s);

/* redis_trial.c: would a start be accepted? Calls the function that admits, without rows. */
void redis_trial_send(struct redis_store *s);
/* Redis has refused a start or a trial because of its own state: it is at maxmemory, or cannot
 * persist. */
void redis_full(struct redis_store *s, const struct redisReply *reply);

/* ---- replicas ---- */

/* Sends a WAIT that covers all that was sent before. */
void redis_confirm(struct redis_store *s, redis_reply_fn *fn, void *user);
/* Its answer: have enough replicas confirmed? If not, the connection is given up. */
bool redis_confirmed(struct redis_store *s, const struct redisReply *reply);
/* At the start: is a write accepted, and confirmed by replicas? */
void redis_replicas_ask(struct redis_store *s);

/* ---- rows ---- */

void redis_batch_send(struct redis_store *s, struct batch *b);
void redis_asking_send(struct redis_store *s); /* sends ASKING, for the command that follows */
/* Answers all rows not yet answered with STORE_UNKNOWN. */
void redis_rows_unknown(struct redis_store *s);

/* ---- reads ---- */

void redis_read_add(struct redis_store *s, const struct store_read *read);
void redis_reads_flush(struct redis_store *s);
void redis_reads_send(struct redis_store *s); /* sends those that may be sent */
void redis_reads_unavailable(struct redis_store *s);
void redis_reads_cached(void *store); /* timer callback: answers the reads that hit the cache */
void redis_reads_free(struct redis_store *s); /* without answering */

/* ---- as a node of a cluster: redis_adopt.c ---- */

/* Take over what another node has refused; it is sent with the next flush. */
void redis_call_adopt(struct redis_store *s, struct batch_call *call);
void redis_read_adopt(struct redis_store *s, struct redis_read *r);
/* Takes the read over and answers it with ERR_UNAVAILABLE. */
void redis_read_give_up(struct redis_store *s, struct redis_read *r);
/* Rows of the partition were refused: its reads, which must follow these, are handed back too, with
 * their answers. */
void redis_reads_recall(struct redis_store *s, partition_id partition);
/* Starts a read of which part_done reports the end; `part` becomes r->part. */
void redis_read_part(struct redis_store *s, const struct store_read *read, void *part);

/* ---- pipelines ---- */

void redis_publication_add(struct redis_store *s, const struct store_publish *publish);
void redis_publications_send(struct redis_store *s);
/* tries again those that were refused for lack of room */
void redis_publications_retry(struct redis_store *s);
/* The connection is lost: publications with an id are answered, the others will be sent again. */
void redis_publications_lost(struct redis_store *s);
/* There is no connection: publications with an id that were not sent are answered. */
void redis_publications_unsent(struct redis_store *s);
void redis_pipelines_load(struct redis_store *s); /* calls redis_start_done when all are read */
void redis_pipelines_free(struct redis_store *s);
/* redis_versions.c: from now on, checks every half second whether another process has published. */
void redis_changes_begin(struct redis_store *s); /* before the definitions are loaded */
void redis_changes_look(void *store);            /* the timer's callback */

#endif
