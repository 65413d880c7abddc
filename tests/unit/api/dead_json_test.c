/* Pages of dead letters: merged, rendered, asked for. */
#include "api/dead_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/cursor.h"

/* Letters named by single characters: the earlier in the alphabet, the newer. */
static struct message list_of(struct dead_letter *items, const char *ids)
{
    struct message m = {.type = MSG_DEAD};
    m.dead.items = items;
    for (; ids[m.dead.count] != '\0'; m.dead.count++) {
        items[m.dead.count] = (struct dead_letter){.task_id = bytes_of(&ids[m.dead.count], 1),
                                                   .at = 1000 - (ids[m.dead.count] - 'a')};
    }
    return m;
}

static void assert_page(const struct dead_page *page, const char *ids, const char *next)
{
    assert_int_equal(page->count, strlen(ids));
    for (uint32_t i = 0; i < page->count; i++) {
        assert_int_equal(page->items[i]->task_id.ptr[0], ids[i]);
    }
    assert_true(bytes_is(page->next.id, next));
    assert_true(next[0] == '\0' || page->next.at == 1000 - (next[0] - 'a'));
}

static void test_pages_of_all_coordinators_are_merged_newest_first(void **state)
{
    (void)state;
    struct dead_letter x[8], y[8];
    struct message a = list_of(x, "adf"), b = list_of(y, "bce");
    const struct message *both[] = {&a, &b};
    struct dead_page page;
    dead_page_merge(both, 2, 10, &page);
    assert_page(&page, "abcdef", "");
    dead_page_merge(both, 2, 6, &page);
    assert_page(&page, "abcdef", "");
    dead_page_merge(both, 2, 4, &page);
    assert_page(&page, "abcd", "d");
    dead_page_merge(both, 0, 4, &page);
    assert_page(&page, "", "");
}

static void test_a_page_ends_where_one_of_them_may_have_more(void **state)
{
    (void)state;
    struct dead_letter x[8], y[8];
    struct message a = list_of(x, "ac"), b = list_of(y, "bdefg");
    a.dead.next_before = 1000 - 2;
    a.dead.next_before_id = BYTES_LIT("c"); /* d of the other may not be the next */
    const struct message *both[] = {&a, &b};
    struct dead_page page;
    dead_page_merge(both, 2, 10, &page);
    assert_page(&page, "abc", "c");
    dead_page_merge(both, 2, 2, &page);
    assert_page(&page, "ab", "b");
}

static void test_a_letter_shows_what_it_was(void **state)
{
    (void)state;
    struct dead_letter d = {.task_id = BYTES_LIT("t"),
                            .task_type = BYTES_LIT("menu"),
                            .step = 2,
                            .name = BYTES_LIT("cook"),
                            .function = BYTES_LIT("f"),
                            .deaths = 3,
                            .error_code = CODE_WORKER_DEATHS,
                            .at = 20,
                            .error = BYTES_LIT("died\nin \"flames\""),
                            .function_code = BYTES_LIT("HOT")};
    struct message m = {.type = MSG_DEAD};
    m.dead.items = &d;
    m.dead.count = 1;
    const struct message *one[] = {&m};
    struct dead_page page;
    struct buf out = {0};
    dead_page_merge(one, 1, 5, &page);
    dead_page_render(&page, &out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"items\":[{\"task_id\":\"t\",\"step_id\":\"step_2\",\"name\":\"cook\",\"function\":"
        "\"f\","
        "\"task_type\":\"menu\",\"deaths\":3,\"error_code\":\"WORKER_DEATHS\","
        "\"function_code\":\"HOT\",\"dead_at\":\"1970-"
        "01-01T00:00:00.020Z\","
        "\"error_message\":\"died\\nin \\\"flames\\\"\"}],\"next_cursor\":null}");
    buf_free(&out);
}

static void test_the_query_is_checked(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct list_request r;
    struct problem p;
    struct buf cursor = {0};
    buf_add_str(&cursor, "cursor=");
    cursor_put(&cursor, 77, BYTES_LIT("t9"));
    struct bytes args[] = {BYTES_LIT("limit=7"), buf_bytes(&cursor)};
    struct query q = {args, 2};
    assert_true(dead_query_parse(&q, &arena, &r, &p));
    assert_int_equal(r.limit, 7);
    assert_int_equal(r.before, 77);
    assert_true(bytes_is(r.before_id, "t9"));
    q.count = 0;
    assert_true(dead_query_parse(&q, &arena, &r, &p));
    assert_int_equal(r.limit, DEAD_PAGE_MAX);
    assert_true(r.before == NEVER_MS);
    static const char *const bad[] = {"limit=51", "limit=0", "limit=x", "cursor=%%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        args[0] = bytes_str(bad[i]);
        q.count = 1;
        assert_false(dead_query_parse(&q, &arena, &r, &p));
        assert_int_equal(p.code, CODE_INVALID_FIELD);
    }
    buf_free(&cursor);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_of_all_coordinators_are_merged_newest_first),
        cmocka_unit_test(test_a_page_ends_where_one_of_them_may_have_more),
        cmocka_unit_test(test_a_letter_shows_what_it_was),
        cmocka_unit_test(test_the_query_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
