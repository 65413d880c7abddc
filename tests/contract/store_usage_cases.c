/* What tasks have used, summed by day, model and task type in the rows that count it. */
#include <stdio.h>
#include <string.h>

#include "model/limits.h"
#include "store_cases.h"
#include "store_world.h"

#define DAY 20784

static struct store_row row_used(struct world *w, const char *task_id, uint64_t version,
                                 const char *model, uint64_t cost)
{
    struct store_row row = row_update(w, task_id, version);
    row.usage = arena_alloc(&w->arena, sizeof *row.usage);
    row.usage[0] = (struct usage_part){bytes_str(arena_str(&w->arena, model)), {5, 2, cost}};
    row.usage_count = 1;
    row.usage_type = BYTES_LIT("kind");
    row.usage_day = DAY;
    return row;
}

/* The sum of what is stored for these days, of one model, or all (NULL). */
static struct usage_sum used(struct world *w, int32_t first, int32_t last, const char *model)
{
    struct usage_sum sum = {0};
    const struct store_answer *a = world_read(
        w, (struct store_read){
               .kind = READ_USAGE, .partitions = UINT64_MAX, .first_day = first, .last_day = last});
    assert_int_equal(a->err, ERR_OK);
    for (uint32_t i = 0; i < a->usage_count; i++) {
        if (model == NULL || bytes_is(a->usage[i].model, model)) {
            assert_int_equal(a->usage[i].day, DAY);
            usage_sum_add(&sum, &a->usage[i].sum);
        }
    }
    return sum;
}

void test_usage_is_summed_over_tasks_and_partitions(void **state)
{
    struct world *w = *state;
    assert_int_equal(used(w, DAY - 91, DAY, NULL).cost_nano, 0);
    assert_int_equal(world_verdict(w, row_admit(w, "a")), STORE_OK);
    assert_int_equal(world_verdict(w, row_admit(w, "b")), STORE_OK);
    assert_int_equal(world_verdict(w, row_used(w, "a", 1, "m", 100)), STORE_OK);
    assert_int_equal(world_verdict(w, row_used(w, "a", 2, "n", 10)), STORE_OK);
    assert_int_equal(world_verdict(w, row_used(w, "b", 1, "m", 1)), STORE_OK);
    struct store_row end = row_end(w, "b", 2);
    struct store_row last = row_used(w, "b", 2, "m", 1000);
    end.usage = last.usage;
    end.usage_count = 1;
    end.usage_type = last.usage_type;
    end.usage_day = DAY;
    assert_int_equal(world_verdict(w, end), STORE_OK);
    assert_int_equal(used(w, DAY, DAY, NULL).cost_nano, 1111);
    assert_int_equal(used(w, DAY, DAY, "m").cost_nano, 1101);
    assert_int_equal(used(w, DAY, DAY, "m").input_tokens, 15);
    assert_int_equal(used(w, DAY, DAY, "n").output_tokens, 2);
    assert_int_equal(used(w, DAY - 91, DAY - 1, NULL).cost_nano, 0);
    const struct store_answer *nothing =
        world_read(w, (struct store_read){.kind = READ_USAGE, .first_day = DAY, .last_day = DAY});
    assert_int_equal(nothing->usage_count, 0);
    assert_int_equal(used(w, INT32_MAX - 1, INT32_MAX, NULL).cost_nano,
                     0); /* no day is behind it */
}

void test_usage_of_a_task_without_a_type_counts_too(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "a")), STORE_OK);
    static const char *const models[] = {"m", ""};
    for (uint32_t i = 0; i < 2; i++) {
        struct store_row row = row_used(w, "a", 1 + i, models[i], 100);
        row.usage_type = BYTES_NONE; /* its steps came with the start */
        assert_int_equal(world_verdict(w, row), STORE_OK);
    }
    assert_int_equal(used(w, DAY, DAY, NULL).cost_nano, 200);
    assert_int_equal(used(w, DAY, DAY, "m").cost_nano, 100);
}

void test_a_row_that_is_told_again_or_refused_adds_nothing(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "a")), STORE_OK);
    assert_int_equal(world_verdict(w, row_used(w, "a", 1, "m", 100)), STORE_OK);
    assert_int_equal(world_verdict(w, row_used(w, "a", 1, "m", 100)), STORE_OK); /* again */
    assert_int_equal(world_verdict(w, row_used(w, "a", 7, "m", 100)), STORE_VERSION);
    struct store_row stale = row_used(w, "a", 2, "m", 100);
    stale.fence.epoch--;
    assert_int_equal(world_verdict(w, stale), STORE_FENCED);
    assert_int_equal(world_verdict(w, row_update(w, "a", 2)), STORE_OK); /* without any */
    assert_int_equal(used(w, DAY, DAY, NULL).cost_nano, 100);
}

void test_pairs_of_a_day_have_a_bound_and_nothing_is_lost_by_it(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "a")), STORE_OK);
    for (uint32_t i = 0; i < USAGE_PAIRS_MAX + 10; i++) {
        char model[16];
        snprintf(model, sizeof model, "m%u", i);
        assert_int_equal(world_verdict(w, row_used(w, "a", 1 + i, model, 1)), STORE_OK);
    }
    assert_int_equal(used(w, DAY, DAY, NULL).cost_nano, USAGE_PAIRS_MAX + 10);
    assert_int_equal(used(w, DAY, DAY, "other").cost_nano, 11);
    assert_int_equal(used(w, DAY, DAY, "m0").cost_nano, 1);
}
