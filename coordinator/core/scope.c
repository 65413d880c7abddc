#include "core/scope.h"

#include "json/scan.h"
#include "model/limits.h"

/* Attempts that were made; the one that succeeded counts, going on after a failure is none. */
static uint32_t attempts_of(const struct step *s)
{
    return s->failures + (s->state == STEP_COMPLETED && s->error_code == CODE_NONE ? 1 : 0);
}

static struct bytes finish(const struct scope *x, struct buf *b)
{
    struct bytes json = arena_bytes(x->exprs.arena, buf_bytes(b));
    buf_free(b);
    return json;
}

static struct bytes error_json(const struct scope *x, const struct step *s)
{
    struct buf b = {0};
    if (s->error == NULL) {
        return BYTES_LIT("null");
    }
    buf_addf(&b, "{\"code\":\"%s\",\"message\":", code_info(s->error_code)->name);
    json_put_string(&b, bytes_str(s->error));
    buf_add_char(&b, '}');
    return finish(x, &b);
}

static struct bytes task_json(const struct scope *x)
{
    const struct task *t = x->step->task;
    char at[TIME_TEXT_BYTES];
    struct buf b = {0};
    buf_add_str(&b, "{\"id\":");
    json_put_string(&b, t->id);
    buf_add_str(&b, ",\"type\":");
    json_put_string(&b, bytes_str(t->task_type));
    buf_add_str(&b, ",\"session_id\":");
    json_put_string(&b, bytes_str(t->session_id));
    buf_addf(&b, ",\"run\":%u,\"priority\":%d,\"created_at\":\"%s\"}", t->run, (int)t->priority,
             time_format(t->created_at, at));
    return finish(x, &b);
}

static struct bytes number_json(const struct scope *x, uint32_t n)
{
    return bytes_str(arena_printf(x->exprs.arena, "%u", n));
}

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    struct scope *x = context;
    const struct step *named = &x->step->task->steps[ref->step_index];
    switch (ref->root) {
    case EXPR_INPUT:
        return x->answer != NULL ? x->answer->input : BYTES_NONE;
    case EXPR_RESULT:
        return scope_result(x, ref->step_index);
    case EXPR_STATUS:
        return bytes_str(arena_printf(x->exprs.arena, "\"%s\"", step_state_name(named->state)));
    case EXPR_ERROR:
        return error_json(x, named);
    case EXPR_ATTEMPTS:
        return number_json(x, attempts_of(named));
    case EXPR_ITEM:
        return x->item;
    case EXPR_INDEX:
        return x->step->item != ITEM_NONE ? number_json(x, x->step->item - 1) : BYTES_NONE;
    case EXPR_TASK:
        return task_json(x);
    case EXPR_ROOT_COUNT:
        break;
    }
    return BYTES_NONE;
}

void scope_begin(struct core *c, const struct step *s, struct scope *ret_scope)
{
    uint32_t n = s->task->pipeline->step_count;
    *ret_scope = (struct scope){.core = c, .step = s};
    ret_scope->part_of = arena_alloc(fx_arena(c), n * sizeof *ret_scope->part_of);
    ret_scope->ranges = arena_alloc(fx_arena(c), n * sizeof *ret_scope->ranges);
    ret_scope->exprs = (struct expr_scope){read_root, ret_scope, fx_arena(c), 0};
}

void scope_want_result(struct scope *x, uint32_t step)
{
    const struct step *s = &x->step->task->steps[step];
    if (s->state != STEP_COMPLETED || x->part_of[step] != 0) {
        return; /* there is none to be read, or it is asked for already */
    }
    x->ranges[x->range_count++] = (struct byte_range){s->result_offset, s->result_len};
    x->part_of[step] = x->range_count;
}

void scope_want(struct scope *x, const struct expr *e)
{
    for (uint32_t i = 0; i < e->ref_count; i++) {
        x->input = x->input || e->refs[i].root == EXPR_INPUT;
        if (e->refs[i].root == EXPR_RESULT) {
            scope_want_result(x, e->refs[i].step_index);
        }
    }
}

void scope_want_template(struct scope *x, const struct template *t)
{
    for (uint32_t i = 0; i < t->piece_count; i++) {
        if (t->pieces[i].expr != NULL) {
            scope_want(x, t->pieces[i].expr);
        }
    }
}

bool scope_wants(const struct scope *x)
{
    return x->input || x->range_count > 0;
}

void scope_ask(const struct scope *x, struct store_read *read)
{
    read->kind = READ_PARTS;
    read->partition = x->step->task->partition;
    read->task_id = x->step->task->id;
    read->input = x->input;
    read->ranges = x->ranges;
    read->range_count = x->range_count;
}

struct bytes scope_result(const struct scope *x, uint32_t step)
{
    uint32_t part = x->part_of[step];
    if (x->step->task->steps[step].state != STEP_COMPLETED) {
        return BYTES_LIT("null");
    }
    if (part == 0 || x->answer == NULL || part > x->answer->part_count ||
        x->answer->parts[part - 1].len != x->ranges[part - 1].len) {
        return BYTES_NONE;
    }
    return x->answer->parts[part - 1];
}

/* step "x", /when, ${text}: what is wrong */
static struct bytes why(const struct scope *x, const char *field,
                        const struct template_fault *fault)
{
    struct buf b = {0};
    buf_addf(&b, "step \"%s\", /%s", step_def(x->step)->name, field);
    buf_add_bytes(&b, fault->pointer);
    buf_add_str(&b, ", ${");
    buf_add_bytes(&b, bytes_part(fault->text, 0, 1000));
    buf_addf(&b, "}: %s", fault->fault.detail);
    b.len = b.len < ERROR_BYTES_MAX ? b.len : ERROR_BYTES_MAX;
    return finish(x, &b);
}

bool scope_eval_when(struct scope *x, bool *ret_holds, struct bytes *ret_why)
{
    const struct expr *when = step_def(x->step)->when;
    struct template_fault fault = {.text = when->text, .fault = {.detail = ""}};
    if (expr_eval_bool(when, &x->exprs, ret_holds, &fault.fault) == ERR_OK) {
        return true;
    }
    *ret_why = why(x, "when", &fault);
    return false;
}

bool scope_render(struct scope *x, const struct template *t, const char *field,
                  struct bytes *ret_json, struct bytes *ret_why)
{
    struct template_fault fault = {.fault = {.detail = ""}};
    struct json_fault json_fault;
    struct buf b = {0};
    enum err e = template_render(t, &x->exprs, ENVELOPE_BYTES_MAX, &b, &fault);
    /* Values within values may be nested deeper than JSON may be here. */
    if (e == ERR_OK && json_check(buf_bytes(&b), NULL, &json_fault) != ERR_OK) {
        buf_free(&b);
        *ret_why = bytes_str(arena_printf(x->exprs.arena,
                                          "step \"%s\", /%s: what comes out is not good JSON: %s",
                                          step_def(x->step)->name, field, json_fault.reason));
        return false;
    }
    if (e != ERR_OK) {
        buf_free(&b);
        *ret_why = why(x, field, &fault);
        return false;
    }
    *ret_json = finish(x, &b);
    return true;
}
