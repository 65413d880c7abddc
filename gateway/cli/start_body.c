#include "cli/start_body.h"

#include <inttypes.h>

#include "json/scan.h"

/* A start ignores a definition's name and description; any other member would be lost silently. */
static enum err only_steps(struct bytes definition, struct buf *ret_message)
{
    struct json_walk w = json_walk(definition);
    struct bytes key, value;
    while (json_next(&w, &key, &value)) {
        if (!bytes_is(key, "name") && !bytes_is(key, "description") && !bytes_is(key, "budget") &&
            !bytes_is(key, "steps")) {
            buf_add_str(ret_message, "--steps is a definition with \"");
            buf_add_bytes(ret_message, key);
            buf_add_str(ret_message, "\", which only a pipeline stored on the server can have");
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

static enum err steps_of(const struct start_body *b, struct bytes *ret_steps,
                         struct bytes *ret_name, struct buf *ret_message)
{
    struct bytes steps = b->steps;
    if (steps.len > 0 && json_kind_of(steps) == JSON_OBJECT) {
        if (only_steps(steps, ret_message) != ERR_OK) {
            return ERR_INVALID;
        }
        *ret_name = json_member(b->steps, "name");
        steps = json_member(b->steps, "steps");
        if (steps.len == 0) {
            buf_add_str(ret_message, "--steps is an object without a member \"steps\"");
            return ERR_INVALID;
        }
    }
    if (steps.len > 0 && json_kind_of(steps) != JSON_ARRAY) {
        buf_add_str(ret_message, "--steps must be an array of steps, or a pipeline's definition");
        return ERR_INVALID;
    }
    *ret_steps = steps;
    return ERR_OK;
}

/* The one given on the command line, else the definition's. */
static struct bytes budget_of(const struct start_body *b)
{
    bool whole = b->steps.len > 0 && json_kind_of(b->steps) == JSON_OBJECT;
    return b->budget.len > 0 || !whole ? b->budget : json_member(b->steps, "budget");
}

static void put_key(struct buf *out, const char *key)
{
    buf_addf(out, "%s\"%s\":", out->ptr[out->len - 1] == '{' ? "" : ",", key);
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    if (text != NULL) {
        put_key(out, key);
        json_put_string(out, bytes_str(text));
    }
}

static void put_raw(struct buf *out, const char *key, struct bytes json)
{
    if (json.len > 0) {
        put_key(out, key);
        buf_add_bytes(out, json);
    }
}

static void put_number(struct buf *out, const char *key, int64_t number)
{
    if (number != START_UNSET) {
        put_key(out, key);
        buf_addf(out, "%" PRId64, number);
    }
}

enum err start_body_write(const struct start_body *b, struct buf *out, struct buf *ret_message)
{
    struct bytes steps = BYTES_NONE;
    struct bytes name = BYTES_NONE;
    enum err e = steps_of(b, &steps, &name, ret_message);
    if (e != ERR_OK) {
        return e;
    }
    buf_add_char(out, '{');
    put_text(out, "task_type", b->pipeline);
    if (b->pipeline == NULL && name.len > 0) {
        put_raw(out, "task_type", name);
    }
    put_raw(out, "steps", steps);
    put_text(out, "task_id", b->task_id);
    put_text(out, "session_id", b->session_id);
    put_raw(out, "input_data", b->input);
    put_number(out, "pipeline_version", b->version);
    put_raw(out, "budget", budget_of(b));
    put_number(out, "priority", b->priority);
    put_number(out, "max_retries_per_step", b->max_retries);
    put_number(out, "max_task_duration_seconds", b->max_duration_s);
    put_number(out, "checkpoint_interval_seconds", b->checkpoint_interval_s);
    if (b->no_checkpoints) {
        put_key(out, "enable_checkpoints");
        buf_add_str(out, "false");
    }
    buf_add_char(out, '}');
    return ERR_OK;
}
