/* What was used, and what may be. */
#include "same_member.h"

void same_sum(const struct usage_sum *a, const struct usage_sum *b)
{
    SAME(input_tokens);
    SAME(output_tokens);
    SAME(cost_nano);
}

void same_used(const struct usage_part *a, const struct usage_part *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(bytes_eq(a[i].model, b[i].model));
        same_sum(&a[i].sum, &b[i].sum);
    }
}

void same_get_usage(const struct message *a, const struct message *b)
{
    SAME(get_usage.by);
    SAME(get_usage.first_day);
    SAME(get_usage.last_day);
}

void same_usage(const struct message *a, const struct message *b)
{
    SAME(usage.count);
    SAME(usage.cut);
    SAME(usage.partitions);
    for (uint32_t i = 0; i < a->usage.count; i++) {
        assert_int_equal(a->usage.rows[i].day, b->usage.rows[i].day);
        assert_true(bytes_eq(a->usage.rows[i].model, b->usage.rows[i].model));
        assert_true(bytes_eq(a->usage.rows[i].task_type, b->usage.rows[i].task_type));
        same_sum(&a->usage.rows[i].sum, &b->usage.rows[i].sum);
    }
}

void same_budget(const struct budget *a, const struct budget *b)
{
    SAME(cost_nano);
    SAME(tokens);
    SAME(steps);
}
