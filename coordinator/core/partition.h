/* Partitions and the leases on them: observe, claim, load, renew, release. */
#ifndef MARATHON_CORE_PARTITION_H
#define MARATHON_CORE_PARTITION_H

#include "core/core.h"
#include "core/task.h"

struct ask;

enum partition_state {
    PARTITION_UNSEEN,   /* nothing is known yet */
    PARTITION_FOREIGN,  /* somebody else's: its beat is observed */
    PARTITION_CLAIMING, /* compare-and-set is on its way */
    PARTITION_LOADING,  /* ours; its live tasks are being read */
    PARTITION_GRACE,    /* loaded; workers may say what they run before anything is sent out */
    PARTITION_OWNED,
    PARTITION_RELEASING, /* drained: release is on its way */
};

struct partition {
    partition_id id;
    enum partition_state state;
    struct fence fence; /* ours while CLAIMING .. RELEASING, else the one last seen */
    uint64_t beat;      /* FOREIGN: last seen */
    mono_ms beat_ms;    /* FOREIGN: answered time for which it has not moved */
    mono_ms renew_sent_at, renewed_at; /* the latter: of the last that was answered with OK */
    bool ever_owned;
    bool renewing; /* a renewal is on its way */
    bool takeover; /* it was another process's before */
    struct timer timer;
    mono_ms claims_by;  /* GRACE: no claim is awaited for longer */
    struct task *tasks; /* list */
    /* What the store has shown us or acknowledged, ever: it must not go back behind it. */
    struct fence known;
    uint64_t known_beat, epoch_most;
    struct acked {
        char task_id[ID_BYTES_MAX + 1]; /* of the last row acknowledged under `fence`; "" = none */
        uint32_t run;
        uint64_t version;
        struct fence fence;
    } acked;
};

/* ---- partition.c ---- */

struct partition *partition_of(struct core *c, struct bytes task_id);
bool partition_serves(const struct partition *p); /* its tasks are in memory and may change */
bool partition_told(const struct core *c, const struct partition *p); /* to peers, as ours */
void partitions_check_leases(struct core *c); /* before anything is answered or fires */
void partitions_tick(struct core *c);
bool partition_mine(const struct core *c, const uint8_t nonce[NONCE_BYTES]);
bool fence_same(const struct fence *a, const struct fence *b);
void partition_on_owners(struct core *c, const struct store_answer *a);
void partition_on_live(struct core *c, const struct ask *ask, const struct store_answer *a);
void partition_on_claimed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_renewed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_released(struct core *c, partition_id id);
/* A task that should have been loaded with it. False where it cannot be read or has ended. */
bool partition_adopt(struct core *c, struct partition *p, const struct task_record *r);
/* Forgets its tasks and what waits for them; it will be observed and claimed again. */
void partition_drop(struct core *c, struct partition *p, const char *why);
void partitions_store_down(struct core *c);
void partitions_drain(struct core *c);
void partitions_tell(struct core *c); /* MSG_OWNED to all peers where the mask has changed */
struct message partitions_owned(struct core *c); /* what was told last */

/* ---- sharing.c ---- */

/* Asks others for partitions where we hold less than our share. True while some that we asked for
 * are awaited. */
bool partitions_share(struct core *c, const struct owner_record *owners);

#endif
