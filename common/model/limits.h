/* Every bound that users or peers can meet, and why it is what it is. */
#ifndef MARATHON_MODEL_LIMITS_H
#define MARATHON_MODEL_LIMITS_H

/* A task's input_data: larger data belongs in files or object stores */
#define INPUT_BYTES_MAX  (256u << 10)
#define RESULT_BYTES_MAX (1u << 20) /* one step's result */
/* All results of one task: one Redis string, read back at once */
#define TASK_RESULTS_BYTES_MAX (64u << 20)
/* What one function is given: fits a frame with room to spare */
#define ENVELOPE_BYTES_MAX (3u << 20)
#define FRAME_BYTES_MAX    (4u << 20) /* one wire frame: checked before any allocation */
/* One piece of a checkpoint document on the wire: heartbeats pass in between */
#define DOC_PART_BYTES_MAX (192u << 10)
#define BODY_BYTES_MAX     (1u << 20) /* an HTTP request body: input, pipeline and their envelope */
#define STEPS_MAX          5000u      /* steps in one pipeline */
/* Pipelines within pipelines: names and texts grow with each, and nobody looks through more */
#define PIPELINE_DEPTH_MAX 8u
#define NEEDS_MAX          64u /* names in one `needs`: a wider join belongs to a fan-out */
/* Each of them needs all other steps: a bound on the edges of the graph */
#define FINALLY_MAX 16u
/* A definition in its canonical text: fits a frame with room to spare */
#define PIPELINE_BYTES_MAX    (3u << 20)
#define DESCRIPTION_BYTES_MAX 1024u
/* Names of stored pipelines: every coordinator holds the newest of each in memory */
#define PIPELINES_MAX 1000u
/* Versions of one name: none is ever deleted, so this is years of daily changes */
#define PIPELINE_VERSIONS_MAX 10000u
#define VERSIONS_PAGE_MAX     200u
/* A signal's data: in the coordinator's memory until its step is reached */
#define SIGNAL_BYTES_MAX (64u << 10)
#define WAIT_S_MAX       31536000 /* a wait step: a year */
/* What a fork takes over: definition, input and results fit one frame with room to spare */
#define FORK_BYTES_MAX   (3u << 20)
#define ACTOR_BYTES_MAX  256u  /* who asked for a change: a name, an address */
#define REASON_BYTES_MAX 1024u /* why: a sentence or two, kept in the history */
/* A progress checkpoint in a status or an event: whoever looks sees a state, not a payload. A
 * larger one is told by its size */
#define CHECKPOINT_SHOWN_BYTES_MAX 4096u
/* All of them in one status: a frame stays small, so that heartbeats pass */
#define CHECKPOINTS_SHOWN_BYTES_MAX (128u << 10)
#define ERROR_BYTES_MAX             4096u /* an error message, with the log tail behind it */
/* Those of all steps in one status, for the same reason: the first ones are whole, of further ones
 * there is the beginning. The history has each */
#define ERRORS_SHOWN_BYTES_MAX (256u << 10)
#define ERROR_SHORT_BYTES_MAX  80u
/* The end of a function's stderr kept in the error of a failed attempt */
#define LOG_TAIL_BYTES_MAX 2048u
/* Those of the running steps in one status: of further ones it shows none */
#define LOGS_SHOWN_BYTES_MAX (128u << 10)
#define RETRIES_MAX          100u
#define RETRY_WAIT_MS_MAX    60000 /* longest wait between attempts by default, before jitter */
#define RETRY_MAX_S_MAX      86400 /* ... by a definition: a day */
/* How long a function (or an HTTP Retry-After) may have us wait: an hour, so that a wrong one
 * cannot put a task to sleep for good */
#define RETRY_AFTER_MS_MAX      3600000
#define RETRY_CODES_MAX         32u /* names in retry.on and non_retryable: a class has few members */
#define FUNCTION_CODE_BYTES_MAX 64u      /* a function's own error code */
#define TIMEOUT_S_MAX           604800   /* one attempt: a week */
#define TASK_DURATION_S_MAX     31536000 /* a year */
#define INTERVAL_S_MAX          86400    /* between two durable progress checkpoints: a day */
#define PRIORITY_MIN            (-10)
#define PRIORITY_MAX            10
#define PRIORITY_UNSET          (-128) /* a start that says none: its pipeline's counts */
/* Events of a task kept for replay; an older `after` gets a gap and the state */
#define EVENTS_KEPT_MAX 10000u
#define EVENTS_PAGE_MAX 512u /* events in one history answer */
#define LIST_PAGE_MAX   200u
/* Dead letters on one page: each with an error of ERROR_BYTES_MAX, they fit a frame of 256 KiB */
#define DEAD_PAGE_MAX 50u
/* Items of one fan-out step: one byte each in the coordinator while they wait */
#define ITEMS_MAX 10000u
/* The list of a fan-out: it is read and written once */
#define ITEMS_LIST_BYTES_MAX (4u << 20)
/* Items of one step that are under way at once; 64 where the step does not say */
#define MAX_PARALLEL_MAX     1024u
#define MAX_PARALLEL_DEFAULT 64u
/* One page of items with their results: fits a frame with room to spare */
#define ITEMS_PAGE_BYTES_MAX (1u << 20)
#define ITEMS_PAGE_MAX       200u
/* Models told apart in what an attempt, a step or a task has used; further ones count as "other" */
#define USAGE_MODELS_MAX      16u
#define USAGE_OTHER           "other"
#define USAGE_MODEL_BYTES_MAX 64u /* a model's name: a label of metrics and tables */
/* Tokens, and billionths of a dollar, of one attempt and model: 10,000 dollars. Sums of them stay
 * far from 2^63 */
#define USAGE_TOKENS_MAX    1000000000000u
#define USAGE_COST_NANO_MAX 10000000000000u
/* Days for which the sums over all tasks are kept: a quarter */
#define USAGE_DAYS_MAX 92u
/* Pairs of model and task type told apart in one partition's day; further ones count as "other" */
#define USAGE_PAIRS_MAX  200u
#define USAGE_GROUPS_MAX 1000u /* rows of one answer: further ones are summed in its last */
/* Models in the steps of one status: beyond it each step shows its sum only */
#define USAGE_VIEW_MAX 4096u
#define FUNCTIONS_MAX  256u /* functions one worker offers */
/* What limits that all coordinators share are called: names, ids, a model and a tenant */
#define LIMIT_KEY_BYTES_MAX 256u
#define CONCURRENCY_MAX     100000u
/* Of per_second and per_minute: each that passes costs the store a call */
#define RATE_MAX          10000u
#define WAITING_VIEWS_MAX 100u /* functions (with labels) that nobody offers, in one answer */
/* Labels of one worker, and of one `requires`: a worker is described by a handful */
#define LABELS_MAX           32u
#define LABEL_PART_BYTES_MAX 64u
#define SLOTS_MAX            1024u /* steps one worker runs at once */
/* Steps that wait in a worker beyond its slots: a few hide a round trip, more wait for nothing */
#define PREFETCH_MAX 64u
/* Outcomes that no coordinator has acknowledged yet, per slot or step that waits: beyond it a
 * worker takes no more. A store that stands still for a second costs quick steps no pause */
#define HELD_PER_SLOT_MAX 4u
/* All that a worker runs, or has to run, or holds the outcome of: it takes no more than that, and a
 * coordinator believes in no more. (As many as may be held, and what was on its way by then.) */
#define ATTEMPTS_PER_WORKER_MAX ((HELD_PER_SLOT_MAX + 1) * (SLOTS_MAX + PREFETCH_MAX))
#define STEP_TIMEOUT_DEFAULT_S  600 /* a step without `timeout` */

#endif
