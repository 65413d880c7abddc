/* A store on a Redis Cluster: a store_redis for each master (struct cluster_node, a member), and
 * one more, `home`, for what belongs to no partition. Each partition is one slot, by its tag; rows
 * and reads go to the node that has it. Inside: seen by its own files only.
 *
 * store_cluster.c  the vtable, up and down
 * cluster_held.c   what waits for its slot to arrive somewhere
 * cluster_nodes.c  nodes come and go; cluster_map.c asks who has which slot
 * cluster_gather.c reads over many partitions
 *
 * What one node loses is lost for its partitions only: their rows are STORE_UNKNOWN, their reads
 * ERR_UNAVAILABLE, their owner records unseen. `down` means that no node is left. */
#ifndef MARATHON_STORE_REDIS_CLUSTER_H
#define MARATHON_STORE_REDIS_CLUSTER_H

#include "store/redis_read.h"
#include "store/redis_store.h"

#define CLUSTER_NODES_MAX 64u /* one for each partition: more have nothing to do for us */
#define NODE_NAME_BYTES   (REDIS_HOST_BYTES + 8)
#define NODE_TEXT_BYTES   (NODE_NAME_BYTES + STORE_TEXT_BYTES + 2)

struct cluster_store;

/* A master, or what was one a moment ago. */
struct cluster_node {
    struct cluster_node *next;
    struct cluster_store *cluster;
    struct redis_node at;
    char name[NODE_NAME_BYTES]; /* host:port */
    struct redis_member member; /* what its store tells us */
    struct redis_store *store;
    bool up;
    bool tried;                    /* it has been up, or has failed to */
    mono_ms wanted_at;             /* when it was last said to have a slot */
    char closed[STORE_TEXT_BYTES]; /* why it wants no admissions; "" = it takes them */
    char remarks[REMARK_COUNT][STORE_TEXT_BYTES];
};

/* Rows or a read whose place is not settled. */
struct held {
    struct held *next;
    struct batch_call call; /* where read is NULL */
    struct redis_read *read;
    struct cluster_node *ask; /* the node that takes it after ASKING, or NULL */
    bool refused;             /* by a node: it goes before what was never sent */
    mono_ms since;
};

/* A partition: its slot, who has that, and who has what is under way. */
struct place {
    uint16_t slot;
    struct cluster_node *node;     /* NULL: not known */
    struct cluster_node *given_to; /* the last rows; may have some yet */
    struct held *first;
    mono_ms retry_at;
};

struct gather;

struct cluster_store {
    struct store base; /* first */
    struct loop *loop;
    struct store_handler handler;
    struct redis_url url; /* seeds and login */
    struct store_redis_options options;
    struct redis_names names;
    mono_ms deadline_ms;
    struct place places[PARTITION_COUNT];
    struct cluster_node *nodes;
    uint32_t node_count;

    struct redis_store *home;
    uint16_t home_slot;
    struct redis_node home_at;
    bool home_known, home_up, home_was_up;
    uint8_t secret[SECRET_BYTES];

    bool is_up;
    char closed[NODE_TEXT_BYTES];
    char fault[NODE_TEXT_BYTES];
    char remarks[REMARK_COUNT][NODE_TEXT_BYTES]; /* as last told */
    char unmapped[NODE_TEXT_BYTES]; /* why nobody says who has which slot; "" = known */
    struct loop_timer *held_timer;
    struct gather *gathers;
    struct store_stats gone; /* of nodes that are no more */

    /* the map: one connection that asks, and goes */
    struct redis_link *probe;
    struct redis_node probed;
    struct loop_timer *map_timer;
    struct redis_command command;
    uint32_t candidate; /* the next to be asked */
    bool probe_over;    /* its connection is to be closed */
    mono_ms map_due;    /* when it is asked for next */
    mono_ms asked_at;   /* ... and was last */
    bool map_known;
};

/* ---- store_cluster.c ---- */

struct store *cluster_create(const struct redis_setup *setup, struct store_handler handler);
struct cluster_store *cluster_of(const struct store *s); /* NULL: it is none */
void cluster_stats_add(struct store_stats *sum, const struct store_stats *one);
/* As store_redis_gate_fault; NULL also where s is no cluster. */
const char *cluster_gate_fault(const struct store *s);
void cluster_note(struct cluster_store *s, const char *text);
/* Tells what nodes remark, where that has changed. */
void cluster_remarks_review(struct cluster_store *s);
/* A node has come, gone or changed: up, down, admission. why: of the last that went. */
void cluster_review(struct cluster_store *s, const char *why);

/* ---- cluster_nodes.c ---- */

/* That node, made where there is none yet; NULL where there are too many. */
struct cluster_node *cluster_node_for(struct cluster_store *s, const struct redis_node *at);
void cluster_nodes_free(struct cluster_store *s);
/* Those that nobody has named for long, and that have nothing of ours. */
void cluster_nodes_sweep(struct cluster_store *s);
/* Slots first to last are at that node from here on. An empty host: that of `teller`. */
void cluster_slots_set(struct cluster_store *s, const struct slot_range *range,
                       const struct redis_node *teller);

/* ---- cluster_map.c ---- */

void cluster_map_want(struct cluster_store *s); /* soon */
void cluster_map_look(void *cluster);           /* the timer */
void cluster_map_free(struct cluster_store *s);

/* ---- cluster_held.c ---- */

/* To the partition's node, or held until it is known which that is. */
void cluster_write(struct cluster_store *s, const struct store_row *row);
void cluster_read(struct cluster_store *s, const struct store_read *read);
void cluster_hold_call(struct cluster_store *s, struct batch_call *call, struct cluster_node *ask);
void cluster_hold_read(struct cluster_store *s, struct redis_read *r, struct cluster_node *ask);
/* The place's rows and reads may go on at once. */
void cluster_wake(struct cluster_store *s);
void cluster_look_soon(struct cluster_store *s); /* in a few milliseconds */
void cluster_held_look(void *cluster);           /* the timer */
/* Answers all: nobody has them. */
void cluster_held_give_up(struct cluster_store *s);
void cluster_held_free(struct cluster_store *s); /* silently */

/* ---- cluster_gather.c ---- */

void cluster_gather(struct cluster_store *s, const struct store_read *read);
void cluster_part_done(struct cluster_store *s, struct redis_read *r);
/* A node has not taken this part of one: asked again where the slots are then. */
void cluster_part_refused(struct cluster_store *s, struct redis_read *r);
void cluster_gathers_retry(struct cluster_store *s);
void cluster_gathers_free(struct cluster_store *s); /* silently */

#endif
