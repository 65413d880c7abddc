#include "api/status_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/usage_json.h"
#include "json/scan.h"

/* Appends it in one piece, not by a format: a status has a hundred keys. */
static void key_put(struct buf *out, const char *name)
{
    size_t len = strlen(name);
    uint8_t *at = buf_extend(out, len + 4);
    memcpy(at, ",\"", 2);
    memcpy(at + 2, name, len);
    memcpy(at + 2 + len, "\":", 2);
}

static void uint_put(struct buf *out, const char *name, uint64_t v)
{
    key_put(out, name);
    buf_add_uint(out, v);
}

static void bool_put(struct buf *out, const char *name, bool v)
{
    key_put(out, name);
    buf_add_str(out, v ? "true" : "false");
}

void json_put_member(struct buf *out, const char *name, struct bytes text)
{
    key_put(out, name);
    json_put_string(out, text);
}

void json_put_member_or_null(struct buf *out, const char *name, struct bytes text)
{
    if (text.len == 0) {
        key_put(out, name);
        buf_add(out, "null", 4);
    } else {
        json_put_member(out, name, text);
    }
}

void json_put_time(struct buf *out, const char *name, unix_ms t)
{
    char text[TIME_TEXT_BYTES];
    key_put(out, name);
    if (t == 0) {
        buf_add(out, "null", 4);
        return;
    }
    buf_add_char(out, '"');
    buf_add_str(out, time_format(t, text));
    buf_add_char(out, '"');
}

static void checkpoint_size_put(struct buf *out, uint32_t bytes)
{
    if (bytes > 0) {
        buf_addf(out, ",\"progress_checkpoint_bytes\":%u", bytes);
    }
}

void json_put_checkpoint(struct buf *out, struct bytes checkpoint, uint32_t bytes)
{
    buf_add_str(out, ",\"progress_checkpoint\":");
    buf_add_bytes(out, checkpoint.len > 0 ? checkpoint : BYTES_LIT("null"));
    checkpoint_size_put(out, bytes);
}

void checkpoint_plan(struct body_plan *plan, struct bytes checkpoint, uint32_t bytes)
{
    buf_add_str(&plan->text, ",\"progress_checkpoint\":");
    body_plan_lend(plan, checkpoint.len > 0 ? checkpoint : BYTES_LIT("null"));
    checkpoint_size_put(&plan->text, bytes);
}

static void number_put(struct buf *out, const char *name, double v)
{
    key_put(out, name);
    json_put_number(out, v);
}

static void error_code_put(struct buf *out, enum code code)
{
    bool known = code > CODE_NONE && code < CODE_COUNT;
    json_put_member_or_null(out, "error_code",
                            known ? bytes_str(code_info(code)->name) : BYTES_NONE);
}

char *status_etag(const struct task_view *v, char text[ETAG_BYTES])
{
    (void)snprintf(text, ETAG_BYTES, "\"%u-%llu\"", v->run, (unsigned long long)v->seq);
    return text;
}

/* Takes the next tag of a list, without white space, W/ and quotes. */
static bool tag_next(struct bytes *list, struct bytes *ret_tag)
{
    size_t i = 0;
    while (i < list->len && (list->ptr[i] == ' ' || list->ptr[i] == ',' || list->ptr[i] == '\t')) {
        i++;
    }
    size_t end = i;
    while (end < list->len && list->ptr[end] != ',') {
        end++;
    }
    struct bytes tag = bytes_part(*list, i, end - i);
    *list = bytes_part(*list, end, list->len - end);
    while (tag.len > 0 && (tag.ptr[tag.len - 1] == ' ' || tag.ptr[tag.len - 1] == '\t')) {
        tag.len--;
    }
    if (tag.len > 2 && bytes_is(bytes_part(tag, 0, 2), "W/")) {
        tag = bytes_part(tag, 2, tag.len);
    }
    if (tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"') {
        tag = bytes_part(tag, 1, tag.len - 2);
    }
    *ret_tag = tag;
    return tag.len > 0;
}

bool status_etag_matches(const struct task_view *v, struct bytes if_none_match)
{
    char full[ETAG_BYTES], seq[ETAG_BYTES];
    (void)snprintf(full, sizeof full, "%u-%llu", v->run, (unsigned long long)v->seq);
    (void)snprintf(seq, sizeof seq, "%llu", (unsigned long long)v->seq);
    struct bytes tag;
    while (tag_next(&if_none_match, &tag)) {
        if (bytes_is(tag, "*") || bytes_is(tag, full) || bytes_is(tag, seq)) {
            return true;
        }
    }
    return false;
}

/* The first step that is not over, or the last one; counted from 0. */
static uint32_t current_step(const struct task_view *v)
{
    if (!task_state_ended(v->state)) {
        for (uint32_t i = 0; i < v->step_count; i++) {
            if (v->steps[i].state == STEP_PENDING || v->steps[i].state == STEP_RUNNING) {
                return i;
            }
        }
    }
    return v->step_count > 0 ? v->step_count - 1 : 0;
}

static void step_result_put(const struct step_view *s, struct body_plan *plan)
{
    buf_add_str(&plan->text, ",\"result\":");
    if (s->state == STEP_COMPLETED && s->result_len > 0) {
        body_plan_doc(plan, s->result_offset, s->result_len);
    } else {
        buf_add_str(&plan->text, "null");
    }
}

static void step_put(const struct step_view *s, uint32_t index, bool results,
                     struct body_plan *plan)
{
    struct buf *out = &plan->text;
    buf_add_str(out, "{\"step_id\":\"step_");
    buf_add_uint(out, index);
    buf_add_char(out, '"');
    json_put_member(out, "name", s->name);
    json_put_member(out, "description", s->description);
    json_put_member_or_null(out, "function", s->function);
    json_put_member(out, "status", bytes_str(step_state_name(s->state)));
    json_put_time(out, "started_at", s->started_at);
    json_put_time(out, "completed_at", s->completed_at);
    if (s->completed_at != 0) {
        uint_put(out, "duration_ms", s->duration_ms);
    } else {
        buf_add_str(out, ",\"duration_ms\":null");
    }
    uint_put(out, "retry_count", s->retry_count);
    uint_put(out, "max_retries", s->max_retries);
    uint_put(out, "deaths", s->deaths);
    json_put_time(out, "retry_at", s->retry_at);
    number_put(out, "progress", s->progress);
    json_put_member_or_null(out, "error_message", s->error);
    error_code_put(out, s->error_code);
    json_put_member_or_null(out, "function_code", s->function_code);
    json_put_member_or_null(out, "waiting_for", s->waiting_for);
    if (s->log.len > 0) {
        json_put_member(out, "log", s->log);
    }
    checkpoint_plan(plan, s->checkpoint, s->checkpoint_bytes);
    json_put_time(out, "progress_checkpoint_at", s->checkpoint_at);
    if (s->waiting_until != 0) {
        json_put_time(out, "waiting_until", s->waiting_until);
    }
    if (s->fans_out) {
        buf_addf(out, ",\"items\":{\"total\":%u,\"completed\":%u,\"failed\":%u,\"running\":%u}",
                 s->items, s->items_done, s->items_failed, s->items_running);
    }
    usage_member_put(out, s->usage, s->usage_count);
    if (results) {
        step_result_put(s, plan);
    }
    buf_add_char(out, '}');
}

void results_render(const struct task_view *v, struct body_plan *plan)
{
    if (v->results_bytes <= 2) {
        buf_add_str(&plan->text, "{}");
    } else {
        /* Leaves the closing brace out: if a step was added meanwhile, there is a comma instead. */
        body_plan_doc(plan, RESULTS_OFFSET, v->results_bytes - 1);
        buf_add_char(&plan->text, '}');
    }
}

static int order_cmp(const void *a, const void *b)
{
    const struct step_view *x = *(const struct step_view *const *)a;
    const struct step_view *y = *(const struct step_view *const *)b;
    return x->order < y->order ? -1 : x->order > y->order ? 1 : x < y ? -1 : x > y;
}

static const struct step_view **steps_by_order(const struct task_view *v, size_t *ret_count)
{
    const struct step_view **done = mem_alloc((v->step_count + 1) * sizeof *done);
    size_t n = 0;
    for (uint32_t i = 0; i < v->step_count && v->checkpoints; i++) {
        if (v->steps[i].state == STEP_COMPLETED) {
            done[n++] = &v->steps[i];
        }
    }
    qsort(done, n, sizeof *done, order_cmp);
    *ret_count = n;
    return done;
}

/* Are the results in the document in order of completion, with no gaps? Then the results up to a
 * checkpoint are a prefix of the document plus a brace. */
static bool doc_in_order(const struct step_view **done, size_t count)
{
    uint64_t end = RESULTS_OFFSET;
    for (size_t i = 0; i < count; i++) {
        /* '{' or ',', the name in quotes, ':' */
        uint64_t expected = end + 1 + done[i]->name.len + 2 + 1;
        if (done[i]->result_len == 0 || done[i]->result_offset != expected) {
            return false;
        }
        end = expected + done[i]->result_len;
    }
    return true;
}

struct copies {
    const struct step_view **done;
    bool in_order;
    uint64_t left; /* bytes that may still be repeated */
};

static void accumulated_put(struct copies *c, size_t upto, struct body_plan *plan)
{
    const struct step_view *last = c->done[upto];
    uint64_t size = last->result_offset + last->result_len - RESULTS_OFFSET;
    if (size > c->left) {
        /* from here on all are {}: a later checkpoint must not show more than an earlier one hid */
        c->left = 0;
        buf_add_str(&plan->text, "{}");
        return;
    }
    c->left -= size;
    if (c->in_order) {
        body_plan_doc(plan, RESULTS_OFFSET, size);
        buf_add_char(&plan->text, '}');
        return;
    }
    for (size_t i = 0; i <= upto; i++) {
        buf_add_char(&plan->text, i == 0 ? '{' : ',');
        json_put_string(&plan->text, c->done[i]->name);
        buf_add_char(&plan->text, ':');
        if (c->done[i]->result_len > 0) {
            body_plan_doc(plan, c->done[i]->result_offset, c->done[i]->result_len);
        } else {
            buf_add_str(&plan->text, "null");
        }
    }
    buf_add_char(&plan->text, '}');
}

static void snapshot_put(const struct task_view *v, struct buf *out)
{
    buf_add_str(out, ",\"state_snapshot\":{\"storage_backend\":");
    json_put_string(out, v->backend);
    uint_put(out, "checkpoint_interval", v->checkpoint_interval_s);
    uint_put(out, "max_retries", v->max_retries);
    key_put(out, "enable_recovery");
    buf_add_str(out, v->recovery_enabled ? "true}" : "false}");
}

void checkpoints_render(const struct task_view *v, bool results, struct body_plan *plan)
{
    size_t count;
    struct copies c = {.done = steps_by_order(v, &count)};
    c.in_order = doc_in_order(c.done, count);
    c.left = v->results_bytes > CHECKPOINT_RESULTS_BYTES_MAX ? 0 : CHECKPOINT_COPIES_BYTES_MAX;
    struct buf *out = &plan->text;
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add_str(out, i == 0 ? "{\"checkpoint_id\":" : ",{\"checkpoint_id\":");
        struct buf id = {0};
        buf_add_bytes(&id, v->task_id);
        buf_add_str(&id, "_cp_");
        buf_add_uint(&id, i);
        json_put_string(out, buf_bytes(&id));
        buf_free(&id);
        json_put_member(out, "task_id", v->task_id);
        uint_put(out, "step_index", (uint64_t)(c.done[i] - v->steps));
        json_put_member(out, "step_name", c.done[i]->name);
        json_put_time(out, "timestamp", c.done[i]->completed_at);
        if (results) {
            buf_add_str(out, ",\"accumulated_results\":");
            accumulated_put(&c, i, plan);
        }
        snapshot_put(v, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    free(c.done);
}

static void head_put(const struct task_view *v, struct buf *out)
{
    uint32_t current = current_step(v);
    struct bytes name = v->step_count > 0 ? v->steps[current].name : BYTES_NONE;
    uint32_t shown = v->step_count > 0 ? current + 1 : 0;
    buf_add_str(out, "{\"task_id\":");
    json_put_string(out, v->task_id);
    json_put_member_or_null(out, "task_type", v->task_type);
    json_put_member_or_null(out, "session_id", v->session_id);
    json_put_member(out, "status", bytes_str(task_state_name(v->state)));
    number_put(out, "progress", v->progress);
    uint_put(out, "current_step", shown);
    uint_put(out, "total_steps", v->step_count);
    json_put_member_or_null(out, "current_step_name", name);
    json_put_time(out, "created_at", v->created_at);
    json_put_time(out, "started_at", v->started_at);
    json_put_time(out, "completed_at", v->completed_at);
    json_put_time(out, "estimated_completion", v->estimated_completion);
}

void status_render(const struct task_view *v, bool results, struct body_plan *plan)
{
    struct buf *out = &plan->text;
    head_put(v, out);
    buf_add_str(out, ",\"steps\":[");
    for (uint32_t i = 0; i < v->step_count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        step_put(&v->steps[i], i, results, plan);
    }
    buf_add_str(out, "],\"checkpoints\":");
    checkpoints_render(v, results, plan);
    if (results) {
        buf_add_str(out, ",\"accumulated_results\":");
        results_render(v, plan);
    }
    bool_put(out, "enable_checkpoints", v->checkpoints);
    bool_put(out, "enable_recovery", v->recovery_enabled);
    json_put_member_or_null(out, "error", v->error);
    error_code_put(out, v->error_code);
    json_put_member_or_null(out, "error_step", v->error_step);
    usage_member_put(out, v->usage, v->usage_count);
    budget_member_put(out, v);
    if (v->pipeline_version > 0) {
        uint_put(out, "pipeline_version", v->pipeline_version);
    } else {
        buf_add_str(out, ",\"pipeline_version\":null");
    }
    bool_put(out, "can_recover", v->can_recover);
    uint_put(out, "run", v->run);
    uint_put(out, "seq", v->seq);
    buf_add_char(out, '}');
}
