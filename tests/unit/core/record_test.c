/* Tasks and events to blobs and back; blobs that are not ours. */
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "stage.h"

static struct pipeline *two_steps(void)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    struct bytes text = BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\"},"
                                  "{\"name\":\"b\",\"function\":\"f\",\"max_retries\":7}]");
    assert_int_equal(pipeline_parse(text, &p, &fault), ERR_OK);
    return p;
}

static struct task *a_task(void)
{
    struct pipeline *p = two_steps();
    p->version = 5;
    struct task_names names = {BYTES_LIT("the.task"), BYTES_LIT("kind"), BYTES_LIT("session")};
    struct task *t = task_create(&names, p);
    pipeline_unref(p);
    t->created_at = 1700000000001;
    t->priority = -3;
    t->max_retries = 4;
    t->checkpoint_interval_s = 60;
    t->max_duration_s = 3600;
    t->checkpoints = t->keyed = true;
    t->state = TASK_FAILED;
    t->seq = 17;
    t->completed = 1;
    t->next_order = 1;
    t->doc_revision = 2;
    t->results_bytes = 9;
    t->doc_bytes = 300;
    t->recoveries = 1;
    t->ran_ms = 12345;
    t->progress = 0.625;
    t->started_at = 1700000000100;
    t->completed_at = 1700000000900;
    task_set_error(t, CODE_STEP_TIMEOUT, BYTES_LIT("too slow"), 1);
    t->steps[0].state = STEP_COMPLETED;
    t->steps[0].result_offset = 16;
    t->steps[0].result_len = 1;
    t->steps[1].state = STEP_FAILED;
    t->steps[1].generation = 2;
    t->steps[1].failures = 3;
    t->steps[1].deaths = 1;
    t->steps[1].deliveries = 4;
    rare_make(&t->steps[1])->retry_at = 1700000000950;
    step_set_error(&t->steps[1], CODE_STEP_TIMEOUT, BYTES_LIT("too slow"));
    step_set_checkpoint(&t->steps[1], BYTES_LIT("{\"page\":3}"));
    return t;
}

struct blobs {
    struct buf spec, head;
    struct slices steps[2];
    struct step_blob list[2];
    struct task_record record;
};

static void write_record(const struct task *t, struct blobs *b)
{
    memset(b, 0, sizeof *b);
    record_put_spec(t, &b->spec);
    record_put_head(t, 0, &b->head);
    for (uint32_t i = 0; i < 2; i++) {
        record_put_step(&t->steps[i], &b->steps[i]);
        b->list[i] = (struct step_blob){i, buf_bytes(&b->steps[i].own)};
    }
    b->record = (struct task_record){.task_id = t->id, .version = 9, .run = 3};
    b->record.spec = buf_bytes(&b->spec);
    b->record.head = buf_bytes(&b->head);
    b->record.steps = b->list;
    b->record.step_count = 2;
}

static void free_blobs(struct blobs *b)
{
    buf_free(&b->spec);
    buf_free(&b->head);
    slices_free(&b->steps[0]);
    slices_free(&b->steps[1]);
}

static void test_a_task_comes_back_as_it_was(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct task *u = NULL;
    struct blobs first, second;
    write_record(t, &first);
    assert_int_equal(record_get_task(NULL, &first.record, &u), ERR_OK);
    write_record(u, &second);
    assert_true(bytes_eq(first.record.spec, second.record.spec));
    assert_true(bytes_eq(first.record.head, second.record.head));
    for (int i = 0; i < 2; i++) {
        assert_true(bytes_eq(first.list[i].blob, second.list[i].blob));
    }
    assert_int_equal(u->run, 3);
    assert_true(u->version == 9);
    assert_int_equal(u->pipeline->version, 5);
    assert_int_equal(u->steps[1].needs_left, 0);
    assert_string_equal(u->error, "too slow");
    assert_true(bytes_is(shared_bytes(rare_of(&u->steps[1])->checkpoint), "{\"page\":3}"));
    assert_int_equal(step_max_retries(&u->steps[1]), 7);
    task_free(t);
    task_free(u);
    free_blobs(&first);
    free_blobs(&second);
}

static void test_a_long_checkpoint_is_lent_to_its_record(void **state)
{
    (void)state;
    enum { LONG = 5000 };
    uint8_t text[LONG];
    struct task *t = a_task();
    struct task *u = NULL;
    struct blobs b;
    struct buf whole = {0};
    memset(text, '7', LONG);
    step_set_checkpoint(&t->steps[1], bytes_of(text, LONG));
    rare_make(&t->steps[1])->saved_at = 1700000000960; /* behind it */
    write_record(t, &b);
    assert_int_equal(b.steps[1].lent_bytes, LONG);
    slices_copy(&b.steps[1], (struct slices_place){0}, slices_len(&b.steps[1]), &whole);
    b.list[1].blob = buf_bytes(&whole);
    assert_int_equal(record_get_task(NULL, &b.record, &u), ERR_OK);
    assert_true(bytes_eq(shared_bytes(rare_of(&u->steps[1])->checkpoint), bytes_of(text, LONG)));
    assert_int_equal(rare_of(&u->steps[1])->saved_bytes, LONG);
    assert_true(rare_of(&u->steps[1])->saved_at == 1700000000960);
    buf_free(&whole);
    task_free(t);
    task_free(u);
    free_blobs(&b);
}

static void test_a_step_has_in_memory_only_what_was_stored_of_it(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct task *u = NULL;
    struct blobs b;
    step_rare_drop(&t->steps[1]);
    rare_make(&t->steps[1])->exhausted = true; /* one byte, as each that says nothing */
    write_record(t, &b);
    assert_int_equal(record_get_task(NULL, &b.record, &u), ERR_OK);
    assert_null(u->steps[0].rare);
    assert_true(rare_of(&u->steps[1])->exhausted);
    assert_int_equal(rare_of(&u->steps[1])->retry_at, 0);
    task_free(t);
    task_free(u);
    free_blobs(&b);
}

static void test_a_running_step_is_stored_as_pending(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct task *u = NULL;
    struct blobs b;
    t->steps[1].state = STEP_RUNNING;
    write_record(t, &b);
    assert_int_equal(record_get_task(NULL, &b.record, &u), ERR_OK);
    assert_int_equal(u->steps[1].state, STEP_PENDING);
    task_free(t);
    task_free(u);
    free_blobs(&b);
}

static void test_a_list_needs_no_steps(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct blobs b;
    struct arena arena = {0};
    struct task_summary summary;
    write_record(t, &b);
    b.record.step_count = 0;
    assert_int_equal(record_get_summary(&b.record, &arena, &summary), ERR_OK);
    assert_true(bytes_is(summary.task_type, "kind"));
    assert_int_equal(summary.state, TASK_FAILED);
    assert_true(summary.progress == 0.625);
    assert_int_equal(summary.steps_completed, 1);
    assert_int_equal(summary.step_count, 2);
    assert_true(bytes_is(summary.current_step, "b"));
    assert_true(bytes_is(summary.error, "too slow"));
    assert_true(summary.started_at == t->started_at && summary.completed_at == t->completed_at);
    task_free(t);
    free_blobs(&b);
    arena_free(&arena);
}

static void test_an_event_comes_back_as_it_was(void **state)
{
    (void)state;
    struct task_event e = {.seq = 7,
                           .type = EVENT_STEP_RETRY,
                           .at = 1700000000000,
                           .state = TASK_RUNNING,
                           .progress = 0.25,
                           .step = 3,
                           .step_name = BYTES_LIT("c"),
                           .total_steps = 4,
                           .attempt = 2,
                           .retry_at = 1700000004000,
                           .code = CODE_FUNCTION_CRASHED,
                           .message = BYTES_LIT("signal 11"),
                           .can_recover = true,
                           .deed = {BYTES_LIT("ann"), BYTES_LIT("because")}};
    struct slices b = {0}, again = {0};
    struct lenders none = {0};
    struct task_event back;
    record_put_event(&e, &none, &b);
    assert_int_equal(record_get_event(buf_bytes(&b.own), &back), ERR_OK);
    record_put_event(&back, &none, &again);
    assert_true(bytes_eq(buf_bytes(&b.own), buf_bytes(&again.own)));
    assert_true(back.seq == 7 && back.can_recover && bytes_is(back.message, "signal 11"));
    assert_true(bytes_is(back.deed.actor, "ann") && bytes_is(back.deed.reason, "because"));
    slices_free(&b);
    slices_free(&again);
}

/* Every cut and every changed byte is refused or read, and never more than that. */
static void test_damaged_blobs_do_no_harm(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct blobs b;
    write_record(t, &b);
    struct bytes *blobs[] = {&b.record.spec, &b.record.head, &b.list[1].blob};
    for (size_t k = 0; k < 3; k++) {
        struct bytes whole = *blobs[k];
        for (size_t cut = 0; cut < whole.len; cut++) {
            struct task *u = NULL;
            char *exact = mem_str_bytes(bytes_part(whole, 0, cut));
            *blobs[k] = bytes_of(exact, cut);
            enum err e = record_get_task(NULL, &b.record, &u);
            assert_true(e == ERR_OK || u == NULL);
            task_free(u);
            *blobs[k] = whole;
            char *changed = mem_str_bytes(whole);
            changed[cut] = (char)(changed[cut] ^ 0xff);
            *blobs[k] = bytes_of(changed, whole.len);
            u = NULL;
            e = record_get_task(NULL, &b.record, &u);
            assert_true(e == ERR_OK || u == NULL);
            task_free(u);
            *blobs[k] = whole;
            free(exact);
            free(changed);
        }
    }
    task_free(t);
    free_blobs(&b);
}

static void test_a_record_whose_counts_do_not_fit_its_steps_is_refused(void **state)
{
    (void)state;
    struct task *t = a_task();
    struct task *u = NULL;
    struct blobs b;
    t->completed = 2;
    write_record(t, &b);
    assert_int_equal(record_get_task(NULL, &b.record, &u), ERR_INVALID);
    free_blobs(&b);
    t->completed = 1;
    t->next_order = 0;
    write_record(t, &b);
    assert_int_equal(record_get_task(NULL, &b.record, &u), ERR_INVALID);
    free_blobs(&b);
    task_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_comes_back_as_it_was),
        cmocka_unit_test(test_a_long_checkpoint_is_lent_to_its_record),
        cmocka_unit_test(test_a_step_has_in_memory_only_what_was_stored_of_it),
        cmocka_unit_test(test_a_running_step_is_stored_as_pending),
        cmocka_unit_test(test_a_list_needs_no_steps),
        cmocka_unit_test(test_an_event_comes_back_as_it_was),
        cmocka_unit_test(test_damaged_blobs_do_no_harm),
        cmocka_unit_test(test_a_record_whose_counts_do_not_fit_its_steps_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
