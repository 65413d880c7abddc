/* Steps that wait instead of running a function: for a signal, for a time, or until a moment. */
#include "base/clock.h"
#include "base/id.h"
#include "model/limits.h"
#include "model/pipeline_build.h"

#define WAIT_RULE                                                                                  \
    "wait must be {\"signal\": name, \"timeout\"?: seconds, \"default\"?: result}, {\"seconds\": " \
    "number} or {\"until\": \"2026-02-02T18:30:00Z\"}; a time may be an expression, \"${...}\""

static const char *const wait_fields[] = {"signal", "seconds", "until", "timeout", "default", NULL};
/* The only fields of a wait step: those about running a function have no meaning there. (`pipeline`
 * beside `wait` is refused by pipeline_nest.c.) */
static const char *const fields_beside_wait[] = {
    "name", "description", "needs", "when", "on_failure", "finally", "wait", "pipeline", NULL};

static bool is_seconds(const struct doc_value *v, double least)
{
    double seconds = doc_number(v);
    return doc_kind(v) == JSON_NUMBER && seconds >= least && seconds <= WAIT_S_MAX;
}

/* Is it "${...}"? The core evaluates it when the step's needs are met. */
static bool is_expr(const struct doc_value *v)
{
    return bytes_is(bytes_part(doc_string(v), 0, 2), "${");
}

static enum err read_end(struct pipeline_build *b, uint32_t i, const char *field,
                         const struct doc_value *v)
{
    b->p->steps[i].resolves = true;
    return pipeline_read_expr_of(b, i, field, v, &b->p->steps[i].wait.end);
}

static enum err read_timeout(struct pipeline_build *b, uint32_t i, const struct doc_value *timeout)
{
    if (is_expr(timeout)) {
        return read_end(b, i, "wait/timeout", timeout);
    }
    if (timeout != NULL && !is_seconds(timeout, 0.001)) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/timeout",
                                   "timeout must be a number of seconds from 0.001 to %d (a year)",
                                   WAIT_S_MAX);
    }
    b->p->steps[i].wait.ms = timeout != NULL ? (int64_t)(doc_number(timeout) * 1000 + 0.5) : 0;
    return ERR_OK;
}

static enum err read_signal(struct pipeline_build *b, uint32_t i, const struct doc_value *wait)
{
    struct pipeline_wait *w = &b->p->steps[i].wait;
    const struct doc_value *signal = doc_get(wait, "signal");
    const struct doc_value *timeout = doc_get(wait, "timeout");
    const struct doc_value *fallback = doc_get(wait, "default");
    w->kind = WAIT_SIGNAL;
    if (doc_kind(signal) != JSON_STRING || !id_valid(doc_string(signal))) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/signal",
                                   "the name of a signal must be a string of 1 to 128 of the "
                                   "characters A-Z a-z 0-9 _ . : -");
    }
    w->signal = (const char *)arena_bytes(b->arena, doc_string(signal)).ptr;
    enum err e = read_timeout(b, i, timeout);
    if (e != ERR_OK || fallback == NULL) {
        return e;
    }
    if (timeout == NULL) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/default",
                                   "default is the result after the timeout: it needs a timeout");
    }
    struct buf text = {0};
    doc_write(fallback, &text);
    w->fallback = arena_bytes(b->arena, buf_bytes(&text));
    buf_free(&text);
    if (w->fallback.len > SIGNAL_BYTES_MAX) {
        return pipeline_fault_step(b, i, ERR_TOO_LARGE, "wait/default",
                                   "default is larger than %u bytes", SIGNAL_BYTES_MAX);
    }
    return ERR_OK;
}

static enum err read_moment(struct pipeline_build *b, uint32_t i, const struct doc_value *wait)
{
    struct pipeline_wait *w = &b->p->steps[i].wait;
    const struct doc_value *seconds = doc_get(wait, "seconds");
    const struct doc_value *until = doc_get(wait, "until");
    if (seconds != NULL) {
        w->kind = WAIT_SECONDS;
        if (is_expr(seconds)) {
            return read_end(b, i, "wait/seconds", seconds);
        }
        if (!is_seconds(seconds, 0)) {
            return pipeline_fault_step(b, i, ERR_INVALID, "wait/seconds",
                                       "seconds must be a number from 0 to %d (a year)",
                                       WAIT_S_MAX);
        }
        w->ms = (int64_t)(doc_number(seconds) * 1000 + 0.5);
        return ERR_OK;
    }
    w->kind = WAIT_UNTIL;
    if (is_expr(until)) {
        return read_end(b, i, "wait/until", until);
    }
    if (doc_kind(until) != JSON_STRING || time_parse(doc_string(until), &w->until) != ERR_OK) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/until",
                                   "until must be a time as in RFC 3339: \"2026-02-02T18:30:00Z\"");
    }
    return ERR_OK;
}

enum err pipeline_read_wait(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    const struct doc_value *wait = doc_get(step, "wait");
    if (wait == NULL) {
        return ERR_OK;
    }
    const char *misplaced = pipeline_unknown_field(step, fields_beside_wait);
    if (misplaced != NULL) {
        return pipeline_fault_step(b, i, ERR_INVALID, misplaced,
                                   "a step that waits runs no function: it cannot have %s",
                                   misplaced);
    }
    if (doc_kind(wait) != JSON_OBJECT) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait", WAIT_RULE);
    }
    const char *unknown = pipeline_unknown_field(wait, wait_fields);
    if (unknown != NULL) {
        char field[POINTER_PART_BYTES + 8] = "wait/";
        (void)pipeline_pointer_part(unknown, field + 5);
        return pipeline_fault_step(b, i, ERR_INVALID, field, "unknown field \"%.100s\"; " WAIT_RULE,
                                   unknown);
    }
    int kinds = (doc_get(wait, "signal") != NULL) + (doc_get(wait, "seconds") != NULL) +
                (doc_get(wait, "until") != NULL);
    bool signal = doc_get(wait, "signal") != NULL;
    bool more = doc_get(wait, "timeout") != NULL || doc_get(wait, "default") != NULL;
    if (kinds != 1 || (!signal && more)) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait", WAIT_RULE);
    }
    b->p->wait_count++;
    return signal ? read_signal(b, i, wait) : read_moment(b, i, wait);
}

static void put_end(struct buf *out, const struct expr *end)
{
    struct buf text = {0};
    buf_add_str(&text, "${");
    buf_add_bytes(&text, end->text);
    buf_add_char(&text, '}');
    json_put_string(out, buf_bytes(&text));
    buf_free(&text);
}

static void put_seconds(struct buf *out, const struct pipeline_wait *w)
{
    if (w->end != NULL) {
        put_end(out, w->end);
    } else {
        json_put_number(out, (double)w->ms / 1000.0);
    }
}

void pipeline_put_wait(struct buf *out, const struct pipeline_wait *w)
{
    char at[TIME_TEXT_BYTES];
    buf_add_str(out, "\"wait\":{");
    switch (w->kind) {
    case WAIT_SIGNAL:
        buf_addf(out, "\"signal\":\"%s\"", w->signal); /* the alphabet of ids needs no escapes */
        if (w->ms > 0 || w->end != NULL) {
            buf_add_str(out, ",\"timeout\":");
            put_seconds(out, w);
        }
        if (w->fallback.len > 0) {
            buf_add_str(out, ",\"default\":");
            buf_add_bytes(out, w->fallback);
        }
        break;
    case WAIT_SECONDS:
        buf_add_str(out, "\"seconds\":");
        put_seconds(out, w);
        break;
    case WAIT_UNTIL:
        if (w->end != NULL) {
            buf_add_str(out, "\"until\":");
            put_end(out, w->end);
        } else {
            buf_addf(out, "\"until\":\"%s\"", time_format(w->until, at));
        }
        break;
    case WAIT_NONE:
        break;
    }
    buf_add_char(out, '}');
}
