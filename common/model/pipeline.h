/* A pipeline: the checked, immutable definition of a task's steps. Reference-counted (one thread).
 * Pure.
 *
 * Source is JSON (deploy/pipelines/README.md is its manual):
 *   {"name": id, "description"?: text, "priority"?: -10..10,
 *    "requires"?, "concurrency"?, "rate_limit"?: defaults for steps that have none,
 *    "budget"?: {"cost_usd"?, "tokens"?, "steps"?}, "steps": [step, ...]}        1..STEPS_MAX steps
 *   step: {"name": id, "function": id, "description"?: text,
 *          "timeout"?: seconds > 0 (fractions allowed), "retryable"?: bool,
 *          "max_retries"?: 0..RETRIES_MAX, "needs"?: [step names], "when"?: condition,
 *          "input"?: object, a template,
 *          "on_failure"?: "fail" | "skip" | {"continue": result}, "finally"?: bool,
 *          "for_each"?: expression, and with it "max_parallel"?: 1..MAX_PARALLEL_MAX and
 *          "tolerate"?: number of items or "10%",
 *          "retry"?: {"max_attempts"?, "initial"?, "factor"?, "max"?, "jitter"?, "on"?: [codes]},
 *          "non_retryable"?: [codes], "on_exhausted"?: "fail" | "pause" | "dead_letter",
 *          "cost"?: {"cost_usd"?, "tokens"?}: what an attempt is expected to use,
 *          "timeout_total"?: seconds, "queue_timeout"?: seconds, "progress_timeout"?: seconds,
 *          "requires"?: {label: value}: labels that the worker must have,
 *          "concurrency"?: {"key": text, a template, "limit": n},
 *          "rate_limit"?: {"key": text, a template, "per_second" or "per_minute": n}}
 *   instead of "function": "wait" (pipeline_wait.c), or "pipeline": a name, or a whole pipeline
 *
 * or:   {"name": id, "description"?: text, "needs"?: [step names], "wait": one of
 *          {"signal": id, "timeout"?: seconds, "default"?: any}, {"seconds": n}, {"until": time}}
 *          each of the times may be an expression, "${...}"
 *
 * `needs` omitted = the step before (none for the first); [] = none; each name once. Names are
 * unique. `finally` steps come last, have no `needs` and are needed by none. Unknown fields are
 * errors. Numbers in `input` must fit int64 or double. A definition is at most PIPELINE_BYTES_MAX.
 * A step that is a whole pipeline is expanded: the steps of that pipeline come before it in the
 * list, named <step>/<name>, and it joins them. One that names a pipeline must be replaced before
 * it can run: pipeline_expand.h. Conditions and templates: expr/expr.h, expr/template.h; the steps
 * that they read must be ancestors.
 *
 * An inline pipeline is the bare array of steps; a step there may omit `name` only if its
 * `function` is no other step's name (name = function). */
#ifndef MARATHON_MODEL_PIPELINE_H
#define MARATHON_MODEL_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "crypto/hash.h"
#include "expr/template.h"
#include "model/budget.h"
#include "model/retry.h"

/* What follows from a step's final failure, whatever its cause (worker deaths included). */
enum on_failure {
    ON_FAILURE_FAIL,     /* the task fails; other steps are stopped */
    ON_FAILURE_SKIP,     /* steps that depend on it are skipped; the rest goes on */
    ON_FAILURE_CONTINUE, /* it counts as completed, with the given result */
};

enum wait_kind {
    WAIT_NONE,    /* the step runs a function */
    WAIT_SIGNAL,  /* until POST /signal; the signal's data is the result */
    WAIT_SECONDS, /* for a duration; the result is null */
    WAIT_UNTIL,   /* until a time on the wall clock; the result is null */
};

struct pipeline_wait {
    enum wait_kind kind;
    const char *signal;    /* SIGNAL: its name */
    int64_t ms;            /* SECONDS; SIGNAL: the timeout, 0 = none */
    unix_ms until;         /* UNTIL */
    struct bytes fallback; /* SIGNAL: the result after the timeout, JSON; empty: the step fails */
    /* expression for the seconds, the time or the timeout; NULL: the constant above */
    struct expr *end;
};

/* What happens when a step runs out of attempts. */
enum on_exhausted {
    EXHAUSTED_FAIL,  /* on_failure decides */
    EXHAUSTED_PAUSE, /* the task is paused; when resumed, it tries the step anew */
    EXHAUSTED_DEAD,  /* the task fails, and the step is a dead letter until it is requeued */
};

/* Error codes: names of enum code, or a function's own. */
struct pipeline_codes {
    const char **names;
    uint32_t count;
};

#define STEP_NONE UINT32_MAX

/* A limit that a step shares with all steps that have the same key, in all tasks. */
struct pipeline_limit {
    const char *key;           /* as written; NULL: no such limit */
    struct template *template; /* the key, if it contains expressions; else NULL */
    uint32_t count;            /* attempts at once; or starts per second or minute */
    bool per_minute;
};

struct pipeline_step {
    const char *name;     /* full name: "shop/bake" */
    const char *own_name; /* name within its own pipeline: "bake" */
    const char *function; /* "" for wait steps and joins */
    uint32_t parent;      /* index of the step whose pipeline it belongs to, or STEP_NONE */
    /* A step that is a pipeline, and joins the steps expanded from it: the pipeline's name and
     * version ("" and 0 if inline), its first step (the last one is right before the join), and the
     * join's own `needs`, which the first of these steps get. */
    bool joins;
    const char *pipeline;
    uint32_t pipeline_version;
    uint32_t first;
    uint32_t *outer_needs;
    uint32_t outer_needs_count;
    struct pipeline_wait wait;
    const char *description; /* "" if absent */
    uint32_t timeout_ms;     /* of one attempt; STEP_TIMEOUT_DEFAULT_S if absent */
    bool retryable;          /* default true */
    int32_t max_retries;     /* -1: the task's setting counts */
    struct retry_policy retry;
    struct pipeline_codes retry_on;      /* empty: every error that is not permanent */
    struct pipeline_codes non_retryable; /* errors that are never retried */
    uint32_t timeout_total_ms;           /* all attempts and the waits between them; 0 = none */
    uint32_t queue_timeout_ms;           /* ready, but not taken by a worker; 0 = none */
    uint32_t progress_timeout_ms;        /* time of an attempt without news; 0 = none */
    enum on_exhausted on_exhausted;
    struct bytes input; /* the step's own input object as JSON text, empty if absent */
    struct budget cost; /* expected cost of an attempt; 0 = not given */
    enum on_failure on_failure;
    struct bytes failure_result;     /* ON_FAILURE_CONTINUE: JSON */
    struct template *input_template; /* the input, if it contains expressions; else NULL */
    struct expr *when;               /* NULL: always */
    bool finally; /* runs when all other steps are over, however they ended; `needs` has them all */
    struct expr *for_each; /* expression for the list of its items; NULL: no fan-out */
    uint32_t max_parallel; /* items running at once */
    uint32_t tolerate;     /* how many items may fail: a number, or a percentage of the items */
    bool tolerate_percent;
    const char *requires; /* labels that the worker must have, as in label.h; "" = any worker */
    struct pipeline_limit concurrency, rate;
    bool keyed;      /* a key of these limits contains expressions */
    bool resolves;   /* expressions must be evaluated with the task's data before it can run */
    uint32_t *needs; /* step indexes, ascending, without duplicates */
    uint32_t needs_count;
    uint32_t *feeds; /* reverse edges: indexes of the steps that need this one, ascending */
    uint32_t feeds_count;
};

struct pipeline {
    const char *name; /* "" for an unnamed inline pipeline */
    const char *description;
    struct budget budget; /* of its tasks, unless their start sets one */
    uint32_t version;     /* set by whoever stores it; 0 for inline */
    struct pipeline_step *steps;
    uint32_t step_count;
    int32_t priority;     /* of its tasks, unless their start sets one */
    uint32_t wait_count;  /* number of wait steps */
    uint32_t named_count; /* number of steps that name a pipeline: 0 in one that can be run */
    struct bytes source; /* the canonical JSON text {"name":...,"steps":[...]}, or the bare array of
                            steps if name is ""; parsing it again gives an equal pipeline */
    struct sha256 hash;  /* of source */
    uint32_t refs;
};

/* Where a definition is wrong. pointer is a JSON pointer into the given text
 * ("/steps/2/needs/0"). */
struct pipeline_fault {
    char pointer[160];
    char detail[640]; /* what is wrong and what would be right; for an expression two more lines
                         show the place: the text and a caret */
};

/* text: a pipeline object, or an array of steps. Reports the first error. ERR_INVALID or
 * ERR_TOO_LARGE. On success the caller owns one reference. */
enum err MUST_CHECK pipeline_parse(struct bytes text, struct pipeline **ret_pipeline,
                                   struct pipeline_fault *ret_fault);
/* A copy of p with another version number, which shares everything else with p. The caller owns one
 * reference. */
struct pipeline *pipeline_as_version(struct pipeline *p, uint32_t version);
struct pipeline *pipeline_ref(struct pipeline *p);
bool pipeline_codes_have(const struct pipeline_codes *codes, struct bytes code);
void pipeline_unref(struct pipeline *p); /* NULL is allowed */
/* A step's full name: the names of the steps around it and its own, separated by slashes. */
#define STEP_NAME_BYTES_MAX ((PIPELINE_DEPTH_MAX + 1) * (ID_BYTES_MAX + 1))
/* Does it have the form of a step name: parts in the alphabet of ids, one for each enclosing
 * pipeline and one for the step ("soup/cook")? */
bool step_name_valid(struct bytes name);
/* Index of the step with this name or step_id ("step_3"), or -1. */
int32_t pipeline_find(const struct pipeline *p, struct bytes name_or_step_id);
/* Sets flags[] (step_count of them) for all transitive ancestors of a step, not itself; other flags
 * are unchanged. */
void pipeline_ancestors(const struct pipeline *p, uint32_t step, bool *flags);
/* The same for descendants. */
void pipeline_descendants(const struct pipeline *p, uint32_t step, bool *flags);

#endif
