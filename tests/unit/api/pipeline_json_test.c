/* What a definition that is put, or checked, becomes on its way to a coordinator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "api/pipeline_json.h"

struct put_case {
    const char *name; /* "": a check */
    const char *body, *want;
    bool nameless;
};

static const struct put_case cases[] = {
    {"p", " {\"steps\": [ 1 ], \"description\":\"d\"} ",
     "{\"name\":\"p\",\"steps\":[ 1 ],\"description\":\"d\"}", false},
    {"p", "{\"steps\":[],\"name\":\"q\"}", "{\"steps\":[],\"name\":\"q\"}", false},
    {"p", "{}", "{\"name\":\"p\"}", false},
    /* as a GET has answered */
    {"p",
     "{\"name\":\"p\",\"version\":3,\"step_count\":1,\"steps\":[{\"hash\":1}],\"hash\":\"0f\"}",
     "{\"name\":\"p\",\"steps\":[{\"hash\":1}]}", false},
    {"", " [ {\"version\":1} ]\n", "[ {\"version\":1} ]", false},
    {"", "{\"steps\":[]}", "{\"name\":\"nameless\",\"steps\":[]}", true},
    {"", "{\"steps\":[],\"name\":\"q\"}", "{\"steps\":[],\"name\":\"q\"}", false},
};

static void test_a_body_becomes_a_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct put_case *c = &cases[i];
        struct problem p;
        struct buf out = {0};
        bool nameless = !c->nameless;
        assert_true(
            pipeline_body_parse(bytes_str(c->body), bytes_str(c->name), &nameless, &out, &p));
        if (!bytes_is(buf_bytes(&out), c->want)) {
            fail_msg("%s: %s", c->body, buf_cstr(&out));
        }
        assert_int_equal(nameless, c->nameless);
        buf_free(&out);
    }
}

static void test_what_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
        enum code code;
    } bad[] = {{"p", "", CODE_INVALID_JSON},         {"p", "{\"steps\":[}", CODE_INVALID_JSON},
               {"p", "[]", CODE_INVALID_PIPELINE},   {"p", "1", CODE_INVALID_PIPELINE},
               {"", "\"x\"", CODE_INVALID_PIPELINE}, {"", "[", CODE_INVALID_JSON}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct problem p;
        struct buf out = {0};
        bool nameless;
        assert_false(pipeline_body_parse(bytes_str(bad[i].body), bytes_str(bad[i].name), &nameless,
                                         &out, &p));
        assert_int_equal(p.code, bad[i].code);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_becomes_a_definition),
        cmocka_unit_test(test_what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
