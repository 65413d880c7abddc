#include "cli/news.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/duration.h"
#include "cli/text.h"

void news_free(struct news *n)
{
    free(n->steps);
    *n = (struct news){0};
}

static void put_error(struct buf *out, const char *error)
{
    if (error != NULL) {
        buf_add_str(out, ": ");
        text_put_clean(out, bytes_str(error));
    }
}

static void put_step(struct buf *out, const struct view *v, const struct view_step *s, unix_ms now)
{
    char text[DURATION_TEXT_BYTES];
    buf_addf(out, "%s step %s ", v->task_id, s->name);
    if (s->state == STEP_PENDING && s->retry_at != 0) {
        if (s->lost) {
            buf_add_str(out, "lost its worker");
        } else {
            buf_addf(out, "failed attempt %" PRIu32, s->retry_count);
        }
        buf_addf(out, ", next one in %s",
                 duration_clock(s->retry_at - (now + v->clock_ahead_ms), text));
        put_error(out, s->error);
    } else {
        buf_add_str(out, step_state_name(s->state));
        if (s->state == STEP_COMPLETED && s->duration_ms > 0) {
            buf_addf(out, " in %s", duration_text(s->duration_ms, text));
        } else if (s->state == STEP_FAILED) {
            put_error(out, s->error);
        }
    }
    buf_add_char(out, '\n');
}

static void put_task(struct buf *out, const struct view *v, unix_ms now)
{
    char text[DURATION_TEXT_BYTES];
    buf_addf(out, "%s %s %d%% %zu/%zu steps", v->task_id, v->state_text, (int)(v->progress * 100),
             view_count(v, STEP_COMPLETED), v->step_count);
    if (v->ended) {
        buf_addf(out, " in %s", duration_text(view_elapsed_ms(v, now), text));
        put_error(out, v->error);
    }
    buf_add_char(out, '\n');
}

void news_write(struct news *n, const struct view *v, unix_ms now, struct buf *out)
{
    if (v->state_text[0] == '\0') {
        return;
    }
    if (n->step_count != v->step_count) { /* the first state, or a fresh run of the id */
        news_free(n);
        n->step_count = v->step_count;
        n->steps = mem_zalloc((n->step_count + 1) * sizeof *n->steps);
    }
    for (size_t i = 0; i < v->step_count; i++) {
        const struct view_step *s = &v->steps[i];
        bool waits = s->state == STEP_PENDING && s->retry_at == 0 && s->waiting_for != NULL;
        if (waits && !n->steps[i].waits) {
            buf_addf(out, "%s step %s waits: ", v->task_id, s->name);
            text_put_clean(out, bytes_str(s->waiting_for));
            buf_add_char(out, '\n');
        }
        bool again = s->retry_count > n->steps[i].retry_count && s->state != STEP_FAILED;
        if (again && s->state == STEP_RUNNING) { /* the next attempt has begun already */
            buf_addf(out, "%s step %s failed attempt %" PRIu32, v->task_id, s->name,
                     s->retry_count);
            put_error(out, s->error);
            buf_add_char(out, '\n');
        }
        if ((s->state != n->steps[i].state || again) && !waits) {
            put_step(out, v, s, now);
        }
        n->steps[i] =
            (struct news_step){.state = s->state, .retry_count = s->retry_count, .waits = waits};
    }
    int tenth = (int)(v->progress * 10);
    if (strcmp(n->state_text, v->state_text) != 0 || tenth > n->tenth) {
        put_task(out, v, now);
    }
    memcpy(n->state_text, v->state_text, sizeof n->state_text);
    n->tenth = tenth;
}
