/* A store on a Redis Cluster: one store_redis per master (struct cluster_node, a "member"), and one
 * more, `home`, for what belongs to no partition. Each partition is one slot, by its hash tag; rows
 * and reads go to the node that owns the slot. Internal to the files below.
 *
 * store_cluster.c  the vtable, up and down
 * cluster_held.c   rows and reads that wait until their slot's node is known
 * cluster_nodes.c  nodes joining and leaving; cluster_map.c asks which node has which slot
 * cluster_gather.c reads over many partitions
 *
 * The loss of a node affects its partitions only: their rows are answered STORE_UNKNOWN, their
 * reads ERR_UNAVAILABLE, their owner records as unseen. `down` means that no node is left. */
#ifndef MARATHON_STORE_REDIS_CLUSTER_H
#define MARATHON_STORE_REDIS_CLUSTER_H

#include "store/redis_read.h"
#include "store/redis_store.h"

/* one per partition: further nodes would have nothing to do for us */
#define CLUSTER_NODES_MAX 64u
#define NODE_NAME_BYTES   (REDIS_HOST_BYTES + 8)
#define NODE_TEXT_BYTES   (NODE_NAME_BYTES + STORE_TEXT_BYTES + 2)

struct cluster_store;

/* A master, or a node that was one a moment ago. */
struct cluster_node {
    struct cluster_node *next;
    struct cluster_store *cluster;
    struct redis_node at;
    char name[NODE_NAME_BYTES]; /* host:port */
    struct redis_member member; /* the callbacks of its store */
    struct redis_store *store;
    bool up;
    bool tried;                    /* it has been up, or has failed to come up */
    mono_ms wanted_at;             /* when a slot was last said to be there */
    char closed[STORE_TEXT_BYTES]; /* why it refuses admissions; "" = it accepts them */
    char remarks[REMARK_COUNT][STORE_TEXT_BYTES];
};

/* A call, or a read, for which no node is known at the moment. */
struct held {
    struct held *next;
    struct batch_call call; /* used if read is NULL */
    struct redis_read *read;
    /* the node to send it to, after ASKING; NULL = the partition's node */
    struct cluster_node *ask;
    bool refused; /* a node has refused it: it goes before what was never sent */
    mono_ms since;
};

/* A partition: its slot, the node that has the slot, and the node that has what is in flight. */
struct place {
    uint16_t slot;
    struct cluster_node *node;     /* NULL: unknown */
    struct cluster_node *given_to; /* where its last rows went; some may still be in flight there */
    struct held *first;
    mono_ms retry_at;
};

struct gather;

struct cluster_store {
    struct store base; /* must be first: cast from struct store */
    struct loop *loop;
    struct store_handler handler;
    struct redis_url url; /* seed nodes and credentials */
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
    char remarks[REMARK_COUNT][NODE_TEXT_BYTES]; /* as last reported */
    char unmapped[NODE_TEXT_BYTES]; /* why no slot map is available; "" = there is one */
    struct loop_timer *held_timer;
    struct gather *gathers;
    struct store_stats gone; /* sums of nodes that were removed */

    /* the slot map: asked over a connection of its own, which is closed afterwards */
    struct redis_link *probe;
    struct redis_node probed;
    struct loop_timer *map_timer;
    struct redis_command command;
    uint32_t candidate; /* the next node to ask */
    bool probe_over;    /* its connection is to be closed */
    mono_ms map_due;    /* when the map is asked for next */
    mono_ms asked_at;   /* when it was last asked for */
    bool map_known;
};

/* ---- store_cluster.c ---- */

struct store *cluster_create(const struct redis_setup *setup, struct store_handler handler);
struct cluster_store *cluster_of(const struct store *s); /* NULL: s is not a cluster store */
void cluster_stats_add(struct store_stats *sum, const struct store_stats *one);
/* As store_redis_gate_fault; NULL also if s is not a cluster store. */
const char *cluster_gate_fault(const struct store *s);
void cluster_note(struct cluster_store *s, const char *text);
/* Reports the nodes' remarks that have changed. */
void cluster_remarks_review(struct cluster_store *s);
/* A node has come, gone or changed: calls up, down and admission as needed. why: reason of the last
 * loss. */
void cluster_review(struct cluster_store *s, const char *why);

/* ---- cluster_nodes.c ---- */

/* The node at this address, added if it is new; NULL if there are too many. */
struct cluster_node *cluster_node_for(struct cluster_store *s, const struct redis_node *at);
void cluster_nodes_free(struct cluster_store *s);
/* Removes nodes that no slot map has named for long and that have no work of ours. */
void cluster_nodes_sweep(struct cluster_store *s);
/* Assigns the slots of the range to their master. An empty host means the host of `teller`. */
void cluster_slots_set(struct cluster_store *s, const struct slot_range *range,
                       const struct redis_node *teller);

/* ---- cluster_map.c ---- */

void cluster_map_want(struct cluster_store *s); /* asks soon */
void cluster_map_look(void *cluster);           /* the timer's callback */
void cluster_map_free(struct cluster_store *s);

/* ---- cluster_held.c ---- */

/* Sends to the partition's node, or holds it until that node is known. */
void cluster_write(struct cluster_store *s, const struct store_row *row);
void cluster_read(struct cluster_store *s, const struct store_read *read);
void cluster_hold_call(struct cluster_store *s, struct batch_call *call, struct cluster_node *ask);
void cluster_hold_read(struct cluster_store *s, struct redis_read *r, struct cluster_node *ask);
/* Held rows and reads may go on at once. */
void cluster_wake(struct cluster_store *s);
void cluster_look_soon(struct cluster_store *s); /* sets the timer to a few milliseconds */
void cluster_held_look(void *cluster);           /* the timer's callback */
/* Answers everything held (STORE_UNKNOWN, ERR_UNAVAILABLE): no node is left. */
void cluster_held_give_up(struct cluster_store *s);
void cluster_held_free(struct cluster_store *s); /* without answering */

/* ---- cluster_gather.c ---- */

void cluster_gather(struct cluster_store *s, const struct store_read *read);
void cluster_part_done(struct cluster_store *s, struct redis_read *r);
/* A node has refused this part of a read: it is asked again wherever the slots are by then. */
void cluster_part_refused(struct cluster_store *s, struct redis_read *r);
void cluster_gathers_retry(struct cluster_store *s);
void cluster_gathers_free(struct cluster_store *s); /* without answering */

#endif
