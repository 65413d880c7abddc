/* Items of fan-out steps: made, changed, put together, read. */
#include <string.h>

#include "store_cases.h"
#include "store_world.h"

static struct bytes three[] = {
    {(const uint8_t *)"{\"a\":1}", 7}, {(const uint8_t *)"2", 1}, {(const uint8_t *)"\"c\"", 3}};

static const struct items_change make_three = {
    .kind = ITEMS_MAKE, .step = 2, .values = three, .count = 3};

static struct items_change put(uint32_t item, const char *blob, const char *result)
{
    return (struct items_change){.kind = ITEMS_PUT,
                                 .step = 2,
                                 .item = item,
                                 .blob = parts_whole(bytes_str(blob)),
                                 .result = bytes_str(result)};
}

static void change(struct world *w, uint64_t version, const struct items_change *items,
                   uint32_t count)
{
    struct items_change copy[8];
    memcpy(copy, items, count * sizeof *items);
    struct store_row row = row_update(w, "t1", version);
    row.items = copy;
    row.items_count = count;
    assert_int_equal(world_verdict(w, row), STORE_OK);
}

/* t1 at version 2, its step 2 with three items. */
static void begin(struct world *w)
{
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    change(w, 1, &make_three, 1);
}

static const struct stored_items *marks(struct world *w)
{
    struct store_read read = read_task("t1");
    read.items = true;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->task_count, 1);
    assert_int_equal(a->tasks[0].items_count, 1);
    assert_int_equal(a->tasks[0].items[0].step, 2);
    return &a->tasks[0].items[0];
}

static struct bytes value(struct world *w, uint32_t item)
{
    struct store_read read = read_task("t1");
    read.kind = READ_PARTS;
    read.step = 2;
    read.item = item;
    return world_read(w, read)->item;
}

void test_items_are_read_with_their_task(void **state)
{
    struct world *w = *state;
    begin(w);
    assert_bytes(marks(w)->marks, "www");
    assert_int_equal(marks(w)->begun_count, 0);
    assert_bytes(value(w, 1), "{\"a\":1}");
    assert_bytes(value(w, 3), "\"c\"");
    assert_int_equal(value(w, 4).len, 0);
    struct items_change changes[] = {put(3, "d-3", "[3]"), put(1, "b-1", "")};
    change(w, 2, changes, 2);
    const struct stored_items *s = marks(w);
    assert_bytes(s->marks, "bwd");
    assert_int_equal(s->begun_count, 1);
    assert_int_equal(s->begun[0].item, 1);
    assert_bytes(s->begun[0].blob, "b-1");
    struct store_read live = {.kind = READ_LIVE, .partition = id_partition(BYTES_LIT("t1"))};
    const struct store_answer *a = world_read(w, live);
    assert_int_equal(a->task_count, 1);
    assert_bytes(a->tasks[0].items[0].marks, "bwd");
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].items_count, 0); /* not asked for */
}

void test_items_are_read_in_pages(void **state)
{
    struct world *w = *state;
    begin(w);
    struct items_change changes[] = {put(1, "f-1", ""), put(3, "d-3", "[3]")};
    change(w, 2, changes, 2);
    struct store_read read = read_task("t1");
    read.kind = READ_ITEMS;
    read.step = 2;
    read.limit = 2;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->items_count, 2);
    assert_int_equal(a->items[0].item, 1);
    assert_bytes(a->items[0].blob, "f-1");
    assert_int_equal(a->items[1].item, 2);
    assert_int_equal(a->items[1].blob.len, 0);
    assert_int_equal(a->next_item, 3);
    read.item = 3;
    a = world_read(w, read);
    assert_int_equal(a->items_count, 1);
    assert_bytes(a->items[0].result, "[3]");
    assert_int_equal(a->next_item, 0);
    read.item = 0;
    strcpy(read.marks, "wf");
    a = world_read(w, read);
    assert_int_equal(a->items_count, 2);
    assert_int_equal(a->next_item, 0);
    strcpy(read.marks, "d");
    a = world_read(w, read);
    assert_int_equal(a->items_count, 1);
    assert_int_equal(a->items[0].item, 3);
    read.step = 1;
    assert_int_equal(world_read(w, read)->items_count, 0);
    read.task_id = BYTES_LIT("t2");
    assert_int_equal(world_read(w, read)->err, ERR_NOT_FOUND);
}

void test_the_results_of_items_become_a_part_of_the_document(void **state)
{
    struct world *w = *state;
    begin(w);
    struct items_change changes[] = {put(1, "d", "{\"r\":1}"), put(2, "f", "")};
    change(w, 2, changes, 2);
    struct items_change last = put(3, "d", "3");
    struct store_row row = row_update(w, "t1", 3);
    row.items = &last;
    row.items_count = 1;
    row.doc_whole = true;
    row.doc[0] = BYTES_LIT("{\"each\":");
    row.doc[2] = BYTES_LIT("}");
    row.doc_items = 3;
    row.doc_items_bytes = 17; /* one more than there are */
    assert_int_equal(world_verdict(w, row), STORE_VERSION);
    assert_bytes(marks(w)->marks, "dfw");
    row.doc_items_bytes = 16;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_bytes(world_doc(w, "t1"), "{\"each\":[{\"r\":1},null,3]}");
    assert_bytes(marks(w)->marks, "dfd");
    row.doc_whole = false; /* the same over a document's tail */
    row.version = 4;
    row.stored_doc_bytes = strlen("{\"each\":[{\"r\":1},null,3]}");
    row.head = BYTES_LIT("head-5");
    row.doc_offset = 1;
    row.doc[0] = BYTES_LIT("\"more\":");
    row.items_count = 0;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_bytes(world_doc(w, "t1"), "{\"more\":[{\"r\":1},null,3]}");
}

void test_items_that_are_not_done_wait_again(void **state)
{
    struct world *w = *state;
    begin(w);
    struct items_change changes[] = {put(1, "d", "1"), put(2, "f", ""), put(3, "x", "")};
    change(w, 2, changes, 3);
    struct items_change again = {.kind = ITEMS_AGAIN, .step = 2};
    change(w, 3, &again, 1);
    assert_bytes(marks(w)->marks, "dww");
    assert_bytes(value(w, 2), "2");
}

void test_items_go_with_their_step_and_their_run(void **state)
{
    struct world *w = *state;
    begin(w);
    struct items_change done = put(1, "d", "1");
    change(w, 2, &done, 1);
    struct items_change drop = {.kind = ITEMS_DROP, .step = 2};
    change(w, 3, &drop, 1);
    struct store_read read = read_task("t1");
    read.items = true;
    assert_int_equal(world_read(w, read)->tasks[0].items_count, 0);
    change(w, 4, &make_three, 1);
    assert_bytes(marks(w)->marks, "www");
    assert_int_equal(world_verdict(w, row_end(w, "t1", 5)), STORE_OK);
    assert_bytes(marks(w)->marks, "www");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_read(w, read)->tasks[0].items_count, 0);
    assert_int_equal(value(w, 1).len, 0);
}

void test_ten_thousand_items(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct arena arena = {0};
    const uint32_t n = 10000;
    struct bytes *values = arena_alloc(&arena, n * sizeof *values);
    struct items_change *puts = arena_alloc(&arena, n * sizeof *puts);
    uint64_t bytes = 1 + n;
    for (uint32_t i = 0; i < n; i++) {
        values[i] = bytes_str(arena_printf(&arena, "%u", i));
        puts[i] = put(i + 1, "d", arena_printf(&arena, "[%u]", i));
        bytes += puts[i].result.len;
    }
    struct items_change make = {.kind = ITEMS_MAKE, .step = 2, .values = values, .count = n};
    change(w, 1, &make, 1);
    struct store_row row = row_update(w, "t1", 2);
    row.items = puts;
    row.items_count = n;
    row.doc_whole = true;
    row.doc[0] = BYTES_LIT(" ");
    row.doc[2] = BYTES_LIT(" ");
    row.doc_items = 3;
    row.doc_items_bytes = bytes;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    const struct stored_items *s = marks(w);
    assert_int_equal(s->marks.len, n);
    assert_int_equal(s->marks.ptr[n - 1], 'd');
    assert_bytes(value(w, n), "9999");
    struct bytes doc = world_doc(w, "t1");
    assert_int_equal(doc.len, bytes + 2);
    assert_bytes(bytes_part(doc, doc.len - 8, 8), "[9999]] ");
    struct items_change drop = {.kind = ITEMS_DROP, .step = 2};
    change(w, 3, &drop, 1);
    arena_free(&arena);
}
