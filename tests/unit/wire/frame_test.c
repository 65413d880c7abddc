#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "model/limits.h"
#include "same.h"
#include "samples.h"
#include "wire/frame.h"

static struct bytes frame_of(const struct buf *out)
{
    return bytes_of(out->ptr + 4, out->len - 4);
}

static void test_every_type_of_message_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        struct buf out = {0};
        struct arena arena = {0};
        struct message back;
        assert_int_equal(frame_encode(&samples[i], &out), ERR_OK);
        assert_int_equal(frame_decode(frame_of(&out), &arena, &back), ERR_OK);
        assert_same_message(&samples[i], &back);
        buf_free(&out);
        arena_free(&arena);
    }
}

static void test_every_type_of_message_moves_to_a_copy_of_its_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        struct buf out = {0}, copy = {0};
        struct arena arena = {0};
        struct message back;
        assert_int_equal(frame_encode(&samples[i], &out), ERR_OK);
        assert_int_equal(frame_decode(frame_of(&out), &arena, &back), ERR_OK);
        buf_add_bytes(&copy, frame_of(&out));
        frame_move(&back, frame_of(&out), copy.ptr);
        memset(out.ptr, 0xc1, out.len);
        buf_free(&out);
        assert_same_message(&samples[i], &back);
        buf_free(&copy);
        arena_free(&arena);
    }
}

/* A type added to the model must be taught to wire/, and get a sample. */
static void test_samples_cover_all_types(void **state)
{
    (void)state;
    const char *unknown = message_type_name((enum message_type)255);
    for (unsigned type = 0; type < 255; type++) {
        bool known = strcmp(message_type_name((enum message_type)type), unknown) != 0;
        size_t found = 0;
        for (size_t i = 0; i < sample_count; i++) {
            found += (unsigned)samples[i].type == type;
        }
        assert_int_equal(found, known ? 1 : 0);
    }
}

static void test_empty_messages_of_all_types_come_back_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < sample_count; i++) {
        struct buf out = {0};
        struct arena arena = {0};
        struct message empty = {.type = samples[i].type}, back;
        assert_int_equal(frame_encode(&empty, &out), ERR_OK);
        assert_int_equal(frame_decode(frame_of(&out), &arena, &back), ERR_OK);
        assert_same_message(&empty, &back);
        buf_free(&out);
        arena_free(&arena);
    }
}

/* The bytes themselves: what other versions of this program rely on. */
static void test_frame_has_the_documented_layout(void **state)
{
    (void)state;
    const struct message m = {.type = MSG_ACK,
                              .request = 0x0102030405060708,
                              .ack = {.number = 300, .verdict = VERDICT_LATE}};
    const uint8_t expected[] = {0,    0,    0,    25,               /* length */
                                0x4d, 0x52, 1,    10,               /* magic, version, type */
                                1,    2,    3,    4,    5, 6, 7, 8, /* request */
                                0,    0,    0,    0,                /* reserved */
                                0,    0,    0,    0,                /* sum, set below */
                                0x92, 0xcd, 0x01, 0x2c, 2};         /* [300, 2] */
    struct buf out = {0};
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    assert_int_equal(out.len, sizeof expected);
    uint32_t crc = crc32c(crc32c(0, expected + 4, 16), expected + 24, 5);
    const uint8_t sum[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                            (uint8_t)crc};
    assert_memory_equal(out.ptr, expected, 20);
    assert_memory_equal(out.ptr + 20, sum, 4);
    assert_memory_equal(out.ptr + 24, expected + 24, 5);
    buf_free(&out);
}

static void test_frames_are_appended(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct message m = {.type = MSG_DRAINING};
    buf_add_str(&out, "before");
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    size_t one = out.len;
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    assert_memory_equal(out.ptr, "before", 6);
    assert_int_equal(out.len - one, one - 6);
    buf_free(&out);
}

static void test_text_in_parts_is_sent_as_one(void **state)
{
    (void)state;
    static const struct bytes items[] = {{(const uint8_t *)"{\"a\":", 5},
                                         {(const uint8_t *)"1", 1},
                                         {NULL, 0},
                                         {(const uint8_t *)"}", 1}};
    struct buf whole = {0}, parts = {0};
    struct message m = {.type = MSG_ORDER};
    m.order.results.whole = BYTES_LIT("{\"a\":1}");
    assert_int_equal(frame_encode(&m, &whole), ERR_OK);
    m.order.results = (struct parts){.items = items, .count = 4};
    assert_int_equal(frame_encode(&m, &parts), ERR_OK);
    assert_true(bytes_eq(buf_bytes(&whole), buf_bytes(&parts)));
    buf_free(&whole);
    buf_free(&parts);
}

static void test_long_slices_of_the_lender_are_lent_and_the_bytes_are_the_same(void **state)
{
    (void)state;
    struct buf text = {0}, whole = {0}, copy = {0};
    struct slices lent = {0};
    memset(buf_extend(&text, 3 * LENT_BYTES_MIN), 'x', 3 * LENT_BYTES_MIN);
    struct shared *lender = shared_take(&text);
    struct lenders lenders = {.items = &lender, .count = 1};
    struct bytes all = buf_bytes(&lender->bytes);
    struct message m = {.type = MSG_OUTCOME, .request = 9};
    m.outcome.result = bytes_part(all, 10, LENT_BYTES_MIN);
    m.outcome.message = bytes_part(all, 0, LENT_BYTES_MIN - 1); /* too short */
    assert_int_equal(frame_encode(&m, &whole), ERR_OK);
    buf_add_str(&lent.own, "before");
    assert_int_equal(frame_encode_lent(&m, &lenders, &lent), ERR_OK);
    assert_int_equal(lent.lent_count, 1);
    assert_ptr_equal(lent.lent[0].what.ptr, all.ptr + 10);
    assert_int_equal(lent.lent[0].what.len, LENT_BYTES_MIN);
    slices_copy(&lent, (struct slices_place){.own = 6}, slices_len(&lent), &copy);
    assert_true(bytes_eq(buf_bytes(&copy), buf_bytes(&whole)));
    m.outcome.result = bytes_of(whole.ptr, LENT_BYTES_MIN); /* of somebody else */
    assert_int_equal(frame_encode_lent(&m, &lenders, &lent), ERR_OK);
    assert_int_equal(lent.lent_count, 1);
    slices_free(&lent);
    shared_drop(lender);
    buf_free(&whole);
    buf_free(&copy);
}

/* Results of several steps, each in a text of its own; between them what the order adds. */
static void test_long_parts_are_lent_each_from_its_own_lender(void **state)
{
    (void)state;
    enum { LEN = LENT_BYTES_MIN };
    struct shared *items[] = {shared_make(LEN), shared_make(LEN + 1), shared_make(LEN - 1)};
    struct lenders lenders = {.items = items, .count = 3};
    struct bytes parts[6];
    struct buf whole = {0}, copy = {0};
    struct slices lent = {0};
    for (size_t i = 0; i < 3; i++) {
        memset(items[i]->bytes.ptr, 'a' + (int)i, items[i]->bytes.len);
        parts[2 * i] = BYTES_LIT(",\"name\":");
        parts[2 * i + 1] = shared_bytes(items[i]);
    }
    struct message m = {.type = MSG_ORDER};
    m.order.input = parts_whole(parts[1]);
    m.order.results = (struct parts){.items = parts, .count = 6};
    assert_int_equal(frame_encode(&m, &whole), ERR_OK);
    assert_int_equal(frame_encode_lent(&m, &lenders, &lent), ERR_OK);
    assert_int_equal(lent.lent_count, 3); /* the input too; the last one is short */
    assert_ptr_equal(lent.lent[0].lender, items[0]);
    assert_ptr_equal(lent.lent[1].lender, items[0]);
    assert_ptr_equal(lent.lent[2].lender, items[1]);
    slices_copy(&lent, (struct slices_place){0}, slices_len(&lent), &copy);
    assert_true(bytes_eq(buf_bytes(&copy), buf_bytes(&whole)));
    slices_free(&lent);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(atomic_load(&items[i]->holders), 1);
        shared_drop(items[i]);
    }
    buf_free(&whole);
    buf_free(&copy);
}

static void test_lent_message_over_the_bound_lets_go(void **state)
{
    (void)state;
    struct buf text = {0};
    struct slices out = {0};
    memset(buf_extend(&text, FRAME_BYTES_MAX), 'x', FRAME_BYTES_MAX);
    struct shared *lender = shared_take(&text);
    struct lenders lenders = {.items = &lender, .count = 1};
    struct message m = {.type = MSG_DOC, .doc = {buf_bytes(&lender->bytes)}};
    buf_add_str(&out.own, "before");
    assert_int_equal(frame_encode_lent(&m, &lenders, &out), ERR_TOO_LARGE);
    assert_int_equal(slices_len(&out), 6);
    assert_int_equal(slices_memory(&out), 6);
    assert_int_equal(atomic_load(&lender->holders), 1);
    m.doc.data.len = FRAME_BYTES_MAX - FRAME_HEAD_BYTES - 6;
    assert_int_equal(frame_encode_lent(&m, &lenders, &out), ERR_OK);
    assert_int_equal(atomic_load(&lender->holders), 2);
    slices_free(&out);
    shared_drop(lender);
}

static void test_payloads_are_not_copied(void **state)
{
    (void)state;
    struct buf out = {0};
    struct arena arena = {0};
    struct message back;
    const struct message m = {.type = MSG_DOC, .doc = {BYTES_LIT("{\"a\":1}")}};
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    assert_int_equal(frame_decode(frame_of(&out), &arena, &back), ERR_OK);
    assert_true(back.doc.data.ptr > out.ptr && back.doc.data.ptr < out.ptr + out.len);
    assert_int_equal(arena.used_bytes, 0);
    buf_free(&out);
    arena_free(&arena);
}

static void test_message_over_the_bound_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    struct buf out = {0};
    buf_add_str(&out, "before");
    uint8_t *data = calloc(1, FRAME_BYTES_MAX);
    struct message m = {.type = MSG_DOC, .doc = {bytes_of(data, FRAME_BYTES_MAX)}};
    assert_int_equal(frame_encode(&m, &out), ERR_TOO_LARGE);
    assert_int_equal(out.len, 6);
    m.doc.data.len = FRAME_BYTES_MAX - FRAME_HEAD_BYTES - 6; /* [bin32]: the largest that fits */
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    assert_int_equal(out.len, 6 + 4 + FRAME_BYTES_MAX);
    out.len = 6;
    m.doc.data.len++;
    assert_int_equal(frame_encode(&m, &out), ERR_TOO_LARGE);
    assert_int_equal(out.len, 6);
    free(data);
    buf_free(&out);
}

static void test_list_over_its_bound_is_not_sent(void **state)
{
    (void)state;
    struct buf out = {0};
    struct bytes *functions = calloc(FUNCTIONS_MAX + 1, sizeof *functions);
    struct message m = {.type = MSG_HELLO,
                        .hello = {.functions = functions, .function_count = FUNCTIONS_MAX + 1}};
    assert_int_equal(frame_encode(&m, &out), ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    m.hello.function_count = FUNCTIONS_MAX;
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    free(functions);
    buf_free(&out);
}

static void test_status_of_the_largest_pipeline_fits(void **state)
{
    (void)state;
    struct buf out = {0};
    struct arena arena = {0};
    struct step_view *steps = calloc(STEPS_MAX, sizeof *steps);
    for (uint32_t i = 0; i < STEPS_MAX; i++) {
        steps[i].name = bytes_str("a_step_with_a_name_of_usual_length");
        steps[i].function = bytes_str("menu.competitors");
        steps[i].order = i;
    }
    struct message m = {.type = MSG_STATUS, .status = {.steps = steps, .step_count = STEPS_MAX}},
                   back;
    assert_int_equal(frame_encode(&m, &out), ERR_OK);
    assert_int_equal(frame_decode(frame_of(&out), &arena, &back), ERR_OK);
    assert_int_equal(back.status.step_count, STEPS_MAX);
    assert_int_equal(back.status.steps[STEPS_MAX - 1].order, STEPS_MAX - 1);
    free(steps);
    buf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_of_message_comes_back_as_it_was),
        cmocka_unit_test(test_every_type_of_message_moves_to_a_copy_of_its_frame),
        cmocka_unit_test(test_samples_cover_all_types),
        cmocka_unit_test(test_empty_messages_of_all_types_come_back_empty),
        cmocka_unit_test(test_frame_has_the_documented_layout),
        cmocka_unit_test(test_frames_are_appended),
        cmocka_unit_test(test_text_in_parts_is_sent_as_one),
        cmocka_unit_test(test_long_slices_of_the_lender_are_lent_and_the_bytes_are_the_same),
        cmocka_unit_test(test_long_parts_are_lent_each_from_its_own_lender),
        cmocka_unit_test(test_lent_message_over_the_bound_lets_go),
        cmocka_unit_test(test_payloads_are_not_copied),
        cmocka_unit_test(test_message_over_the_bound_leaves_the_buffer_as_it_was),
        cmocka_unit_test(test_list_over_its_bound_is_not_sent),
        cmocka_unit_test(test_status_of_the_largest_pipeline_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
