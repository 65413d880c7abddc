/* The state of the core: one struct, which all files of core/ work on, and nobody outside includes.
 *
 * One core_step: the event's handler (on_*.c) changes tasks through a `change` (change.h), timers
 * that are due fire (timers.h), free workers get ready steps (dispatch.h). Messages that tell of a
 * change are held in its pending write (writes.h). */
#ifndef MARATHON_CORE_STATE_H
#define MARATHON_CORE_STATE_H

#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/slices.h"
#include "core/audit.h"
#include "core/core.h"
#include "core/definitions.h"
#include "core/library.h"
#include "core/partition.h"
#include "core/task.h"
#include "crypto/hash.h"

struct ask;
struct function;
struct hold;
struct pending_write;
struct worker;

struct buried {
    void (*destroy)(void *);
    void *thing;
};

struct core {
    struct core_config config;
    struct moment now;
    struct rng rng;
    struct effects *fx;
    struct buf scratch; /* to write a text in; of whoever is at it, until he calls another */
    struct slices blob; /* of a row, while it is written */
    struct hmac_key secret;
    bool store_up, draining, drained_told;
    char *admission_closed;      /* why; NULL = open */
    char *remarks[REMARK_COUNT]; /* NULL = none */
    struct partition partitions[PARTITION_COUNT];
    char *members[PARTITION_COUNT]; /* URLs of the owners that say one, in order; owned */
    uint32_t member_count;
    int64_t wall_offset; /* wall clock minus own clock when waits were last set by it */
    uint64_t owned_told, owned_number; /* the mask that peers were told; how many times */
    bool partitions_moved;             /* some state has changed since that was looked at */
    mono_ms leases_checked_at;
    mono_ms tell_by; /* gained partitions are told by then; NEVER_MS: nothing is waiting */
    mono_ms next_tick, next_observe, next_renew;
    bool observing; /* a READ_OWNERS is on its way */
    bool wishing;   /* partitions that we asked for are awaited */
    mono_ms last_tick_at, observed_at;
    mono_ms store_heard_at;    /* last answer to a look at the owners */
    struct map tasks;          /* id -> struct task */
    struct map peers;          /* bytes of the id -> struct peer */
    struct map workers;        /* id -> struct worker */
    struct worker **by_serial; /* dense list of the workers, in the order of joining: ascending */
    size_t worker_count, worker_cap;
    uint64_t next_serial;
    struct function *functions;
    size_t function_count, function_cap;
    struct map function_places; /* key -> place in functions, plus 1 */
    size_t ready_count;
    size_t delayed_count;  /* steps whose timer runs */
    struct heap resolving; /* of struct step.ready: those that wait for their turn */
    uint32_t resolving_asks;
    struct map lanes, gates; /* lanes.c */
    uint64_t next_lane;
    struct hold *holds; /* a list */
    mono_ms holds_renew_at;
    uint32_t holds_due; /* runs that want theirs */
    uint64_t credit_sum;
    uint64_t last_age; /* ages tasks */
    struct heap timers;
    uint64_t next_timer;
    struct map watches; /* task id -> struct watch */
    size_t watch_count;
    struct definitions definitions;
    struct library library;
    struct map asks;                    /* bytes of read_id -> struct ask */
    struct ask *docs_first, *docs_last; /* docs.h: that wait for their turn, in no map yet */
    uint64_t next_read, docs_bytes, docs_waiting;
    struct pending_write **writes; /* a queue, in the order of their write_id */
    size_t write_head, write_count, write_cap;
    uint64_t write_bytes;    /* of the unanswered ones' rows */
    uint32_t admits_pending; /* starts among them */
    uint64_t next_write;
    struct buried *graves;
    size_t grave_count, grave_cap;
    struct audit audit;
    struct usage used; /* since the start, by model: for /metrics */
    struct core_stats stats;
};

#endif
