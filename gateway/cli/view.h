/* What a watcher knows of one task: the newest state, moved on by each message of the stream. Pure.
 *
 * Messages and states come from a server that may be newer than this program: unknown fields, types
 * and states are passed over. */
#ifndef MARATHON_CLI_VIEW_H
#define MARATHON_CLI_VIEW_H

#include <stdbool.h>

#include "base/clock.h"
#include "json/doc.h"
#include "model/state.h"

#define VIEW_STATE_BYTES 24 /* "budget_exceeded" and room for later ones */

struct view_step {
    char *name;
    enum step_state state;
    double progress; /* 0..1 */
    uint32_t retry_count, max_retries;
    unix_ms started_at, retry_at;            /* 0 = not set */
    int64_t duration_ms;                     /* 0 = not known */
    char *error;                             /* of the last failed attempt, or NULL */
    int64_t items, items_done, items_failed; /* of a fan-out step; 0 = it has none */
    char *waiting_for;                       /* why nobody runs it, and until when; or NULL */
    char *function_code;                     /* the function's own name for the error, or NULL */
    bool lost;                               /* not failed: its worker died, another has its turn */
};

struct view {
    char *task_id, *task_type;
    char state_text[VIEW_STATE_BYTES]; /* "" until the first state came */
    bool ended;
    enum task_state end; /* completed, failed or cancelled; only with ended */
    double progress;     /* 0..1 */
    int64_t seq; /* of the newest message taken, so that an older status does not turn time back */
    unix_ms started_at, completed_at, estimated_completion; /* 0 = not set */
    char *message; /* what the running function last said, or NULL */
    char *error, *error_step;
    bool can_recover;
    struct view_step *steps;
    size_t step_count;
    bool clock_known;       /* clock_ahead_ms was learned from a message */
    int64_t clock_ahead_ms; /* server's wall clock minus ours: elapsed times must not depend on two
                               clocks */
};

/* What a message was, for the loop that watches. */
enum view_news {
    VIEW_NOTHING, /* of no interest, or not understood */
    VIEW_CHANGED,
    VIEW_FINAL, /* the last message of the task */
};

void view_init(struct view *v, const char *task_id);
void view_free(struct view *v);
/* A status document (GET /status/{id}, or the `state` of initial_state) replaces all that was
 * known. ERR_INVALID where it is none, ERR_CONFLICT where it is older than the messages taken
 * already (nothing is changed then). */
enum err MUST_CHECK view_take_status(struct view *v, const struct doc_value *status);
/* One message of the stream, received at our wall clock `now`. */
enum view_news view_take_message(struct view *v, const struct doc_value *message, unix_ms now);
size_t view_count(const struct view *v, enum step_state state);
/* Steps that wait for their next attempt. */
size_t view_count_retrying(const struct view *v);
/* Since the task began to run, until now or its end. 0 before it began. */
int64_t view_elapsed_ms(const struct view *v, unix_ms now);
/* Until the end at the pace so far; -1 = cannot be said. */
int64_t view_remaining_ms(const struct view *v, unix_ms now);

#endif
