/* The index of dead letters. */
#include <string.h>

#include "store_cases.h"
#include "store_world.h"

static struct store_row row_dead(struct world *w, const char *task_id, uint64_t version, unix_ms at)
{
    struct store_row row = row_end(w, task_id, version);
    row.dead = bytes_str(arena_printf(&w->arena, "dead %s", task_id));
    row.dead_at = at;
    return row;
}

static const struct store_answer *read_dead(struct world *w, unix_ms before, const char *before_id,
                                            uint32_t limit)
{
    return world_read(w, (struct store_read){.kind = READ_DEAD,
                                             .partitions = UINT64_MAX,
                                             .before = before,
                                             .before_id = bytes_str(before_id),
                                             .limit = limit});
}

void test_dead_letters_are_listed_newest_first(void **state)
{
    struct world *w = *state;
    static const char *const ids[] = {"a", "b", "c", "d", "fine"};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_verdict(w, row_admit(w, ids[i])), STORE_OK);
    }
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 0);
    for (int i = 0; i < 4; i++) { /* b and c at the same moment */
        unix_ms at = 1770000000000 + (i == 2 ? 1 : i);
        assert_int_equal(world_verdict(w, row_dead(w, ids[i], 1, at)), STORE_OK);
    }
    assert_int_equal(world_verdict(w, row_end(w, "fine", 1)), STORE_OK);
    const struct store_answer *a = read_dead(w, NEVER_MS, "", 2);
    assert_int_equal(a->task_count, 2);
    assert_true(a->more);
    assert_bytes(a->tasks[0].task_id, "d");
    assert_bytes(a->tasks[0].dead, "dead d");
    assert_bytes(a->tasks[1].task_id, "c");
    a = read_dead(w, 1770000000001, "c", 2);
    assert_int_equal(a->task_count, 2);
    assert_false(a->more);
    assert_bytes(a->tasks[0].task_id, "b");
    assert_bytes(a->tasks[1].dead, "dead a");
}

void test_a_dead_letter_goes_with_revival_fresh_run_and_ttl(void **state)
{
    struct world *w = *state;
    static const char *const ids[] = {"again", "fresh", "brief"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_verdict(w, row_admit(w, ids[i])), STORE_OK);
        assert_int_equal(world_verdict(w, row_dead(w, ids[i], 1, 1770000000000 + i)), STORE_OK);
    }
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 3);
    struct store_row revive = row_update(w, "again", 2);
    revive.life = LIFE_REVIVE;
    assert_int_equal(world_verdict(w, revive), STORE_OK);
    assert_int_equal(world_verdict(w, row_admit(w, "fresh")), STORE_OK);
    const struct store_answer *a = read_dead(w, NEVER_MS, "", 10);
    assert_int_equal(a->task_count, 1);
    assert_bytes(a->tasks[0].task_id, "brief");
    assert_int_equal(world_verdict(w, row_admit(w, "brief")), STORE_OK);
    struct store_row brief = row_dead(w, "brief", 1, 1770000000000);
    brief.ttl_s = 1;
    assert_int_equal(world_verdict(w, brief), STORE_OK);
    world_pass(w, 1100);
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 0);
    /* Ended again, as it should: nothing of the old one is left. */
    assert_int_equal(world_verdict(w, row_end(w, "again", 3)), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "fresh", 1)), STORE_OK);
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 0);
}

void test_a_refused_end_makes_no_dead_letter(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t")), STORE_OK);
    struct store_row stale = row_dead(w, "t", 1, 5);
    stale.fence = fence_of(77, 7);
    assert_int_equal(world_verdict(w, stale), STORE_FENCED);
    assert_int_equal(world_verdict(w, row_dead(w, "t", 9, 5)), STORE_VERSION);
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 0);
    assert_int_equal(world_verdict(w, row_dead(w, "t", 1, 5)), STORE_OK);
    assert_int_equal(world_verdict(w, row_dead(w, "t", 1, 5)), STORE_OK); /* its answer was lost */
    assert_int_equal(read_dead(w, NEVER_MS, "", 10)->task_count, 1);
}
