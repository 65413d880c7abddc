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
    /* to build a text in; whoever uses it has it until it calls another function */
    struct buf scratch;
    struct slices blob; /* of a row, while it is written */
    struct hmac_key secret;
    bool store_up, draining, drained_told;
    char *admission_closed;      /* why starts are refused; NULL = they are taken */
    char *remarks[REMARK_COUNT]; /* texts; NULL = none */
    struct partition partitions[PARTITION_COUNT];
    char *members[PARTITION_COUNT]; /* URLs of the owners that advertise one, sorted; owned */
    uint32_t member_count;
    /* wall clock minus monotonic clock, when the timers of waits were last set */
    int64_t wall_offset;
    uint64_t owned_told, owned_number; /* the partitions (mask) that peers were told are ours, and
                                          the number of that message */
    bool partitions_moved; /* some partition has changed its state since that mask was computed */
    mono_ms leases_checked_at;
    mono_ms tell_by; /* when peers are told of gained partitions at the latest; NEVER_MS: there are
                        none */
    mono_ms next_tick, next_observe, next_renew;
    bool observing; /* a READ_OWNERS is on its way */
    bool wishing;   /* we have asked others for partitions, and wait for them */
    mono_ms last_tick_at, observed_at;
    mono_ms store_heard_at;    /* last answer to READ_OWNERS */
    struct map tasks;          /* id -> struct task */
    struct map peers;          /* bytes of the id -> struct peer */
    struct map workers;        /* id -> struct worker */
    struct worker **by_serial; /* the workers in the order of joining, by ascending serial; dense */
    size_t worker_count, worker_cap;
    uint64_t next_serial;
    struct function *functions;
    size_t function_count, function_cap;
    struct map function_places; /* key -> index in functions, plus 1 */
    size_t ready_count;
    size_t delayed_count;  /* steps in PHASE_DELAYED */
    struct heap resolving; /* of struct work.ready: steps in PHASE_RESOLVING that are queued */
    uint32_t resolving_asks;
    struct map lanes, gates; /* lanes.c */
    uint64_t next_lane;
    struct hold *holds; /* all holds, as a list */
    mono_ms holds_renew_at;
    uint32_t holds_due; /* runs whose hold_due is set */
    uint64_t credit_sum;
    uint64_t last_age; /* last value given to a task's age */
    struct heap timers;
    uint64_t next_timer;
    struct map watches; /* task id -> struct watch */
    size_t watch_count;
    struct definitions definitions;
    struct library library;
    struct map asks; /* bytes of read_id -> struct ask */
    /* docs.h: documents that wait for their turn; not in `asks` yet */
    struct ask *docs_first, *docs_last;
    uint64_t next_read, docs_bytes, docs_waiting;
    struct pending_write **writes; /* a queue, in the order of their write_id */
    size_t write_head, write_count, write_cap;
    uint64_t write_bytes;    /* size of the rows that are not answered yet */
    uint32_t admits_pending; /* how many of them are ROW_ADMIT */
    uint64_t next_write;
    struct buried *graves;
    size_t grave_count, grave_cap;
    struct audit audit;
    struct usage used; /* by model, since this process began: for /metrics */
    struct core_stats stats;
};

#endif
