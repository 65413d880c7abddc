#include "core/fan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/pack.h"
#include "core/change.h"
#include "core/fx.h"
#include "core/on_outcome.h"
#include "core/on_progress.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/step_end.h"
#include "core/token.h"
#include "json/scan.h"
#include "model/limits.h"

/* ---- in memory ---- */

struct fan *fan_create(uint32_t count, bool marks)
{
    struct fan *f = mem_zalloc(sizeof *f);
    f->count = count;
    if (marks) {
        f->marks = mem_alloc(count + 1);
        memset(f->marks, ITEM_WAITING, count);
    }
    return f;
}

void fan_free(struct fan *f)
{
    if (f == NULL) {
        return;
    }
    for (uint32_t i = 0; i < f->live_count; i++) {
        step_free(f->live[i]);
    }
    free(f->live);
    free(f->marks);
    free(f);
}

struct step *fan_open(struct step *parent, uint32_t item)
{
    struct fan *f = rare_of(parent)->fan;
    bool over = parent->state != STEP_PENDING && parent->state != STEP_RUNNING;
    if (f == NULL || f->marks == NULL || over || item == ITEM_NONE || item > f->count ||
        f->marks[item - 1] != ITEM_WAITING) {
        return NULL;
    }
    struct step *s = step_create(parent->task, parent->index);
    s->item = item;
    s->generation = parent->generation;
    s->deliveries = f->base;
    s->resolved = !step_def(s)->keyed; /* all else was found out for the list */
    f->marks[item - 1] = ITEM_BEGUN;
    MEM_GROW(f->live, f->live_count, f->live_cap);
    f->live[f->live_count++] = s;
    return s;
}

void fan_put(const struct fan *f, struct buf *out)
{
    pack_uint(out, f->count);
    pack_uint(out, f->done);
    pack_uint(out, f->failed);
    pack_uint(out, f->results_bytes);
    pack_uint(out, f->base);
    pack_uint(out, f->used);
}

struct fan *fan_get(struct unpack *u)
{
    struct fan *f = fan_create(unpack_u32(u), false);
    f->done = unpack_u32(u);
    f->failed = unpack_u32(u);
    f->results_bytes = unpack_uint(u);
    f->base = unpack_u32(u);
    f->used = unpack_u32(u);
    u->bad = u->bad || f->count > ITEMS_MAX;
    return f;
}

static struct fan *fan_of(const struct task *t, const struct attempt_ref *ref)
{
    struct fan *f = ref->step < t->pipeline->step_count ? rare_of(&t->steps[ref->step])->fan : NULL;
    bool known = f != NULL && f->marks != NULL && ref->item != ITEM_NONE && ref->item <= f->count;
    return known ? f : NULL;
}

bool fan_item_done_as(const struct task *t, const struct attempt_ref *ref)
{
    const struct fan *f = fan_of(t, ref);
    return f != NULL && f->marks[ref->item - 1] == ITEM_DONE && ref->run == t->run &&
           ref->generation == t->steps[ref->step].generation;
}

static void bury_step(void *step)
{
    step_free(step);
}

/* The item is over, or as if it had never begun: only its mark is left. */
static void fan_close(struct core *c, struct step *parent, struct step *item, enum item_mark mark)
{
    struct fan *f = rare_of(parent)->fan;
    uint32_t i = 0;
    while (f->live[i] != item) {
        i++;
    }
    f->live[i] = f->live[--f->live_count];
    f->used = item->deliveries > f->used ? item->deliveries : f->used;
    f->marks[item->item - 1] = (uint8_t)mark;
    if (mark == ITEM_WAITING && item->item - 1 < f->next) {
        f->next = item->item - 1;
    }
    step_unqueue(c, item);
    fx_bury(c, bury_step, item);
}

/* As if it had never been opened: nothing of it is stored, and no worker has it. */
static bool untouched(const struct fan *f, const struct step *item)
{
    return item->phase != PHASE_RUNNING && item->failures == 0 && item->deaths == 0 &&
           item->deliveries == f->base && rare_of(item)->checkpoint == NULL &&
           rare_of(item)->account == NULL;
}

struct step *fan_unit(struct core *c, struct task *t, const struct attempt_ref *ref, bool ends)
{
    struct step *s = unit_find(t, ref->step, ref->item);
    const struct fan *f = fan_of(t, ref);
    if (s != NULL || f == NULL || t->steps[ref->step].generation != ref->generation ||
        f->base != ref->delivery || ref->run != t->run ||
        rare_of(&t->steps[ref->step])->exhausted || !token_valid(&c->secret, t, ref)) {
        return s;
    }
    bool room = f->live_count < step_def(&t->steps[ref->step])->max_parallel;
    return room || ends ? fan_open(&t->steps[ref->step], ref->item) : NULL;
}

uint32_t fan_running(const struct fan *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->live_count; i++) {
        n += f->live[i]->state == STEP_RUNNING;
    }
    return n;
}

static struct step *parent_of(const struct step *item)
{
    return &item->task->steps[item->index];
}

/* ---- beginning ---- */

static void fail_list(struct core *c, struct step *parent, enum code code, const char *what)
{
    const char *why =
        arena_printf(fx_arena(c), "step \"%s\", /for_each: %s", step_def(parent)->name, what);
    step_fail(c, parent, code, bytes_str(why));
}

/* The elements of a list, or false after the step has failed by it. */
static bool split(struct core *c, struct step *parent, struct bytes list, struct items_change *make)
{
    struct bytes key, value;
    if (list.len > ITEMS_LIST_BYTES_MAX) {
        fail_list(c, parent, CODE_INPUT_TOO_LARGE, "the list is larger than 4 MiB");
        return false;
    }
    if (json_kind_of(list) != JSON_ARRAY) {
        fail_list(c, parent, CODE_EXPRESSION_ERROR, "its value is not a list");
        return false;
    }
    uint32_t cap = 0;
    for (struct json_walk walk = json_walk(list); json_next(&walk, &key, &value);) {
        if (make->count == ITEMS_MAX) {
            fail_list(c, parent, CODE_INPUT_TOO_LARGE,
                      arena_printf(fx_arena(c), "the list has more than %u items", ITEMS_MAX));
            return false;
        }
        make->values =
            arena_grow(fx_arena(c), make->values, make->count, &cap, sizeof *make->values);
        make->values[make->count++] = value;
    }
    return true;
}

void fan_make(struct core *c, struct step *parent, struct bytes list, struct shared *lender)
{
    struct items_change make = {.kind = ITEMS_MAKE, .step = parent->index};
    if (!split(c, parent, list, &make)) {
        return;
    }
    struct change ch;
    change_begin(c, parent->task, &ch);
    if (lender != NULL && shared_lends(lender, list.len)) {
        (void)arena_hold(fx_arena(c), lender); /* the values go out from there */
    }
    rare_make(parent)->fan = fan_create(make.count, true);
    change_items(&ch, &make);
    change_step(&ch, parent);
    if (make.count == 0) {
        parent->started_at = c->now.wall;
        parent->completed_at = c->now.wall;
        step_complete(&ch, parent, parts_whole(BYTES_LIT("[]")));
    } else {
        change_ready(&ch, parent);
    }
    change_commit(&ch);
}

/* The next item that waits comes into memory, unless as many as may be are under way. */
static struct step *open_next(struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    bool any = planted(PLANT_PARALLEL_IGNORED);
    while ((any || f->live_count < step_def(parent)->max_parallel) && f->next < f->count) {
        struct step *item = fan_open(parent, ++f->next);
        if (item != NULL) {
            return item;
        }
    }
    return NULL;
}

static void measure(struct step *parent)
{
    const struct fan *f = rare_of(parent)->fan;
    step_set_fraction(parent, f->count > 0 ? (double)(f->done + f->failed) / f->count : 0);
}

static void fill(struct change *ch, struct step *parent)
{
    struct step *item;
    if (parent->phase != PHASE_ITEMS || task_state_rests(ch->task->state)) {
        return; /* the claim grace of a takeover, or a pause: fan_go, fan_resume do it */
    }
    while ((item = open_next(parent)) != NULL) {
        change_ready(ch, item);
    }
}

void fan_resume(struct change *ch, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    for (uint32_t i = 0; i < f->live_count; i++) {
        if (f->live[i]->state == STEP_PENDING && f->live[i]->phase == PHASE_NONE) {
            change_ready(ch, f->live[i]);
        }
    }
    fill(ch, parent);
}

/* ---- ends ---- */

static uint64_t array_bytes(const struct fan *f)
{
    uint64_t commas = f->count > 0 ? f->count - 1 : 0;
    return 2 + f->results_bytes + commas + 4 * (uint64_t)(f->count - f->done);
}

bool fan_fits(const struct step *parent, struct bytes result)
{
    const struct fan *f = rare_of(parent)->fan;
    return parent->task->results_bytes + array_bytes(f) + result.len + 256 <=
           TASK_RESULTS_BYTES_MAX;
}

/* The step's times, from those of its items. */
static void take_time(struct core *c, struct step *parent)
{
    parent->completed_at = c->now.wall;
    if (parent->started_at == 0 || parent->started_at > c->now.wall) {
        parent->started_at = c->now.wall;
    }
    int64_t took = parent->completed_at - parent->started_at;
    parent->duration_ms = (uint32_t)(took < UINT32_MAX ? took : UINT32_MAX);
}

static void finish(struct change *ch, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    parent->phase = PHASE_NONE;
    take_time(ch->core, parent);
    if (!fan_fits(parent, BYTES_NONE)) {
        static const char why[] = "the results of this task are larger than 64 MiB in total: store "
                                  "large data elsewhere and return a reference to it";
        step_set_error(parent, CODE_TASK_TOO_LARGE, bytes_str(why));
        step_give_up(ch, parent, CODE_TASK_TOO_LARGE, bytes_str(why));
        return;
    }
    step_clear_error(parent);
    step_complete(ch, parent, parts_whole(bytes_of(NULL, (size_t)array_bytes(f))));
}

void fan_go_on(struct core *c, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    struct step *item;
    if (task_state_rests(parent->task->state)) {
        return;
    }
    for (uint32_t i = 0; i < f->live_count; i++) {
        if (f->live[i]->state == STEP_PENDING && f->live[i]->phase == PHASE_NONE) {
            step_make_ready(c, f->live[i]);
        }
    }
    while ((item = open_next(parent)) != NULL) {
        step_make_ready(c, item);
    }
}

void fan_go(struct core *c, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    if (f->done + f->failed == f->count) { /* recovered, and nothing of it was left to be done */
        struct change ch;
        change_begin(c, parent->task, &ch);
        finish(&ch, parent);
        change_commit(&ch);
        return;
    }
    parent->phase = PHASE_ITEMS;
    step_become(parent, STEP_RUNNING);
    step_forget_retry(parent);
    measure(parent);
    fan_go_on(c, parent);
}

static void go_on(struct change *ch, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    measure(parent);
    change_step(ch, parent);
    if (f->done + f->failed == f->count) {
        finish(ch, parent);
        return;
    }
    fill(ch, parent);
    task_news(ch->core, parent, BYTES_NONE);
}

void fan_item_done(struct change *ch, struct step *item, struct bytes result)
{
    struct step *parent = parent_of(item);
    struct fan *f = rare_of(parent)->fan;
    step_become(item, STEP_COMPLETED);
    step_forget_retry(item);
    item->result_len = (uint32_t)result.len;
    step_drop_checkpoint(item);
    step_clear_error(item);
    f->done++;
    f->results_bytes += result.len;
    if (parent->started_at == 0 || item->started_at < parent->started_at) {
        parent->started_at = item->started_at;
    }
    change_step(ch, item);
    change_item_result(ch, item, result);
    fan_close(ch->core, parent, item, ITEM_DONE);
    go_on(ch, parent);
}

static uint32_t tolerated(const struct step *parent)
{
    const struct pipeline_step *def = step_def(parent);
    if (planted(PLANT_TOLERATE_IGNORED)) {
        return 0;
    }
    uint64_t count = rare_of(parent)->fan->count;
    return def->tolerate_percent ? (uint32_t)(count * def->tolerate / 100) : def->tolerate;
}

void fan_item_failed(struct change *ch, struct step *item, enum code code, struct bytes message)
{
    struct core *c = ch->core;
    struct step *parent = parent_of(item);
    struct fan *f = rare_of(parent)->fan;
    step_become(item, STEP_FAILED);
    step_forget_retry(item);
    item->completed_at = c->now.wall;
    f->failed++;
    change_step(ch, item);
    const char *why = arena_printf(fx_arena(c), "item %u: %.*s", item->item - 1, (int)message.len,
                                   (const char *)message.ptr);
    fan_close(c, parent, item, ITEM_FAILED);
    if (f->failed <= tolerated(parent)) {
        task_news(c, parent, bytes_str(why));
        go_on(ch, parent);
        return;
    }
    fan_stop(ch, parent, STOP_SUPERSEDED);
    measure(parent);
    parent->phase = PHASE_NONE;
    parent->deaths = code == CODE_WORKER_DEATHS ? item->deaths : 0; /* by which it fails */
    take_time(c, parent);
    step_set_error(parent, code, bytes_part(bytes_str(why), 0, ERROR_BYTES_MAX));
    step_give_up(ch, parent, code, bytes_str(rare_of(parent)->error));
}

void fan_stop(struct change *ch, struct step *parent, enum stop_reason reason)
{
    struct fan *f = rare_of(parent)->fan;
    while (f != NULL && f->live_count > 0) {
        struct step *item = f->live[f->live_count - 1];
        bool fresh = untouched(f, item);
        step_stop_run(ch->core, item, reason, ch->write);
        if (fresh) {
            fan_close(ch->core, parent, item, ITEM_WAITING);
            continue;
        }
        step_become(item, STEP_CANCELLED);
        step_forget_retry(item);
        change_step(ch, item);
        fan_close(ch->core, parent, item, ITEM_CANCELLED);
    }
}

/* ---- recover ---- */

void fan_again(struct change *ch, struct step *parent)
{
    struct fan *f = rare_of(parent)->fan;
    struct items_change again = {.kind = ITEMS_AGAIN, .step = parent->index};
    for (uint32_t i = 0; i < f->live_count; i++) { /* as they were loaded, in no queue */
        step_free(f->live[i]);
    }
    f->base = f->used > f->base ? f->used : f->base;
    f->base += !planted(PLANT_DELIVERY_KEPT);
    f->live_count = 0;
    f->failed = 0;
    f->next = 0;
    if (planted(PLANT_ITEMS_REDONE)) {
        f->done = 0;
        f->results_bytes = 0;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        bool stays = f->marks[i] == ITEM_DONE && !planted(PLANT_ITEMS_REDONE);
        f->marks[i] = stays ? ITEM_DONE : ITEM_WAITING;
    }
    change_items(ch, &again);
}

void fan_drop(struct change *ch, struct step *parent)
{
    struct items_change drop = {.kind = ITEMS_DROP, .step = parent->index};
    change_items(ch, &drop);
    fan_free(parent->rare->fan);
    parent->rare->fan = NULL;
}
