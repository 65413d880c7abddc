#include "cli/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/limits.h"

/* Below this progress the pace is not known well enough to estimate an end. */
#define PROGRESS_TELLING 0.03

void view_init(struct view *v, const char *task_id)
{
    *v = (struct view){.task_id = mem_str(task_id)};
}

static void steps_free(struct view *v)
{
    for (size_t i = 0; i < v->step_count; i++) {
        free(v->steps[i].name);
        free(v->steps[i].error);
        free(v->steps[i].waiting_for);
        free(v->steps[i].function_code);
    }
    free(v->steps);
    v->steps = NULL;
    v->step_count = 0;
}

void view_free(struct view *v)
{
    steps_free(v);
    free(v->task_id);
    free(v->task_type);
    free(v->message);
    free(v->error);
    free(v->error_step);
    *v = (struct view){0};
}

static char *text_or_null(const struct doc_value *v)
{
    struct bytes text = doc_string(v);
    return text.len > 0 ? mem_str_bytes(text) : NULL;
}

static void text_replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

static unix_ms time_or_zero(const struct doc_value *v)
{
    unix_ms t = 0;
    return time_parse(doc_string(v), &t) == ERR_OK ? t : 0;
}

static void take_items(struct view_step *s, const struct doc_value *items)
{
    if (doc_kind(items) == JSON_OBJECT) {
        s->items = doc_int(doc_get(items, "total"));
        s->items_done = doc_int(doc_get(items, "completed"));
        s->items_failed = doc_int(doc_get(items, "failed"));
    }
}

static double fraction_of(const struct doc_value *v)
{
    double f = doc_number(v);
    return f >= 0 && f <= 1 ? f : 0;
}

static enum step_state step_state_of(const struct doc_value *v)
{
    struct bytes name = doc_string(v);
    for (int s = 0; s < STEP_STATE_COUNT; s++) {
        if (bytes_is(name, step_state_name((enum step_state)s))) {
            return (enum step_state)s;
        }
    }
    return STEP_PENDING;
}

static uint32_t count_of(const struct doc_value *v)
{
    int64_t n = doc_int(v);
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static bool is_death(const struct doc_value *code)
{
    return bytes_is(doc_string(code), "WORKER_DEATHS");
}

static char *waiting_text(const struct doc_value *step)
{
    struct bytes what = doc_string(doc_get(step, "waiting_for"));
    struct bytes until = doc_string(doc_get(step, "waiting_until"));
    if (what.len == 0 || until.len == 0) {
        return what.len > 0 ? mem_str_bytes(what) : NULL;
    }
    struct buf text = {0};
    buf_add_bytes(&text, what);
    buf_add_str(&text, ", until ");
    buf_add_bytes(&text, until);
    char *s = mem_str_bytes(buf_bytes(&text));
    buf_free(&text);
    return s;
}

static void step_take(struct view_step *s, const struct doc_value *from)
{
    s->name = mem_str_bytes(doc_string(doc_get(from, "name")));
    s->state = step_state_of(doc_get(from, "status"));
    s->progress = fraction_of(doc_get(from, "progress"));
    s->retry_count = count_of(doc_get(from, "retry_count"));
    s->max_retries = count_of(doc_get(from, "max_retries"));
    s->started_at = time_or_zero(doc_get(from, "started_at"));
    s->retry_at = time_or_zero(doc_get(from, "retry_at"));
    s->duration_ms = doc_int(doc_get(from, "duration_ms"));
    s->error = text_or_null(doc_get(from, "error_message"));
    s->waiting_for = waiting_text(from);
    s->function_code = text_or_null(doc_get(from, "function_code"));
    s->lost = is_death(doc_get(from, "error_code"));
    take_items(s, doc_get(from, "items"));
}

static void state_set(struct view *v, struct bytes name)
{
    (void)snprintf(v->state_text, sizeof v->state_text, "%.*s",
                   (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
    enum task_state state;
    v->ended = task_state_parse(name, &state) == ERR_OK && task_state_ended(state);
    if (v->ended) {
        v->end = state;
    }
}

/* `error` is a text, or an object with a message, or null. */
static char *error_of(const struct doc_value *v)
{
    return text_or_null(doc_kind(v) == JSON_OBJECT ? doc_get(v, "message") : v);
}

enum err view_take_status(struct view *v, const struct doc_value *status)
{
    const struct doc_value *steps = doc_get(status, "steps");
    struct bytes state = doc_string(doc_get(status, "status"));
    if (state.len == 0 || doc_kind(steps) != JSON_ARRAY || doc_count(steps) > STEPS_MAX) {
        return ERR_INVALID;
    }
    int64_t seq = doc_int(doc_get(status, "seq"));
    if (seq < v->seq) {
        return ERR_CONFLICT;
    }
    v->seq = seq;
    state_set(v, state);
    text_replace(&v->task_type, text_or_null(doc_get(status, "task_type")));
    text_replace(&v->error, error_of(doc_get(status, "error")));
    text_replace(&v->error_step, NULL);
    v->progress = fraction_of(doc_get(status, "progress"));
    v->started_at = time_or_zero(doc_get(status, "started_at"));
    v->completed_at = time_or_zero(doc_get(status, "completed_at"));
    v->estimated_completion = time_or_zero(doc_get(status, "estimated_completion"));
    v->can_recover = doc_bool(doc_get(status, "can_recover"));
    steps_free(v);
    v->step_count = doc_count(steps);
    v->steps = mem_zalloc((v->step_count + 1) * sizeof *v->steps);
    for (size_t i = 0; i < v->step_count; i++) {
        step_take(&v->steps[i], doc_at(steps, i));
    }
    return ERR_OK;
}

static struct view_step *step_named(struct view *v, struct bytes name)
{
    for (size_t i = 0; i < v->step_count; i++) {
        if (bytes_is(name, v->steps[i].name)) {
            return &v->steps[i];
        }
    }
    return NULL;
}

/* The step that a message is about: by its index (from 1) if the name there matches, else by its
 * name. */
static struct view_step *step_of(struct view *v, const struct doc_value *data)
{
    struct bytes name = doc_string(doc_get(data, "step"));
    if (name.len == 0) {
        name = doc_string(doc_get(data, "current_step"));
    }
    int64_t index = doc_int(doc_get(data, "step_index"));
    if (index >= 1 && (uint64_t)index <= v->step_count) {
        struct view_step *s = &v->steps[index - 1];
        if (name.len == 0 || bytes_is(name, s->name)) {
            return s;
        }
    }
    return step_named(v, name);
}

static void take_progress(struct view *v, const struct doc_value *data, unix_ms at)
{
    v->progress = fraction_of(doc_get(data, "progress"));
    state_set(v, doc_string(doc_get(data, "status")));
    text_replace(&v->message, text_or_null(doc_get(data, "message")));
    if (v->started_at == 0 && strcmp(v->state_text, "pending") != 0) {
        v->started_at = at;
    }
    struct view_step *s = step_of(v, data);
    if (s != NULL && doc_get(data, "items") != NULL) {
        take_items(s, doc_get(data, "items"));
        s->progress =
            (double)(s->items_done + s->items_failed) / (double)(s->items > 0 ? s->items : 1);
    }
    /* Dispatching sends no message: the first news of a step is the sign that it runs. */
    if (s != NULL && s->state == STEP_PENDING && s->retry_at <= at &&
        strcmp(v->state_text, "running") == 0) {
        s->state = STEP_RUNNING;
        s->started_at = s->started_at != 0 ? s->started_at : at;
        s->retry_at = 0;
        text_replace(&s->waiting_for, NULL);
    }
}

static void take_step_completed(struct view *v, const struct doc_value *data, unix_ms at)
{
    struct view_step *s = step_of(v, data);
    if (s != NULL) {
        take_items(s, doc_get(data, "items"));
        s->state = STEP_COMPLETED;
        s->progress = 1;
        s->retry_at = 0;
        int64_t said = doc_int(doc_get(data, "duration_ms"));
        if (said > 0) {
            s->duration_ms = said;
        } else if (s->duration_ms == 0 && s->started_at != 0 && at > s->started_at) {
            s->duration_ms = at - s->started_at;
        }
    }
    const struct doc_value *progress = doc_get(data, "progress");
    if (progress != NULL) {
        v->progress = fraction_of(progress);
    }
}

static void take_step_retry(struct view *v, const struct doc_value *data)
{
    struct view_step *s = step_of(v, data);
    if (s == NULL) {
        return;
    }
    s->state = STEP_PENDING;
    s->progress = 0;
    s->retry_at = time_or_zero(doc_get(data, "retry_at"));
    s->lost = is_death(doc_get(data, "code"));
    uint32_t failed = count_of(doc_get(data, "attempt"));
    s->retry_count = failed > s->retry_count && !s->lost ? failed : s->retry_count;
    text_replace(&s->error, error_of(doc_get(data, "error")));
    if (s->error == NULL) {
        text_replace(&s->error, text_or_null(doc_get(data, "message")));
    }
}

static void take_step_failed(struct view *v, const struct doc_value *data)
{
    struct view_step *s = step_of(v, data);
    if (s == NULL) {
        return;
    }
    s->state = STEP_FAILED;
    s->retry_at = 0;
    uint32_t failed = count_of(doc_get(data, "attempt"));
    s->retry_count = failed > s->retry_count ? failed : s->retry_count;
    text_replace(&s->error, error_of(doc_get(data, "error")));
}

static void take_step_skipped(struct view *v, const struct doc_value *data)
{
    struct view_step *s = step_of(v, data);
    if (s != NULL) {
        s->state = STEP_SKIPPED;
        s->retry_at = 0;
    }
}

/* The task has failed. Its steps other than finally steps were stopped, of which the status says
 * more. */
static void take_failing(struct view *v, const struct doc_value *data)
{
    text_replace(&v->error, error_of(doc_get(data, "error")));
    text_replace(&v->error_step, text_or_null(doc_get(data, "step")));
    for (size_t i = 0; i < v->step_count; i++) {
        if (v->steps[i].state == STEP_RUNNING) {
            v->steps[i].state = STEP_CANCELLED;
        }
    }
}

static enum view_news take_end(struct view *v, enum task_state end, const struct doc_value *data,
                               unix_ms at)
{
    state_set(v, bytes_str(task_state_name(end)));
    v->completed_at = at;
    v->progress = end == TASK_COMPLETED ? 1 : v->progress;
    v->can_recover = doc_bool(doc_get(data, "can_recover"));
    text_replace(&v->error, error_of(doc_get(data, "error")));
    text_replace(&v->error_step, text_or_null(doc_get(data, "step")));
    for (size_t i = 0; i < v->step_count; i++) {
        struct view_step *s = &v->steps[i];
        if (end == TASK_COMPLETED && s->state != STEP_SKIPPED && s->state != STEP_FAILED) {
            s->state = STEP_COMPLETED;
        } else if (end != TASK_COMPLETED && s->state == STEP_RUNNING) {
            s->state = end == TASK_CANCELLED ? STEP_CANCELLED : STEP_PENDING;
        }
    }
    struct view_step *failed = end == TASK_FAILED ? step_of(v, data) : NULL;
    if (failed != NULL) {
        failed->state = STEP_FAILED;
        failed->retry_at = 0;
    }
    return VIEW_FINAL;
}

/* The largest difference seen is that of the message with the least delay. */
static void clock_learn(struct view *v, unix_ms at, unix_ms now)
{
    if (at != 0 && (!v->clock_known || at - now > v->clock_ahead_ms)) {
        v->clock_known = true;
        v->clock_ahead_ms = at - now;
    }
}

enum view_news view_take_message(struct view *v, const struct doc_value *message, unix_ms now)
{
    struct bytes type = doc_string(doc_get(message, "type"));
    const struct doc_value *data = doc_get(message, "data");
    unix_ms said = time_or_zero(doc_get(message, "timestamp"));
    clock_learn(v, said, now);
    unix_ms at = said != 0 ? said : now + v->clock_ahead_ms;
    if (bytes_is(type, "initial_state")) {
        v->seq = 0; /* trust the server: an id that was started afresh counts from 1 again */
        return view_take_status(v, doc_get(message, "state")) == ERR_OK ? VIEW_CHANGED
                                                                        : VIEW_NOTHING;
    }
    int64_t seq = doc_int(doc_get(message, "seq"));
    v->seq = seq > v->seq ? seq : v->seq;
    if (bytes_is(type, "progress_update") || bytes_is(type, "step_checkpoint")) {
        take_progress(v, data, at);
    } else if (bytes_is(type, "step_completed")) {
        take_step_completed(v, data, at);
    } else if (bytes_is(type, "step_retry")) {
        take_step_retry(v, data);
    } else if (bytes_is(type, "step_failed")) {
        take_step_failed(v, data);
    } else if (bytes_is(type, "step_skipped")) {
        take_step_skipped(v, data);
    } else if (bytes_is(type, "task_failing")) {
        take_failing(v, data);
    } else if (bytes_is(type, "task_recovering")) {
        state_set(v, BYTES_LIT("recovering"));
    } else if (bytes_is(type, "task_paused") || bytes_is(type, "task_resumed") ||
               bytes_is(type, "step_waiting") || bytes_is(type, "signal") ||
               bytes_is(type, "budget_exceeded")) {
        state_set(v, doc_string(doc_get(data, "status")));
    } else if (bytes_is(type, "task_complete")) {
        return take_end(v, TASK_COMPLETED, data, at);
    } else if (bytes_is(type, "task_error")) {
        return take_end(v, TASK_FAILED, data, at);
    } else if (bytes_is(type, "task_cancelled")) {
        return take_end(v, TASK_CANCELLED, data, at);
    } else {
        return VIEW_NOTHING;
    }
    return VIEW_CHANGED;
}

size_t view_count(const struct view *v, enum step_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < v->step_count; i++) {
        n += v->steps[i].state == state ? 1 : 0;
    }
    return n;
}

size_t view_count_retrying(const struct view *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->step_count; i++) {
        n += v->steps[i].state == STEP_PENDING && v->steps[i].retry_at != 0 ? 1 : 0;
    }
    return n;
}

int64_t view_elapsed_ms(const struct view *v, unix_ms now)
{
    if (v->started_at == 0) {
        return 0;
    }
    unix_ms end = v->ended && v->completed_at != 0 ? v->completed_at : now + v->clock_ahead_ms;
    return end > v->started_at ? end - v->started_at : 0;
}

int64_t view_remaining_ms(const struct view *v, unix_ms now)
{
    int64_t elapsed = view_elapsed_ms(v, now);
    if (v->ended || elapsed == 0) {
        return -1;
    }
    if (v->progress >= PROGRESS_TELLING) {
        return (int64_t)((double)elapsed * (1 - v->progress) / v->progress);
    }
    int64_t left = v->estimated_completion - (now + v->clock_ahead_ms);
    return v->estimated_completion != 0 && left > 0 ? left : -1;
}
