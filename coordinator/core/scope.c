#include "core/scope.h"

#include "base/shared.h"
#include "core/fx.h"
#include "json/doc.h"
#include "json/scan.h"
#include "model/limits.h"

/* Attempts that were made; the one that succeeded counts, going on after a failure is none. */
static uint32_t attempts_of(const struct step *s)
{
    return s->failures +
           (s->state == STEP_COMPLETED && rare_of(s)->error_code == CODE_NONE ? 1 : 0);
}

static struct bytes finish(const struct scope *x, struct buf *b)
{
    return arena_take(x->arena, b);
}

static struct bytes error_json(const struct scope *x, const struct step *s)
{
    struct buf b = {0};
    if (rare_of(s)->error == NULL) {
        return BYTES_LIT("null");
    }
    buf_addf(&b, "{\"code\":\"%s\",\"message\":", code_info(rare_of(s)->error_code)->name);
    json_put_string(&b, bytes_str(rare_of(s)->error));
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
    return bytes_str(arena_printf(x->arena, "%u", n));
}

/* Expressions of a step, or of one whose pipeline it belongs to. */
struct view {
    struct scope *x;
    uint32_t step;
};

static struct bytes input_text(struct scope *x, uint32_t step);

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    const struct view *view = context;
    struct scope *x = view->x;
    const struct step *named = &x->step->task->steps[ref->step_index];
    switch (ref->root) {
    case EXPR_INPUT:
        return input_text(x, view->step);
    case EXPR_RESULT:
        return scope_result(x, ref->step_index);
    case EXPR_STATUS:
        return bytes_str(arena_printf(x->arena, "\"%s\"", step_state_name(named->state)));
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
    *ret_scope = (struct scope){.step = s, .arena = fx_arena(c)};
}

/* Where the step is among the wanted ones, or would be. */
static uint32_t place_of(const struct scope *x, uint32_t step)
{
    uint32_t from = 0;
    uint32_t to = x->range_count;
    if (to > 0 && x->wanted[to - 1] < step) {
        return to; /* most come in their order */
    }
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (x->wanted[middle] < step) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Their arena gives nothing back before the turn is over: doubled, that is as much again. */
static void make_room(struct scope *x)
{
    if (x->range_count < x->range_cap) {
        return;
    }
    uint32_t cap = x->range_cap < 4 ? 4 : 2 * x->range_cap;
    uint32_t *wanted = arena_alloc(x->arena, cap * sizeof *wanted);
    struct byte_range *ranges = arena_alloc(x->arena, cap * sizeof *ranges);
    if (x->range_count > 0) {
        memcpy(wanted, x->wanted, x->range_count * sizeof *wanted);
        memcpy(ranges, x->ranges, x->range_count * sizeof *ranges);
    }
    x->wanted = wanted;
    x->ranges = ranges;
    x->range_cap = cap;
}

void scope_want_result(struct scope *x, uint32_t step)
{
    const struct step *s = &x->step->task->steps[step];
    uint32_t at = place_of(x, step);
    bool there = at < x->range_count && x->wanted[at] == step;
    if (s->state != STEP_COMPLETED || there) {
        return; /* there is none to be read, or it is asked for already */
    }
    make_room(x);
    uint32_t behind = x->range_count++ - at;
    if (behind > 0) {
        memmove(&x->wanted[at + 1], &x->wanted[at], behind * sizeof *x->wanted);
        memmove(&x->ranges[at + 1], &x->ranges[at], behind * sizeof *x->ranges);
    }
    x->wanted[at] = step;
    x->ranges[at] = (struct byte_range){s->result_offset, s->result_len};
}

static const struct pipeline_step *def_of(const struct scope *x, uint32_t step)
{
    return &x->step->task->pipeline->steps[step];
}

/* The innermost pipeline around a step that has an input of its own, or STEP_NONE: the task's. */
static uint32_t input_giver(const struct scope *x, uint32_t step)
{
    uint32_t joint = def_of(x, step)->parent;
    while (joint != STEP_NONE && def_of(x, joint)->input.len == 0) {
        joint = def_of(x, joint)->parent;
    }
    return joint;
}

static void want_template_of(struct scope *x, uint32_t step, const struct template *t);

static void want_input_of(struct scope *x, uint32_t step)
{
    uint32_t joint = input_giver(x, step);
    if (joint == STEP_NONE) {
        x->input = true;
    } else if (def_of(x, joint)->input_template != NULL) {
        want_template_of(x, joint, def_of(x, joint)->input_template);
    }
}

static void want_of(struct scope *x, uint32_t step, const struct expr *e)
{
    for (uint32_t i = 0; i < e->ref_count; i++) {
        if (e->refs[i].root == EXPR_INPUT) {
            want_input_of(x, step);
        } else if (e->refs[i].root == EXPR_RESULT) {
            scope_want_result(x, e->refs[i].step_index);
        }
    }
}

/* Recurses over pipelines within pipelines. */
static void want_template_of(struct scope *x, uint32_t step, const struct template *t)
{
    for (uint32_t i = 0; i < t->piece_count; i++) {
        if (t->pieces[i].expr != NULL) {
            want_of(x, step, t->pieces[i].expr);
        }
    }
}

void scope_want(struct scope *x, const struct expr *e)
{
    want_of(x, x->step->index, e);
}

void scope_want_template(struct scope *x, const struct template *t)
{
    want_template_of(x, x->step->index, t);
}

void scope_want_input(struct scope *x)
{
    want_input_of(x, x->step->index);
}

void scope_want_when(struct scope *x)
{
    for (uint32_t i = x->step->index; i != STEP_NONE; i = def_of(x, i)->parent) {
        if (def_of(x, i)->when != NULL) {
            want_of(x, i, def_of(x, i)->when);
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

bool scope_holds(const struct scope *x)
{
    for (uint32_t i = 0; i < x->range_count; i++) {
        const struct step *s = &x->step->task->steps[x->wanted[i]];
        if (s->state != STEP_COMPLETED || s->result_offset != x->ranges[i].offset ||
            s->result_len != x->ranges[i].len) {
            return false;
        }
    }
    return true;
}

struct bytes scope_result_at(const struct scope *x, uint32_t place)
{
    bool read = x->answer != NULL && place < x->answer->part_count &&
                x->answer->parts[place].len == x->ranges[place].len;
    return read ? x->answer->parts[place] : BYTES_NONE;
}

struct bytes scope_result(const struct scope *x, uint32_t step)
{
    if (x->step->task->steps[step].state != STEP_COMPLETED) {
        return BYTES_LIT("null");
    }
    uint32_t at = place_of(x, step);
    bool wanted = at < x->range_count && x->wanted[at] == step;
    return wanted ? scope_result_at(x, at) : BYTES_NONE;
}

struct shared *scope_lender(const struct scope *x, struct bytes slice)
{
    struct lenders read = x->answer != NULL ? x->answer->lenders : (struct lenders){0};
    struct lenders made = arena_lenders(x->arena, 0);
    read.more = &made;
    return lenders_find(&read, slice);
}

static uint32_t characters(struct bytes text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += (text.ptr[i] & 0xc0) != 0x80; /* UTF-8, checked when it was parsed */
    }
    return count;
}

/* step "x", /when, ${text}, at character 7: what is wrong */
static struct bytes why_of(const struct scope *x, uint32_t step, const char *field,
                           const struct template_fault *fault)
{
    struct buf b = {0};
    if (x->inner_why.len > 0) {
        return x->inner_why;
    }
    buf_addf(&b, "step \"%s\", /%s", def_of(x, step)->name, field);
    buf_add_bytes(&b, fault->pointer);
    buf_add_str(&b, ", ${");
    buf_add_bytes(&b, bytes_part(fault->text, 0, 1000));
    buf_add_str(&b, "}");
    if (fault->fault.at > 0) { /* else it is about the whole, or begins there */
        buf_addf(&b, ", at character %u",
                 characters(bytes_part(fault->text, 0, fault->fault.at)) + 1);
    }
    buf_addf(&b, ": %s", fault->fault.detail);
    b.len = b.len < ERROR_BYTES_MAX ? b.len : ERROR_BYTES_MAX;
    return finish(x, &b);
}

static bool eval_when_of(struct scope *x, uint32_t step, bool *ret_holds, struct bytes *ret_why)
{
    const struct expr *when = def_of(x, step)->when;
    struct template_fault fault = {.text = when->text, .fault = {.detail = ""}};
    struct view view = {x, step};
    struct expr_scope exprs = {read_root, &view, x->arena, x->work, &x->seen};
    enum err e = expr_eval_bool(when, &exprs, ret_holds, &fault.fault);
    x->work = exprs.work;
    if (e != ERR_OK) {
        *ret_why = why_of(x, step, "when", &fault);
    }
    return e == ERR_OK;
}

static bool when_holds(struct scope *x, uint32_t step, bool *ret_holds, struct bytes *ret_why)
{
    const struct pipeline_step *def = def_of(x, step);
    bool holds = true;
    if (def->parent != STEP_NONE && !when_holds(x, def->parent, &holds, ret_why)) {
        return false;
    }
    if (holds && def->when != NULL && !eval_when_of(x, step, &holds, ret_why)) {
        return false;
    }
    *ret_holds = holds;
    return true;
}

bool scope_eval_when(struct scope *x, bool *ret_holds, struct bytes *ret_why)
{
    return when_holds(x, x->step->index, ret_holds, ret_why);
}

bool scope_eval(struct scope *x, const struct expr *e, const char *field, struct bytes *ret_json,
                struct bytes *ret_why)
{
    struct template_fault fault = {.text = e->text, .fault = {.detail = ""}};
    struct view view = {x, x->step->index};
    struct expr_scope exprs = {read_root, &view, x->arena, x->work, &x->seen};
    enum err err = expr_eval(e, &exprs, ret_json, &fault.fault);
    x->work = exprs.work;
    if (err != ERR_OK) {
        *ret_why = why_of(x, x->step->index, field, &fault);
    }
    return err == ERR_OK;
}

/* A template of a step, and what it is called. */
struct rendered {
    uint32_t step;
    const struct template *template;
    const char *field;
};

static bool render_of(struct scope *x, struct rendered what, struct parts *ret_json,
                      struct bytes *ret_why)
{
    struct template_fault fault = {.fault = {.detail = ""}};
    struct view view = {x, what.step};
    struct expr_scope exprs = {read_root, &view, x->arena, x->work, &x->seen};
    enum err e = template_render(what.template, &exprs, ENVELOPE_BYTES_MAX, ret_json, &fault);
    x->work = exprs.work;
    if (e != ERR_OK) {
        *ret_why = why_of(x, what.step, what.field, &fault);
    }
    return e == ERR_OK;
}

bool scope_render_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why)
{
    struct rendered what = {x->step->index, step_def(x->step)->input_template, "input"};
    return render_of(x, what, ret_json, ret_why);
}

/* What is given to the steps of a pipeline within, or to those of the task. */
static bool given_input(struct scope *x, uint32_t joint, struct parts *ret_json,
                        struct bytes *ret_why)
{
    if (joint == STEP_NONE) {
        *ret_json = parts_whole(x->answer != NULL ? x->answer->input : BYTES_NONE);
        *ret_why = BYTES_NONE;
        return x->answer != NULL;
    }
    const struct pipeline_step *def = def_of(x, joint);
    if (def->input_template == NULL) {
        *ret_json = parts_whole(def->input);
        return true;
    }
    return render_of(x, (struct rendered){joint, def->input_template, "input"}, ret_json, ret_why);
}

bool scope_input(struct scope *x, struct parts *ret_json, struct bytes *ret_why)
{
    return given_input(x, input_giver(x, x->step->index), ret_json, ret_why);
}

/* In one piece, put together once for all expressions that read it; empty where it has failed. */
static struct bytes input_text(struct scope *x, uint32_t step)
{
    uint32_t joint = input_giver(x, step);
    struct parts json;
    for (uint32_t i = 0; i < x->input_count; i++) {
        if (x->inputs[i].joint == joint) {
            return x->inputs[i].json;
        }
    }
    if (!given_input(x, joint, &json, &x->inner_why)) {
        return BYTES_NONE;
    }
    struct bytes whole = parts_join(&json, x->arena);
    if (x->input_count < sizeof x->inputs / sizeof *x->inputs) {
        x->inputs[x->input_count++] = (struct scope_input){joint, whole};
    }
    return whole;
}

/* What a JSON value is as a text; false where it is none. */
static bool text_of(struct scope *x, struct bytes json, struct bytes *ret_text)
{
    enum json_kind kind = json_kind_of(json);
    struct doc *d = NULL;
    struct doc_fault fault;
    if (kind != JSON_STRING) {
        *ret_text = json;
        return kind == JSON_NUMBER || kind == JSON_TRUE || kind == JSON_FALSE;
    }
    if (doc_parse(json, &d, &fault) != ERR_OK) {
        return false;
    }
    *ret_text = arena_bytes(x->arena, doc_string(doc_root(d)));
    doc_free(d);
    return true;
}

bool scope_render_key(struct scope *x, const struct template *t, const char *field,
                      struct bytes *ret_key, struct bytes *ret_why)
{
    struct parts parts;
    struct rendered what = {x->step->index, t, field};
    if (!render_of(x, what, &parts, ret_why)) {
        return false;
    }
    struct bytes json = parts_join(&parts, x->arena);
    bool good =
        text_of(x, json, ret_key) && ret_key->len > 0 && ret_key->len <= LIMIT_KEY_BYTES_MAX;
    for (size_t i = 0; good && i < ret_key->len; i++) {
        good = ret_key->ptr[i] >= 0x20 && ret_key->ptr[i] != 0x7f;
    }
    if (!good) {
        *ret_why = bytes_str(
            arena_printf(x->arena,
                         "step \"%s\", /%s: a key must be a string of 1 to %u bytes without "
                         "control characters, a number, true or false, but it is %.*s",
                         step_def(x->step)->name, field, LIMIT_KEY_BYTES_MAX,
                         (int)(json.len < 100 ? json.len : 100), (const char *)json.ptr));
    }
    return good;
}
