#include "api/start_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/limits.h"

static struct start_input input_of(const char *body)
{
    struct start_input in = {
        .body = bytes_str(body), .credential = BYTES_LIT("anonymous"), .now = 1700000000000};
    for (size_t i = 0; i < sizeof in.random; i++) {
        in.random[i] = (uint8_t)(i * 7 + 1);
    }
    return in;
}

static void assert_faulty(const char *body, enum code code, const char *pointer)
{
    struct start_input in = input_of(body);
    struct start_call call = {0};
    struct problem p;
    assert_false(start_body_parse(&in, &call, &p));
    assert_int_equal(p.code, code);
    if (pointer != NULL) {
        assert_true(p.fault_count >= 1);
        assert_string_equal(p.faults[0].pointer, pointer);
        assert_true(strlen(p.faults[0].detail) > 0);
    }
    assert_true(strlen(p.detail) > 1);
    start_call_free(&call);
}

static void test_a_full_body_becomes_the_request(void **state)
{
    (void)state;
    struct start_input in =
        input_of("{\"task_type\":\"full_analysis\",\"steps\":[],\"session_id\":\"s1\",\"task_id\":"
                 "\"analysis_123\","
                 "\"input_data\":{\"a\": [1, 2]},\"enable_checkpoints\":false,"
                 "\"checkpoint_interval_seconds\":60,\"max_retries_per_step\":0,"
                 "\"max_task_duration_seconds\":3600,\"priority\":-10,"
                 "\"budget\":{\"cost_usd\":0.5,\"steps\":3}}");
    struct start_call call = {0};
    struct problem p;
    assert_true(start_body_parse(&in, &call, &p));
    assert_true(bytes_is(call.request.task_id, "analysis_123"));
    assert_true(bytes_is(call.request.task_type, "full_analysis"));
    assert_int_equal(call.request.steps.len, 0);
    assert_true(bytes_is(call.request.session_id, "s1"));
    assert_true(bytes_is(call.request.input, "{\"a\": [1, 2]}"));
    assert_false(call.request.enable_checkpoints);
    assert_int_equal(call.request.checkpoint_interval_s, 60);
    assert_int_equal(call.request.max_retries, 0);
    assert_int_equal(call.request.max_duration_s, 3600);
    assert_int_equal(call.request.priority, -10);
    assert_int_equal(call.request.budget.cost_nano, 500000000);
    assert_int_equal(call.request.budget.steps, 3);
    start_call_free(&call);
}

static void test_what_is_absent_or_null_takes_its_default(void **state)
{
    (void)state;
    struct start_input in =
        input_of("{\"task_type\":\"x\",\"session_id\":null,\"input_data\":null,"
                 "\"steps\":null,\"priority\":null,\"enable_checkpoints\":null}");
    struct start_call call = {0};
    struct problem p;
    assert_true(start_body_parse(&in, &call, &p));
    assert_true(bytes_is(call.request.input, "{}"));
    assert_true(call.request.enable_checkpoints);
    assert_int_equal(call.request.checkpoint_interval_s, -1);
    assert_int_equal(call.request.max_retries, -1);
    assert_int_equal(call.request.max_duration_s, -1);
    assert_int_equal(call.request.priority, PRIORITY_UNSET);
    assert_int_equal(call.request.session_id.len, 0);
    start_call_free(&call);
}

static void test_inline_steps_are_handed_on_as_they_are(void **state)
{
    (void)state;
    struct start_input in = input_of("{\"steps\": [ {\"function\" : \"echo\"} ] }");
    struct start_call call = {0};
    struct problem p;
    assert_true(start_body_parse(&in, &call, &p));
    assert_true(bytes_is(call.request.steps, "[ {\"function\" : \"echo\"} ]"));
    assert_int_equal(call.request.task_type.len, 0);
    start_call_free(&call);
}

static void parse_id(const struct start_input *in, char id[ID_BYTES_MAX + 1])
{
    struct start_call call = {0};
    struct problem p;
    assert_true(start_body_parse(in, &call, &p));
    memcpy(id, call.task_id, sizeof call.task_id);
    assert_true(id_valid(call.request.task_id));
    start_call_free(&call);
}

static void test_the_id_is_the_clients_else_the_session_else_of_the_key_else_new(void **state)
{
    (void)state;
    char id[ID_BYTES_MAX + 1], again[ID_BYTES_MAX + 1];
    struct start_input in =
        input_of("{\"task_type\":\"x\",\"task_id\":\"t\",\"session_id\":\"s\"}");
    parse_id(&in, id);
    assert_string_equal(id, "t");
    in = input_of("{\"task_type\":\"x\",\"session_id\":\"s\"}");
    in.idempotency_key = BYTES_LIT("k");
    parse_id(&in, id);
    assert_string_equal(id, "s");

    in = input_of("{\"task_type\":\"x\",\"session_id\":\"has blanks\"}");
    in.idempotency_key = BYTES_LIT("k");
    parse_id(&in, id);
    in.random[0] ^= 255;
    in.random[20] ^= 255;
    in.now += 5000;
    parse_id(&in, again);
    assert_string_equal(id, again);
    assert_int_equal(strlen(id), 26);
    in.credential = BYTES_LIT("another");
    parse_id(&in, again);
    assert_string_not_equal(id, again);

    in = input_of("{\"task_type\":\"x\"}");
    parse_id(&in, id);
    in.random[0] ^= 255;
    parse_id(&in, again);
    assert_string_not_equal(id, again);
    assert_int_equal(strlen(id), 26);
}

static void test_a_request_always_carries_a_key_and_the_hash_of_its_body(void **state)
{
    (void)state;
    struct start_input in = input_of("{\"task_type\":\"x\"}");
    struct start_call a = {0}, b = {0}, c = {0};
    struct problem p;
    assert_true(start_body_parse(&in, &a, &p));
    in.random[12] ^= 1;
    assert_true(start_body_parse(&in, &b, &p));
    in.idempotency_key = BYTES_LIT("k");
    assert_true(start_body_parse(&in, &c, &p));
    assert_int_equal(a.request.idempotency_key.len, SHA256_BYTES);
    assert_true(a.request.own_key); /* nobody else knows it */
    assert_false(c.request.own_key);
    assert_false(bytes_eq(a.request.idempotency_key, b.request.idempotency_key));
    assert_false(bytes_eq(b.request.idempotency_key, c.request.idempotency_key));
    assert_true(bytes_eq(a.request.body_hash, c.request.body_hash));
    struct sha256 hash = sha256_of(in.body);
    assert_true(bytes_eq(a.request.body_hash, bytes_of(hash.digest, SHA256_BYTES)));
    start_call_free(&a);
    start_call_free(&b);
    start_call_free(&c);
}

static void parse_key(const char *body, struct sha256 *ret_key)
{
    struct start_input in = input_of(body);
    struct start_call call = {0};
    struct problem p;
    in.idempotency_key = BYTES_LIT("k");
    assert_true(start_body_parse(&in, &call, &p));
    *ret_key = call.key;
    start_call_free(&call);
}

/* Two ids are two partitions, or one: by chance. */
static void test_a_key_counts_for_the_id_that_its_request_names(void **state)
{
    (void)state;
    struct sha256 keys[4], again;
    parse_key("{\"task_type\":\"x\",\"task_id\":\"a\"}", &keys[0]);
    parse_key("{\"task_type\":\"x\",\"task_id\":\"b\"}", &keys[1]);
    parse_key("{\"task_type\":\"x\",\"session_id\":\"c\"}", &keys[2]);
    parse_key("{\"task_type\":\"x\"}", &keys[3]);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(keys[i].digest, keys[k].digest, SHA256_BYTES);
        }
    }
    parse_key("{\"task_type\":\"y\",\"task_id\":\"a\"}", &again);
    assert_memory_equal(again.digest, keys[0].digest, SHA256_BYTES);
    parse_key("{\"task_type\":\"y\",\"session_id\":\"has blanks\"}", &again);
    assert_memory_equal(again.digest, keys[3].digest, SHA256_BYTES);
}

static void test_each_fault_has_its_code_and_its_pointer(void **state)
{
    (void)state;
    assert_faulty("", CODE_INVALID_JSON, NULL);
    assert_faulty("{", CODE_INVALID_JSON, NULL);
    assert_faulty("{\"task_type\":\"\xff\"}", CODE_INVALID_JSON, NULL);
    assert_faulty("{\"task_type\":\"x\"} {}", CODE_INVALID_JSON, NULL);
    assert_faulty("[]", CODE_INVALID_FIELD, "");
    assert_faulty("{}", CODE_INVALID_FIELD, "/task_type");
    assert_faulty("{\"steps\":[]}", CODE_INVALID_FIELD, "/task_type");
    assert_faulty("{\"task_type\":7}", CODE_INVALID_FIELD, "/task_type");
    assert_faulty("{\"task_type\":\"a b\"}", CODE_INVALID_FIELD, "/task_type");
    assert_faulty("{\"task_type\":\"x\",\"task_id\":\"a/b\"}", CODE_INVALID_FIELD, "/task_id");
    assert_faulty("{\"task_type\":\"x\",\"task_id\":\"\"}", CODE_INVALID_FIELD, "/task_id");
    assert_faulty("{\"task_type\":\"x\",\"steps\":{}}", CODE_INVALID_FIELD, "/steps");
    assert_faulty("{\"task_type\":\"x\",\"input_data\":[]}", CODE_INVALID_FIELD, "/input_data");
    assert_faulty("{\"task_type\":\"x\",\"enable_checkpoints\":1}", CODE_INVALID_FIELD,
                  "/enable_checkpoints");
    assert_faulty("{\"task_type\":\"x\",\"budget\":7}", CODE_INVALID_FIELD, "/budget");
    assert_faulty("{\"task_type\":\"x\",\"budget\":{}}", CODE_INVALID_FIELD, "/budget");
    assert_faulty("{\"task_type\":\"x\",\"budget\":{\"cost_usd\":-1}}", CODE_INVALID_FIELD,
                  "/budget/cost_usd");
    assert_faulty("{\"task_type\":\"x\",\"budget\":{\"tokens\":0.5}}", CODE_INVALID_FIELD,
                  "/budget/tokens");
    assert_faulty("{\"task_type\":\"x\",\"budget\":{\"a/b\":1}}", CODE_INVALID_FIELD,
                  "/budget/a~1b");
    assert_faulty("{\"task_type\":\"x\",\"budget\":{\"steps\":1,\"steps\":2}}", CODE_INVALID_FIELD,
                  "/budget");
    assert_faulty("{\"task_type\":\"x\",\"priority\":11}", CODE_INVALID_FIELD, "/priority");
    assert_faulty("{\"task_type\":\"x\",\"priority\":0.5}", CODE_INVALID_FIELD, "/priority");
    assert_faulty("{\"task_type\":\"x\",\"priority\":\"0\"}", CODE_INVALID_FIELD, "/priority");
    assert_faulty("{\"task_type\":\"x\",\"max_retries_per_step\":-1}", CODE_INVALID_FIELD,
                  "/max_retries_per_step");
    assert_faulty("{\"task_type\":\"x\",\"max_retries_per_step\":101}", CODE_INVALID_FIELD,
                  "/max_retries_per_step");
    assert_faulty("{\"task_type\":\"x\",\"max_task_duration_seconds\":0}", CODE_INVALID_FIELD,
                  "/max_task_duration_seconds");
    assert_faulty("{\"task_type\":\"x\",\"max_task_duration_seconds\":1e400}", CODE_INVALID_FIELD,
                  "/max_task_duration_seconds");
    assert_faulty("{\"task_type\":\"x\",\"tasktype\":1}", CODE_INVALID_FIELD, "/tasktype");
    assert_faulty("{\"task_type\":\"x\",\"a/b~c\":1}", CODE_INVALID_FIELD, "/a~1b~0c");
    assert_faulty("{\"task_type\":\"x\",\"task_type\":\"y\"}", CODE_INVALID_FIELD, "/task_type");
    assert_faulty("{\"task_type\":\"x\",\"\\u0074ask_type\":\"y\"}", CODE_INVALID_FIELD,
                  "/task_type");
}

static void test_all_faults_are_told_at_once(void **state)
{
    (void)state;
    struct start_input in = input_of("{\"task_type\":1,\"nope\":1,\"priority\":99}");
    struct start_call call = {0};
    struct problem p;
    assert_false(start_body_parse(&in, &call, &p));
    assert_int_equal(p.fault_count, 3);
    assert_string_equal(p.faults[0].pointer, "/task_type");
    assert_string_equal(p.faults[1].pointer, "/nope");
    assert_string_equal(p.faults[2].pointer, "/priority");
    start_call_free(&call);
}

static void test_too_many_faults_stay_in_bounds(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_char(&body, '{');
    for (int i = 0; i < 200; i++) {
        buf_addf(&body, "%s\"%0300d\":%d", i > 0 ? "," : "", i, i);
    }
    buf_add_char(&body, '}');
    assert_faulty(buf_cstr(&body), CODE_INVALID_FIELD, NULL);
    buf_free(&body);
}

static void test_input_over_its_bound_is_413_naming_it(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_str(&body, "{\"task_type\":\"x\",\"input_data\":{\"a\":\"");
    size_t fill = INPUT_BYTES_MAX - strlen("{\"a\":\"\"}");
    memset(buf_extend(&body, fill), 'x', fill);
    buf_add_str(&body, "\"}}");
    struct start_input in = input_of(buf_cstr(&body));
    struct start_call call = {0};
    struct problem p;
    assert_true(start_body_parse(&in, &call, &p));
    assert_int_equal(call.request.input.len, INPUT_BYTES_MAX);
    start_call_free(&call);
    body.len -= 3;
    buf_add_str(&body, "x\"}}");
    assert_faulty(buf_cstr(&body), CODE_TOO_LARGE, "/input_data");
    buf_free(&body);
}

static void test_a_key_that_no_header_should_hold_is_refused(void **state)
{
    (void)state;
    struct start_input in = input_of("{\"task_type\":\"x\"}");
    struct start_call call = {0};
    struct problem p;
    in.idempotency_key = BYTES_LIT("a\tb");
    assert_false(start_body_parse(&in, &call, &p));
    assert_int_equal(p.code, CODE_INVALID_FIELD);
    char key[IDEMPOTENCY_TEXT_MAX + 1];
    memset(key, 'k', sizeof key);
    in.idempotency_key = bytes_of(key, sizeof key);
    assert_false(start_body_parse(&in, &call, &p));
    in.idempotency_key.len--;
    assert_true(start_body_parse(&in, &call, &p));
    start_call_free(&call);
}

static void test_recover_takes_no_body_or_a_step_and_a_checkpoint(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct recover_request r;
    struct problem p;
    assert_true(recover_body_parse(BYTES_NONE, BYTES_LIT("t"), &arena, &r, &p));
    assert_true(bytes_is(r.task_id, "t"));
    assert_int_equal(r.from_step.len, 0);
    assert_true(
        recover_body_parse(BYTES_LIT("{\"from_step\":\"step_2\",\"checkpoint_id\":\"t_cp_1\"}"),
                           BYTES_LIT("t"), &arena, &r, &p));
    assert_true(bytes_is(r.from_step, "step_2"));
    assert_true(bytes_is(r.checkpoint_id, "t_cp_1"));
    assert_true(recover_body_parse(BYTES_LIT("{\"from_step\":\"soup/taste\"}"), BYTES_LIT("t"),
                                   &arena, &r, &p));
    assert_true(bytes_is(r.from_step, "soup/taste"));
    assert_false(
        recover_body_parse(BYTES_LIT("{\"from_step\":\"soup/\"}"), BYTES_LIT("t"), &arena, &r, &p));
    assert_non_null(strstr(p.faults[0].detail, "joined by /"));
    assert_false(recover_body_parse(BYTES_LIT("{\"from\":1}"), BYTES_LIT("t"), &arena, &r, &p));
    assert_string_equal(p.faults[0].pointer, "/from");
    assert_string_equal(p.faults[0].detail,
                        "is not a field of this call; did you mean from_step? (it takes from_step, "
                        "checkpoint_id, input_data, only_failed, actor, reason)");
    arena_free(&arena);
}

static void test_a_batch_is_one_to_a_thousand_bodies(void **state)
{
    (void)state;
    static uint32_t nodes[START_BATCH_MAX];
    struct json_index index = {0};
    struct problem p;
    size_t count = 0;
    assert_true(start_batch_parse(BYTES_LIT(" {\"tasks\": [ {\"task_type\":\"a\"} , 7 ] } "),
                                  &index, nodes, &count, &p));
    assert_int_equal(count, 2);
    assert_true(bytes_is(index.nodes[nodes[0]].value, "{\"task_type\":\"a\"}"));
    assert_true(bytes_is(index.nodes[nodes[1]].value, "7"));
    static const char *const wrong[] = {"{}", "{\"tasks\":[]}", "{\"tasks\":{}}",
                                        "{\"tasks\":[1],\"more\":1}", "[]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(start_batch_parse(bytes_str(wrong[i]), &index, nodes, &count, &p));
        assert_int_equal(p.code, CODE_INVALID_FIELD);
    }
    assert_false(start_batch_parse(BYTES_LIT("{\"tasks\":[1"), &index, nodes, &count, &p));
    assert_int_equal(p.code, CODE_INVALID_JSON);
    struct buf many = {0};
    buf_add_str(&many, "{\"tasks\":[0");
    for (unsigned i = 1; i < START_BATCH_MAX; i++) {
        buf_add_str(&many, ",1");
    }
    struct buf over = {0};
    buf_add_bytes(&over, buf_bytes(&many));
    buf_add_str(&many, "]}");
    buf_add_str(&over, ",1]}");
    assert_true(start_batch_parse(buf_bytes(&many), &index, nodes, &count, &p));
    assert_int_equal(count, START_BATCH_MAX);
    assert_false(start_batch_parse(buf_bytes(&over), &index, nodes, &count, &p));
    assert_string_equal(p.faults[0].pointer, "/tasks");
    json_index_free(&index);
    buf_free(&many);
    buf_free(&over);
}

static void test_a_body_in_a_batch_is_read_where_it_is(void **state)
{
    (void)state;
    static uint32_t nodes[START_BATCH_MAX];
    struct json_index index = {0};
    struct problem p;
    size_t count = 0;
    assert_true(start_batch_parse(
        BYTES_LIT("{\"tasks\":[{\"task_type\":\"a\",\"input_data\":{\"x\":[1,{\"y\":2}]},"
                  "\"priority\":3},\"no\",{\"task_type\":\"b\",\"color\":1}]}"),
        &index, nodes, &count, &p));
    assert_int_equal(count, 3);
    struct start_call calls[3] = {{.task_id = ""}};
    bool read[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct start_input in = {.body = index.nodes[nodes[i]].value,
                                 .credential = BYTES_LIT("anonymous"),
                                 .place = i + 1,
                                 .index = &index,
                                 .node = nodes[i]};
        read[i] = start_body_parse(&in, &calls[i], &p);
    }
    assert_true(read[0]);
    assert_true(bytes_is(calls[0].request.task_type, "a"));
    assert_true(bytes_is(calls[0].request.input, "{\"x\":[1,{\"y\":2}]}"));
    assert_int_equal(calls[0].request.priority, 3);
    assert_false(read[1]);
    assert_false(read[2]);
    assert_string_equal(p.faults[0].pointer, "/color");
    for (int i = 0; i < 3; i++) {
        start_call_free(&calls[i]);
    }
    json_index_free(&index);
}

static void test_each_place_of_a_batch_has_its_own_key_and_id(void **state)
{
    (void)state;
    struct start_call calls[3] = {{.task_id = ""}};
    struct problem p;
    for (uint32_t i = 0; i < 3; i++) {
        struct start_input in = {.body = BYTES_LIT("{\"task_type\":\"a\"}"),
                                 .credential = BYTES_LIT("anonymous"),
                                 .idempotency_key = BYTES_LIT("k"),
                                 .place = i};
        assert_true(start_body_parse(&in, &calls[i], &p));
    }
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t other = (i + 1) % 3;
        assert_string_not_equal(calls[i].task_id, calls[other].task_id);
        assert_memory_not_equal(calls[i].key.digest, calls[other].key.digest, SHA256_BYTES);
    }
    for (uint32_t i = 0; i < 3; i++) {
        start_call_free(&calls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_body_becomes_the_request),
        cmocka_unit_test(test_what_is_absent_or_null_takes_its_default),
        cmocka_unit_test(test_inline_steps_are_handed_on_as_they_are),
        cmocka_unit_test(test_the_id_is_the_clients_else_the_session_else_of_the_key_else_new),
        cmocka_unit_test(test_a_request_always_carries_a_key_and_the_hash_of_its_body),
        cmocka_unit_test(test_a_key_counts_for_the_id_that_its_request_names),
        cmocka_unit_test(test_each_fault_has_its_code_and_its_pointer),
        cmocka_unit_test(test_all_faults_are_told_at_once),
        cmocka_unit_test(test_too_many_faults_stay_in_bounds),
        cmocka_unit_test(test_input_over_its_bound_is_413_naming_it),
        cmocka_unit_test(test_a_key_that_no_header_should_hold_is_refused),
        cmocka_unit_test(test_recover_takes_no_body_or_a_step_and_a_checkpoint),
        cmocka_unit_test(test_a_batch_is_one_to_a_thousand_bodies),
        cmocka_unit_test(test_a_body_in_a_batch_is_read_where_it_is),
        cmocka_unit_test(test_each_place_of_a_batch_has_its_own_key_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
