/* Usage: checks the store's sums against what workers have reported. */
#include "books.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

static bool covers(const struct usage_sum *big, const struct usage_sum *small)
{
    return big->input_tokens >= small->input_tokens && big->output_tokens >= small->output_tokens &&
           big->cost_nano >= small->cost_nano;
}

static bool same(const struct usage_sum *a, const struct usage_sum *b)
{
    return covers(a, b) && covers(b, a);
}

static struct usage_sum sum_of(const struct usage_part *parts, uint32_t count)
{
    struct usage_sum sum = {0};
    for (uint32_t i = 0; i < count; i++) {
        usage_sum_add(&sum, &parts[i].sum);
    }
    return sum;
}

/* A worker reports all that this execution has used so far. */
void audit_used(struct audit *a, const struct attempt_ref *ref, uint64_t execution,
                const struct usage_part *parts, uint32_t count)
{
    struct usage_sum sum = sum_of(parts, count);
    if (a->blind) {
        return;
    }
    for (size_t i = 0; i < a->used_count; i++) {
        struct book_used *u = &a->used[i];
        if (u->execution == execution && u->step == ref->step && u->run == ref->run &&
            u->generation == ref->generation && u->delivery == ref->delivery &&
            bytes_eq(u->task_id, ref->task_id)) {
            REQUIRE(a, "usage", covers(&sum, &u->sum), "%.*s/%u: a worker takes back what it said",
                    (int)ref->task_id.len, (const char *)ref->task_id.ptr, ref->step);
            u->sum = sum;
            return;
        }
    }
    if (count == 0) {
        return;
    }
    MEM_GROW(a->used, a->used_count, a->used_cap);
    a->used[a->used_count++] = (struct book_used){.task_id = arena_bytes(&a->arena, ref->task_id),
                                                  .run = ref->run,
                                                  .step = ref->step,
                                                  .generation = ref->generation,
                                                  .delivery = ref->delivery,
                                                  .execution = execution,
                                                  .sum = sum};
}

/* After a row: no step has more than its executions have reported, and the row's increments for the
 * sums over all tasks equal what the steps have more than before. */
void audit_usage_row(struct audit *a, struct book_task *t, const struct task *now,
                     const struct store_row *row)
{
    for (uint32_t i = 0; i < t->step_count; i++) {
        const struct account *account = rare_of(&now->steps[i])->account;
        struct usage_sum stored =
            account != NULL ? usage_total(&account->total) : (struct usage_sum){0};
        struct usage_sum said = {0};
        for (size_t k = 0; k < a->used_count && !usage_sum_none(&stored); k++) {
            const struct book_used *u = &a->used[k];
            if (u->run == t->run && u->step == i && bytes_eq(u->task_id, t->id)) {
                usage_sum_add(&said, &u->sum);
            }
        }
        REQUIRE(a, "usage", covers(&said, &stored),
                "%.*s/%u: used %llu, and its executions have only said %llu", TASK(t), i,
                (unsigned long long)stored.cost_nano, (unsigned long long)said.cost_nano);
        REQUIRE(a, "usage", covers(&stored, &t->steps[i].used), "%.*s/%u: used less than before",
                TASK(t), i);
        t->steps[i].used = stored;
    }
    struct usage_sum more = sum_of(row->usage, row->usage_count);
    usage_sum_add(&t->used, &more);
    REQUIRE(a, "usage", same(&t->used, &spending_of(now)->used),
            "%.*s: used %llu, and the sums over all tasks were told of %llu", TASK(t),
            (unsigned long long)spending_of(now)->used.cost_nano,
            (unsigned long long)t->used.cost_nano);
}

/* An applied outcome is acknowledged: all usage that it reported is stored, and stays so. */
void audit_usage_ack(struct audit *a, struct book_task *t, struct book_outcome *o)
{
    bool forgotten = o->item != ITEM_NONE && (t->recoveries_seen > 0 || t->resumes_seen > 0);
    if (t->run != o->run || o->counted || forgotten) { /* items that began again: see account.h */
        return;
    }
    o->counted = true;
    struct book_step *s = &t->steps[o->step];
    usage_sum_add(&s->applied, &o->used);
    REQUIRE(a, "usage", covers(&s->used, &s->applied),
            "%.*s/%u: stored is %llu, and outcomes with %llu were taken", TASK(t), o->step,
            (unsigned long long)s->used.cost_nano, (unsigned long long)s->applied.cost_nano);
}
