/* Outcomes: built once, then kept and resent until a coordinator has acknowledged them. */
#include "agent/state.h"

#include <inttypes.h>

/* a function that writes bad lines does so in each attempt */
#define BAD_LINES_TOLD_EVERY_MS 1000

static struct bytes outcome_text(struct attempt *t, const char *first, struct bytes rest)
{
    char *text = rest.len > 0 ? arena_printf(&t->memory, "%s\n%.*s", first, (int)rest.len,
                                             (const char *)rest.ptr)
                              : arena_str(&t->memory, first);
    return bytes_part(bytes_str(text), 0, ERROR_BYTES_MAX);
}

static void outcome_hold(struct agent *a, struct attempt *t)
{
    struct step_outcome *o = &t->outcome;
    o->ref = t->order.ref;
    o->number = t->number;
    o->started_at = t->started_wall;
    o->usage = news_usage(a, t, &t->memory, &o->execution);
    o->usage_count = t->used.count;
    t->sent_to = 0;
    attempt_enter(a, t, ATTEMPT_HELD);
    attempt_reckon(a, t);
    a->held_bytes += o->result.len + o->message.len;
    a->totals.outcomes_total++;
    a->totals.failures_total += !o->ok;
    buf_free(&t->text);
    news_checkpoint_drop(t);
    buf_free(&t->log);
    if (a->config.log_level == LOG_DEBUG) { /* one per step: do not format it in vain */
        fx_log(a, LOG_DEBUG, "attempt_ended", "%s ok=%d code=%s duration_ms=%" PRIu32,
               fx_ref_text(a, &o->ref), o->ok, o->ok ? "-" : code_info(o->code)->name,
               o->duration_ms);
    }
}

void outcome_refused(struct agent *a, struct attempt *t, enum code code, const char *message)
{
    t->outcome = (struct step_outcome){.code = code, .message = bytes_str(message)};
    outcome_hold(a, t);
}

static void outcome_fail(struct agent *a, struct attempt *t, const struct attempt_result *r)
{
    struct step_outcome *o = &t->outcome;
    o->code = r->code;
    o->permanent = r->permanent;
    if (t->cause == CAUSE_TIMEOUT) {
        o->code = CODE_STEP_TIMEOUT;
        o->permanent = false;
        char *first = arena_printf(&a->fx->arena, "ran past its time limit of %.3g s",
                                   (double)t->order.timeout_ms / 1000);
        o->message = outcome_text(t, first, r->message);
    } else if (t->cause == CAUSE_SILENT) {
        o->code = CODE_PROGRESS_TIMEOUT;
        o->permanent = false;
        char *first = arena_printf(&a->fx->arena, "reported nothing for %.3g s",
                                   (double)t->order.progress_timeout_ms / 1000);
        o->message = outcome_text(t, first, r->message);
    } else if (t->cause == CAUSE_STOPPED) {
        o->code = CODE_CANCELLED;
        o->message = outcome_text(t, "stopped", r->message);
    } else {
        o->message = arena_bytes(&t->memory, bytes_part(r->message, 0, ERROR_BYTES_MAX));
        o->function_code = arena_bytes(&t->memory, r->function_code);
        o->retry_after_ms = r->retry_after_ms;
    }
}

/* Keeps the result in the buffer that the function's output was read into. */
static void result_keep(struct attempt *t, const struct attempt_result *r)
{
    t->outcome.result = r->result;
    bool fits = holder_keep(r->holder, &t->outcome.result);
    if (fits && r->result.len >= LENT_BYTES_MIN) {
        t->lender = shared_take(r->holder);
    } else if (fits) {
        t->result = *r->holder;
        *r->holder = (struct buf){0};
    } else {
        t->outcome.result = arena_bytes(&t->memory, r->result);
    }
}

static void tell_bad_lines(struct agent *a, struct attempt *t, const struct attempt_result *r)
{
    a->totals.bad_lines_total += r->bad_lines;
    if (r->bad_lines == 0 || a->now.mono < a->bad_lines_quiet_until) {
        return;
    }
    a->bad_lines_quiet_until = a->now.mono + BAD_LINES_TOLD_EVERY_MS;
    fx_log(a, LOG_WARN, "news_not_understood", "%s lines=%" PRIu64 " first=\"%s\" total=%" PRIu64,
           fx_ref_text(a, &t->order.ref), r->bad_lines, r->bad_line, a->totals.bad_lines_total);
}

void outcome_ended(struct agent *a, struct attempt *t, const struct attempt_result *r)
{
    mono_ms took = a->now.mono - t->started;
    if (!r->ok && r->not_begun && t->cause == CAUSE_NONE) {
        attempt_not_begun(a, t, r->message);
        return;
    }
    tell_bad_lines(a, t, r);
    histogram_add_us(&a->totals.run, took * 1000);
    a->mean_ms += (took - a->mean_ms) / 8;
    if (a->mean_ms > took) { /* integer division alone would never reach it */
        a->mean_ms--;
    }
    if (!r->ok && t->cause == CAUSE_DRAIN) {
        /* not the function's fault: costs no attempt, the coordinator orders it elsewhere */
        if (t->used_new) { /* the usage counts all the same */
            news_flush(a, t);
        }
        attempt_drop(a, t);
        peers_claim(a);
        return;
    }
    if (!r->ok && t->checkpoint.len > 0) {
        news_flush(a, t); /* the next attempt wants the newest checkpoint */
    }
    t->outcome.ok = r->ok;
    t->outcome.duration_ms = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    if (r->ok) { /* also within the grace after its time limit: done is done */
        result_keep(t, r);
        if (t->log.len > 0) {
            t->outcome.message = arena_bytes(&t->memory, buf_bytes(&t->log));
        }
    } else {
        outcome_fail(a, t, r);
    }
    outcome_hold(a, t);
}

void outcome_acked(struct agent *a, const struct step_ack *ack)
{
    struct attempt *t = attempt_find(a, ack->number);
    if (t == NULL || t->phase != ATTEMPT_HELD) {
        return; /* acknowledged before: it was sent twice */
    }
    if (ack->verdict == VERDICT_REJECTED) {
        a->totals.rejected_total++;
        fx_log(a, LOG_WARN, "outcome_rejected", "%s", fx_ref_text(a, &t->order.ref));
    }
    a->held_bytes -= t->outcome.result.len + t->outcome.message.len;
    attempt_drop(a, t);
}

void outcome_tell(struct agent *a, struct attempt *t)
{
    const struct peer *p = peer_for(a, t);
    if (p == NULL) {
        return;
    }
    if (t->sent_to != p->id) {
        t->sent_to = p->id;
        t->resend_wait = a->config.resend_ms;
    } else {
        a->totals.resends_total++;
        t->resend_wait *= t->resend_wait * 2 <= AGENT_RESEND_MS_MAX ? 2 : 1;
    }
    t->resend_at = a->now.mono + t->resend_wait;
    fx_send(a, p->id, MSG_OUTCOME)->outcome = t->outcome;
    if (t->lender != NULL) {
        fx_lend(a, shared_hold(t->lender));
    }
}
