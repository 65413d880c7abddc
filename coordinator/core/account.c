#include "core/account.h"

#include <stdlib.h>

#include "base/pack.h"
#include "core/change.h"
#include "core/fx.h"
#include "core/plant.h"
#include "core/state.h"

void account_free(struct account *a)
{
    if (a == NULL) {
        return;
    }
    for (uint32_t i = 0; i < a->meter_count; i++) {
        usage_free(&a->meters[i].used);
    }
    usage_free(&a->total);
    free(a);
}

static struct account *account_of(struct step *s)
{
    struct step_rare *x = rare_make(s);
    if (x->account == NULL) {
        x->account = mem_zalloc(sizeof *x->account);
    }
    return x->account;
}

/* ---- meters ---- */

static void meter_drop(struct account *a, uint32_t i)
{
    usage_free(&a->meters[i].used);
    a->meter_count--;
    memmove(&a->meters[i], &a->meters[i + 1], (a->meter_count - i) * sizeof a->meters[0]);
}

static struct meter *meter_add(struct account *a, uint32_t generation, uint32_t delivery,
                               uint64_t execution)
{
    if (a->meter_count == METERS_MAX) {
        meter_drop(a, 0);
    }
    struct meter *m = &a->meters[a->meter_count++];
    *m = (struct meter){.generation = generation, .delivery = delivery, .execution = execution};
    return m;
}

/* The meter of this execution; else one of the same delivery whose execution is not known yet. */
static struct meter *meter_find(struct account *a, const struct attempt_ref *ref,
                                uint64_t execution)
{
    struct meter *open = NULL;
    for (uint32_t i = 0; a != NULL && i < a->meter_count; i++) {
        struct meter *m = &a->meters[i];
        if (m->generation != ref->generation || m->delivery != ref->delivery) {
            continue;
        }
        if (m->execution == execution) {
            return m;
        }
        open = m->execution == 0 ? m : open;
    }
    return open;
}

void account_leave(struct step *s)
{
    struct attempt_ref ref = {.generation = s->generation, .delivery = s->deliveries};
    struct account *a = account_of(s);
    for (uint32_t i = 0; i < a->meter_count; i++) {
        if (a->meters[i].generation == ref.generation && a->meters[i].delivery == ref.delivery) {
            return;
        }
    }
    (void)meter_add(a, ref.generation, ref.delivery, 0);
}

void account_rest(struct step *s)
{
    struct account *a = rare_of(s)->account;
    for (uint32_t i = 0; a != NULL && i < a->meter_count; i++) {
        a->meters[i].here = false;
    }
}

/* ---- what is said ---- */

/* Adds what was used to the step's (or item's) sum, its task's, and the sums over all tasks. */
static void count(struct core *c, struct step *s, struct bytes model, const struct usage_sum *more)
{
    struct task *t = s->task;
    struct step *of = &t->steps[s->index]; /* an item's usage is in its step's sum */
    struct spending *spent = spending_make(t);
    usage_add(&account_of(of)->total, model, more);
    account_of(of)->dirty = true;
    usage_sum_add(&spent->used, more);
    usage_add(&spent->unsaid, model, more);
    usage_add(&c->used, model, more);
    spent->used_new = true;
}

static bool raise_meter(struct core *c, struct step *s, struct meter *m,
                        const struct usage_part *said, uint32_t said_count)
{
    bool any = false;
    for (uint32_t i = 0; i < said_count; i++) {
        struct usage_sum more;
        struct bytes model = bytes_part(said[i].model, 0, USAGE_MODEL_BYTES_MAX);
        const struct usage_part part = {model, said[i].sum};
        if (usage_raise(&m->used, &part, &more)) {
            count(c, s, model, &more);
            any = true;
        }
    }
    if (any) {
        account_of(s)->dirty = true;
    }
    return any;
}

static bool current(const struct step *s, const struct attempt_ref *ref)
{
    return ref->generation == s->generation && ref->delivery == s->deliveries && !step_over(s);
}

static struct meter *meter_of(struct step *s, const struct attempt_ref *ref, uint64_t execution)
{
    struct meter *m = meter_find(rare_of(s)->account, ref, execution);
    if (m == NULL && current(s, ref)) {
        m = meter_add(account_of(s), ref->generation, ref->delivery, execution);
    }
    if (m != NULL) {
        m->execution = execution;
    }
    return m;
}

bool account_news(struct core *c, struct step *s, const struct step_progress *n)
{
    if (n->usage_count == 0) {
        return false;
    }
    struct meter *m = meter_of(s, &n->ref, n->execution);
    m->here = true;
    return raise_meter(c, s, m, n->usage, n->usage_count);
}

/* The execution is over: its total joins the mean, its meter is dropped. */
static void close_meter(struct step *s, struct meter *m)
{
    struct account *of = account_of(&s->task->steps[s->index]);
    struct usage_sum all = usage_total(&m->used);
    if (!usage_sum_none(&all)) {
        usage_sum_add(&of->over, &all);
        of->used_by++;
    }
    struct account *a = account_of(s);
    meter_drop(a, (uint32_t)(m - a->meters));
    a->dirty = true;
}

void account_outcome(struct core *c, struct step *s, const struct step_outcome *o)
{
    if (o->usage_count == 0 || planted(PLANT_USAGE_LOST)) {
        return;
    }
    struct meter *m = meter_of(s, &o->ref, o->execution);
    if (m == NULL && s->item != ITEM_NONE) {
        return; /* it is from before a recover, which has dropped the meter: rather not counted than
                   counted twice */
    }
    if (m == NULL) { /* an earlier delivery: its outcome is applied once, so all of it is new */
        m = meter_add(account_of(s), o->ref.generation, o->ref.delivery, o->execution);
    }
    (void)raise_meter(c, s, m, o->usage, o->usage_count);
    close_meter(s, m);
}

bool account_late(struct core *c, struct step *s, const struct step_outcome *o)
{
    struct meter *m = o->usage_count > 0 ? meter_of(s, &o->ref, o->execution) : NULL;
    if (m == NULL) {
        return false;
    }
    bool any = raise_meter(c, s, m, o->usage, o->usage_count);
    if (any && !current(s, &o->ref)) { /* the current delivery's may still be reported again */
        close_meter(s, m);
    }
    return any;
}

/* ---- into a row ---- */

void account_settle(struct change *ch)
{
    struct task *t = ch->task;
    struct arena *arena = fx_arena(ch->core);
    struct unit_walk walk = {0};
    if (!spending_of(t)->used_new) {
        return;
    }
    struct spending *spent = t->spending;
    for (struct step *s; (s = unit_next(t, &walk)) != NULL;) {
        struct account *a = rare_of(s)->account;
        if (a != NULL && a->dirty) {
            a->dirty = false;
            change_step(ch, s);
        }
    }
    struct store_row *row = &ch->row;
    row->usage = arena_alloc(arena, (spent->unsaid.count + 1) * sizeof *row->usage);
    for (uint32_t i = 0; i < spent->unsaid.count; i++) {
        row->usage[i] = spent->unsaid.parts[i];
        row->usage[i].model = arena_bytes(arena, spent->unsaid.parts[i].model);
    }
    row->usage_count = spent->unsaid.count;
    row->usage_type = bytes_str(t->task_type);
    row->usage_day = (int32_t)(ch->core->now.wall / 86400000);
    usage_free(&spent->unsaid);
    spent->used_new = false;
}

void account_sum(struct task *t)
{
    if (t->spending != NULL) {
        t->spending->used = (struct usage_sum){0};
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        const struct account *a = rare_of(&t->steps[i])->account;
        if (a != NULL) {
            struct usage_sum sum = usage_total(&a->total);
            usage_sum_add(&spending_make(t)->used, &sum);
        }
    }
}

/* ---- as it is stored ---- */

static void put_sum(struct buf *out, const struct usage_sum *s)
{
    pack_uint(out, s->input_tokens);
    pack_uint(out, s->output_tokens);
    pack_uint(out, s->cost_nano);
}

static void put_usage(struct buf *out, const struct usage *u)
{
    pack_uint(out, u->count);
    for (uint32_t i = 0; i < u->count; i++) {
        pack_bytes(out, u->parts[i].model);
        put_sum(out, &u->parts[i].sum);
    }
}

void account_put(const struct account *a, struct buf *out)
{
    put_usage(out, &a->total);
    put_sum(out, &a->over);
    pack_uint(out, a->used_by);
    uint32_t meters = planted(PLANT_USAGE_TWICE) ? 0 : a->meter_count;
    pack_uint(out, meters);
    for (uint32_t i = 0; i < meters; i++) {
        pack_uint(out, a->meters[i].generation);
        pack_uint(out, a->meters[i].delivery);
        pack_uint(out, a->meters[i].execution);
        put_usage(out, &a->meters[i].used);
    }
}

static struct usage_sum get_sum(struct unpack *u)
{
    struct usage_sum s = {0};
    s.input_tokens = unpack_uint(u);
    s.output_tokens = unpack_uint(u);
    s.cost_nano = unpack_uint(u);
    return s;
}

static void get_usage(struct unpack *u, struct usage *ret_usage)
{
    uint64_t count = unpack_uint(u);
    u->bad = u->bad || count > USAGE_MODELS_MAX;
    for (uint64_t i = 0; i < count && !u->bad; i++) {
        struct bytes model = unpack_bytes(u);
        struct usage_sum sum = get_sum(u);
        usage_add(ret_usage, model, &sum);
    }
}

struct account *account_get(struct unpack *u)
{
    struct account *a = mem_zalloc(sizeof *a);
    get_usage(u, &a->total);
    a->over = get_sum(u);
    a->used_by = unpack_u32(u);
    uint64_t meters = unpack_uint(u);
    u->bad = u->bad || meters > METERS_MAX;
    for (uint64_t i = 0; i < meters && !u->bad; i++) {
        uint32_t generation = unpack_u32(u);
        uint32_t delivery = unpack_u32(u);
        struct meter *m = meter_add(a, generation, delivery, unpack_uint(u));
        get_usage(u, &m->used);
    }
    return a;
}
