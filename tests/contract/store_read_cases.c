/* Reads. */
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "store_cases.h"
#include "store_world.h"

static struct store_read read_events(const char *task_id, uint64_t after, uint32_t limit)
{
    struct store_read read = read_task(task_id);
    read.kind = READ_EVENTS;
    read.after = after;
    read.limit = limit;
    return read;
}

void test_unknown_tasks_are_not_found(void **state)
{
    struct world *w = *state;
    struct store_read read = read_task("nobody");
    assert_int_equal(world_read(w, read)->err, ERR_NOT_FOUND);
    read.kind = READ_PARTS;
    read.input = true;
    assert_int_equal(world_read(w, read)->err, ERR_NOT_FOUND);
    assert_int_equal(world_read(w, read_events("nobody", 0, 10))->err, ERR_NOT_FOUND);
}

void test_reads_see_the_rows_given_before(void **state)
{
    struct world *w = *state;
    world_own(w, "t1");
    world_write(w, row_admit(w, "t1"));
    for (uint64_t v = 1; v <= 1000; v++) {
        world_write(w, row_update(w, "t1", v));
    }
    const struct store_answer *a = world_read(w, read_task("t1")); /* all of it in one flush */
    assert_int_equal(a->err, ERR_OK);
    assert_int_equal(a->tasks[0].version, 1001);
}

void test_parts_of_the_document_and_the_input(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct byte_range ranges[] = {{0, 1}, {2, 7}, {3, 0}, {20, 1000}, {5000, 5}};
    struct store_read read = read_task("t1");
    read.kind = READ_PARTS;
    read.input = true;
    read.ranges = ranges;
    read.range_count = 5;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->err, ERR_OK);
    assert_bytes(a->input, "{\"in\":1}");
    assert_int_equal(a->part_count, 5);
    assert_bytes(a->parts[0], "{");
    assert_bytes(a->parts[1], "results");
    assert_bytes(a->parts[2], "");
    assert_bytes(a->parts[3], ":0}");
    assert_bytes(a->parts[4], "");
    read.input = false;
    read.range_count = 2;
    a = world_read(w, read);
    assert_int_equal(a->input.len, 0);
    assert_bytes(a->parts[1], "results");
}

/* Writes events from..to in rows of up to 100; returns the version that the task then has. */
static uint64_t put_events(struct world *w, const char *id, uint64_t version, uint64_t from,
                           uint64_t to)
{
    struct row_event events[100];
    uint64_t last = 0;
    while (from <= to) {
        uint32_t n = 0;
        for (; n < 100 && from <= to; n++) {
            char *text = arena_printf(&w->arena, "e%llu", (unsigned long long)from);
            events[n] = (struct row_event){from++, parts_whole(bytes_str(text))};
        }
        struct store_row row = row_update(w, id, version++);
        row.stored_seq = from - n - 1; /* those before are on their way */
        row.events = events;
        row.event_count = n;
        last = world_write(w, row);
    }
    world_wait(w, write_heard, last);
    assert_int_equal(w->writes[last].verdict, STORE_OK);
    return version;
}

void test_events_are_replayed_from_any_point(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    const struct store_answer *a = world_read(w, read_events("t1", 0, 10));
    assert_int_equal(a->err, ERR_OK);
    assert_int_equal(a->event_count, 0);
    assert_int_equal(a->oldest_seq, 0);
    put_events(w, "t1", 1, 1, 700);
    a = world_read(w, read_events("t1", 0, 10));
    assert_int_equal(a->event_count, 10);
    assert_int_equal(a->oldest_seq, 1);
    assert_int_equal(a->events[0].seq, 1);
    assert_bytes(a->events[9].blob, "e10");
    a = world_read(w, read_events("t1", 695, 10));
    assert_int_equal(a->event_count, 5);
    assert_int_equal(a->events[0].seq, 696);
    assert_bytes(a->events[4].blob, "e700");
    assert_int_equal(world_read(w, read_events("t1", 700, 10))->event_count, 0);
    assert_int_equal(world_read(w, read_events("t1", 0, 100000))->event_count, EVENTS_PAGE_MAX);
}

void test_old_events_are_trimmed(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    put_events(w, "t1", 1, 1, EVENTS_KEPT_MAX + 2000);
    const struct store_answer *a = world_read(w, read_events("t1", 0, 1));
    assert_true(a->oldest_seq > 1);
    assert_true(a->oldest_seq <= 2001);
    assert_int_equal(a->events[0].seq, a->oldest_seq);
    a = world_read(w, read_events("t1", EVENTS_KEPT_MAX + 1999, 10));
    assert_int_equal(a->event_count, 1);
}

void test_live_tasks_come_in_pages(void **state)
{
    struct world *w = *state;
    enum { COUNT = 700 };
    bool seen[COUNT] = {0};
    partition_id p = id_partition(BYTES_LIT("task0"));
    uint32_t expected = 0;
    uint64_t last = 0;
    for (int i = 0; expected < 300 && i < 60000; i++) {
        char *id = arena_printf(&w->arena, "task%d", i);
        if (id_partition(bytes_str(id)) != p) {
            continue;
        }
        struct store_row row = row_admit(w, id);
        char *head = arena_printf(&w->arena, "%u", expected++);
        row.head = bytes_str(head);
        last = world_write(w, row);
    }
    world_wait(w, write_heard, last);
    uint32_t found = 0;
    uint64_t cursor = 0;
    int pages = 0;
    do {
        struct store_read live = {.kind = READ_LIVE, .partition = p, .cursor = cursor};
        const struct store_answer *a = world_read(w, live);
        for (uint32_t i = 0; i < a->task_count; i++) {
            char text[16] = {0};
            memcpy(text, a->tasks[i].head.ptr, a->tasks[i].head.len);
            int number = atoi(text);
            found += seen[number] ? 0 : 1; /* it may come twice */
            seen[number] = true;
            assert_bytes(a->tasks[i].spec, "spec");
        }
        cursor = a->cursor;
        pages++;
    } while (cursor != 0 && pages < 1000);
    assert_int_equal(found, expected);
    assert_true(pages > 2);
}

static struct store_read read_list(unix_ms before, const char *before_id, uint32_t limit)
{
    return (struct store_read){.kind = READ_LIST,
                               .partitions = UINT64_MAX,
                               .before = before,
                               .before_id = bytes_str(before_id),
                               .limit = limit};
}

void test_the_list_is_newest_first_over_partitions(void **state)
{
    struct world *w = *state;
    const char *ids[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (int i = 0; i < 7; i++) {
        struct store_row row = row_admit(w, ids[i]);
        row.created_at = 1770000000000 + i;
        assert_int_equal(world_verdict(w, row), STORE_OK);
    }
    const struct store_answer *a = world_read(w, read_list(NEVER_MS, "", 3));
    assert_int_equal(a->task_count, 3);
    assert_true(a->more);
    assert_bytes(a->tasks[0].task_id, "g");
    assert_bytes(a->tasks[2].task_id, "e");
    assert_bytes(a->tasks[2].head, "head-1");
    assert_int_equal(a->tasks[2].version, 1);
    assert_int_equal(a->tasks[2].step_count, 0);
    a = world_read(w, read_list(1770000000004, "e", 3));
    assert_bytes(a->tasks[0].task_id, "d");
    assert_bytes(a->tasks[2].task_id, "b");
    assert_true(a->more);
    a = world_read(w, read_list(1770000000001, "b", 3));
    assert_int_equal(a->task_count, 1);
    assert_bytes(a->tasks[0].task_id, "a");
    assert_false(a->more);

    struct store_read one = read_list(NEVER_MS, "", 10);
    one.partitions = 1ull << id_partition(BYTES_LIT("c"));
    a = world_read(w, one);
    for (uint32_t i = 0; i < a->task_count; i++) {
        assert_int_equal(id_partition(a->tasks[i].task_id), id_partition(BYTES_LIT("c")));
    }
    assert_true(a->task_count >= 1);
    one.partitions = 0;
    a = world_read(w, one);
    assert_int_equal(a->task_count, 0);
    assert_false(a->more);
}

void test_the_list_pages_through_equal_times(void **state)
{
    struct world *w = *state;
    enum { COUNT = 600, PAGE = 70 };
    uint64_t last = 0;
    for (int i = 0; i < COUNT; i++) {
        char *id = arena_printf(&w->arena, "same%03d", i);
        partition_id p = id_partition(bytes_str(id));
        if (!w->owned[p]) {
            world_write(w, row_claim(p, w->fence, "c1"));
            w->owned[p] = true;
        }
        last = world_write(w, row_admit(w, id)); /* all created at 1000 */
    }
    world_wait(w, write_heard, last);
    char at[ID_BYTES_MAX + 1] = "";
    unix_ms before = NEVER_MS;
    int next = COUNT - 1;
    bool more = true;
    while (more) {
        const struct store_answer *a = world_read(w, read_list(before, at, PAGE));
        for (uint32_t i = 0; i < a->task_count; i++) {
            char expected[16];
            snprintf(expected, sizeof expected, "same%03d", next--);
            assert_bytes(a->tasks[i].task_id, expected);
        }
        assert_true(a->task_count > 0);
        memcpy(at, a->tasks[a->task_count - 1].task_id.ptr, 7);
        before = 1000;
        more = a->more;
    }
    assert_int_equal(next, -1);
}

void test_owners_and_ping(void **state)
{
    struct world *w = *state;
    for (partition_id p = 0; p < PARTITION_COUNT; p += 9) {
        struct fence fence = fence_of(1000u + p, p);
        assert_int_equal(world_verdict(w, row_claim(p, fence, "c1")), STORE_OK);
    }
    const struct store_answer *a = world_read(w, (struct store_read){.kind = READ_OWNERS});
    for (uint32_t p = 0; p < PARTITION_COUNT; p++) {
        assert_int_equal(a->owners[p].exists, p % 9 == 0);
        assert_int_equal(a->owners[p].fence.epoch, p % 9 == 0 ? 1000u + p : 0);
    }
    assert_int_equal(world_read(w, (struct store_read){.kind = READ_PING})->err, ERR_OK);
}

static void assert_held(const struct audit_entry *e, uint64_t version, bool ended)
{
    assert_true(e->found);
    assert_int_equal(e->version, version);
    assert_int_equal(e->ended, ended);
    assert_int_equal(e->listed, !ended);
    assert_int_equal(e->expires, ended);
}

void test_an_audit_tells_how_tasks_are_held(void **state)
{
    struct world *w = *state;
    partition_id p = id_partition(BYTES_LIT("live"));
    assert_int_equal(world_verdict(w, row_admit(w, "live")), STORE_OK);
    assert_int_equal(world_verdict(w, row_update(w, "live", 1)), STORE_OK);
    assert_int_equal(world_verdict(w, row_admit(w, "ended")), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "ended", 1)), STORE_OK);
    struct bytes ids[] = {BYTES_LIT("live"), BYTES_LIT("nobody"), BYTES_LIT("ended")};
    struct store_read read = {.kind = READ_AUDIT, .partition = p, .ids = ids, .id_count = 2};
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->audit_count, 2);
    assert_held(&a->audits[0], 2, false);
    assert_int_equal(a->fence.epoch, w->fence.epoch);
    assert_memory_equal(a->fence.nonce, w->fence.nonce, NONCE_BYTES);
    assert_false(a->audits[1].found || a->audits[1].listed);
    assert_int_equal(a->listed_count, 1);
    assert_bytes(a->listed[0], "live");
    assert_int_equal(a->cursor, 0);
    read.partition = id_partition(BYTES_LIT("ended"));
    read.ids = ids + 2;
    read.id_count = 1;
    a = world_read(w, read);
    assert_held(&a->audits[0], 2, true);
    read.partition = (partition_id)(p == 0); /* nobody's tasks */
    read.id_count = 0;
    a = world_read(w, read);
    assert_int_equal(a->audit_count + a->listed_count, 0);
    struct store_row stale = {.kind = ROW_UNLIST, .partition = p, .task_id = ids[0]};
    stale.fence = fence_of(1, 0x99);
    assert_int_equal(world_verdict(w, stale), STORE_FENCED);
    stale.fence = w->fence;
    assert_int_equal(world_verdict(w, stale), STORE_OK); /* alive: it stays */
    read = (struct store_read){.kind = READ_AUDIT, .partition = p};
    assert_int_equal(world_read(w, read)->listed_count, 1);
}
