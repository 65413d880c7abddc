/* One read in progress. Internal to store_redis. */
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
    struct store_read ask; /* a copy; its slices are in the arena */
    uint64_t after_row; /* number of rows given before it: it is sent after these, so that it sees
                           them */
    bool flushed, sent;
    uint32_t awaited; /* answers still to come in this round */
    uint32_t taken;   /* answers received in this round */
    /* used for nodes of a cluster */
    void *part; /* which part of a read over several nodes this is (cluster_gather.c); NULL: none */
    bool asking;         /* send ASKING before each command */
    uint32_t refused;    /* answers that were redirections */
    uint32_t asked;      /* ... among them ASK */
    uint32_t rounds;     /* rounds begun after the first */
    struct redirect why; /* the last redirection */
    mono_ms refused_at;  /* when a node first redirected it; 0 = never */
    struct arena arena;
    struct incoming_reply **kept; /* replies from which the answer borrows */
    uint32_t kept_count, kept_cap;
    struct store_answer answer;
    struct list_entry *entries; /* tasks whose records are read, or may be */
    uint32_t entry_count, entry_cap;
    struct usage_group *groups;
    uint32_t group_cap;
};

/* A copy that is in no list yet. */
struct redis_read *read_create(struct redis_store *s, const struct store_read *read);
void read_free(struct redis_read *r);
void read_link(struct redis_read *r);   /* appends it to its store's list */
void read_unlink(struct redis_read *r); /* removes it from that list */
/* The partition that answer number `taken` (from 1) is about, where one is expected for each bit of
 * mask. */
partition_id read_partition(const struct redis_read *r, uint64_t mask);
/* Sends s->command on behalf of r; fn is called with r. */
void read_send(struct redis_read *r, redis_reply_fn *fn);
/* Counts an answer. False if it is an error, and the connection was given up; or if another node
 * must be asked: then the last such answer hands r over. */
bool read_take(struct redis_read *r, const struct redisReply *reply);
/* Keeps the current reply until the read is over, so that its content need not be copied. */
void read_keep(struct redis_read *r);
/* Begins a new round of answers. */
void read_round(struct redis_read *r);
/* Calls `ask` for each of the partitions that the read is about. If there are none, the read is
 * answered in a later turn: answers never come from within the caller's call. */
void read_partitions(struct redis_read *r, void (*ask)(struct redis_read *r, partition_id p));
/* Delivers the answer and frees r. */
void read_done(struct redis_read *r);

/* Reads the records of r->entries into r->answer.tasks, leaving out tasks that are gone; then
 * read_done. Without `steps` only what a list needs is read. */
void records_read(struct redis_read *r);
uint64_t version_of(struct bytes v); /* the version in a record's field v, its first number */
void list_read(struct redis_read *r);
void usage_read_days(struct redis_read *r);
void audit_read(struct redis_read *r);
void definition_read(struct redis_read *r);
void definition_versions_read(struct redis_read *r);
void limits_read(struct redis_read *r);

#endif
