/* One read on its way. Inside of store_redis only. */
#ifndef MARATHON_STORE_REDIS_READ_H
#define MARATHON_STORE_REDIS_READ_H

#include "store/redis_reply.h"
#include "store/redis_store.h"

struct list_entry {
    struct bytes id;
    uint64_t created;
    partition_id partition;
};

struct redis_read {
    struct redis_read *prev, *next;
    struct redis_store *store;
    struct store_read ask; /* its slices are in the arena */
    uint64_t after_row;    /* it sees the rows given before it: leaves behind this many */
    bool flushed, sent;
    uint32_t awaited; /* answers still to come in this round */
    uint32_t taken;   /* answers had in this round */
    /* of a cluster */
    void *part;          /* of a read over several nodes, to which it is told; NULL: it is none */
    bool asking;         /* each command follows ASKING */
    uint32_t refused;    /* answers that sent us elsewhere */
    uint32_t asked;      /* ... with ASK */
    uint32_t rounds;     /* begun after the first */
    struct redirect why; /* the last one */
    mono_ms refused_at;  /* when a node first did not answer it; 0 = each has */
    struct arena arena;
    struct incoming_reply **kept; /* replies that the answer borrows from */
    uint32_t kept_count, kept_cap;
    struct store_answer answer;
    struct list_entry *entries; /* tasks whose records are read, or may be */
    uint32_t entry_count, entry_cap;
    struct usage_group *groups;
    uint32_t group_cap;
};

/* A copy, not yet in any list. */
struct redis_read *read_create(struct redis_store *s, const struct store_read *read);
void read_free(struct redis_read *r);
void read_link(struct redis_read *r);   /* into its store's list, behind all others */
void read_unlink(struct redis_read *r); /* out of it */
/* The partition whose answer is number `taken` (from 1), where there is one for each bit of mask.
 */
partition_id read_partition(const struct redis_read *r, uint64_t mask);
/* Sends s->command for r; fn gets r. */
void read_send(struct redis_read *r, redis_reply_fn *fn);
/* Counts an answer. False: it is an error, and the connection was given up; or another node has to
 * be asked, and r is gone with the last such answer. */
bool read_take(struct redis_read *r, const struct redisReply *reply);
/* The reply in hand stays until the read is over: what it holds is not copied. */
void read_keep(struct redis_read *r);
/* A new round of answers begins. */
void read_round(struct redis_read *r);
/* Asks each of the partitions that it is about. Where they are none, it is done in a later turn: an
 * answer never comes from within our caller's call. */
void read_partitions(struct redis_read *r, void (*ask)(struct redis_read *r, partition_id p));
/* Hands the answer over and frees r. */
void read_done(struct redis_read *r);

/* Reads the records of r->entries into r->answer.tasks, leaving out those that are gone; then
 * read_done. Without steps only what a list needs is read. */
void records_read(struct redis_read *r);
uint64_t version_of(struct bytes v); /* the first number of a record's field v */
void list_read(struct redis_read *r);
void usage_read_days(struct redis_read *r);
void audit_read(struct redis_read *r);
void definition_read(struct redis_read *r);
void definition_versions_read(struct redis_read *r);
void limits_read(struct redis_read *r);

#endif
