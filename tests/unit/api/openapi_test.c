/* The schema that is served and the parser of definitions speak of the same fields, and it knows
 * all that messages have. */
#include "api/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "api/event_json.h"
#include "model/pipeline.h"
#include "served.h"

static const struct doc_value *at(const struct doc_value *v, const char *path)
{
    char key[64];
    while (v != NULL && *path != '\0') {
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        v = doc_get(v, key);
        path += n + (path[n] == '/');
    }
    assert_non_null(v);
    return v;
}

/* What the parser says of a definition with an unknown field: it names those that there are. */
static void fault_of(const char *definition, char detail[640])
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(bytes_str(definition), &p, &fault), ERR_INVALID);
    assert_memory_equal(fault.detail, "unknown field \"zzz\"", 19);
    snprintf(detail, 640, "%s", strchr(fault.detail, ';'));
}

/* Is `word` a whole word of the text? */
static bool names(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *found = text; (found = strstr(found, word)) != NULL; found += n) {
        char before = found[-1], behind = found[n];
        if ((before == ' ' || before == '"') && strchr(" ,\"", behind) != NULL) {
            return true;
        }
    }
    return false;
}

static size_t words_after(const char *text, const char *has)
{
    size_t count = 1;
    for (const char *p = strstr(text, has); *p != '\0'; p++) {
        count += *p == ',' || memcmp(p, " and ", 5) == 0;
    }
    return count;
}

static void assert_agree(const char *schema, const char *definition, const char *has)
{
    char detail[640];
    const char *key;
    const struct doc_value *properties = at(at(doc_root(openapi), "components/schemas"), schema);
    fault_of(definition, detail);
    for (size_t i = 0; doc_member(properties, i, &key) != NULL; i++) {
        if (!names(detail, key)) {
            fail_msg("the parser knows no %s: %s", key, detail);
        }
    }
    if (doc_count(properties) != words_after(detail, has)) {
        fail_msg("%s has %zu properties, the parser has %zu: %s", schema, doc_count(properties),
                 words_after(detail, has), detail);
    }
}

static void test_the_fields_of_a_step_are_those_of_the_schema(void **state)
{
    (void)state;
    assert_agree("StepDefinition/properties", "[{\"function\":\"f\",\"zzz\":1}]", "a step has ");
}

static void test_the_fields_of_a_pipeline_are_those_of_the_schema(void **state)
{
    (void)state;
    assert_agree("Definition/properties", "{\"name\":\"p\",\"zzz\":1,\"steps\":[]}",
                 "a pipeline has ");
}

static void test_the_fields_of_retry_are_those_of_the_schema(void **state)
{
    (void)state;
    assert_agree("StepDefinition/properties/retry/properties",
                 "[{\"function\":\"f\",\"retry\":{\"zzz\":1}}]", "retry has ");
}

/* The rule of waits has a form of its own; each field is in it. */
static void test_the_fields_of_wait_are_those_of_the_schema(void **state)
{
    (void)state;
    char detail[640];
    const char *key;
    const struct doc_value *properties =
        at(doc_root(openapi), "components/schemas/StepDefinition/properties/wait/properties");
    fault_of("[{\"name\":\"w\",\"wait\":{\"zzz\":1}}]", detail);
    for (size_t i = 0; doc_member(properties, i, &key) != NULL; i++) {
        assert_true(names(detail, key));
    }
    assert_int_equal(doc_count(properties), 5);
}

/* Every member that a message of this type may have is in the schema, and its type. */
static void assert_described(enum event_type type)
{
    const struct doc_value *schemas = at(doc_root(openapi), "components/schemas");
    const struct doc_value *types = at(schemas, "Message/properties/type/enum");
    const struct task_event e = {.seq = 1,
                                 .type = type,
                                 .at = 1,
                                 .retry_at = 2,
                                 .step_name = BYTES_LIT("x"),
                                 .message = type == EVENT_TASK_RECOVERING
                                                ? BYTES_LIT("\"from_step\":\"x\"")
                                                : BYTES_LIT("1"),
                                 .deed = {BYTES_LIT("ann"), BYTES_LIT("why")},
                                 .items = 2,
                                 .checkpoint_bytes = 2,
                                 .checkpoint = BYTES_LIT("{}"),
                                 .usage = {1, 2, 3}};
    struct buf out = {0};
    struct doc *d = NULL;
    struct doc_fault fault;
    const char *key;
    bool named = false;
    event_render(BYTES_LIT("t"), &e, &out);
    assert_int_equal(doc_parse(buf_bytes(&out), &d, &fault), ERR_OK);
    struct bytes name = doc_string(doc_get(doc_root(d), "type"));
    for (size_t i = 0; i < doc_count(types); i++) {
        named = named || bytes_eq(doc_string(doc_at(types, i)), name);
    }
    for (size_t i = 0; doc_member(doc_get(doc_root(d), "data"), i, &key) != NULL; i++) {
        if (!named || doc_get(at(schemas, "MessageData/properties"), key) == NULL) {
            fail_msg("not described: %s of %s", key, buf_cstr(&out));
        }
    }
    doc_free(d);
    buf_free(&out);
}

static void test_every_message_is_described(void **state)
{
    (void)state;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        assert_described((enum event_type)type);
    }
    assert_int_equal(
        doc_count(at(doc_root(openapi), "components/schemas/Message/properties/type/enum")),
        EVENT_TYPE_COUNT + 2); /* initial_state and gap */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fields_of_a_step_are_those_of_the_schema),
        cmocka_unit_test(test_the_fields_of_a_pipeline_are_those_of_the_schema),
        cmocka_unit_test(test_the_fields_of_retry_are_those_of_the_schema),
        cmocka_unit_test(test_every_message_is_described),
        cmocka_unit_test(test_the_fields_of_wait_are_those_of_the_schema),
    };
    return cmocka_run_group_tests(tests, served_open, served_close);
}
