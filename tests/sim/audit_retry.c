/* Checks the waits between attempts, and whether another attempt is allowed, against the step's
 * definition. */
#include "books.h"
#include "json/scan.h"
#include "model/retry.h"
#include "world.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

bool row_event(const struct store_row *row, enum event_type type, uint32_t step,
               struct task_event *ret_event)
{
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (record_get_event(row->events[i].blob.whole, ret_event) == ERR_OK &&
            ret_event->type == type && ret_event->step == step) {
            return true;
        }
    }
    return false;
}

static bool row_resumes(const struct store_row *row)
{
    struct task_event e;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (record_get_event(row->events[i].blob.whole, &e) == ERR_OK &&
            e.type == EVENT_TASK_RESUMED) {
            return true;
        }
    }
    return false;
}

/* Failures and deaths rise by what a row tells, and by nothing else; they count from 0 where the
 * step is tried again from the beginning. */
void audit_counts(struct audit *a, struct book_task *t, struct book_step *b, const struct step *s,
                  const struct store_row *row, bool revived)
{
    struct task_event e;
    bool left = rare_of(s)->exhausted && !b->exhausted; /* for somebody to look at */
    bool ends = (row_event(row, EVENT_STEP_FAILED, s->index, &e) ||
                 row_event(row, EVENT_TASK_ERROR, s->index, &e)) &&
                (s->state == STEP_FAILED || (left && s->state == STEP_PENDING) ||
                 (s->state == STEP_COMPLETED && rare_of(s)->error_code != CODE_NONE)) &&
                b->state == STEP_PENDING;
    bool ends_by_death = ends && e.code == CODE_WORKER_DEATHS;
    bool waits = step_def(s)->wait.kind != WAIT_NONE; /* no attempt has failed */
    bool expired = ends && (e.code == CODE_QUEUE_TIMEOUT || e.code == CODE_STEP_TIMEOUT_TOTAL) &&
                   s->failures == b->failures;
    bool ends_by_failure = ends && !ends_by_death && !expired && !waits;
    bool retry = row_event(row, EVENT_STEP_RETRY, s->index, &e);
    bool death = (retry && e.code == CODE_WORKER_DEATHS) || ends_by_death;
    bool failure = (retry && e.code != CODE_WORKER_DEATHS) || ends_by_failure;
    bool looked_at = b->exhausted && b->state == STEP_PENDING && !rare_of(s)->exhausted &&
                     row_resumes(row); /* and is tried again from the beginning */
    if (revived || looked_at) {
        REQUIRE(a, "retry", s->state == STEP_COMPLETED || (s->failures == 0 && s->deaths == 0),
                "%.*s/%u: recovered or resumed with %u failures", TASK(t), s->index, s->failures);
        return;
    }
    REQUIRE(a, "retry", s->failures == b->failures + failure && s->deaths == b->deaths + death,
            "%.*s/%u: %u failures and %u deaths after %u and %u, with%s a failure, with%s a death",
            TASK(t), s->index, s->failures, s->deaths, b->failures, b->deaths, failure ? "" : "out",
            death ? "" : "out");
    uint32_t real = book_failures(a, t, s->index, s->generation);
    REQUIRE(a, "retry", !failure || s->failures <= real,
            "%.*s/%u: %u failures, but only %u executions failed", TASK(t), s->index, s->failures,
            real);
}

/* The error and the time that is left must allow another attempt by the step's definition. */
static void check_retryable(struct audit *a, const struct book_task *t, const struct step *s,
                            mono_ms wait, enum code code)
{
    const struct pipeline_step *def = step_def(s);
    struct bytes names[] = {bytes_str(code_info(code)->name), bytes_str(rare_of(s)->function_code)};
    bool listed = def->retry_on.count == 0 || pipeline_codes_have(&def->retry_on, names[0]) ||
                  pipeline_codes_have(&def->retry_on, names[1]);
    bool never = pipeline_codes_have(&def->non_retryable, names[0]) ||
                 pipeline_codes_have(&def->non_retryable, names[1]);
    REQUIRE(a, "retry", listed && !never, "%.*s/%u: %s is tried again against its definition",
            TASK(t), s->index,
            names[1].len > 0 ? rare_of(s)->function_code : code_info(code)->name);
    REQUIRE(a, "retry",
            def->timeout_total_ms == 0 ||
                rare_of(s)->spent_ms + wait < (mono_ms)def->timeout_total_ms,
            "%.*s/%u: tried again %lld ms after its first order", TASK(t), s->index,
            (long long)(rare_of(s)->spent_ms + wait));
}

struct wait_bounds audit_wait_bounds(const struct step *s, bool death)
{
    const struct retry_policy *p = &step_def(s)->retry;
    if (death) {
        return s->deaths == 2 ? (struct wait_bounds){1800, 2200} : (struct wait_bounds){0, 50};
    }
    mono_ms middle = retry_wait_middle_ms(p, s->failures);
    mono_ms asked = rare_of(s)->function_code != NULL ? BUSY_MS : 0;
    struct wait_bounds b = {(mono_ms)((double)middle * (1 - p->jitter)) - 1,
                            (mono_ms)((double)middle * (1 + p->jitter)) + 1};
    b.least = b.least > asked ? b.least : asked;
    b.most = b.most > asked ? b.most : asked;
    return b;
}

void audit_wait(struct audit *a, struct book_task *t, struct book_step *b, const struct step *s,
                const struct store_row *row)
{
    struct task_event e;
    if (!row_event(row, EVENT_STEP_RETRY, s->index, &e)) {
        return;
    }
    mono_ms wait = e.retry_at - e.at;
    struct wait_bounds bounds = audit_wait_bounds(s, e.code == CODE_WORKER_DEATHS);
    if (e.code != CODE_WORKER_DEATHS) {
        check_retryable(a, t, s, wait, e.code);
    }
    REQUIRE(a, "retry", wait >= bounds.least && wait <= bounds.most,
            "%.*s/%u: waits %lld ms after %u failures and %u deaths", TASK(t), s->index,
            (long long)wait, s->failures, s->deaths);
    b->not_before = a->world->clock_stepped ? 0 : a->row_sent_at + bounds.least;
}

mono_ms audit_wait_ms(const struct pipeline_wait *wait, const struct stored_task *stored)
{
    struct bytes key, value;
    mono_ms ms = wait->ms;
    if (wait->end != NULL) {
        struct json_walk walk = json_walk(json_member(buf_bytes(&stored->input), "few"));
        while (json_next(&walk, &key, &value)) {
            ms += 1000;
        }
    }
    return ms;
}
