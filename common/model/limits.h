/* Every bound that users or peers can meet, with its reason. */
#ifndef MARATHON_MODEL_LIMITS_H
#define MARATHON_MODEL_LIMITS_H

/* A task's input_data: larger data belongs in files or object stores */
#define INPUT_BYTES_MAX  (256u << 10)
#define RESULT_BYTES_MAX (1u << 20) /* one step's result */
/* All results of a task: one Redis string, which is read at once */
#define TASK_RESULTS_BYTES_MAX (64u << 20)
/* What a function is given: fits a frame with room to spare */
#define ENVELOPE_BYTES_MAX (3u << 20)
#define FRAME_BYTES_MAX    (4u << 20) /* one wire frame: checked before any allocation */
/* One part of a checkpoint document on the wire: small enough for heartbeats to pass in between */
#define DOC_PART_BYTES_MAX (192u << 10)
#define BODY_BYTES_MAX     (1u << 20) /* an HTTP request body: input, pipeline and their envelope */
#define STEPS_MAX          5000u      /* steps in one pipeline */
/* Nested pipelines: names and texts grow with each level, and deeper ones are hard to follow */
#define PIPELINE_DEPTH_MAX 8u
#define NEEDS_MAX          64u /* names in one `needs`: wider joins belong in a fan-out */
/* Each finally step needs all other steps: this bounds the edges of the graph */
#define FINALLY_MAX 16u
/* A definition in canonical form: fits a frame with room to spare */
#define PIPELINE_BYTES_MAX    (3u << 20)
#define DESCRIPTION_BYTES_MAX 1024u
/* Names of stored pipelines: each coordinator keeps the newest version of each in memory */
#define PIPELINES_MAX 1000u
/* Versions of one name, which are never deleted: enough for years of daily changes */
#define PIPELINE_VERSIONS_MAX 10000u
#define VERSIONS_PAGE_MAX     200u
/* A signal's data: kept in the coordinator's memory until its step is reached */
#define SIGNAL_BYTES_MAX (64u << 10)
#define WAIT_S_MAX       31536000 /* a wait step: a year */
/* What a fork copies: definition, input and results fit one frame with room to spare */
#define FORK_BYTES_MAX   (3u << 20)
#define ACTOR_BYTES_MAX  256u  /* who asked for a change: a name or an address */
#define REASON_BYTES_MAX 1024u /* why: a sentence or two, kept in the history */
/* A progress checkpoint in a status or an event, meant to show a state, not a payload. Of a larger
 * one only the size is shown */
#define CHECKPOINT_SHOWN_BYTES_MAX 4096u
/* All checkpoints in one status: keeps the frame small enough for heartbeats to pass */
#define CHECKPOINTS_SHOWN_BYTES_MAX (128u << 10)
#define ERROR_BYTES_MAX             4096u /* an error message, including the end of the log */
/* All errors in one status, for the same reason: the first ones are shown whole, of further ones
 * only the beginning. The history has all of each */
#define ERRORS_SHOWN_BYTES_MAX (256u << 10)
#define ERROR_SHORT_BYTES_MAX  80u
/* The end of a function's stderr kept in the error of a failed attempt */
#define LOG_TAIL_BYTES_MAX 2048u
/* All logs of running steps in one status: further ones are left out */
#define LOGS_SHOWN_BYTES_MAX (128u << 10)
#define RETRIES_MAX          100u
#define RETRY_WAIT_MS_MAX    60000 /* longest wait between attempts by default, without jitter */
#define RETRY_MAX_S_MAX      86400 /* ... if set by a definition: a day */
/* Longest wait that a function (or an HTTP Retry-After) may ask for: an hour, so that a wrong value
 * cannot stop a task for good */
#define RETRY_AFTER_MS_MAX      3600000
#define RETRY_CODES_MAX         32u      /* names in retry.on and non_retryable */
#define FUNCTION_CODE_BYTES_MAX 64u      /* a function's own error code */
#define TIMEOUT_S_MAX           604800   /* one attempt: a week */
#define TASK_DURATION_S_MAX     31536000 /* a year */
#define INTERVAL_S_MAX          86400    /* between two durable progress checkpoints: a day */
#define PRIORITY_MIN            (-10)
#define PRIORITY_MAX            10
#define PRIORITY_UNSET          (-128) /* not given in the start: the pipeline's priority counts */
/* Events of a task kept for replay; a client whose `after` is older gets a gap and the state */
#define EVENTS_KEPT_MAX 10000u
#define EVENTS_PAGE_MAX 512u /* events in one answer */
#define LIST_PAGE_MAX   200u
/* Dead letters per page: with an error of ERROR_BYTES_MAX each, they fit a frame of 256 KiB */
#define DEAD_PAGE_MAX 50u
/* Items of one fan-out step: a waiting one takes a byte in the coordinator */
#define ITEMS_MAX 10000u
/* The list of a fan-out, which is read and written once */
#define ITEMS_LIST_BYTES_MAX (4u << 20)
/* Items of one step running at once; the default where the step does not say */
#define MAX_PARALLEL_MAX     1024u
#define MAX_PARALLEL_DEFAULT 64u
/* One page of items with their results: fits a frame with room to spare */
#define ITEMS_PAGE_BYTES_MAX (1u << 20)
#define ITEMS_PAGE_MAX       200u
/* Models counted separately for an attempt, a step or a task; others are summed as "other" */
#define USAGE_MODELS_MAX      16u
#define USAGE_OTHER           "other"
#define USAGE_MODEL_BYTES_MAX 64u /* a model's name, which is a label in metrics and tables */
/* Tokens and cost (billionths of a dollar: 10,000 dollars) of one attempt and model. Keeps sums far
 * below 2^63 */
#define USAGE_TOKENS_MAX    1000000000000u
#define USAGE_COST_NANO_MAX 10000000000000u
/* Days for which the sums over all tasks are kept: a quarter of a year */
#define USAGE_DAYS_MAX 92u
/* Pairs of model and task type counted separately per partition and day; others are summed as
 * "other" */
#define USAGE_PAIRS_MAX  200u
#define USAGE_GROUPS_MAX 1000u /* rows of one answer: the last one sums up the rest */
/* Per-model usage of steps in one status: beyond it each step shows only its total */
#define USAGE_VIEW_MAX 4096u
#define FUNCTIONS_MAX  256u /* functions one worker offers */
/* Keys of limits shared by all coordinators: names, ids, a model and a tenant */
#define LIMIT_KEY_BYTES_MAX 256u
#define CONCURRENCY_MAX     100000u
/* Upper bound of per_second and per_minute: each step that passes costs the store a call */
#define RATE_MAX          10000u
#define WAITING_VIEWS_MAX 100u /* functions (with labels) without a worker, in one answer */
/* Labels per worker and per `requires`: a handful describes a worker */
#define LABELS_MAX           32u
#define LABEL_PART_BYTES_MAX 64u
#define SLOTS_MAX            1024u /* steps that one worker runs at once */
/* Steps that wait in a worker beyond its slots: a few hide the round trip, more gain nothing */
#define PREFETCH_MAX 64u
/* Outcomes not acknowledged yet, per slot and prefetched step: beyond it the worker takes no more
 * steps. Enough for quick steps to go on while the store stalls for a second */
#define HELD_PER_SLOT_MAX 4u
/* All that a worker runs, is to run, or holds outcomes of: it takes no more, and a coordinator
 * accepts no longer list. (The outcomes that may be held, plus what was on its way by then.) */
#define ATTEMPTS_PER_WORKER_MAX ((HELD_PER_SLOT_MAX + 1) * (SLOTS_MAX + PREFETCH_MAX))
#define STEP_TIMEOUT_DEFAULT_S  600 /* a step without `timeout` */

#endif
