/* Limits: keys with so many holders, rates. */
#include "store_cases.h"
#include "store_world.h"

static struct limit_op take(const char *holder, const char *waiter, uint32_t limit)
{
    return (struct limit_op){.kind = LIMIT_TAKE,
                             .key = BYTES_LIT("model x"),
                             .limit = limit,
                             .holder = bytes_str(holder),
                             .epoch = 7,
                             .waiter = bytes_str(waiter),
                             .lease_ms = 60000,
                             .patience_ms = 60000};
}

static struct limit_op with(enum limit_op_kind kind, const char *holder, uint64_t epoch)
{
    struct limit_op op = take(holder, "w", 1);
    op.kind = kind;
    op.epoch = epoch;
    return op;
}

static struct limit_answer ask(struct world *w, struct limit_op op)
{
    struct store_read read = {.kind = READ_LIMITS, .limits = &op, .limit_count = 1};
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->err, ERR_OK);
    assert_int_equal(a->limit_count, 1);
    return a->limits[0];
}

#define GRANTED(w, op) assert_true(ask(w, op).granted)
#define REFUSED(w, op) assert_false(ask(w, op).granted)

void test_a_key_has_no_more_holders_than_its_limit(void **state)
{
    struct world *w = *state;
    GRANTED(w, take("a", "1", 2));
    GRANTED(w, take("b", "1", 2));
    struct limit_answer no = ask(w, take("c", "1", 2));
    assert_false(no.granted);
    assert_false(no.by_rate);
    GRANTED(w, take("c", "1", 3)); /* each asks by its own limit */
    ask(w, with(LIMIT_RELEASE, "a", 7));
    ask(w, with(LIMIT_RELEASE, "b", 7));
    ask(w, with(LIMIT_RELEASE, "never there", 7));
    GRANTED(w, take("d", "1", 2));
    REFUSED(w, take("e", "1", 2));
}

void test_who_waits_for_longer_is_first(void **state)
{
    struct world *w = *state;
    GRANTED(w, take("a", "1", 1));
    REFUSED(w, take("b", "2", 1));
    world_pass(w, 5);
    REFUSED(w, take("c", "3", 1));
    ask(w, with(LIMIT_RELEASE, "a", 7));
    REFUSED(w, take("d", "1", 1)); /* who was just served goes behind */
    REFUSED(w, take("c", "3", 1));
    GRANTED(w, take("b", "2", 1));
    ask(w, with(LIMIT_RELEASE, "b", 7));
    REFUSED(w, take("e", "2", 1));
    GRANTED(w, take("c", "3", 1));
}

void test_a_place_in_line_is_not_kept_for_ever(void **state)
{
    struct world *w = *state;
    struct limit_op brief = take("b", "2", 1);
    brief.patience_ms = 1;
    GRANTED(w, take("a", "1", 1));
    REFUSED(w, brief);
    ask(w, with(LIMIT_RELEASE, "a", 7));
    world_pass(w, 20);
    GRANTED(w, take("c", "3", 1));
}

void test_the_next_owner_has_what_the_last_one_had(void **state)
{
    struct world *w = *state;
    GRANTED(w, take("a", "1", 1));
    struct limit_op next = take("a", "2", 1);
    next.epoch = 8;
    GRANTED(w, next);
    GRANTED(w, next);                    /* the same again is the same holder */
    ask(w, with(LIMIT_RELEASE, "a", 7)); /* one that came late */
    REFUSED(w, take("b", "1", 1));
    ask(w, with(LIMIT_RENEW, "a", 9));
    ask(w, with(LIMIT_RELEASE, "a", 8));
    REFUSED(w, take("b", "1", 1));
    ask(w, with(LIMIT_RELEASE, "a", 9));
    GRANTED(w, take("b", "1", 1));
}

void test_a_lease_passes_unless_it_is_renewed(void **state)
{
    struct world *w = *state;
    struct limit_op brief = take("a", "1", 1);
    brief.lease_ms = 1;
    GRANTED(w, brief);
    world_pass(w, 20);
    GRANTED(w, take("b", "2", 1));
    ask(w, with(LIMIT_RENEW, "a", 7)); /* it lives, whatever was thought: both are counted */
    REFUSED(w, take("c", "3", 2));
}

static struct limit_op rated(const char *holder, uint64_t interval_ms)
{
    struct limit_op op = take(holder, "1", 1);
    op.rate = BYTES_LIT("calls");
    op.interval_us = interval_ms * 1000;
    return op;
}

void test_a_rate_lets_one_pass_each_interval(void **state)
{
    struct world *w = *state;
    struct limit_op op = rated("a", 60000);
    op.key = BYTES_NONE;
    GRANTED(w, op);
    struct limit_answer no = ask(w, op);
    assert_false(no.granted);
    assert_true(no.by_rate);
    assert_in_range(no.wait_ms, 1, 60000);
    op.rate = BYTES_LIT("quick");
    op.interval_us = 1000;
    GRANTED(w, op);
    world_pass(w, 20);
    GRANTED(w, op);
}

void test_both_are_taken_or_none(void **state)
{
    struct world *w = *state;
    struct limit_op other = rated("x", 60000);
    other.key = BYTES_NONE;
    GRANTED(w, other);
    assert_true(ask(w, rated("a", 60000)).by_rate);
    GRANTED(w, take("b", "1", 1)); /* nothing is held by a */
    struct limit_op full = rated("c", 60000);
    full.rate = BYTES_LIT("other calls");
    assert_false(ask(w, full).by_rate);
    ask(w, with(LIMIT_RELEASE, "b", 7));
    GRANTED(w, full); /* its rate was not spent by the refusal */
}

void test_many_are_answered_in_their_order(void **state)
{
    struct world *w = *state;
    struct limit_op ops[] = {take("a", "1", 1), take("b", "1", 1), with(LIMIT_RELEASE, "a", 7),
                             take("b", "1", 1)};
    struct store_read read = {.kind = READ_LIMITS, .limits = ops, .limit_count = 4};
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->limit_count, 4);
    assert_true(a->limits[0].granted);
    assert_false(a->limits[1].granted);
    assert_true(a->limits[3].granted);
}
