/* What a watcher knows of one task: the newest state, updated by each message of the stream. Pure.
 *
 * Messages and states may come from a server that is newer than this program: unknown fields, types
 * and states are ignored. */
#ifndef MARATHON_CLI_VIEW_H
#define MARATHON_CLI_VIEW_H

#include <stdbool.h>

#include "base/clock.h"
#include "json/doc.h"
#include "model/state.h"

#define VIEW_STATE_BYTES 24 /* "budget_exceeded", and room for later ones */

struct view_step {
    char *name;
    enum step_state state;
    double progress; /* 0..1 */
    uint32_t retry_count, max_retries;
    unix_ms started_at, retry_at;            /* 0 = not set */
    int64_t duration_ms;                     /* 0 = unknown */
    char *error;                             /* of the last failed attempt, or NULL */
    int64_t items, items_done, items_failed; /* of a fan-out step; 0 = it has none */
    char *waiting_for;                       /* why it does not run, and until when; or NULL */
    char *function_code;                     /* the function's own error code, or NULL */
    /* not failed: its worker died, another one will run it */
    bool lost;
};

struct view {
    char *task_id, *task_type;
    char state_text[VIEW_STATE_BYTES]; /* "" until the first state has come */
    bool ended;
    enum task_state end; /* completed, failed or cancelled; only valid with ended */
    double progress;     /* 0..1 */
    int64_t seq; /* of the newest message, so that an older status does not turn time back */
    unix_ms started_at, completed_at, estimated_completion; /* 0 = not set */
    char *message; /* what the running function said last, or NULL */
    char *error, *error_step;
    bool can_recover;
    struct view_step *steps;
    size_t step_count;
    bool clock_known; /* clock_ahead_ms was learned from a message */
    /* server's wall clock minus ours: elapsed times must not mix two clocks */
    int64_t clock_ahead_ms;
};

/* What a message was, for the loop that watches. */
enum view_news {
    VIEW_NOTHING, /* of no interest, or not understood */
    VIEW_CHANGED,
    VIEW_FINAL, /* the last message of the task */
};

void view_init(struct view *v, const char *task_id);
void view_free(struct view *v);
/* A status document (GET /status/{id}, or the `state` of initial_state); replaces everything known.
 * ERR_INVALID if it is none, ERR_CONFLICT if it is older than the messages taken already (changes
 * nothing). */
enum err MUST_CHECK view_take_status(struct view *v, const struct doc_value *status);
/* One message of the stream, received at our wall-clock time `now`. */
enum view_news view_take_message(struct view *v, const struct doc_value *message, unix_ms now);
size_t view_count(const struct view *v, enum step_state state);
/* Number of steps that wait for their next attempt. */
size_t view_count_retrying(const struct view *v);
/* Time since the task began to run, until now or its end; 0 before it began. */
int64_t view_elapsed_ms(const struct view *v, unix_ms now);
/* Time until the end at the pace so far; -1 = unknown. */
int64_t view_remaining_ms(const struct view *v, unix_ms now);

#endif
