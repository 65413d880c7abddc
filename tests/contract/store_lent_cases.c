/* Long slices of answers, which whoever sends them holds where they lie (world_check_lent); and of
 * rows, which the store holds until they are written. */
#include <string.h>

#include "model/limits.h"
#include "store_cases.h"
#include "store_world.h"

#define LONG_BYTES 50000u
#define DOC_START  12u /* behind {"results":{ */

static struct bytes long_text(struct world *w, char fill)
{
    struct buf b = arena_buf(&w->arena, LONG_BYTES);
    memset(buf_extend(&b, LONG_BYTES), fill, LONG_BYTES);
    b.ptr[0] = b.ptr[LONG_BYTES - 1] = '"';
    return buf_bytes(&b);
}

/* A task with a long input, two long results, and two items with long ones. */
static void make(struct world *w, const char *id)
{
    struct store_row row = row_admit(w, id);
    row.input = long_text(w, 'i');
    assert_int_equal(world_verdict(w, row), STORE_OK);
    for (uint32_t i = 0; i < 2; i++) {
        row = row_update(w, id, 1 + i);
        row.doc_offset = DOC_START + i * LONG_BYTES;
        row.doc[0] = long_text(w, 'a' + (char)i);
        row.doc[2] = BYTES_LIT("},\"step\":1}");
        assert_int_equal(world_verdict(w, row), STORE_OK);
    }
    struct bytes values[] = {BYTES_LIT("1"), BYTES_LIT("2")};
    struct items_change items[3] = {{.kind = ITEMS_MAKE, .step = 2, .values = values, .count = 2}};
    for (uint32_t i = 1; i <= 2; i++) {
        items[i] = (struct items_change){.kind = ITEMS_PUT,
                                         .step = 2,
                                         .item = i,
                                         .blob = parts_whole(BYTES_LIT("d")),
                                         .result = long_text(w, 'k' + (char)i)};
    }
    row = row_update(w, id, 3);
    row.items = items;
    row.items_count = 3;
    assert_int_equal(world_verdict(w, row), STORE_OK);
}

static void assert_filled(struct bytes b, char fill)
{
    assert_int_equal(b.len, LONG_BYTES);
    for (size_t i = 1; i + 1 < b.len; i++) {
        assert_int_equal(b.ptr[i], fill);
    }
}

static void read_all(struct world *w, const char *id)
{
    struct byte_range ranges[] = {{DOC_START, LONG_BYTES}, {DOC_START + LONG_BYTES, LONG_BYTES}};
    struct store_read read = read_task(id);
    read.kind = READ_PARTS;
    read.input = true;
    read.ranges = ranges;
    read.range_count = 2;
    const struct store_answer *a = world_read(w, read);
    assert_filled(a->input, 'i');
    assert_filled(a->parts[0], 'a');
    assert_filled(a->parts[1], 'b');
    read = read_task(id);
    read.kind = READ_ITEMS;
    read.step = 2;
    read.limit = 10;
    a = world_read(w, read);
    assert_int_equal(a->items_count, 2);
    assert_filled(a->items[0].result, 'l');
    assert_filled(a->items[1].result, 'm');
}

/* From what was just written, and (behind a second claim, which ends that) from where it is stored;
 * others are read, and the task is changed, while they are held. */
void test_long_slices_of_answers_may_be_held(void **state)
{
    struct world *w = *state;
    make(w, "t1");
    make(w, "t2");
    read_all(w, "t1");
    struct store_row claim = {.kind = ROW_CLAIM,
                              .partition = id_partition(BYTES_LIT("t1")),
                              .fence = w->fence,
                              .claim = fence_of(2, 0xbb),
                              .owner = BYTES_LIT("again")};
    assert_int_equal(world_verdict(w, claim), STORE_OK);
    read_all(w, "t1");
    read_all(w, "t2");
    w->fence = claim.claim;
    struct store_row end = row_end(w, "t1", 4);
    end.doc_offset = 0;
    end.doc[0] = BYTES_LIT("{}");
    end.doc_whole = true;
    assert_int_equal(world_verdict(w, end), STORE_OK);
    bool lends = w->server != NULL || w->cluster != NULL;
    assert_int_equal(w->lent_count, lends ? 15 : 0);
}

static void assert_blob(struct bytes b, const char *before, char fill, const char *behind)
{
    assert_int_equal(b.len, strlen(before) + LONG_BYTES + strlen(behind));
    assert_bytes(bytes_part(b, 0, strlen(before)), before);
    assert_filled(bytes_part(b, strlen(before), LONG_BYTES), fill);
    assert_bytes(bytes_part(b, strlen(before) + LONG_BYTES, b.len), behind);
}

/* Blobs of a step, of events and of an item, each with a long part in the middle, one that is only
 * that, and so is an item's value. They lie in one text, which the caller lets go once the row is
 * given. */
void test_what_a_row_lends_goes_with_its_call(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct shared *text = shared_copy(long_text(w, 'c'));
    struct bytes parts[] = {BYTES_LIT("1"), shared_bytes(text), BYTES_LIT("234")};
    struct parts blob = {.items = parts, .count = 3};
    struct row_step steps[] = {{0, blob}, {1, parts_whole(BYTES_LIT("s1"))}};
    struct row_event events[] = {
        {1, parts_whole(BYTES_LIT("e1"))}, {2, blob}, {3, {.items = parts + 1, .count = 1}}};
    struct shared *result = shared_copy(long_text(w, 'd')); /* the row has no lender for it */
    struct bytes values[] = {BYTES_LIT("1"), shared_bytes(text)};
    struct items_change items[] = {
        {.kind = ITEMS_MAKE, .step = 2, .values = values, .count = 2},
        {.kind = ITEMS_PUT, .step = 2, .item = 1, .blob = blob, .result = shared_bytes(result)}};
    struct store_row row = row_update(w, "t1", 1);
    row.steps = steps;
    row.step_count = 2;
    row.events = events;
    row.event_count = 3;
    row.items = items;
    row.items_count = 2;
    row.lenders = (struct lenders){.items = &text, .count = 1};
    uint64_t id = world_write(w, row);
    shared_drop(text);
    shared_drop(result);
    world_wait(w, write_heard, id);
    const struct task_record *t = &world_read(w, read_task("t1"))->tasks[0];
    assert_blob(t->steps[0].blob, "1", 'c', "234");
    assert_bytes(t->steps[1].blob, "s1");
    struct store_read read = read_task("t1");
    read.kind = READ_EVENTS;
    read.limit = 10;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->event_count, 3);
    assert_bytes(a->events[0].blob, "e1");
    assert_blob(a->events[1].blob, "1", 'c', "234");
    assert_blob(a->events[2].blob, "", 'c', "");
    read.kind = READ_ITEMS;
    read.step = 2;
    assert_blob(world_read(w, read)->items[0].blob, "1", 'c', "234");
    assert_blob(world_read(w, read)->items[0].result, "", 'd', "");
    read = read_task("t1");
    read.kind = READ_PARTS;
    read.step = 2;
    read.item = 2;
    assert_blob(world_read(w, read)->item, "", 'c', "");
}
