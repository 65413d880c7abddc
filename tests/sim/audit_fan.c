/* The items of fan-out steps (I16): what the store holds of them after each row, what is ordered of
 * them, and what is said of them. */
#include <stdlib.h>

#include "books.h"
#include "json/scan.h"
#include "model/limits.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

/* ---- executions ---- */

static bool is_of(const struct book_execution *x, const struct book_task *t, uint32_t step,
                  uint32_t item, uint32_t generation)
{
    return x->run == t->run && x->step == step && x->item == item && x->generation == generation &&
           bytes_eq(x->task_id, t->id);
}

static bool gave(const struct audit *a, const struct book_task *t, uint32_t step,
                 const struct step *item, struct bytes result)
{
    for (size_t i = 0; i < a->execution_count; i++) {
        const struct book_execution *x = &a->executions[i];
        if (x->ok && is_of(x, t, step, item->item, item->generation) &&
            bytes_eq(x->result, result)) {
            return true;
        }
    }
    return false;
}

static uint32_t failed_executions(const struct audit *a, const struct book_task *t,
                                  const struct step *item)
{
    uint32_t count = 0;
    for (size_t i = 0; i < a->execution_count; i++) {
        const struct book_execution *x = &a->executions[i];
        count += x->ended && !x->ok && is_of(x, t, item->index, item->item, item->generation);
    }
    return count;
}

/* Does a live worker execute it right now? */
static bool executes(const struct audit *a, const struct book_task *t, uint32_t step, uint32_t item,
                     uint32_t generation)
{
    const struct world *w = a->world;
    for (uint32_t i = 0; i < w->worker_count; i++) {
        for (uint32_t k = 0; w->workers[i].process.alive && k < EXECUTIONS_MAX; k++) {
            const struct execution *x = &w->workers[i].executions[k];
            if (x->number != 0 && is_of(&a->executions[x->record], t, step, item, generation)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- changes of items ---- */

/* The list that plan_fan.c describes, derived from the books. */
static void check_list(struct audit *a, const struct book_task *t, const struct items_change *make)
{
    const struct expr *e = t->pipeline->steps[make->step].for_each;
    const struct stored_task *stored = store_model_find(&a->world->store, t->id, a->world->now);
    struct bytes key, value;
    uint32_t n = 0;
    if (bytes_eq(bytes_part(e->text, 0, 6), BYTES_LIT("input."))) {
        struct bytes name = arena_bytes(&a->arena, bytes_part(e->text, 6, e->text.len));
        struct bytes list = json_member(buf_bytes(&stored->input), (const char *)name.ptr);
        for (struct json_walk walk = json_walk(list); json_next(&walk, &key, &value); n++) {
            REQUIRE(a, "I16", n < make->count && bytes_eq(value, make->values[n]),
                    "%.*s/%u: item %u is for another value", TASK(t), make->step, n);
        }
    } else {
        struct bytes by = json_member(t->steps[e->refs[0].step_index].result, "by");
        for (; n < 3; n++) {
            REQUIRE(a, "I16",
                    make->count == 3 && bytes_eq(make->values[n], n == 1 ? BYTES_LIT("2") : by),
                    "%.*s/%u: item %u is for another value", TASK(t), make->step, n);
        }
    }
    REQUIRE(a, "I16", make->count == n, "%.*s/%u: %u items, the list has %u", TASK(t), make->step,
            make->count, n);
}

static void make_items(struct audit *a, struct book_task *t, const struct items_change *make)
{
    struct book_step *b = &t->steps[make->step];
    REQUIRE(a, "I16", b->fan == NULL && t->pipeline->steps[make->step].for_each != NULL,
            "%.*s/%u is given items again", TASK(t), make->step);
    check_list(a, t, make);
    b->fan = arena_alloc(&a->arena, sizeof *b->fan);
    *b->fan = (struct book_fan){.count = make->count};
    b->fan->items = arena_alloc(&a->arena, (make->count + 1) * sizeof *b->fan->items);
    for (uint32_t i = 0; i < make->count; i++) {
        b->fan->items[i] = (struct book_item){.mark = ITEM_WAITING,
                                              .value = arena_bytes(&a->arena, make->values[i])};
    }
}

/* One more failure or death, and the wait for the next attempt. */
static void check_attempt(struct audit *a, const struct book_task *t, struct book_item *b,
                          const struct step *s)
{
    uint32_t failed = s->failures - b->failures;
    uint32_t died = s->deaths - b->deaths;
    uint32_t deliveries = s->deliveries - b->deliveries;
    bool over = s->state != STEP_PENDING;
    bool expired = over && (rare_of(s)->error_code == CODE_QUEUE_TIMEOUT ||
                            rare_of(s)->error_code == CODE_STEP_TIMEOUT_TOTAL);
    bool unsent = rare_of(s)->error_code == CODE_EXPRESSION_ERROR ||
                  rare_of(s)->error_code == CODE_INPUT_TOO_LARGE;
    REQUIRE(a, "retry",
            failed + died <= 1 && (deliveries == failed + died || (expired && deliveries == 1)),
            "%.*s/%u item %u: %u failures, %u deaths and %u deliveries more in one row", TASK(t),
            s->index, s->item, failed, died, deliveries);
    REQUIRE(a, "retry", failed == 0 || unsent || s->failures <= failed_executions(a, t, s),
            "%.*s/%u item %u: %u failures, and fewer executions failed", TASK(t), s->index, s->item,
            s->failures);
    REQUIRE(a, "retry", s->deaths < 3 || s->state == STEP_FAILED,
            "%.*s/%u item %u: %u deaths, and it goes on", TASK(t), s->index, s->item, s->deaths);
    if (!over && failed + died > 0) {
        struct wait_bounds bounds = audit_wait_bounds(s, died > 0);
        REQUIRE(a, "retry",
                rare_of(s)->wait_ms >= bounds.least && rare_of(s)->wait_ms <= bounds.most,
                "%.*s/%u item %u: waits %lld ms after %u failures and %u deaths", TASK(t), s->index,
                s->item, (long long)rare_of(s)->wait_ms, s->failures, s->deaths);
        b->not_before = a->world->clock_stepped ? 0 : a->row_sent_at + bounds.least;
    }
}

static void put_item(struct audit *a, struct book_task *t, struct task *now,
                     const struct items_change *put)
{
    struct book_fan *f = t->steps[put->step].fan;
    REQUIRE(a, "I16",
            f != NULL && put->item >= 1 && put->item <= f->count && put->blob.whole.len > 0,
            "%.*s/%u: an item %u that it does not have", TASK(t), put->step, put->item);
    struct book_item *b = &f->items[put->item - 1];
    struct step *s = step_create(now, put->step);
    char mark = (char)put->blob.whole.ptr[0];
    REQUIRE(a, "record", record_get_item(put->blob.whole, s) == ERR_OK,
            "%.*s/%u item %u cannot be read back", TASK(t), put->step, put->item);
    s->item = put->item;
    REQUIRE(a, "I16", b->mark == (char)ITEM_WAITING || b->mark == (char)ITEM_BEGUN,
            "%.*s/%u item %u: it was %c and is changed to %c", TASK(t), put->step, put->item,
            b->mark, mark);
    REQUIRE(a, "I16", s->generation == now->steps[put->step].generation,
            "%.*s/%u item %u: its generation is %u", TASK(t), put->step, put->item, s->generation);
    REQUIRE(a, "I16", (mark == (char)ITEM_DONE) == (put->result.len > 0),
            "%.*s/%u item %u is %c with a result of %zu bytes", TASK(t), put->step, put->item, mark,
            put->result.len);
    if (mark == (char)ITEM_DONE) {
        REQUIRE(a, "I16", gave(a, t, put->step, s, put->result),
                "%.*s/%u item %u: a result that no execution of it gave: %.*s", TASK(t), put->step,
                put->item, (int)put->result.len, (const char *)put->result.ptr);
        b->result = arena_bytes(&a->arena, put->result);
    } else {
        b->deliveries = b->mark == (char)ITEM_WAITING ? f->base : b->deliveries;
        check_attempt(a, t, b, s);
    }
    t->wild = t->wild || s->deaths > 0; /* see audit_budget.c; an item's death has no event */
    b->mark = mark;
    b->failures = s->failures;
    b->deaths = s->deaths;
    b->deliveries = s->deliveries;
    step_free(s);
}

static void begin_again(struct book_fan *f, uint32_t base)
{
    f->base = base;
    for (uint32_t i = 0; i < f->count; i++) {
        struct book_item *b = &f->items[i];
        if (b->mark != (char)ITEM_DONE) {
            *b = (struct book_item){.mark = ITEM_WAITING, .value = b->value};
        }
    }
}

static bool tells(const struct store_row *row, enum event_type type)
{
    struct task_event e;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (record_get_event(row->events[i].blob.whole, &e) == ERR_OK && e.type == type) {
            return true;
        }
    }
    return false;
}

static void change_fan(struct audit *a, struct book_task *t, struct task *now,
                       const struct store_row *row, const struct items_change *change)
{
    struct book_step *b = &t->steps[change->step];
    const struct step *s = &now->steps[change->step];
    switch (change->kind) {
    case ITEMS_MAKE:
        make_items(a, t, change);
        break;
    case ITEMS_PUT:
        put_item(a, t, now, change);
        break;
    case ITEMS_AGAIN:
        REQUIRE(a, "I16", tells(row, EVENT_TASK_RECOVERING) || tells(row, EVENT_TASK_RESUMED),
                "%.*s/%u: its items begin again, and nobody has asked for it", TASK(t), s->index);
        REQUIRE(a, "I16",
                b->fan != NULL && rare_of(s)->fan != NULL && rare_of(s)->fan->base > b->fan->base,
                "%.*s/%u: its items begin again with deliveries of before", TASK(t), s->index);
        begin_again(b->fan, rare_of(s)->fan->base);
        break;
    case ITEMS_DROP:
        REQUIRE(a, "I16", tells(row, EVENT_TASK_RECOVERING) && s->generation > b->generation,
                "%.*s/%u: its items go in generation %u", TASK(t), s->index, s->generation);
        b->fan = NULL;
        break;
    }
}

/* ---- a step with its items ---- */

static uint32_t tolerated(const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    return def->tolerate_percent ? rare_of(s)->fan->count * def->tolerate / 100 : def->tolerate;
}

static void check_array(struct audit *a, const struct book_task *t, const struct step *s,
                        const struct book_fan *f)
{
    const struct stored_task *stored = store_model_find(&a->world->store, t->id, a->world->now);
    struct bytes have =
        bytes_part(buf_bytes(&stored->doc), (size_t)s->result_offset, s->result_len);
    struct buf want = {0};
    buf_add_char(&want, '[');
    for (uint32_t i = 0; i < f->count; i++) {
        bool done = f->items[i].mark == (char)ITEM_DONE;
        buf_add_str(&want, i > 0 ? "," : "");
        buf_add_bytes(&want, done ? f->items[i].result : BYTES_LIT("null"));
    }
    buf_add_char(&want, ']');
    REQUIRE(a, "I16", bytes_eq(have, buf_bytes(&want)),
            "%.*s/%u: its result is %.*s, its items have %s", TASK(t), s->index, (int)have.len,
            (const char *)have.ptr, buf_cstr(&want));
    buf_free(&want);
}

static void check_fan(struct audit *a, const struct book_task *t, const struct step *s)
{
    struct book_fan *f = t->steps[s->index].fan;
    uint32_t counts[256] = {0};
    REQUIRE(a, "I16", (f == NULL) == (rare_of(s)->fan == NULL), "%.*s/%u: %s items", TASK(t),
            s->index, f == NULL ? "it has" : "it lacks its");
    if (f == NULL) {
        REQUIRE(a, "I16",
                s->state != STEP_COMPLETED || rare_of(s)->error_code != CODE_NONE ||
                    t->steps[s->index].kept,
                "%.*s/%u is completed, and has no items", TASK(t), s->index);
        return;
    }
    f->exhausted = rare_of(s)->exhausted;
    for (uint32_t i = 0; i < f->count; i++) {
        counts[(uint8_t)f->items[i].mark]++;
    }
    REQUIRE(a, "I16",
            rare_of(s)->fan->count == f->count && rare_of(s)->fan->done == counts[ITEM_DONE] &&
                rare_of(s)->fan->failed == counts[ITEM_FAILED],
            "%.*s/%u: it counts %u of %u items done and %u failed, stored are %u and %u", TASK(t),
            s->index, rare_of(s)->fan->done, rare_of(s)->fan->count, rare_of(s)->fan->failed,
            counts[ITEM_DONE], counts[ITEM_FAILED]);
    bool over = s->state != STEP_PENDING;
    bool completed = s->state == STEP_COMPLETED && rare_of(s)->error_code == CODE_NONE;
    bool failed = s->state == STEP_FAILED || rare_of(s)->exhausted ||
                  (s->state == STEP_COMPLETED && rare_of(s)->error_code != CODE_NONE);
    bool many = counts[ITEM_FAILED] > tolerated(s);
    REQUIRE(a, "I16", failed == many || s->state == STEP_CANCELLED || s->state == STEP_SKIPPED,
            "%.*s/%u is %s with %u failed items, and tolerates %u", TASK(t), s->index,
            step_state_name(s->state), counts[ITEM_FAILED], tolerated(s));
    REQUIRE(a, "I16", !over || counts[ITEM_BEGUN] == 0, "%.*s/%u is %s, and %u items go on",
            TASK(t), s->index, step_state_name(s->state), counts[ITEM_BEGUN]);
    if (completed) {
        REQUIRE(a, "I16", counts[ITEM_DONE] + counts[ITEM_FAILED] == f->count,
                "%.*s/%u is completed with %u of %u items over", TASK(t), s->index,
                counts[ITEM_DONE] + counts[ITEM_FAILED], f->count);
        check_array(a, t, s, f);
    }
}

void audit_fans(struct audit *a, struct book_task *t, struct task *now, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->items_count; i++) {
        change_fan(a, t, now, row, &row->items[i]);
    }
    for (uint32_t i = 0; i < t->step_count; i++) {
        if (step_def(&now->steps[i])->for_each != NULL) {
            check_fan(a, t, &now->steps[i]);
        }
    }
}

/* A step with items makes no attempts itself: it fails once if it has no list. The deaths reported
 * for it are those of the item that made it fail. */
void audit_fan_counts(struct audit *a, const struct book_task *t, const struct step *s)
{
    bool failed =
        s->state != STEP_PENDING && rare_of(s)->error_code != CODE_NONE && rare_of(s)->fan == NULL;
    bool by_death = rare_of(s)->error_code == CODE_WORKER_DEATHS &&
                    (s->state != STEP_PENDING || rare_of(s)->exhausted);
    uint32_t deaths = by_death ? 3 : 0;
    REQUIRE(a, "retry", t->steps[s->index].kept || (s->failures == failed && s->deaths == deaths),
            "%.*s/%u: %u failures and %u deaths of a step with items", TASK(t), s->index,
            s->failures, s->deaths);
}

/* ---- what is said ---- */

static struct book_item *find(const struct book_task *t, const struct attempt_ref *ref)
{
    const struct book_fan *f = t->steps[ref->step].fan;
    return f != NULL && ref->item >= 1 && ref->item <= f->count ? &f->items[ref->item - 1] : NULL;
}

static uint32_t delivery_of(const struct book_task *t, uint32_t step, const struct book_item *b)
{
    return b->mark == (char)ITEM_WAITING ? t->steps[step].fan->base : b->deliveries;
}

/* Items that wait for their next attempt, and items that run for the task's owner. */
static uint32_t under_way(const struct audit *a, const struct book_task *t, uint32_t step)
{
    const struct book_fan *f = t->steps[step].fan;
    uint64_t epoch = a->fences[id_partition(t->id)].epoch;
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct book_item *b = &f->items[i];
        bool ordered = b->mark == (char)ITEM_WAITING && b->ordered_epoch == epoch &&
                       b->ordered_delivery == f->base &&
                       executes(a, t, step, i + 1, t->steps[step].generation);
        count += b->mark == (char)ITEM_BEGUN || ordered;
    }
    return count;
}

static void check_value(struct audit *a, const struct book_task *t, const struct step_order *o,
                        const struct book_item *b)
{
    bool own = t->pipeline->steps[o->ref.step].input_template != NULL;
    struct buf want = {0};
    struct arena arena = {0};
    struct bytes input = parts_join(&o->input, &arena);
    buf_add_str(&want, own ? "{\"v\":" : "{\"item\":");
    buf_add_bytes(&want, b->value);
    buf_addf(&want, ",\"%s\":%u%s}", own ? "at" : "index", o->ref.item - 1,
             own ? ",\"n\":12345678901234567890" : "");
    REQUIRE(a, "I16",
            bytes_eq(input, buf_bytes(&want)) && o->results.count == 0 &&
                bytes_is(o->results.whole, "{}"),
            "%.*s/%u item %u: its input is %.*s, not %s", TASK(t), o->ref.step, o->ref.item,
            (int)input.len, (const char *)input.ptr, buf_cstr(&want));
    buf_free(&want);
    arena_free(&arena);
}

void audit_fan_order(struct audit *a, const struct book_task *t, const struct step_order *o)
{
    const struct attempt_ref *ref = &o->ref;
    const struct book_step *s = &t->steps[ref->step];
    struct book_item *b = find(t, ref);
    REQUIRE(a, "I16", b != NULL, "%.*s/%u: an item %u is ordered that is not stored", TASK(t),
            ref->step, ref->item);
    REQUIRE(a, "I16", b->mark == (char)ITEM_WAITING || b->mark == (char)ITEM_BEGUN,
            "%.*s/%u item %u: ordered, and it is %c", TASK(t), ref->step, ref->item, b->mark);
    REQUIRE(a, "durable",
            s->state == STEP_PENDING && s->generation == ref->generation &&
                delivery_of(t, ref->step, b) == ref->delivery && b->failures + 1 == ref->attempt,
            "%.*s/%u item %u: ordered as generation %u delivery %u attempt %u", TASK(t), ref->step,
            ref->item, ref->generation, ref->delivery, ref->attempt);
    REQUIRE(a, "retry", a->world->now >= b->not_before || a->world->clock_stepped,
            "%.*s/%u item %u: ordered %lld ms too early", TASK(t), ref->step, ref->item,
            (long long)(b->not_before - a->world->now));
    REQUIRE(a, "retry", o->alone == (b->deaths >= 2),
            "%.*s/%u item %u: alone is %d after %u deaths", TASK(t), ref->step, ref->item, o->alone,
            b->deaths);
    check_value(a, t, o, b);
    b->ordered_epoch = a->fences[id_partition(t->id)].epoch;
    b->ordered_delivery = ref->delivery;
    uint32_t most = t->pipeline->steps[ref->step].max_parallel;
    uint32_t count = under_way(a, t, ref->step);
    REQUIRE(a, "I16", count <= most, "%.*s/%u: %u items are under way, and max_parallel is %u",
            TASK(t), ref->step, count, most);
}

bool audit_fan_wants(const struct book_task *t, const struct book_outcome *o)
{
    struct attempt_ref ref = {.step = o->step, .item = o->item};
    const struct book_item *b = find(t, &ref);
    const struct book_step *s = &t->steps[o->step];
    return b != NULL && s->state == STEP_PENDING && s->generation == o->generation &&
           !s->fan->exhausted &&
           (b->mark == (char)ITEM_BEGUN ||
            (b->mark == (char)ITEM_WAITING && s->fan->base == o->delivery));
}

bool audit_fan_moved_on(const struct book_task *t, const struct book_outcome *o)
{
    struct attempt_ref ref = {.step = o->step, .item = o->item};
    const struct book_item *b = find(t, &ref);
    return b != NULL && delivery_of(t, o->step, b) > o->delivery;
}

void audit_fan_status(struct audit *a, const struct book_task *t, const struct step_view *v,
                      uint32_t step)
{
    const struct book_fan *f = t->steps[step].fan;
    uint32_t done = 0, failed = 0;
    for (uint32_t i = 0; f != NULL && i < f->count; i++) {
        done += f->items[i].mark == (char)ITEM_DONE;
        failed += f->items[i].mark == (char)ITEM_FAILED;
    }
    REQUIRE(a, "durable",
            !v->fans_out || (f != NULL && v->items == f->count && v->items_done <= done &&
                             v->items_failed <= failed),
            "%.*s/%u: a status of %u items, %u done, %u failed; stored are %u, %u, %u", TASK(t),
            step, v->items, v->items_done, v->items_failed, f != NULL ? f->count : 0, done, failed);
}

void audit_items(struct audit *a, const char *task_id, uint32_t step, const struct message *m)
{
    const struct book_task *newest = book_find(a, bytes_str(task_id));
    for (uint32_t i = 0; i < m->items.count && !a->blind; i++) {
        const struct item_view *v = &m->items.items[i];
        bool found = v->state != STEP_COMPLETED;
        REQUIRE(a, "I16", v->item >= 1 && v->item <= m->items.total, "%s/%u: an item %u of %u",
                task_id, step, v->item, m->items.total);
        for (const struct book_task *t = newest; t != NULL && !found; t = t->older) {
            for (size_t k = 0; k < a->execution_count && !found; k++) {
                const struct book_execution *x = &a->executions[k];
                found = x->ok && is_of(x, t, step, v->item, x->generation) &&
                        bytes_eq(x->result, v->result);
            }
        }
        REQUIRE(a, "I16", found, "%s/%u item %u is told with a result that it never had", task_id,
                step, v->item);
    }
}
