/* progress_timeout: an attempt without news for that long is stopped; one with news is not; and an
 * attempt reported as silent was silent. Long pauses of its worker do not count, since what was
 * reported meanwhile is still in the pipe. */
#include "books.h"

static mono_ms silent_ms(const struct worker_host *h, const struct book_execution *x)
{
    return h->process.world->now - x->news_at - (h->process.stood_ms - x->news_stood_ms);
}

static void heard(const struct worker_host *h, struct book_execution *x)
{
    x->news_at = h->process.world->now;
    x->news_paused_ms = h->process.paused_ms;
    x->news_stood_ms = h->process.stood_ms;
}

void audit_silence_began(struct audit *a, const struct worker_host *h,
                         const struct attempt_call *call, uint64_t record)
{
    if (a->blind) {
        return;
    }
    struct book_execution *x = &a->executions[record];
    const struct book_task *t = book_find(a, x->task_id);
    x->life = h->process.life;
    x->number = call->number;
    x->silence_ms = t->pipeline->steps[x->step].progress_timeout_ms;
    heard(h, x);
}

/* It is still running. If its worker was paused meanwhile, it is not known when the worker
 * checked. */
static void must_be_heard(struct audit *a, const struct worker_host *h,
                          const struct book_execution *x)
{
    REQUIRE(a, "silence",
            x->stopped || x->silence_ms == 0 || silent_ms(h, x) <= x->silence_ms ||
                h->process.paused_ms != x->news_paused_ms,
            "%.*s/%u: gave no news to %s for %lld ms, and was not stopped", (int)x->task_id.len,
            (const char *)x->task_id.ptr, x->step, h->process.name, (long long)silent_ms(h, x));
}

void audit_silence_broken(struct audit *a, const struct worker_host *h, uint64_t record,
                          const struct attempt_news *news)
{
    if (a->blind) {
        return;
    }
    must_be_heard(a, h, &a->executions[record]);
    if (news->log.len == 0) { /* log lines are no progress */
        heard(h, &a->executions[record]);
    }
}

void audit_silence_ended(struct audit *a, const struct worker_host *h, uint64_t record)
{
    if (!a->blind) {
        must_be_heard(a, h, &a->executions[record]);
    }
}

void audit_silence_stopped(struct audit *a, const struct worker_host *h, uint64_t record)
{
    if (!a->blind && !a->executions[record].stopped) {
        a->executions[record].silent_ms = silent_ms(h, &a->executions[record]);
    }
}

void audit_silence_told(struct audit *a, const struct worker_host *h,
                        const struct step_outcome *outcome)
{
    if (a->blind || outcome->code != CODE_PROGRESS_TIMEOUT) {
        return;
    }
    const struct book_execution *x = NULL;
    for (size_t i = a->execution_count; i-- > 0 && x == NULL;) {
        const struct book_execution *other = &a->executions[i];
        bool same = other->life == h->process.life && other->number == outcome->number;
        x = same ? other : NULL;
    }
    REQUIRE(a, "silence",
            x != NULL && x->stopped && x->silence_ms > 0 && x->silent_ms >= x->silence_ms,
            "%.*s/%u: %s calls an attempt silent that gave news %lld ms before",
            (int)outcome->ref.task_id.len, (const char *)outcome->ref.task_id.ptr,
            outcome->ref.step, h->process.name, x != NULL ? (long long)x->silent_ms : -1);
}
