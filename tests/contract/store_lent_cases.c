/* Long slices of answers, which whoever sends them holds where they lie (world_check_lent). */
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
                                         .blob = BYTES_LIT("d"),
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
