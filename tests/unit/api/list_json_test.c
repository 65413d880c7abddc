#include "api/list_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/cursor.h"
#include "json/doc.h"

static struct doc *parse(struct buf *out)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    assert_int_equal(doc_parse(buf_bytes(out), &d, &fault), ERR_OK);
    buf_free(out);
    return d;
}

/* ids: one letter each; created_at falls by position in the alphabet. */
static struct message list_of(struct task_summary *items, const char *ids)
{
    struct message m = {.type = MSG_LIST};
    for (size_t i = 0; ids[i] != '\0'; i++) {
        items[i] = (struct task_summary){.task_id = bytes_of(&ids[i], 1),
                                         .created_at = 1000 - (ids[i] - 'a')};
        m.list.count++;
    }
    m.list.items = items;
    return m;
}

static void assert_page(const struct message *const *replies, size_t count, uint32_t limit,
                        const char *ids, const char *next)
{
    struct buf out = {0};
    tasks_render(replies, count, limit, &out);
    struct doc *d = parse(&out);
    const struct doc_value *items = doc_get(doc_root(d), "items");
    char got[32] = "";
    for (size_t i = 0; i < doc_count(items); i++) {
        got[i] = (char)doc_string(doc_get(doc_at(items, i), "task_id")).ptr[0];
    }
    assert_string_equal(got, ids);
    const struct doc_value *cursor = doc_get(doc_root(d), "next_cursor");
    if (next == NULL) {
        assert_int_equal(doc_kind(cursor), JSON_NULL);
    } else {
        struct arena arena = {0};
        unix_ms before;
        struct bytes id;
        assert_true(cursor_parse(doc_string(cursor), &arena, &before, &id));
        assert_true(bytes_is(id, next));
        assert_int_equal(before, 1000 - (next[0] - 'a'));
        arena_free(&arena);
    }
    doc_free(d);
}

static void test_lists_are_merged_newest_first(void **state)
{
    (void)state;
    struct task_summary x[8], y[8];
    struct message a = list_of(x, "adf"), b = list_of(y, "bce");
    const struct message *both[] = {&a, &b};
    assert_page(both, 2, 10, "abcdef", NULL);
    assert_page(both, 2, 6, "abcdef", NULL);
    assert_page(both, 2, 3, "abc", "c");
    assert_page(both, 0, 3, "", NULL);
}

static void test_a_page_ends_where_one_of_them_may_have_more(void **state)
{
    (void)state;
    struct task_summary x[8], y[8];
    struct message a = list_of(x, "ac"), b = list_of(y, "bdefg");
    a.list.next_before = 1000 - 2;
    a.list.next_before_id =
        BYTES_LIT("c"); /* behind c there are more: d of the other may not be next */
    const struct message *both[] = {&a, &b};
    assert_page(both, 2, 10, "abc", "c");
    assert_page(both, 2, 2, "ab", "b");
}

static void test_a_filtered_page_without_items_still_goes_on(void **state)
{
    (void)state;
    struct task_summary x[8], y[8];
    struct message a = list_of(x, ""), b = list_of(y, "bz");
    a.list.next_before = 1000 - 3;
    a.list.next_before_id = BYTES_LIT("d"); /* has looked as far as d and found none */
    const struct message *both[] = {&a, &b};
    assert_page(both, 2, 10, "b", "d");
}

static void test_equal_moments_are_told_apart_by_id(void **state)
{
    (void)state;
    struct task_summary x[2] = {{.task_id = BYTES_LIT("z"), .created_at = 5},
                                {.task_id = BYTES_LIT("b"), .created_at = 5}};
    struct task_summary y[1] = {{.task_id = BYTES_LIT("m"), .created_at = 5}};
    struct message a = {.type = MSG_LIST}, b = {.type = MSG_LIST};
    a.list.items = x;
    a.list.count = 2;
    b.list.items = y;
    b.list.count = 1;
    const struct message *both[] = {&a, &b};
    assert_page(both, 2, 10, "zmb", NULL);
}

static void test_cursors_come_back_as_they_were_and_nothing_else_passes(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t n = 1; n <= 128; n++) {
        struct buf text = {0};
        char id[128];
        memset(id, 'a' + (int)(n % 26), n);
        cursor_put(&text, 1770057000000, bytes_of(id, n));
        unix_ms before = 0;
        struct bytes got;
        assert_true(cursor_parse(buf_bytes(&text), &arena, &before, &got));
        assert_int_equal(before, 1770057000000);
        assert_true(bytes_eq(got, bytes_of(id, n)));
        buf_free(&text);
    }
    static const char *const bad[] = {"", "!", "AAAA", "MTIz", "Og", "MTphIGI", "LTE6YQ", "====="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unix_ms before;
        struct bytes id;
        assert_false(cursor_parse(bytes_str(bad[i]), &arena, &before, &id));
    }
    arena_free(&arena);
}

static void test_the_query_of_a_list_is_checked(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct list_request r;
    struct problem p;
    struct bytes args[] = {BYTES_LIT("status=failed"), BYTES_LIT("task_type=x"),
                           BYTES_LIT("limit=7")};
    struct query q = {args, 3};
    assert_true(list_query_parse(&q, &arena, &r, &p));
    assert_int_equal(r.state, TASK_FAILED);
    assert_true(bytes_is(r.task_type, "x"));
    assert_int_equal(r.limit, 7);
    assert_true(r.before == NEVER_MS);
    q.count = 0;
    assert_true(list_query_parse(&q, &arena, &r, &p));
    assert_int_equal(r.state, -1);
    assert_int_equal(r.limit, LIST_LIMIT_DEFAULT);
    static const char *const bad[] = {"status=odd", "limit=201", "limit=-1", "cursor=%%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        args[0] = bytes_str(bad[i]);
        q.count = 1;
        assert_false(list_query_parse(&q, &arena, &r, &p));
        assert_int_equal(p.code, CODE_INVALID_FIELD);
    }
    arena_free(&arena);
}

static void test_a_worker_known_to_all_is_listed_once(void **state)
{
    (void)state;
    struct bytes functions[] = {BYTES_LIT("echo"), BYTES_LIT("sleep")};
    struct worker_view x[] = {{.worker_id = BYTES_LIT("w1"),
                               .slots = 4,
                               .busy = 1,
                               .last_heard_at = 10,
                               .state = BYTES_LIT("silent"),
                               .functions = functions,
                               .function_count = 2}};
    struct worker_view y[] = {
        {.worker_id = BYTES_LIT("w2"), .slots = 1, .state = BYTES_LIT("draining")},
        {.worker_id = BYTES_LIT("w1"),
         .software = BYTES_LIT("0.1.0"),
         .slots = 4,
         .busy = 2,
         .last_heard_at = 20,
         .state = BYTES_LIT("ready")}};
    struct message a = {.type = MSG_WORKERS}, b = {.type = MSG_WORKERS};
    a.workers.items = x;
    a.workers.count = 1;
    b.workers.items = y;
    b.workers.count = 2;
    const struct message *both[] = {&a, &b};
    struct buf out = {0};
    workers_render(both, 2, &out);
    struct doc *d = parse(&out);
    const struct doc_value *items = doc_get(doc_root(d), "items");
    assert_int_equal(doc_count(items), 2);
    assert_int_equal(doc_int(doc_get(doc_at(items, 0), "busy")), 3);
    assert_true(bytes_is(doc_string(doc_get(doc_at(items, 0), "state")), "ready"));
    assert_true(bytes_is(doc_string(doc_get(doc_at(items, 0), "last_heard_at")),
                         "1970-01-01T00:00:00.020Z"));
    assert_int_equal(doc_count(doc_get(doc_at(items, 0), "functions")), 2);
    assert_true(bytes_is(doc_string(doc_get(doc_at(items, 0), "version")), "0.1.0"));
    assert_true(bytes_is(doc_string(doc_get(doc_at(items, 1), "state")), "draining"));
    assert_true(doc_kind(doc_get(doc_at(items, 1), "version")) == JSON_NULL);
    doc_free(d);
}

static void test_a_pipeline_is_shown_with_its_steps(void **state)
{
    (void)state;
    struct pipeline_view v = {.name = BYTES_LIT("p"),
                              .version = 3,
                              .step_count = 1,
                              .source =
                                  BYTES_LIT("{\"name\":\"p\",\"steps\":[{\"function\":\"f\"}]}")};
    struct message m = {.type = MSG_PIPELINES};
    m.pipelines.items = &v;
    m.pipelines.count = 1;
    struct buf out = {0};
    assert_true(pipeline_render(&m, &out));
    struct doc *d = parse(&out);
    assert_int_equal(doc_count(doc_get(doc_root(d), "steps")), 1);
    assert_int_equal(doc_int(doc_get(doc_root(d), "version")), 3);
    doc_free(d);
    pipelines_render(&m, &out);
    d = parse(&out);
    assert_int_equal(doc_count(doc_get(doc_root(d), "items")), 1);
    doc_free(d);
    m.pipelines.count = 0;
    assert_false(pipeline_render(&m, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_merged_newest_first),
        cmocka_unit_test(test_a_page_ends_where_one_of_them_may_have_more),
        cmocka_unit_test(test_a_filtered_page_without_items_still_goes_on),
        cmocka_unit_test(test_equal_moments_are_told_apart_by_id),
        cmocka_unit_test(test_cursors_come_back_as_they_were_and_nothing_else_passes),
        cmocka_unit_test(test_the_query_of_a_list_is_checked),
        cmocka_unit_test(test_a_worker_known_to_all_is_listed_once),
        cmocka_unit_test(test_a_pipeline_is_shown_with_its_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
