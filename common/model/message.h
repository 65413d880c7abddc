/* The messages between processes as plain structs: the common vocabulary of the pure parts (core,
 * agent, api). wire/ encodes and decodes them; PROTOCOL.md there shows who sends what when.
 *
 * All slices and arrays are borrowed: a decoded message lives as long as the frame and the arena it
 * was decoded into; a message to be sent only has to live until the send call returns. Texts need
 * no NUL. Times are unix_ms, 0 = not set. Payloads (input, results, checkpoints) are JSON texts,
 * checked where they entered the system. */
#ifndef MARATHON_MODEL_MESSAGE_H
#define MARATHON_MODEL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/parts.h"
#include "model/budget.h"
#include "model/code.h"
#include "model/dead_letter.h"
#include "model/definition.h"
#include "model/event.h"
#include "model/item.h"
#include "model/state.h"
#include "model/task_view.h"
#include "model/usage_groups.h"

#define TOKEN_BYTES                16 /* HMAC-SHA256 truncated to 128 bits */
#define IDEMPOTENCY_KEY_TEXT_BYTES 33 /* 32 hex digits and a NUL */
#define ITEM_NONE                  0u

enum role { ROLE_COORDINATOR, ROLE_WORKER, ROLE_GATEWAY };

/* ---- attempts ---- */

/* Identifies one delivery of one attempt. The token proves that a coordinator issued it, so that
 * nothing needs to be stored to check that. */
struct attempt_ref {
    struct bytes task_id;
    uint32_t run;
    uint32_t step;       /* index in the pipeline */
    uint32_t generation; /* of the step */
    uint32_t attempt;    /* from 1; shown to the function */
    uint32_t delivery;   /* failures and deaths of this step so far: distinguishes deliveries of the
                            same attempt */
    uint8_t token[TOKEN_BYTES];
    uint32_t item; /* item of a fan-out step, from 1; ITEM_NONE: the step itself */
};

/* coordinator -> worker: run this. The sender may give texts in parts; decoded ones are whole. */
struct step_order {
    struct attempt_ref ref;
    struct bytes name;
    struct bytes function;
    struct bytes idempotency_key;     /* text, the same for all attempts of the step */
    uint32_t timeout_ms;              /* of this attempt, from its start on the worker */
    bool alone;                       /* run it while nothing else runs on the worker */
    struct parts input;               /* JSON */
    struct parts results;             /* JSON object: name -> result, of its ancestors */
    struct bytes progress_checkpoint; /* JSON, empty = null */
    uint32_t progress_timeout_ms;     /* stop it after so long without news; 0 = never */
};

/* worker -> coordinator: how an attempt ended. The worker keeps it, and sends it again, until it is
 * acknowledged. */
struct step_outcome {
    struct attempt_ref ref;
    uint64_t number; /* number of this outcome at the worker, echoed in the acknowledgement */
    bool ok;
    struct bytes result;  /* ok: JSON */
    enum code code;       /* not ok */
    struct bytes message; /* not ok: text for people, at most ERROR_BYTES_MAX; ok: the end of its
                             log, at most LOG_TAIL_BYTES_MAX, empty = none */
    bool permanent;       /* not ok: must not be retried */
    unix_ms started_at;   /* on the worker's wall clock; for display only */
    uint32_t duration_ms;
    struct bytes function_code; /* not ok: the function's own error code, empty = none */
    uint32_t retry_after_ms;    /* not ok: the function asks for this wait; 0 = not given */
    struct usage_part *usage;   /* all that it has used, by model */
    uint32_t usage_count;
    uint64_t execution; /* identifies the execution if there is usage, since one delivery may reach
                           two workers; random, not 0 */
};

enum verdict {
    VERDICT_APPLIED,  /* it is durable now */
    VERDICT_REPLAY,   /* it was applied before */
    VERDICT_LATE,     /* the step is done, the task has ended, or the attempt was superseded */
    VERDICT_REJECTED, /* unknown task or bad token: counted, never applied */
};

struct step_ack {
    uint64_t number;
    enum verdict verdict;
};

/* worker -> coordinator: news of a running attempt; the worker merges them to at most 10/s per
 * attempt. */
struct step_progress {
    struct attempt_ref ref;
    double fraction; /* 0..1, negative = not given */
    struct bytes message;
    /* the newest progress checkpoint, JSON; empty = none since the last news */
    struct bytes checkpoint;
    struct bytes log; /* the end of its log, at most LOG_TAIL_BYTES_MAX; empty = nothing new.
                         Becomes part of the error if the worker dies */
    struct usage_part *usage; /* all that it has used so far; none = unchanged */
    uint32_t usage_count;
    uint64_t execution; /* as in step_outcome */
};

/* The epoch under which a coordinator owns a partition; each claim has a higher one than all
 * before. */
struct owned_epoch {
    uint64_t epoch;
};

enum stop_reason { STOP_CANCELLED, STOP_SUPERSEDED, STOP_TASK_ENDED };

struct step_stop {
    struct attempt_ref ref;
    enum stop_reason reason;
    bool elsewhere; /* true: the step is wanted, but another worker has it, or its place, which only
                       the owner can judge. false: it is not wanted any more, whoever says so */
};

/* ---- requests of gateways ---- */

/* A step's result that a fork takes over from its source. */
struct kept_step {
    uint32_t step;
    struct bytes result; /* JSON; empty: it was skipped, and stays skipped */
    unix_ms started_at, completed_at;
    uint32_t duration_ms;
    uint32_t failures; /* failed attempts, and the error of a step that counted as completed despite
                          it: expressions may read both */
    enum code error_code;
    struct bytes error;
};

struct start_request {
    struct bytes task_id;   /* never empty: derived or generated by the gateway */
    struct bytes task_type; /* name of a pipeline, or label of an inline one */
    struct bytes steps;     /* JSON array of an inline pipeline, empty = none */
    struct bytes session_id;
    struct bytes input;           /* JSON, "{}" if the client gave none */
    struct bytes idempotency_key; /* SHA-256 over (credential, key), 32 bytes; empty = none */
    struct bytes body_hash;       /* SHA-256 of the body, 32 bytes; with idempotency_key */
    bool enable_checkpoints;
    int32_t checkpoint_interval_s; /* -1: the coordinator's setting */
    int32_t max_retries;           /* -1: the coordinator's setting */
    int32_t max_duration_s;        /* -1: the coordinator's setting */
    int32_t priority;              /* PRIORITY_UNSET: its pipeline's */
    /* forks: what is taken over from the source task */
    struct bytes fork_of;      /* id of the source task, empty = not a fork */
    uint32_t pipeline_version; /* version of `steps`; without these the version of task_type to run,
                                  0 = the newest */
    /* skipped steps first, then the others in the order of their completion */
    struct kept_step *kept;
    uint32_t kept_count;
    struct deed deed;
    struct budget budget; /* limits that are 0 are taken from the pipeline */
    bool own_key;         /* idempotency_key was made by the gateway, for its own retries */
};

struct task_request { /* CANCEL, PAUSE, RESUME, GET_STATUS, WATCH, UNWATCH */
    struct bytes task_id;
    struct deed deed;     /* CANCEL, PAUSE, RESUME */
    struct budget budget; /* RESUME: new limits; those that are 0 are unchanged. If any is set, the
                             task may be running */
};

/* Goes to the first wait step for this name that has no signal yet; the first signal of a step
 * wins. */
struct signal_request {
    struct bytes task_id;
    struct bytes name;
    struct bytes data; /* JSON, at most SIGNAL_BYTES_MAX */
    uint64_t key;      /* identifies the request, not 0; repeated: the same signal */
    struct deed deed;
};

struct recover_request {
    struct bytes task_id;
    struct bytes from_step;     /* name or step_id, empty = from the checkpoint */
    struct bytes checkpoint_id; /* empty = the newest */
    bool only_failed;           /* from_step is a fan-out: its completed items are kept */
    struct deed deed;
    struct bytes input; /* JSON object that replaces the task's input; empty = unchanged */
    uint64_t key;   /* identifies the request: the same key again is the same recover; 0 = each is a
                       new one */
    bool own_input; /* GET_FORK: the fork has its own input, so that the source's is not sent */
};

struct requeue_request {
    struct bytes task_id;
    struct bytes step; /* name or step_id of the dead letter */
    uint64_t key;      /* as in recover_request */
};

struct doc_request { /* a part of the checkpoint document, or the input */
    struct bytes task_id;
    uint32_t run;
    uint32_t revision; /* of the document, from the status; an older one is answered with
                          CODE_TASK_NOT_FOUND: ask for the status again */
    uint64_t offset;
    uint32_t len; /* at most DOC_PART_BYTES_MAX */
};

struct history_request {
    struct bytes task_id;
    uint64_t after; /* events with seq > after, at most EVENTS_PAGE_MAX of them */
};

struct list_request {
    int32_t state;          /* enum task_state, -1 = any */
    struct bytes task_type; /* empty = any */
    unix_ms before;         /* tasks created before this time ... */
    struct bytes before_id; /* ... or at it with a smaller id. First page: NEVER_MS and empty */
    uint32_t limit;
};

/* ---- views: answers to gateways ---- */

/* The checkpoint document starts with {"results":{ : offset of the results object (of its
 * brace). */
#define RESULTS_OFFSET 11u

struct task_summary {
    struct bytes task_id, task_type, session_id;
    enum task_state state;
    double progress;
    unix_ms created_at, started_at, completed_at;
    uint32_t steps_completed, step_count;
    struct bytes current_step;
    struct bytes error;
};

struct worker_view {
    struct bytes worker_id, host;
    uint32_t pid, slots, busy;
    unix_ms last_heard_at;
    struct bytes state; /* "ready", "draining", "silent" */
    struct bytes *functions;
    uint32_t function_count;
    struct bytes *labels;
    uint32_t label_count;
    /* version from its HELLO; empty if the coordinator is too old to report it */
    struct bytes software;
};

/* Ready steps that no worker at all can run. */
struct waiting_view {
    struct bytes function;
    struct bytes requires; /* labels as in model/label.h; empty: nobody offers the function */
    uint32_t steps;
};

/* ---- the tagged union ---- */

/* The numbers are those of the wire: append only, never reuse. Senders: C coordinator, W worker, G
 * gateway. */
enum message_type {
    MSG_HELLO = 1,     /* W, G -> C: first frame of a connection */
    MSG_WELCOME = 2,   /* C -> W, G: answer to HELLO */
    MSG_BEAT = 3,      /* W, G -> C every 500 ms; C -> W, G as well */
    MSG_OWNED = 4,     /* C -> W, G: after WELCOME and after each change */
    MSG_CREDIT = 5,    /* W -> C: so many more orders may be sent */
    MSG_RUNNING = 6,   /* W -> C: after WELCOME: all attempts that it runs or holds outcomes of */
    MSG_OUTCOME = 7,   /* W -> C */
    MSG_PROGRESS = 8,  /* W -> C */
    MSG_ORDER = 9,     /* C -> W */
    MSG_ACK = 10,      /* C -> W */
    MSG_STOP = 11,     /* C -> W */
    MSG_DRAINING = 12, /* W -> C: send no more orders */
    MSG_DECLINE = 13, /* W -> C: this order was not started and will not be: it may run elsewhere */
    /* requests, G -> C; each is answered by one message with the same request id */
    MSG_START = 20,       /* -> MSG_STARTED or MSG_REFUSED */
    MSG_CANCEL = 21,      /* -> MSG_DONE or MSG_REFUSED */
    MSG_RECOVER = 22,     /* -> MSG_DONE or MSG_REFUSED */
    MSG_GET_STATUS = 23,  /* -> MSG_STATUS or MSG_REFUSED */
    MSG_GET_DOC = 24,     /* -> MSG_DOC or MSG_REFUSED */
    MSG_GET_HISTORY = 25, /* -> MSG_EVENTS or MSG_REFUSED */
    /* -> MSG_WATCHED or MSG_REFUSED; then MSG_EVENTS (request 0) as they become durable */
    MSG_WATCH = 26,
    MSG_UNWATCH = 27,       /* no answer */
    MSG_GET_LIST = 28,      /* -> MSG_LIST or MSG_REFUSED */
    MSG_GET_WORKERS = 29,   /* -> MSG_WORKERS */
    MSG_GET_PIPELINES = 30, /* -> MSG_PIPELINES or MSG_REFUSED */
    MSG_GET_READY = 31,     /* -> MSG_READY, after a real round trip to the store */
    MSG_GET_DEAD = 32,      /* -> MSG_DEAD or MSG_REFUSED */
    MSG_REQUEUE = 33,       /* -> MSG_DONE or MSG_REFUSED */
    MSG_PAUSE = 60,         /* -> MSG_DONE or MSG_REFUSED */
    MSG_RESUME = 61,        /* -> MSG_DONE or MSG_REFUSED */
    MSG_SIGNAL = 62,        /* -> MSG_SIGNALLED or MSG_REFUSED */
    MSG_GET_FORK = 63,      /* -> MSG_FORK or MSG_REFUSED: the content of a START for a fork */
    MSG_GET_USAGE = 36,     /* -> MSG_USAGE or MSG_REFUSED */
    MSG_GET_ITEMS = 38,     /* -> MSG_ITEMS or MSG_REFUSED */
    MSG_PUT_PIPELINE = 66,  /* -> MSG_PIPELINE_STORED or MSG_REFUSED */
    MSG_GET_VERSIONS = 67,  /* -> MSG_VERSIONS or MSG_REFUSED */
    /* answers, C -> G */
    MSG_REFUSED = 40,
    MSG_STARTED = 41,
    MSG_DONE = 42,
    MSG_STATUS = 43,
    MSG_DOC = 44,
    MSG_EVENTS = 45,
    MSG_WATCHED = 46,
    MSG_LIST = 47,
    MSG_WORKERS = 48,
    MSG_PIPELINES = 49,
    MSG_READY = 50,
    MSG_DEAD = 51,
    MSG_MEMBERS = 52, /* C -> W, G: after MSG_OWNED and after each change */
    MSG_SIGNALLED = 80,
    MSG_FORK = 81,
    MSG_USAGE = 55,
    MSG_ITEMS = 57,
    MSG_PIPELINE_STORED = 86,
    MSG_VERSIONS = 87,
};

struct message {
    enum message_type type;
    uint64_t request; /* requests and their answers; 0 otherwise */
    union {
        struct {
            enum role role;
            uint32_t version_min, version_max; /* of the protocol */
            struct bytes id;                   /* of the process: random, new at each start */
            struct bytes host;
            uint32_t pid;
            struct bytes software; /* version text */
            uint32_t slots;        /* workers */
            struct bytes *functions;
            uint32_t function_count;
            struct bytes *labels; /* workers: "name=value" */
            uint32_t label_count;
        } hello;
        struct {
            uint32_t version; /* the chosen version; 0 = refused, for this reason */
            struct bytes id;  /* of the coordinator */
            struct bytes reason;
        } welcome;
        struct {
            uint32_t loop_age_ms; /* time since the sender's loop last turned */
        } beat;
        struct {
            uint64_t partitions; /* bit p set: this coordinator owns partition p */
            uint64_t number; /* counts from 1; rises by one each time the coordinator sends OWNED to
                                all */
            /* one per partition, in ascending order of partitions: if two coordinators claim one,
             * the higher epoch owns it */
            struct owned_epoch *epochs;
            uint32_t epoch_count; /* 0: not given */
        } owned;
        struct {
            struct bytes *urls; /* addresses of the coordinators that announce one */
            uint32_t count;
        } members;
        struct {
            uint32_t count;
        } credit;
        struct {
            struct attempt_ref *refs;
            uint32_t count;
            /* number of the last OWNED received on this connection, 0 = none. An order sent before
             * that OWNED is in the list, or is not with this worker */
            uint64_t heard;
            uint32_t stopping; /* so many of refs, at the end, are attempts that it was told to
                                  stop: their steps run elsewhere, or must be dispatched again */
        } running;
        struct step_outcome outcome;
        struct step_progress progress;
        struct step_order order;
        struct step_ack ack;
        struct step_stop stop;
        struct {
            struct attempt_ref ref;
        } decline;
        struct start_request start; /* START, FORK */
        struct task_request task;
        struct recover_request recover; /* RECOVER, GET_FORK */
        struct signal_request signal;
        struct doc_request get_doc;
        struct history_request get_history;
        struct items_request get_items;
        struct list_request get_list; /* GET_LIST, GET_DEAD (state and task_type have no part) */
        struct requeue_request requeue;
        struct usage_request get_usage;
        struct {
            struct bytes name; /* empty: all, without source */
            uint32_t version;  /* 0: the newest */
            bool brief;        /* omit the source */
        } get_pipelines;
        struct pipeline_put put_pipeline;
        struct versions_request get_versions;
        struct {
            enum code code;
            struct bytes detail;    /* for people */
            struct bytes pointer;   /* JSON pointer to the offending field, empty = none */
            enum task_state state;  /* state of the task, if the code is about one */
            uint32_t retry_after_s; /* 0 = none */
        } refused;
        struct {
            struct bytes task_id;
            bool replayed; /* an earlier request with the same key has started it */
        } started;
        struct {
            struct bytes task_id;
            enum task_state state;
        } done;
        struct {
            struct bytes task_id;
            enum task_state state;
            struct bytes step; /* the step that got it */
            bool kept;         /* it is kept until the step is reached */
            uint64_t key;      /* of the request */
        } signalled;
        struct task_view status;
        struct {
            struct bytes data; /* may be shorter than requested, at the document's end */
        } doc;
        struct {
            struct bytes task_id;
            struct task_event *events;
            uint32_t count;
            uint64_t oldest; /* history: seq of the oldest event still kept */
        } events;
        struct {
            struct bytes task_id;
            uint64_t seq; /* newest durable event */
            bool exists;
        } watched;
        struct {
            struct task_summary *items;
            uint32_t count;
            unix_ms next_before; /* for the next page; next_before_id empty = no more */
            struct bytes next_before_id;
            uint64_t partitions; /* bit mask of the partitions whose tasks are included */
        } list;
        struct {
            struct dead_letter *items;
            uint32_t count;
            unix_ms next_before; /* as in list */
            struct bytes next_before_id;
            uint64_t partitions;
        } dead;
        struct {
            struct usage_group *rows;
            uint32_t count;
            bool cut;            /* there were more rows: the last one sums up the rest */
            uint64_t partitions; /* those included */
        } usage;
        struct {
            struct item_view *items;
            uint32_t count;
            uint32_t next; /* first item of the next page; 0: no more */
            uint32_t total;
        } items;
        struct {
            struct worker_view *items;
            uint32_t count;
            struct waiting_view *waiting;
            uint32_t waiting_count;
        } workers;
        struct {
            struct pipeline_view *items;
            uint32_t count;
        } pipelines;
        struct {
            struct bytes name; /* "" for an inline array of steps */
            uint32_t version;  /* 0 if it was only checked */
            uint32_t step_count;
            struct bytes hash;
            bool created; /* false: it was there already */
        } stored;
        struct {
            struct version_view *items; /* newest first */
            uint32_t count;
            uint32_t next; /* `before` for the next page; 0: no more */
        } versions;
        struct {
            bool ready;
            struct bytes detail; /* what fails, or a warning ("store is memory: a restart loses all
                                    tasks") */
            struct bytes backend;
            uint64_t partitions;
            struct bytes store_full; /* why no start is accepted although it is ready */
            /* what the store may lose, or what it does not let us check */
            struct bytes store_unsafe;
        } ready;
    };
};

const char *message_type_name(enum message_type t); /* "START"; never NULL */

#endif
