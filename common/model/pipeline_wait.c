/* Steps that wait instead of running a function: for a signal, for so many seconds, until a moment.
 */
#include "base/clock.h"
#include "base/id.h"
#include "model/limits.h"
#include "model/pipeline_build.h"

#define WAIT_RULE                                                                                  \
    "wait must be {\"signal\": name, \"timeout\"?: seconds, \"default\"?: result}, {\"seconds\": " \
    "number} or {\"until\": \"2026-02-02T18:30:00Z\"}"

static const char *const wait_fields[] = {"signal", "seconds", "until", "timeout", "default", NULL};
/* What says how a function is run means nothing where none is. */
static const char *const not_with_wait[] = {"function",      "timeout",
                                            "retryable",     "max_retries",
                                            "input",         "retry",
                                            "non_retryable", "timeout_total",
                                            "queue_timeout", "progress_timeout",
                                            "on_exhausted",  "for_each",
                                            "max_parallel",  "tolerate",
                                            "requires",      NULL};

static bool is_seconds(const struct doc_value *v, double least)
{
    double seconds = doc_number(v);
    return doc_kind(v) == JSON_NUMBER && seconds >= least && seconds <= WAIT_S_MAX;
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
                                   "the name of a signal must be a text of 1 to 128 of A-Z a-z 0-9 "
                                   "_ . : -");
    }
    w->signal = (const char *)arena_bytes(b->arena, doc_string(signal)).ptr;
    if (timeout != NULL && !is_seconds(timeout, 0.001)) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/timeout",
                                   "timeout must be a number of seconds from 0.001 to %d (a year)",
                                   WAIT_S_MAX);
    }
    w->ms = timeout != NULL ? (int64_t)(doc_number(timeout) * 1000 + 0.5) : 0;
    if (fallback == NULL) {
        return ERR_OK;
    }
    if (timeout == NULL) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/default",
                                   "default is the result at the timeout, and there is no timeout");
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
        if (!is_seconds(seconds, 0)) {
            return pipeline_fault_step(b, i, ERR_INVALID, "wait/seconds",
                                       "seconds must be a number from 0 to %d (a year)",
                                       WAIT_S_MAX);
        }
        w->ms = (int64_t)(doc_number(seconds) * 1000 + 0.5);
        return ERR_OK;
    }
    w->kind = WAIT_UNTIL;
    if (doc_kind(until) != JSON_STRING || time_parse(doc_string(until), &w->until) != ERR_OK) {
        return pipeline_fault_step(b, i, ERR_INVALID, "wait/until",
                                   "until must be a moment as in RFC 3339: "
                                   "\"2026-02-02T18:30:00Z\"");
    }
    return ERR_OK;
}

enum err pipeline_read_wait(struct pipeline_build *b, uint32_t i, const struct doc_value *step)
{
    const struct doc_value *wait = doc_get(step, "wait");
    if (wait == NULL) {
        return ERR_OK;
    }
    for (size_t k = 0; not_with_wait[k] != NULL; k++) {
        if (doc_get(step, not_with_wait[k]) != NULL) {
            return pipeline_fault_step(b, i, ERR_INVALID, not_with_wait[k],
                                       "a step that waits runs no function: it has no %s",
                                       not_with_wait[k]);
        }
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

void pipeline_put_wait(struct buf *out, const struct pipeline_wait *w)
{
    char at[TIME_TEXT_BYTES];
    buf_add_str(out, "\"wait\":{");
    switch (w->kind) {
    case WAIT_SIGNAL:
        buf_addf(out, "\"signal\":\"%s\"", w->signal); /* the alphabet of ids needs no escapes */
        if (w->ms > 0) {
            buf_add_str(out, ",\"timeout\":");
            json_put_number(out, (double)w->ms / 1000.0);
        }
        if (w->fallback.len > 0) {
            buf_add_str(out, ",\"default\":");
            buf_add_bytes(out, w->fallback);
        }
        break;
    case WAIT_SECONDS:
        buf_add_str(out, "\"seconds\":");
        json_put_number(out, (double)w->ms / 1000.0);
        break;
    case WAIT_UNTIL:
        buf_addf(out, "\"until\":\"%s\"", time_format(w->until, at));
        break;
    case WAIT_NONE:
        break;
    }
    buf_add_char(out, '}');
}
