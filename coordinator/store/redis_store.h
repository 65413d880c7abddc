/* Inside of store_redis: its state, and what its files do for each other. Seen by them only.
 *
 * store_redis.c  the vtable, the turn's flush, loss of the connection
 * redis_start.c  from an open connection to `up`; the start gate, again every 10 s
 * redis_replicas.c writes that replicas have to confirm; redis_trial.c would a start be taken
 * redis_answers.c rows' answers; redis_read.c, redis_reads.c, ... reads and theirs
 * redis_adopt.c  where it is one node of a cluster: what goes from node to node
 * redis_pipelines.c definitions; redis_versions.c their versions, and what others publish */
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

/* Another process's pipeline is known within a second of its being stored */
#define CHANGES_EVERY_MS 500
#define STORE_TEXT_BYTES 256 /* one line for an operator */

enum redis_phase {
    REDIS_AWAY,     /* no connection */
    REDIS_STARTING, /* connected, being made ready */
    REDIS_READY,    /* `up` was called */
};

struct redis_read;
struct publication;

/* What a node of a Redis Cluster tells the store that knows all of them (store_cluster.c), besides
 * what any store tells its handler. Such a one has rows and reads of partitions only: no secret, no
 * pipelines. */
struct redis_member {
    /* On each answer that says so, before what follows from it. */
    void (*redirected)(void *user, const struct redirect *why);
    /* Not done. What is in the call is the other's now. */
    void (*call_refused)(void *user, struct batch_call *call, const struct redirect *why);
    void (*read_refused)(void *user, struct redis_read *r,
                         const struct redirect *why); /* as well */
    /* A read of redis_read_part is over: r->answer. It is the other's now. */
    void (*part_done)(void *user, struct redis_read *r);
    void *user;
};

struct redis_store {
    struct store base; /* first */
    struct loop *loop;
    struct store_handler handler;
    struct redis_names names;
    struct redis_url url;
    bool relaxed;
    const struct redis_member *member;  /* NULL: it stands alone */
    uint32_t rows_out[PARTITION_COUNT]; /* a member's rows given, not answered */
    partition_id some_partition;        /* that it has */
    mono_ms widened_at;                 /* when its buffer at Redis was last made large */
    struct redis_link *link;
    struct redis_sentinel *sentinel; /* NULL: the URL names the server itself */
    enum redis_phase phase;
    bool was_ready;               /* ever */
    struct redis_command command; /* the one being built */
    char library[LIBRARY_NAME_BYTES];
    struct batch_queue batches;
    struct redis_read *reads; /* all not yet answered, oldest first */
    struct redis_read *reads_last;
    struct redis_cache cache;
    struct redis_read *cached; /* to be answered from it in the next turn, oldest first */
    struct redis_read *cached_last;
    struct loop_timer *cached_timer;
    struct loop_timer *orphans; /* answers what was given while Redis is away */

    struct publication *publications; /* not yet stored, oldest first */
    uint32_t *loading; /* versions of the definitions that are being read, in order */
    uint32_t loading_count, loading_at;
    struct loop_timer *changed_timer; /* the next look at what others have published */
    uint64_t changed_seen;

    struct redis_gate gate;
    bool library_missing; /* found at the start */
    struct loop_timer *gate_timer;
    uint32_t replicas_wanted; /* that confirm each write; 0 = none has to */
    mono_ms deadline_ms;
    char lacking[STORE_TEXT_BYTES]; /* replicas are, how many; "" = enough are there */
    char closed[STORE_TEXT_BYTES];  /* why admission is closed, as last told; "" = open */
    char noted[STORE_TEXT_BYTES];   /* the last note */
    char denied[STORE_TEXT_BYTES];  /* rights that its user lacks; "" = none */
    char remarks[REMARK_COUNT][STORE_TEXT_BYTES]; /* as last told */
    char fault[STORE_TEXT_BYTES];                 /* store_redis_gate_fault */
    uint8_t secret[SECRET_BYTES];
    struct store_stats stats; /* the totals and the histogram */
    uint64_t rows_answered;
    uint64_t reads_waiting;
};

/* ---- life ---- */

#define DEADLINE_MS_DEFAULT 1000 /* where the options say none */

struct redis_setup {
    struct loop *loop;
    const struct redis_url *url;
    const struct store_redis_options *options;
    bool tags;
    const struct redis_member *member;   /* or NULL */
    const struct redis_login *sentinels; /* NULL: the URL names the server itself */
};
struct redis_store *redis_store_create(const struct redis_setup *setup,
                                       struct store_handler handler);
/* The gate's finding that has kept it down at its start; "" = none */
const char *redis_store_fault(const struct redis_store *s);

/* ---- for all ---- */

/* Begins s->command: FCALL or FCALL_RO of a function of the library, "<library>_<function>". */
void redis_call_begin(struct redis_store *s, const char *verb, const char *function);
/* Adds a key's name to s->command. */
void redis_add_key(struct redis_store *s, enum redis_key key, partition_id partition,
                   struct bytes id);
/* Sends s->command. */
void redis_send(struct redis_store *s, redis_reply_fn *fn, void *user);
/* Gives the connection up because of an error reply (or a reply of no sense: text says which). */
void redis_refused(struct redis_store *s, const char *doing, const struct redisReply *reply);
void redis_note(struct redis_store *s, const char *text);
void redis_remark(struct redis_store *s, enum store_remark kind, const char *text);

/* ---- start ---- */

void redis_start(struct redis_store *s);
/* Asks whether the secret is still ours: where the store was emptied under us, a new connection
 * makes or takes it anew. */
void redis_secret_look(struct redis_store *s);
void redis_start_done(struct redis_store *s); /* definitions are read: `up` */
void redis_gate_again(void *store);           /* the timer */
void redis_gate_later(struct redis_store *s); /* sets it */

/* Tells why no starts may be taken, or that they may, where that has changed. */
void redis_tell_admission(struct redis_store *s);

/* redis_trial.c: would a start be taken? A call of what starts call, of no rows. */
void redis_trial_send(struct redis_store *s);
/* Redis has refused a start, or a trial, as it stands: it is at maxmemory, or cannot persist. */
void redis_full(struct redis_store *s, const struct redisReply *reply);

/* ---- replicas ---- */

/* Behind all that was sent before. */
void redis_confirm(struct redis_store *s, redis_reply_fn *fn, void *user);
/* Its answer: have enough replicas all that? Where not, the connection is given up. */
bool redis_confirmed(struct redis_store *s, const struct redisReply *reply);
/* At the start: is a write taken, and confirmed? */
void redis_replicas_ask(struct redis_store *s);

/* ---- rows ---- */

void redis_batch_send(struct redis_store *s, struct batch *b);
void redis_asking_send(struct redis_store *s); /* before a command that was told ASK */
/* Answers all rows not yet answered with STORE_UNKNOWN. */
void redis_rows_unknown(struct redis_store *s);

/* ---- reads ---- */

void redis_read_add(struct redis_store *s, const struct store_read *read);
void redis_reads_flush(struct redis_store *s);
void redis_reads_send(struct redis_store *s); /* those that may leave */
void redis_reads_unavailable(struct redis_store *s);
void redis_reads_cached(void *store);         /* the timer: answers those that the cache has */
void redis_reads_free(struct redis_store *s); /* silently */

/* ---- of a cluster: redis_adopt.c ---- */

/* Takes over what another node has refused; it leaves with the next flush. */
void redis_call_adopt(struct redis_store *s, struct batch_call *call);
void redis_read_adopt(struct redis_store *s, struct redis_read *r);
/* Answers it with ERR_UNAVAILABLE. */
void redis_read_give_up(struct redis_store *s, struct redis_read *r);
/* Reads of the partition follow rows that were refused: they are handed back with their answers. */
void redis_reads_recall(struct redis_store *s, partition_id partition);
/* A read whose end is told by part_done, with `part` in it. */
void redis_read_part(struct redis_store *s, const struct store_read *read, void *part);

/* ---- pipelines ---- */

void redis_publication_add(struct redis_store *s, const struct store_publish *publish);
void redis_publications_send(struct redis_store *s);
void redis_publications_retry(struct redis_store *s); /* those that found no room */
/* The connection is gone: those that somebody waits for are answered, the others sent again. */
void redis_publications_lost(struct redis_store *s);
/* There is none: those that somebody waits for, and that were not sent, are answered. */
void redis_publications_unsent(struct redis_store *s);
void redis_pipelines_load(struct redis_store *s); /* then redis_start_done */
void redis_pipelines_free(struct redis_store *s);
/* redis_versions.c: looks from now on every half second whether another process has published. */
void redis_changes_begin(struct redis_store *s); /* before they are loaded */
void redis_changes_look(void *store);            /* the timer */

#endif
