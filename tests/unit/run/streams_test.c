/* The pure parts that read what functions write: news lines, the log's tail, plugin frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "run/news_lines.h"
#include "run/plugin_frame.h"
#include "run/tail.h"

struct heard {
    unsigned count;
    double fraction;
    size_t checkpoint;
    char model[16];
    struct usage_sum used;
};

static void feed(struct news_lines *l, struct bytes data, news_fn *fn, void *user)
{
    for (size_t at = 0; at < data.len; at += 4096) { /* as it is read */
        struct bytes piece = bytes_part(data, at, 4096);
        buf_add_bytes(&l->line, piece);
        news_lines_grown(l, piece.len, fn, user);
    }
}

static void hear(void *user, const struct attempt_news *news)
{
    struct heard *h = user;
    h->count++;
    h->fraction = news->fraction;
    h->checkpoint = news->checkpoint.len;
    if (!usage_sum_none(&news->usage.sum)) {
        usage_sum_add(&h->used, &news->usage.sum);
        memset(h->model, 0, sizeof h->model);
        memcpy(h->model, news->usage.model.ptr,
               news->usage.model.len < 15 ? news->usage.model.len : 15);
    }
}

static void test_lines_may_arrive_in_any_pieces(void **state)
{
    (void)state;
    const char text[] = "{\"progress\":0.25}\n\n{\"progress\":0.5}\n{\"progress\":1}";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct news_lines lines = {0};
        struct heard h = {0};
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            feed(&lines, bytes_part(bytes_str(text), at, piece), hear, &h);
        }
        assert_int_equal(h.count, 2);
        news_lines_end(&lines, hear, &h);
        assert_int_equal(h.count, 3);
        assert_float_equal(h.fraction, 1, 1e-9);
        assert_int_equal(lines.bad, 0);
        news_lines_free(&lines);
    }
}

static void test_bad_lines_are_counted_and_passed_over(void **state)
{
    (void)state;
    struct news_lines lines = {0};
    struct heard h = {0};
    const char text[] =
        "nonsense\n[1]\n{}\n{\"progress\":\"half\"}\n{\"message\":1}\n"
        "{\"usage\":3}\n{\"other\":1}\n{\"usage\":{\"model\":\"m\"}}\n{\"progress\":7}\n";
    feed(&lines, bytes_str(text), hear, &h);
    assert_int_equal(lines.bad, 7);
    assert_int_equal(h.count, 1);
    assert_float_equal(h.fraction, 1, 1e-9); /* brought into its range */
    news_lines_free(&lines);
}

static void test_the_first_bad_line_is_told_with_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } wrong[] = {
        {"nonsense", "it is not a JSON object"},
        {"[1]", "it is not a JSON object"},
        {"{\"other\":1}", "it has none of progress, message, checkpoint, usage, error"},
        {"{\"progress\":\"half\"}", "its progress is not a number"},
        {"{\"message\":1}", "its message is not a string"},
        {"{\"usage\":3}", "its usage or error is malformed"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct news_lines lines = {0};
        struct heard h = {0};
        char text[128];
        (void)snprintf(text, sizeof text, "{\"progress\":0.5}\n%s\nother\n", wrong[i].line);
        feed(&lines, bytes_str(text), hear, &h);
        assert_int_equal(lines.bad, 2);
        assert_string_equal(lines.why, wrong[i].why);
        news_lines_free(&lines);
    }
}

static void test_usage_comes_with_or_without_other_news(void **state)
{
    (void)state;
    struct news_lines lines = {0};
    struct heard h = {0};
    const char text[] =
        "{\"usage\":{\"model\":\"m\",\"input_tokens\":10,\"output_tokens\":5,\"cost_usd\":0.25}}\n"
        "{\"progress\":0.5,\"message\":\"half \\u00e9\",\"usage\":{\"model\":\"\\u00e9\","
        "\"cost_usd\":1}}\n"
        "{\"usage\":{\"model\":\"nothing\"}}\n{\"usage\":{\"cost_usd\":-1}}\n";
    feed(&lines, bytes_str(text), hear, &h);
    assert_int_equal(h.count, 2);
    assert_int_equal(lines.bad, 1);
    assert_int_equal(h.used.input_tokens, 10);
    assert_int_equal(h.used.cost_nano, 1250000000);
    assert_string_equal(h.model, "\xc3\xa9");
    assert_float_equal(h.fraction, 0.5, 1e-9);
    news_lines_free(&lines);
}

static void feed_long(struct news_lines *lines, struct heard *h, const char *field, size_t len)
{
    struct buf line = {0};
    buf_addf(&line, "{\"%s\":\"", field);
    memset(buf_extend(&line, len), 'x', len);
    buf_add_str(&line, "\"}\n");
    feed(lines, buf_bytes(&line), hear, h);
    buf_free(&line);
}

static void test_lines_have_a_bound_and_the_next_one_is_read_again(void **state)
{
    (void)state;
    struct news_lines lines = {0};
    struct heard h = {0};
    feed_long(&lines, &h, "checkpoint", NEWS_CHECKPOINT_BYTES_MAX - 2);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.checkpoint, NEWS_CHECKPOINT_BYTES_MAX);
    feed_long(&lines, &h, "checkpoint", NEWS_CHECKPOINT_BYTES_MAX);
    feed_long(&lines, &h, "message", NEWS_LINE_BYTES_MAX);
    feed_long(&lines, &h, "checkpoint", 10u << 20);
    assert_int_equal(h.count, 1);
    assert_int_equal(lines.bad, 3);
    assert_true(lines.line.cap < 1u << 20);
    feed(&lines, BYTES_LIT("{\"progress\":0.5}\n"), hear, &h);
    assert_int_equal(h.count, 2);
    news_lines_free(&lines);
}

/* Takes what a checkpoint lies in, as the agent does. */
struct keeper {
    struct buf kept;
    struct bytes newest; /* in it, or nowhere any more */
    unsigned stayed, copied, others;
    double fraction;
};

static void keep(void *user, const struct attempt_news *news)
{
    struct keeper *k = user;
    k->fraction = news->fraction;
    if (news->checkpoint.len == 0) {
        k->others++;
        return;
    }
    buf_free(&k->kept);
    if (news->holder != NULL) {
        k->stayed++;
        k->kept = *news->holder;
        *news->holder = (struct buf){0};
    } else {
        k->copied++;
        buf_add_bytes(&k->kept, news->checkpoint);
    }
    k->newest = news->holder != NULL ? news->checkpoint : buf_bytes(&k->kept);
}

static void assert_kept(const char *text, unsigned stayed, unsigned copied, unsigned others)
{
    struct news_lines lines = {0};
    struct keeper k = {0};
    feed(&lines, bytes_str(text), keep, &k);
    news_lines_end(&lines, keep, &k);
    assert_int_equal(lines.bad, 0);
    assert_int_equal(k.stayed, stayed);
    assert_int_equal(k.copied, copied);
    assert_int_equal(k.others, others);
    assert_true(bytes_is(k.newest, "\"a checkpoint that is longer than a line\""));
    buf_free(&k.kept);
    news_lines_free(&lines);
}

#define SHORT_LINE "{\"progress\":0.5}\n"
#define LONG_LINE  "{\"checkpoint\":\"a checkpoint that is longer than a line\"}\n"

static void test_a_checkpoint_stays_where_it_was_read_to_unless_more_is_behind_it(void **state)
{
    (void)state;
    assert_kept(LONG_LINE, 1, 0, 0);
    assert_kept("\n" SHORT_LINE LONG_LINE, 1, 0, 1);
    assert_kept(LONG_LINE SHORT_LINE "\n" SHORT_LINE, 1, 0, 2);
    assert_kept(SHORT_LINE LONG_LINE SHORT_LINE "{\"progress\":1}", 1, 0, 3);
    assert_kept(LONG_LINE SHORT_LINE SHORT_LINE SHORT_LINE SHORT_LINE, 0, 1, 4);
    assert_kept("{\"checkpoint\":1}\n" LONG_LINE SHORT_LINE, 1, 1, 1);
    assert_kept(LONG_LINE LONG_LINE SHORT_LINE, 1, 1, 1);
}

static void assert_tail(const struct tail *t, const char *want)
{
    struct buf out = {0};
    tail_write(t, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_free(&out);
}

static void test_the_tail_keeps_the_last_bytes_and_whole_characters(void **state)
{
    (void)state;
    struct tail t = {0};
    assert_tail(&t, "");
    tail_add(&t, BYTES_LIT("one\ntwo \n\n"));
    assert_tail(&t, "one\ntwo");
    struct tail many = {0};
    struct buf want = {0};
    for (int i = 0; i < 3000; i++) {
        tail_add(&many, BYTES_LIT("\xc3\xa4"));
    }
    tail_add(&many, BYTES_LIT("!")); /* now its first byte is half a character */
    for (unsigned i = 0; i < LOG_TAIL_BYTES_MAX / 2 - 1; i++) {
        buf_add_str(&want, "\xc3\xa4");
    }
    buf_add_str(&want, "!");
    assert_tail(&many, buf_cstr(&want));
    struct tail once = {0};
    struct buf large = {0};
    for (int i = 0; i < 3000; i++) {
        buf_add_str(&large, "\xc3\xa4");
    }
    buf_add_str(&large, "!");
    tail_add(&once, BYTES_LIT("abc"));
    tail_add(&once, buf_bytes(&large));
    assert_tail(&once, buf_cstr(&want));
    buf_free(&want);
    buf_free(&large);
}

static void test_the_tail_goes_on_behind_a_nul(void **state)
{
    (void)state;
    struct tail t = {0};
    tail_add(&t, BYTES_LIT("\0why\0 it\0\0 failed\n\0\0"));
    assert_tail(&t, "why it failed");
    struct tail nothing = {0};
    tail_add(&nothing, BYTES_LIT("\0\0\0"));
    assert_tail(&nothing, "");
}

static void test_frames_survive_any_cut_and_any_nonsense(void **state)
{
    (void)state;
    struct buf out = {0};
    plugin_frame_begin(&out, PLUGIN_RESULT);
    buf_add_str(&out, "{\"a\":1}");
    plugin_frame_end(&out);
    struct plugin_frame frame;
    size_t taken = 0;
    for (size_t n = 0; n < out.len; n++) {
        enum err e = plugin_frame_read(bytes_part(buf_bytes(&out), 0, n), &frame, &taken);
        assert_int_equal(e, ERR_NOT_FOUND);
    }
    assert_int_equal(plugin_frame_read(buf_bytes(&out), &frame, &taken), ERR_OK);
    assert_int_equal(taken, out.len);
    assert_int_equal(frame.kind, PLUGIN_RESULT);
    assert_true(bytes_is(frame.payload, "{\"a\":1}"));
    assert_int_equal(plugin_frame_read(BYTES_LIT("\0\0\0\0R"), &frame, &taken), ERR_PROTOCOL);
    assert_int_equal(plugin_frame_read(BYTES_LIT("\xff\xff\xff\xffR"), &frame, &taken),
                     ERR_PROTOCOL);
    assert_int_equal(plugin_frame_read(BYTES_LIT("\0\0\0\1?"), &frame, &taken), ERR_PROTOCOL);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_may_arrive_in_any_pieces),
        cmocka_unit_test(test_bad_lines_are_counted_and_passed_over),
        cmocka_unit_test(test_the_first_bad_line_is_told_with_what_is_wrong),
        cmocka_unit_test(test_usage_comes_with_or_without_other_news),
        cmocka_unit_test(test_a_checkpoint_stays_where_it_was_read_to_unless_more_is_behind_it),
        cmocka_unit_test(test_lines_have_a_bound_and_the_next_one_is_read_again),
        cmocka_unit_test(test_the_tail_keeps_the_last_bytes_and_whole_characters),
        cmocka_unit_test(test_the_tail_goes_on_behind_a_nul),
        cmocka_unit_test(test_frames_survive_any_cut_and_any_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
