/* News of running attempts: always the latest values, at most one message per attempt and
 * AGENT_NEWS_MS. */
#include "agent/state.h"

#include <stdlib.h>

void news_checkpoint_drop(struct attempt *t)
{
    shared_drop(t->checkpoint_lender);
    t->checkpoint_lender = NULL;
    t->checkpoint = BYTES_NONE;
}

/* Turns line ends between the checkpoint's JSON tokens into spaces, since it will be copied
 * verbatim into lines of event streams, which CR ends as well. Nobody else refers to it yet. */
static void line_ends_clear(struct shared *lender, struct bytes checkpoint)
{
    uint8_t *at = lender->bytes.ptr + (checkpoint.ptr - lender->bytes.ptr);
    for (size_t i = 0; i < checkpoint.len; i++) {
        if (at[i] == '\r' || at[i] == '\n') {
            at[i] = ' ';
        }
    }
}

/* Keeps the checkpoint in the buffer that it was read into, or copies it once; messages then lend
 * it. */
static void checkpoint_take(struct attempt *t, const struct attempt_news *news)
{
    struct bytes given = news->checkpoint;
    shared_drop(t->checkpoint_lender);
    if (holder_keep(news->holder, &given)) {
        t->checkpoint_lender = shared_take(news->holder);
        t->checkpoint = given;
    } else {
        struct buf copy = {0};
        buf_add_bytes(&copy, given);
        t->checkpoint_lender = shared_take(&copy);
        t->checkpoint = buf_bytes(&t->checkpoint_lender->bytes);
    }
    line_ends_clear(t->checkpoint_lender, t->checkpoint);
}

/* Puts the checkpoint into the message that was added last. */
static struct bytes checkpoint_give(struct agent *a, struct attempt *t)
{
    struct bytes given = t->checkpoint;
    if (t->checkpoint_lender != NULL) {
        fx_lend(a, t->checkpoint_lender);
        t->checkpoint_lender = NULL;
    }
    t->checkpoint = BYTES_NONE;
    return given;
}

void news_take(struct agent *a, struct attempt *t, const struct attempt_news *news)
{
    if (t->silent_at != NEVER_MS && news->log.len == 0) { /* log lines are no progress */
        t->silent_at = a->now.mono + t->order.progress_timeout_ms;
    }
    if (news->fraction >= 0) {
        t->fraction = news->fraction > 1 ? 1 : news->fraction;
        t->news = true;
    }
    if (news->message.len > 0) {
        buf_clear(&t->text);
        buf_add_bytes(&t->text, bytes_part(news->message, 0, ERROR_BYTES_MAX));
        t->news = true;
    }
    if (news->checkpoint.len > 0) {
        checkpoint_take(t, news);
        t->news = true;
    }
    if (news->log.len > 0) {
        buf_clear(&t->log);
        buf_add_bytes(&t->log, bytes_part(news->log, 0, LOG_TAIL_BYTES_MAX));
        t->log_new = t->news = true;
    }
    if (!usage_sum_none(&news->usage.sum)) {
        usage_add(&t->used, news->usage.model, &news->usage.sum);
        t->used_new = t->news = true;
    }
    if (t->news && t->news_due == NEVER_MS) {
        t->news_due = a->now.mono;
    }
    attempt_reckon(a, t);
}

struct usage_part *news_usage(const struct agent *a, const struct attempt *t, struct arena *arena,
                              uint64_t *ret_execution)
{
    const struct usage *u = &t->used;
    struct usage_part *parts = NULL;
    if (u->count > 0) {
        *ret_execution = bytes_hash(a->config.id) * 31 + t->number;
        *ret_execution += *ret_execution == 0;
        parts = arena_alloc(arena, u->count * sizeof *parts);
    }
    for (uint32_t i = 0; i < u->count; i++) {
        parts[i] = u->parts[i];
        parts[i].model = arena_bytes(arena, u->parts[i].model);
    }
    return parts;
}

void news_flush(struct agent *a, struct attempt *t)
{
    const struct peer *p = t->news ? peer_for(a, t) : NULL;
    if (p == NULL) {
        return;
    }
    struct step_progress *out = &fx_send(a, p->id, MSG_PROGRESS)->progress;
    out->ref = t->order.ref;
    out->fraction = t->fraction;
    out->message = arena_bytes(&a->fx->arena, buf_bytes(&t->text));
    out->checkpoint = checkpoint_give(a, t);
    if (t->log_new) {
        out->log = arena_bytes(&a->fx->arena, buf_bytes(&t->log));
        t->log_new = false;
    }
    if (t->used_new) {
        out->usage = news_usage(a, t, &a->fx->arena, &out->execution);
        out->usage_count = t->used.count;
        t->used_new = false;
    }
    t->fraction = -1;
    buf_clear(&t->text);
    t->news = false;
    t->news_due = a->now.mono + AGENT_NEWS_MS;
}

void news_again(struct agent *a, struct attempt *t)
{
    if (t->phase == ATTEMPT_RUNNING && (t->log.len > 0 || t->used.count > 0)) {
        t->log_new = t->log.len > 0;
        t->used_new = t->used.count > 0;
        t->news = true;
        t->news_due = t->news_due == NEVER_MS ? a->now.mono : t->news_due;
    }
}
