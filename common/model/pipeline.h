/* A pipeline: the checked, immutable definition of the steps of a task. Shared by reference count
 * (one thread). Pure.
 *
 * Source is JSON (deploy/pipelines/README.md is its manual):
 *   {"name": id, "description"?: text, "priority"?: -10..10,
 *    "requires"?, "concurrency"?, "rate_limit"?: of each step that says none itself,
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
 *          "requires"?: {label: value} that the worker must have, each equal,
 *          "concurrency"?: {"key": text, a template, "limit": n},
 *          "rate_limit"?: {"key": text, a template, "per_second" or "per_minute": n}}
 *   instead of "function": "wait" (pipeline_wait.c), or "pipeline": a name, or a whole pipeline
 *
 * or:   {"name": id, "description"?: text, "needs"?: [step names], "wait": one of
 *          {"signal": id, "timeout"?: seconds, "default"?: any}, {"seconds": n}, {"until": time}}
 *          each of the times may be an expression, "${...}"
 *
 * `needs` omitted = the step before (none for the first); [] = at once; each name once. Names are
 * unique. `finally` steps come last, need nothing and are needed by nobody. Unknown fields are
 * errors. Numbers in `input` must fit int64 or double. A definition is at most PIPELINE_BYTES_MAX.
 * A step that is a whole pipeline is expanded: the steps of that pipeline stand before it in the
 * list, called <step>/<name>, and it joins them. One that names a pipeline is not run as it stands:
 * pipeline_expand.h. Conditions and templates: expr/expr.h, expr/template.h; the steps that they
 * read must be ancestors.
 *
 * An inline pipeline is the bare array of steps; a step there may leave `name` out only if its
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

/* What the final failure of a step means. Its death count and all else that ends it are meant too.
 */
enum on_failure {
    ON_FAILURE_FAIL,     /* the task fails; other steps are stopped */
    ON_FAILURE_SKIP,     /* what depends on it is skipped; the rest goes on */
    ON_FAILURE_CONTINUE, /* it counts as completed, with the result given here */
};

enum wait_kind {
    WAIT_NONE,    /* the step runs a function */
    WAIT_SIGNAL,  /* for POST /signal: its data is the result */
    WAIT_SECONDS, /* for so long; the result is null */
    WAIT_UNTIL,   /* for a moment of the wall clock; the result is null */
};

struct pipeline_wait {
    enum wait_kind kind;
    const char *signal;    /* SIGNAL: its name */
    int64_t ms;            /* SECONDS; SIGNAL: the timeout, 0 = none */
    unix_ms until;         /* UNTIL */
    struct bytes fallback; /* SIGNAL: the result at the timeout, JSON; empty: the step fails */
    struct expr
        *end; /* gives the seconds, the moment or the timeout instead; NULL: it stands here */
};

/* When nothing is left to try. */
enum on_exhausted {
    EXHAUSTED_FAIL,  /* on_failure decides */
    EXHAUSTED_PAUSE, /* the task is paused; resumed, it tries the step anew */
    EXHAUSTED_DEAD,  /* the task fails, and the step is a dead letter until it is requeued */
};

/* Error codes: names of enum code, or functions' own. */
struct pipeline_codes {
    const char **names;
    uint32_t count;
};

#define STEP_NONE UINT32_MAX

/* What a step shares with others of the same key, in all tasks. */
struct pipeline_limit {
    const char *key;           /* as it is written; NULL: there is no such limit */
    struct template *template; /* key, where it holds expressions; else NULL */
    uint32_t count;            /* attempts at once; or in a second, or minute */
    bool per_minute;
};

struct pipeline_step {
    const char *name;     /* the whole one: "shop/bake" */
    const char *own_name; /* its end, as its pipeline has it: "bake" */
    const char *function; /* "" for one that waits, or joins */
    uint32_t parent;      /* the step whose pipeline it belongs to, or STEP_NONE */
    /* A step that is a pipeline, and joins what was expanded of it: its name and version ("" and 0
     * for an inline one), where its steps begin (they end right before it), and what it needs
     * itself: so do the first of its steps. */
    bool joins;
    const char *pipeline;
    uint32_t pipeline_version;
    uint32_t first;
    uint32_t *outer_needs;
    uint32_t outer_needs_count;
    struct pipeline_wait wait;
    const char *description; /* "" where absent */
    uint32_t timeout_ms;     /* one attempt; STEP_TIMEOUT_DEFAULT_S where absent */
    bool retryable;          /* default true */
    int32_t max_retries;     /* -1: the task's setting decides */
    struct retry_policy retry;
    struct pipeline_codes retry_on;      /* empty: whatever is not permanent */
    struct pipeline_codes non_retryable; /* these never */
    uint32_t timeout_total_ms;           /* all attempts and the waits between them; 0 = none */
    uint32_t queue_timeout_ms;           /* ready, and no worker took it; 0 = none */
    uint32_t progress_timeout_ms;        /* of an attempt without any news; 0 = none */
    enum on_exhausted on_exhausted;
    struct bytes input; /* the step's own input object as JSON text, empty where absent */
    struct budget cost; /* what an attempt is expected to use; 0 = not said */
    enum on_failure on_failure;
    struct bytes failure_result;     /* ON_FAILURE_CONTINUE: JSON */
    struct template *input_template; /* input, where it holds expressions; else NULL */
    struct expr *when;               /* NULL: always */
    bool finally; /* runs when all others are over, however they ended: needs holds them all */
    struct expr *for_each; /* the list of its items; NULL: it has none */
    uint32_t max_parallel; /* items under way at once */
    uint32_t tolerate;     /* so many items may fail: a number, or per cent of them */
    bool tolerate_percent;
    const char *requires; /* labels of the worker, as label.h has them; "" = any worker */
    struct pipeline_limit concurrency, rate;
    bool keyed;      /* a key of these holds expressions */
    bool resolves;   /* before it may run, what it is to do is found out from the task's data */
    uint32_t *needs; /* indexes of steps, ascending, without duplicates */
    uint32_t needs_count;
    uint32_t *feeds; /* the reverse: indexes of the steps that need this one, ascending */
    uint32_t feeds_count;
};

struct pipeline {
    const char *name; /* "" for an inline one without a name */
    const char *description;
    struct budget budget; /* of a task of it, where that says none itself */
    uint32_t version;     /* set by who stores it; 0 for inline */
    struct pipeline_step *steps;
    uint32_t step_count;
    int32_t priority;     /* of tasks whose start says none */
    uint32_t wait_count;  /* of the steps that wait */
    uint32_t named_count; /* of the steps that name a pipeline: 0 in one that can be run */
    struct bytes source; /* the canonical JSON text {"name":...,"steps":[...]}, or the bare array of
                          * steps where name is ""; parsing it again gives an equal pipeline */
    struct sha256 hash;  /* of source */
    uint32_t refs;
};

/* Where a definition is at fault. pointer is a JSON pointer into the text that was given
 * ("/steps/2/needs/0"). */
struct pipeline_fault {
    char pointer[160];
    char detail[640]; /* what is wrong and what would be right; of an expression with two further
                         lines, the text and a caret under the place */
};

/* text: a pipeline object, or an array of steps. The first fault found is told. ERR_INVALID or
 * ERR_TOO_LARGE. On success the caller owns one reference. */
enum err MUST_CHECK pipeline_parse(struct bytes text, struct pipeline **ret_pipeline,
                                   struct pipeline_fault *ret_fault);
/* The same under another version, which has all else in common with p. The caller owns one
 * reference. */
struct pipeline *pipeline_as_version(struct pipeline *p, uint32_t version);
struct pipeline *pipeline_ref(struct pipeline *p);
bool pipeline_codes_have(const struct pipeline_codes *codes, struct bytes code);
void pipeline_unref(struct pipeline *p); /* NULL is allowed */
/* A step's whole name: its own, behind those of the steps around it, with a slash each. */
#define STEP_NAME_BYTES_MAX ((PIPELINE_DEPTH_MAX + 1) * (ID_BYTES_MAX + 1))
/* Can a step's name look like this? Parts in the alphabet of ids, one for each pipeline around it:
 * "soup/cook". */
bool step_name_valid(struct bytes name);
/* Index of a step by its name or its step_id ("step_3"), or -1. */
int32_t pipeline_find(const struct pipeline *p, struct bytes name_or_step_id);
/* Marks in flags[step_count] all (transitive) ancestors of a step, not itself. Flags of others stay
 * as they are. */
void pipeline_ancestors(const struct pipeline *p, uint32_t step, bool *flags);
/* The same for descendants. */
void pipeline_descendants(const struct pipeline *p, uint32_t step, bool *flags);

#endif
