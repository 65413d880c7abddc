/* The life of a task: its document, end, fresh runs, revival; idempotency keys. */
#include <string.h>

#include "json/scan.h"
#include "store_cases.h"
#include "store_world.h"

static void assert_json(struct bytes doc)
{
    struct json_fault fault = {0};
    if (json_check(doc, NULL, &fault) != ERR_OK) {
        fail_msg("%s at %zu of %.*s", fault.reason, fault.offset, (int)doc.len,
                 (const char *)doc.ptr);
    }
}

void test_the_document_is_valid_after_each_step(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    uint64_t offset = strlen("{\"results\":{");
    for (uint64_t step = 0; step < 20; step++) {
        char *lead = arena_printf(&w->arena, "%s\"s%d\":", step > 0 ? "," : "", (int)step);
        char *tail = arena_printf(&w->arena, "},\"step\":%d}", (int)step + 1);
        struct store_row row = row_update(w, "t1", step + 1);
        row.doc_offset = offset;
        row.doc[0] = bytes_str(lead);
        row.doc[1] = BYTES_LIT("{\"answer\":42}");
        row.doc[2] = bytes_str(tail);
        offset += row.doc[0].len + row.doc[1].len;
        assert_int_equal(world_verdict(w, row), STORE_OK);
        struct bytes doc = world_doc(w, "t1");
        assert_json(doc);
        struct bytes results = json_member(doc, "results");
        assert_bytes(json_member(results, step == 0 ? "s0" : "s1"), "{\"answer\":42}");
        assert_int_equal(doc.len, offset + strlen("},\"step\":1}") + (step >= 9 ? 1 : 0));
    }
}

void test_the_end_cuts_the_padding(void **state)
{
    struct world *w = *state;
    struct store_row row = row_admit(w, "t1");
    row.doc[0] = BYTES_LIT("{\"results\":{\"a\":1},\"a long tail\":0}");
    row.doc[1] = row.doc[2] = BYTES_NONE;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    row = row_end(w, "t1", 1);
    row.doc_offset = strlen("{\"results\":{\"a\":1");
    row.doc[0] = BYTES_LIT(",\"b\":2");
    row.doc[1] = BYTES_LIT("}}");
    row.doc[2] = BYTES_LIT("           ");
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{\"a\":1,\"b\":2}}");
}

void test_a_fresh_run_replaces_an_ended_task(void **state)
{
    struct world *w = *state;
    struct row_event event = {1, parts_whole(BYTES_LIT("e"))};
    struct row_step step = {0, parts_whole(BYTES_LIT("s"))};
    struct store_row row = row_admit(w, "t1");
    row.events = &event;
    row.event_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    struct store_row end = row_end(w, "t1", 1);
    end.steps = &step;
    end.step_count = 1;
    end.error_doc = BYTES_LIT("{\"error\":1}");
    assert_int_equal(world_verdict(w, end), STORE_OK);

    const struct heard_write *h = world_written(w, row); /* seq begins at 1 again */
    assert_int_equal(h->verdict, STORE_OK);
    assert_int_equal(h->run, 2);
    const struct store_answer *a = world_read(w, read_task("t1"));
    assert_int_equal(a->tasks[0].version, 1);
    assert_int_equal(a->tasks[0].run, 2);
    assert_int_equal(a->tasks[0].step_count, 0);
    struct store_read events = read_task("t1");
    events.kind = READ_EVENTS;
    assert_int_equal(world_read(w, events)->event_count, 1);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_EXISTS);
}

void test_an_ended_task_expires_and_is_gone(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_OK);
    struct store_row revive = row_update(w, "t1", 2);
    revive.life = LIFE_REVIVE;
    assert_int_equal(world_verdict(w, revive), STORE_OK);
    struct store_row end = row_end(w, "t1", 3);
    end.ttl_s = 1;
    assert_int_equal(world_verdict(w, end), STORE_OK);
    world_pass(w, 1100);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_NOT_FOUND);
    revive.version = 4;
    assert_int_equal(world_verdict(w, revive), STORE_GONE);
    assert_int_equal(world_written(w, row_admit(w, "t1"))->run, 1);
}

static uint32_t live_count(struct world *w, const char *task_id)
{
    struct store_read live = {.kind = READ_LIVE, .partition = id_partition(bytes_str(task_id))};
    return world_read(w, live)->task_count;
}

/* Admits a task, ends it with a TTL of a second, and revives it: what came of that, which counts
 * unless a busy machine made more than that second pass. */
static enum store_verdict end_and_revive(struct world *w, mono_ms *took_ms)
{
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(live_count(w, "t1"), 1);
    mono_ms began = clock_now().mono;
    struct store_row end = row_end(w, "t1", 1);
    end.ttl_s = 1;
    assert_int_equal(world_verdict(w, end), STORE_OK);
    assert_int_equal(live_count(w, "t1"), 0);
    struct store_row revive = row_update(w, "t1", 2);
    revive.life = LIFE_REVIVE;
    enum store_verdict verdict = world_verdict(w, revive);
    *took_ms = clock_now().mono - began;
    return verdict;
}

void test_a_revived_task_lives_on(void **state)
{
    struct world *w = *state;
    mono_ms took_ms = 0;
    while (end_and_revive(w, &took_ms) == STORE_GONE) {
        assert_true(took_ms >= 1000);
    }
    world_pass(w, 1100);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_OK);
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 3);
    assert_int_equal(live_count(w, "t1"), 1);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{},\"step\":0}");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_EXISTS);
}

static void assert_input(struct world *w, const char *input)
{
    struct store_read read = read_task("t1");
    read.kind = READ_PARTS;
    read.input = true;
    assert_bytes(world_read(w, read)->input, input);
}

void test_a_revived_task_may_have_another_input(void **state)
{
    struct world *w = *state;
    struct row_step step = {0, parts_whole(BYTES_LIT("s"))};
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    struct store_row revive = row_update(w, "t1", 2);
    revive.life = LIFE_REVIVE;
    revive.steps = &step;
    revive.step_count = 1;
    revive.input = BYTES_LIT("{\"in\":2}");
    assert_int_equal(world_verdict(w, revive), STORE_OK);
    assert_input(w, "{\"in\":2}");
    assert_int_equal(world_verdict(w, row_update(w, "t1", 3)), STORE_OK);
    assert_input(w, "{\"in\":2}"); /* a row without one leaves it */
    const struct store_answer *a = world_read(w, read_task("t1"));
    assert_int_equal(a->tasks[0].step_count, 1);
    assert_bytes(a->tasks[0].steps[0].blob, "s");
}

static struct store_row row_keyed(struct world *w, const char *task_id, const char *key)
{
    struct store_row row = row_admit(w, task_id);
    row.idempotency_key = bytes_str(key);
    row.body_hash = BYTES_LIT("bodybodybodybodybodybodybodybody");
    return row;
}

void test_an_idempotency_key_outlives_its_task(void **state)
{
    struct world *w = *state;
    struct store_row longer = row_keyed(w, "t1", "0123456789abcdef0123456789abcdef");
    struct store_row brief = row_keyed(w, "t2", "fedcba9876543210fedcba9876543210");
    longer.idempotency_ttl_s = 3600;
    brief.idempotency_ttl_s = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_verdict(w, i == 0 ? longer : brief), STORE_OK);
        struct store_row end = row_end(w, i == 0 ? "t1" : "t2", 1);
        end.ttl_s = 1;
        assert_int_equal(world_verdict(w, end), STORE_OK);
    }
    world_pass(w, 1100);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_NOT_FOUND);
    assert_int_equal(world_read(w, read_task("t2"))->err, ERR_NOT_FOUND);
    assert_int_equal(world_verdict(w, longer), STORE_REPLAY);
    assert_int_equal(world_verdict(w, brief), STORE_OK);
}

/* Neither an end nor a new life of its task changes when it goes. */
void test_a_brief_idempotency_key_goes_by_itself(void **state)
{
    struct world *w = *state;
    struct store_row rows[] = {row_keyed(w, "t1", "0123456789abcdef0123456789abcdef"),
                               row_keyed(w, "t2", "fedcba9876543210fedcba9876543210"),
                               row_keyed(w, "t3", "0123456789abcdeffedcba9876543210")};
    for (int i = 0; i < 3; i++) {
        rows[i].idempotency_ttl_s = 1;
        rows[i].idempotency_brief = true;
        assert_int_equal(world_verdict(w, rows[i]), STORE_OK);
    }
    assert_int_equal(world_verdict(w, row_end(w, "t2", 1)), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "t3", 1)), STORE_OK);
    struct store_row revive = row_update(w, "t3", 2);
    revive.life = LIFE_REVIVE;
    assert_int_equal(world_verdict(w, revive), STORE_OK);
    for (int i = 0; i < 3; i++) {
        const struct heard_write *h = world_written(w, rows[i]);
        assert_int_equal(h->verdict, STORE_REPLAY);
        assert_memory_equal(h->task_id, rows[i].task_id.ptr, rows[i].task_id.len);
    }
    world_pass(w, 1100);
    for (int i = 0; i < 3; i++) {
        rows[i].task_id = bytes_str((const char *[]){"t4", "t5", "t6"}[i]);
        assert_int_equal(world_verdict(w, rows[i]), STORE_OK);
    }
}

void test_a_key_can_be_asked_for_without_an_admission(void **state)
{
    struct world *w = *state;
    struct store_row row = row_keyed(w, "t1", "0123456789abcdef0123456789abcdef");
    row.idempotency_ttl_s = 3600;
    struct store_row ask = row; /* with all that an admission has */
    ask.only_replay = true;
    assert_int_equal(world_verdict(w, ask), STORE_VERSION);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_NOT_FOUND);
    assert_int_equal(world_verdict(w, row), STORE_OK);
    const struct heard_write *h = world_written(w, ask);
    assert_int_equal(h->verdict, STORE_REPLAY);
    assert_string_equal(h->task_id, "t1");
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    assert_int_equal(world_verdict(w, ask), STORE_REPLAY);
    ask.body_hash = BYTES_LIT("otherotherotherotherotherotherot");
    assert_int_equal(world_verdict(w, ask), STORE_MISMATCH);
    ask.idempotency_key = BYTES_LIT("fedcba9876543210fedcba9876543210");
    assert_int_equal(world_verdict(w, ask), STORE_VERSION);
    ask.fence.epoch++;
    assert_int_equal(world_verdict(w, ask), STORE_FENCED);
}
