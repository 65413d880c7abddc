/* What the processes say to each other, as plain structs: the common vocabulary of the pure parts
 * (core, agent, api). wire/ turns a message into bytes and back; PROTOCOL.md there has the picture
 * of who says what when.
 *
 * All slices and arrays are borrowed: a decoded message lives as long as the frame and the arena it
 * was decoded into; a message to be sent only has to live until the send call returns. Texts need
 * no NUL. Times are unix_ms, 0 = not set. Payloads (input, results, checkpoints) are JSON texts,
 * checked where they entered. */
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

#define TOKEN_BYTES                16 /* HMAC-SHA256 cut to 128 bits */
#define IDEMPOTENCY_KEY_TEXT_BYTES 33 /* 32 hex digits and a NUL */
#define ITEM_NONE                  0u

enum role { ROLE_COORDINATOR, ROLE_WORKER, ROLE_GATEWAY };

/* ---- attempts ---- */

/* Names one delivery of one attempt. The token proves that a coordinator minted it; nothing needs
 * to be stored for that. */
struct attempt_ref {
    struct bytes task_id;
    uint32_t run;
    uint32_t step;       /* index in the pipeline */
    uint32_t generation; /* of the step */
    uint32_t attempt;    /* from 1; what the function sees */
    uint32_t delivery; /* from 0: failures and deaths of this step so far; tells apart deliveries of
                          the same attempt */
    uint8_t token[TOKEN_BYTES];
    uint32_t item; /* of a fan-out step, from 1; ITEM_NONE: the step itself */
};

/* coordinator -> worker: run this. Who sends it may hand texts over in parts: the wire sends one
 * text, and what was decoded is whole. */
struct step_order {
    struct attempt_ref ref;
    struct bytes name;
    struct bytes function;
    struct bytes idempotency_key;     /* text, the same for all attempts of the step */
    uint32_t timeout_ms;              /* of this attempt, from its start on the worker */
    bool alone;                       /* run it while nothing else runs on the worker */
    struct parts input;               /* JSON */
    struct parts results;             /* JSON object: name -> result of the ancestors */
    struct bytes progress_checkpoint; /* JSON, empty = null */
    uint32_t progress_timeout_ms;     /* stop it when it gave no news for so long; 0 = never */
};

/* worker -> coordinator: how an attempt ended. Kept and sent again by the worker until it is
 * acknowledged. */
struct step_outcome {
    struct attempt_ref ref;
    uint64_t number; /* the worker's own number of this outcome, echoed in the acknowledgement */
    bool ok;
    struct bytes result;  /* ok: JSON */
    enum code code;       /* not ok */
    struct bytes message; /* not ok: human text, at most ERROR_BYTES_MAX; ok: the end of its log, at
                             most LOG_TAIL_BYTES_MAX, empty = none */
    bool permanent;       /* not ok: do not try again */
    unix_ms started_at;   /* on the worker's wall clock, for showing only */
    uint32_t duration_ms;
    struct bytes function_code; /* not ok: the function's own error code, empty = none */
    uint32_t retry_after_ms;    /* not ok: it asks to be left alone for so long; 0 = not said */
    struct usage_part *usage;   /* all that it has used, by model */
    uint32_t usage_count;
    uint64_t execution; /* which one of the attempt it was, where it has used something: a delivery
                           may reach two workers. Random, not 0 */
};

enum verdict {
    VERDICT_APPLIED,  /* durable now */
    VERDICT_REPLAY,   /* was applied before */
    VERDICT_LATE,     /* the step is done, the task has ended, or the attempt was superseded */
    VERDICT_REJECTED, /* unknown task or bad token: counted, never applied */
};

struct step_ack {
    uint64_t number;
    enum verdict verdict;
};

/* worker -> coordinator: news of a running attempt, coalesced to 10/s per attempt by the worker. */
struct step_progress {
    struct attempt_ref ref;
    double fraction; /* 0..1, negative = not said */
    struct bytes message;
    struct bytes
        checkpoint;   /* the newest progress checkpoint, JSON; empty = none since the last news */
    struct bytes log; /* the end of its log, at most LOG_TAIL_BYTES_MAX; empty = nothing new. Should
                         the worker die, it stands in the error */
    struct usage_part *usage; /* all that it has used until now; none = no more than was said */
    uint32_t usage_count;
    uint64_t execution; /* as in step_outcome */
};

/* Under which epoch a coordinator owns a partition: each claim's is greater than all before. */
struct owned_epoch {
    uint64_t epoch;
};

enum stop_reason { STOP_CANCELLED, STOP_SUPERSEDED, STOP_TASK_ENDED };

struct step_stop {
    struct attempt_ref ref;
    enum stop_reason reason;
    bool elsewhere; /* it is wanted, but others have it, or its place: of that only the owner
                       judges. Without it, it is not wanted any more, whoever says so */
};

/* ---- requests of gateways ---- */

/* A step's result that a fork takes over. */
struct kept_step {
    uint32_t step;
    struct bytes result; /* JSON; empty: it was skipped, and stays so */
    unix_ms started_at, completed_at;
    uint32_t duration_ms;
    uint32_t failures; /* what expressions may ask of it: attempts that failed, and the error of one
                          that went on after it */
    enum code error_code;
    struct bytes error;
};

struct start_request {
    struct bytes task_id;   /* never empty: the gateway derives or generates it */
    struct bytes task_type; /* name of a pipeline, or the label of an inline one */
    struct bytes steps;     /* JSON array of an inline pipeline, empty = none */
    struct bytes session_id;
    struct bytes input;           /* JSON, "{}" where the client gave none */
    struct bytes idempotency_key; /* SHA-256 over (credential, key), 32 bytes; empty = none */
    struct bytes body_hash;       /* SHA-256 of the body, 32 bytes; with idempotency_key */
    bool enable_checkpoints;
    int32_t checkpoint_interval_s; /* -1: the coordinator's setting */
    int32_t max_retries;           /* -1: the coordinator's setting */
    int32_t max_duration_s;        /* -1: the coordinator's setting */
    int32_t priority;              /* PRIORITY_UNSET: its pipeline's */
    /* a fork: what it takes over from another task */
    struct bytes fork_of;      /* id of that task, empty = no fork */
    uint32_t pipeline_version; /* of steps; without them the one of task_type that is to be run, 0 =
                                  the newest */
    struct kept_step *kept;    /* skipped ones, then others in the order of their completion */
    uint32_t kept_count;
    struct deed deed;
    struct budget budget; /* limits that are 0 are the pipeline's */
    bool own_key;         /* idempotency_key is the gateway's, for what it sends again itself */
};

struct task_request { /* CANCEL, PAUSE, RESUME, GET_STATUS, WATCH, UNWATCH */
    struct bytes task_id;
    struct deed deed;     /* CANCEL, PAUSE, RESUME */
    struct budget budget; /* RESUME: new limits; those that are 0 stay. With any, the task may also
                             run */
};

/* For the first step of that signal's name which has none yet; first wins. */
struct signal_request {
    struct bytes task_id;
    struct bytes name;
    struct bytes data; /* JSON, at most SIGNAL_BYTES_MAX */
    uint64_t key;      /* of this request, not 0: the same again is the same signal */
    struct deed deed;
};

struct recover_request {
    struct bytes task_id;
    struct bytes from_step;     /* name or step_id, empty = from the checkpoint */
    struct bytes checkpoint_id; /* empty = the newest */
    bool only_failed;           /* of from_step, a fan-out: its items that are done stay so */
    struct deed deed;
    struct bytes input; /* JSON object that replaces the task's input; empty = it stays */
    uint64_t key;   /* of this request: the same again is the same recover; 0 = each is its own */
    bool own_input; /* GET_FORK: the fork has one; its source's is not told */
};

struct requeue_request {
    struct bytes task_id;
    struct bytes step; /* name or step_id of the dead letter */
    uint64_t key;      /* as that of a recover */
};

struct doc_request { /* a piece of the checkpoint document, or the input */
    struct bytes task_id;
    uint32_t run;
    uint32_t revision; /* of the document, from status: an older one is answered with
                          CODE_TASK_NOT_FOUND, ask for status again */
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
    unix_ms before;         /* created before this moment ... */
    struct bytes before_id; /* ... or at it with a smaller id; empty with before = NEVER_MS for the
                               first page */
    uint32_t limit;
};

/* ---- views: answers to gateways ---- */

/* The checkpoint document starts with {"results":{ : the results object (with its brace) begins
 * here. */
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
    struct bytes software; /* as its HELLO says; empty where the coordinator is too old to tell */
};

/* Ready steps that no worker at all may run. */
struct waiting_view {
    struct bytes function;
    struct bytes requires; /* as model/label.h has it; empty: nobody offers the function */
    uint32_t steps;
};

/* ---- the tagged union ---- */

/* Numbers are the wire's: append only, never reuse. Who sends it: C coordinator, W worker, G
 * gateway. */
enum message_type {
    MSG_HELLO = 1,     /* W, G -> C: first frame */
    MSG_WELCOME = 2,   /* C -> W, G: answer to it */
    MSG_BEAT = 3,      /* W, G -> C every 500 ms; C -> W, G as well */
    MSG_OWNED = 4,     /* C -> W, G: after WELCOME and at each change */
    MSG_CREDIT = 5,    /* W -> C: so many more orders may be sent */
    MSG_RUNNING = 6,   /* W -> C: after WELCOME, all attempts that it runs or holds outcomes of */
    MSG_OUTCOME = 7,   /* W -> C */
    MSG_PROGRESS = 8,  /* W -> C */
    MSG_ORDER = 9,     /* C -> W */
    MSG_ACK = 10,      /* C -> W */
    MSG_STOP = 11,     /* C -> W */
    MSG_DRAINING = 12, /* W -> C: send no more orders */
    MSG_DECLINE = 13,  /* W -> C: this order was not begun and will not be: it may run elsewhere */
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
    MSG_GET_READY = 31,     /* -> MSG_READY: after a real round trip to the store */
    MSG_GET_DEAD = 32,      /* -> MSG_DEAD or MSG_REFUSED */
    MSG_REQUEUE = 33,       /* -> MSG_DONE or MSG_REFUSED */
    MSG_PAUSE = 60,         /* -> MSG_DONE or MSG_REFUSED */
    MSG_RESUME = 61,        /* -> MSG_DONE or MSG_REFUSED */
    MSG_SIGNAL = 62,        /* -> MSG_SIGNALLED or MSG_REFUSED */
    MSG_GET_FORK = 63,      /* -> MSG_FORK or MSG_REFUSED: what a START of a fork must say */
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
    MSG_MEMBERS = 52, /* C -> W, G; after MSG_OWNED and whenever it changes */
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
            uint32_t version; /* chosen; 0 = refused, reason says why */
            struct bytes id;  /* of the coordinator */
            struct bytes reason;
        } welcome;
        struct {
            uint32_t loop_age_ms; /* since the sender's loop last turned */
        } beat;
        struct {
            uint64_t partitions; /* bit p set: this coordinator owns partition p */
            uint64_t number; /* from 1 on, one more each time that a coordinator says it to all */
            struct owned_epoch *epochs; /* of each of them, the lowest first: of two that say they
                                           own one, who claimed it last does */
            uint32_t epoch_count;       /* 0: it does not say */
        } owned;
        struct {
            struct bytes *urls; /* of the coordinators that say how they are reached */
            uint32_t count;
        } members;
        struct {
            uint32_t count;
        } credit;
        struct {
            struct attempt_ref *refs;
            uint32_t count;
            uint64_t heard; /* number of the OWNED that was heard last on this connection: what was
                               ordered before that one is in the list, or is not here; 0 = none */
            uint32_t stopping; /* the last so many of refs are those that it was told to stop: the
                                  step is another's that runs it, or to be sent out anew */
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
            bool brief;        /* without source */
        } get_pipelines;
        struct pipeline_put put_pipeline;
        struct versions_request get_versions;
        struct {
            enum code code;
            struct bytes detail;    /* human */
            struct bytes pointer;   /* JSON pointer to the field at fault, empty = none */
            enum task_state state;  /* of the task, where the code is about one */
            uint32_t retry_after_s; /* 0 = none */
        } refused;
        struct {
            struct bytes task_id;
            bool replayed; /* an earlier request with the same key started it */
        } started;
        struct {
            struct bytes task_id;
            enum task_state state;
        } done;
        struct {
            struct bytes task_id;
            enum task_state state;
            struct bytes step; /* that has it */
            bool kept;         /* until the step is reached */
            uint64_t key;      /* the request's */
        } signalled;
        struct task_view status;
        struct {
            struct bytes data; /* may be shorter than asked for at the end */
        } doc;
        struct {
            struct bytes task_id;
            struct task_event *events;
            uint32_t count;
            uint64_t oldest; /* history: seq of the oldest event that is kept */
        } events;
        struct {
            struct bytes task_id;
            uint64_t seq; /* of the newest durable event */
            bool exists;
        } watched;
        struct {
            struct task_summary *items;
            uint32_t count;
            unix_ms next_before; /* where the next page begins; next_before_id empty = no more */
            struct bytes next_before_id;
            uint64_t partitions; /* whose tasks are in it, a bit each */
        } list;
        struct {
            struct dead_letter *items;
            uint32_t count;
            unix_ms next_before; /* as for list */
            struct bytes next_before_id;
            uint64_t partitions;
        } dead;
        struct {
            struct usage_group *rows;
            uint32_t count;
            bool cut;            /* the last row is the sum of those that found no place */
            uint64_t partitions; /* whose sums they are */
        } usage;
        struct {
            struct item_view *items;
            uint32_t count;
            uint32_t next; /* where the next page begins; 0: no more */
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
            struct bytes name; /* "" for steps without one */
            uint32_t version;  /* 0 where it was only checked */
            uint32_t step_count;
            struct bytes hash;
            bool created; /* false: it was there before */
        } stored;
        struct {
            struct version_view *items; /* newest first */
            uint32_t count;
            uint32_t next; /* `before` of the next page; 0: no more */
        } versions;
        struct {
            bool ready;
            struct bytes detail; /* what fails, or a warning ("store is memory: a restart loses all
                                    tasks") */
            struct bytes backend;
            uint64_t partitions;
            struct bytes store_full;   /* why no start is taken although it is ready */
            struct bytes store_unsafe; /* what the store may lose, or hides of that */
        } ready;
    };
};

const char *message_type_name(enum message_type t); /* "START"; never NULL */

#endif
