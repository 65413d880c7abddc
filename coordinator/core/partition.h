/* Partitions and the leases on them: observe, claim, load, renew, release. */
#ifndef MARATHON_CORE_PARTITION_H
#define MARATHON_CORE_PARTITION_H

#include "core/core.h"
#include "core/task.h"

struct ask;

enum partition_state {
    PARTITION_UNSEEN,   /* nothing is known yet */
    PARTITION_FOREIGN,  /* another coordinator's: its beat is observed */
    PARTITION_CLAIMING, /* our compare-and-set is on its way */
    PARTITION_LOADING,  /* ours; its live tasks are being read */
    PARTITION_GRACE,    /* loaded; nothing is dispatched yet, workers may say what they run */
    PARTITION_OWNED,
    PARTITION_RELEASING, /* we drain: our release is on its way */
};

struct partition {
    partition_id id;
    enum partition_state state;
    struct fence fence; /* ours from CLAIMING to RELEASING, else the last one seen */
    uint64_t beat;      /* FOREIGN: last seen */
    mono_ms beat_ms; /* FOREIGN: for how long the beat has not moved; only time between two answers
                        of the store counts */
    mono_ms renew_sent_at, renewed_at; /* renewed_at: when the last successful renewal was sent */
    bool ever_owned;
    bool renewing; /* a renewal is on its way */
    bool takeover; /* another process owned it before */
    /* What that means for its tasks is stored once this row is: claimed anew by us before that, it
     * is taken over all the same. UINT64_MAX: the row is not known yet; 0: all is stored. */
    uint64_t takeover_row;
    struct timer timer;
    mono_ms claims_by;  /* GRACE: when to stop waiting for claims */
    struct task *tasks; /* list */
    /* The newest that the store has ever shown us or acknowledged: it must not go back behind it
     * (rollback.h). */
    struct fence known;
    uint64_t known_beat, epoch_most;
    struct acked {
        /* task of the last row acknowledged under `fence`; "" = none */
        char task_id[ID_BYTES_MAX + 1];
        uint32_t run;
        uint64_t version;
        unix_ms created_at;
        bool ended; /* then its record expires */
        struct fence fence;
    } acked;
};

/* ---- partition.c ---- */

struct partition *partition_of(struct core *c, struct bytes task_id);
bool partition_serves(const struct partition *p); /* its tasks are in memory and may be changed */
/* do peers count it as ours? */
bool partition_told(const struct core *c, const struct partition *p);
/* drops what is ours no more: before any event or timer is handled */
void partitions_check_leases(struct core *c);
void partitions_tick(struct core *c);
bool partition_mine(const struct core *c, const uint8_t nonce[NONCE_BYTES]);
bool fence_same(const struct fence *a, const struct fence *b);
void partition_on_owners(struct core *c, const struct store_answer *a);
void partition_on_live(struct core *c, const struct ask *ask, const struct store_answer *a);
void partition_on_claimed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_renewed(struct core *c, partition_id id, enum store_verdict verdict);
void partition_on_released(struct core *c, partition_id id);
/* Takes in a live task that the load has missed. False where it cannot be read or has ended. */
bool partition_adopt(struct core *c, struct partition *p, const struct task_record *r);
/* Forgets its tasks and what waits for them; it will be observed and claimed again. */
void partition_drop(struct core *c, struct partition *p, const char *why);
/* A row of it is stored, and with it all before that. */
void partition_on_stored(struct core *c, partition_id id, uint64_t write_id);
void partitions_store_down(struct core *c);
void partitions_drain(struct core *c);
void partitions_tell(struct core *c); /* sends MSG_OWNED to all peers when the set has changed */
struct message partitions_owned(struct core *c); /* what was told last */

/* ---- sharing.c ---- */

/* Asks other coordinators for partitions while we hold less than our share. True while we wait for
 * some. */
bool partitions_share(struct core *c, const struct owner_record *owners);

#endif
