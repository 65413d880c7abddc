/* Pipelines by API: stored, checked, read; and starts that name what this coordinator has not heard
 * of yet. */
#include <stdio.h>

#define USUAL_SLOTS 8
#include "core/state.h"
#include "usual.h"

static void assert_text(struct bytes have, const char *want)
{
    if (!bytes_is(have, want)) {
        fail_msg("%.*s", (int)have.len, (const char *)have.ptr);
    }
}

static const struct message *put(const char *name, const char *source, bool check_only)
{
    struct message m = {.type = MSG_PUT_PIPELINE};
    m.put_pipeline.name = bytes_str(name);
    m.put_pipeline.source = bytes_str(source);
    m.put_pipeline.by = BYTES_LIT("ci");
    m.put_pipeline.check_only = check_only;
    return stage_ask(&s, gateway, &m);
}

static void refused(const struct message *m, enum code code, const char *pointer,
                    const char *detail)
{
    assert_int_equal(m->type, MSG_REFUSED);
    assert_int_equal(m->refused.code, code);
    assert_text(m->refused.pointer, pointer);
    assert_text(m->refused.detail, detail);
}

#define STEP(function) "{\"name\":\"a\",\"function\":\"" function "\"}"
#define MENU(function) "{\"name\":\"menu\",\"steps\":[" STEP(function) "]}"

static void stored(const char *source, uint32_t version, bool created)
{
    const struct message *m = put("menu", source, false);
    assert_int_equal(m->type, MSG_PIPELINE_STORED);
    assert_int_equal(m->stored.version, version);
    assert_int_equal(m->stored.created, created);
    assert_text(m->stored.name, "menu");
    assert_int_equal(m->stored.step_count, 1);
    assert_int_equal(m->stored.hash.len, 64);
}

/* What the store holds, and this coordinator has not been told of. */
static void store_behind(const char *name, const char *source, uint8_t hash)
{
    struct store_publish p = {.name = bytes_str(name), .source = bytes_str(source)};
    memset(p.hash, hash, sizeof p.hash);
    (void)store_model_publish(&store, &p);
}

static void test_each_text_is_one_version(void **state)
{
    (void)state;
    stored(MENU("f"), 1, true);
    stored(MENU("f"), 1, false);
    stored("{\"steps\":[" STEP("f") "],\n \"name\": \"menu\"}", 1,
           false); /* the same, written otherwise */
    stored(MENU("g"), 2, true);
    stored(MENU("f"), 3, true);
    struct message m = {.type = MSG_GET_PIPELINES};
    m.get_pipelines.name = BYTES_LIT("menu");
    assert_int_equal(stage_ask(&s, gateway, &m)->pipelines.items[0].version, 3);
    m.get_pipelines.version = 2;
    const struct message *second = stage_ask(&s, gateway, &m);
    assert_int_equal(second->pipelines.items[0].version, 2);
    assert_non_null(memmem(second->pipelines.items[0].source.ptr,
                           second->pipelines.items[0].source.len, "\"g\"", 3));
    m.get_pipelines.version = 4;
    refused(stage_ask(&s, gateway, &m), CODE_PIPELINE_NOT_FOUND, "",
            "there is no such version of this pipeline");
}

static void test_versions_are_listed_newest_first(void **state)
{
    (void)state;
    stored(MENU("f"), 1, true);
    s.now.wall += 1000;
    stored(MENU("g"), 2, true);
    struct message m = {.type = MSG_GET_VERSIONS};
    m.get_versions = (struct versions_request){.name = BYTES_LIT("menu"), .limit = 1};
    const struct message *page = stage_ask(&s, gateway, &m);
    assert_int_equal(page->versions.count, 1);
    assert_int_equal(page->versions.items[0].version, 2);
    assert_text(page->versions.items[0].by, "ci");
    unix_ms at = page->versions.items[0].at;
    assert_int_equal(page->versions.next, 2);
    m.get_versions.before = 2;
    page = stage_ask(&s, gateway, &m);
    assert_int_equal(page->versions.items[0].version, 1);
    assert_int_equal(page->versions.items[0].at, at - 1000);
    assert_int_equal(page->versions.next, 0);
    m.get_versions.name = BYTES_LIT("nosuch");
    refused(stage_ask(&s, gateway, &m), CODE_PIPELINE_NOT_FOUND, "",
            "there is no pipeline with this name");
}

static void test_a_check_stores_nothing(void **state)
{
    (void)state;
    const struct message *m = put("", "[" STEP("f") "]", true);
    assert_int_equal(m->type, MSG_PIPELINE_STORED);
    assert_int_equal(m->stored.version, 0);
    assert_false(m->stored.created);
    assert_text(put("", MENU("f"), true)->stored.name, "menu");
    assert_int_equal(store.pipeline_count, 0);
    refused(put("", "{\"name\":\"menu\",\"steps\":[]}", true), CODE_INVALID_PIPELINE, "/steps",
            "steps must be an array of 1 to 5000 steps, not an empty one");
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    refused(put("menu", "{\"name\":\"menu\",\"steps\":[{\"name\":\"a\"}]}", false),
            CODE_INVALID_PIPELINE, "/steps/0",
            "function is missing: it must be a string of 1 to 128 of the characters A-Z a-z 0-9 _ "
            ". : -");
    refused(put("fish", MENU("f"), false), CODE_INVALID_PIPELINE, "/name",
            "the name is \"menu\", but the path has \"fish\"");
    refused(put("menu", "{\"name\":\"menu\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"fish\"}]}",
                false),
            CODE_UNKNOWN_PIPELINE, "/steps/0/pipeline",
            "there is no pipeline with this name: fish");
    assert_int_equal(store.pipeline_count, 0);
}

static void test_a_pipeline_that_would_contain_itself_is_refused(void **state)
{
    (void)state;
    refused(put("menu", "{\"name\":\"menu\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"menu\"}]}",
                false),
            CODE_INVALID_PIPELINE, "/steps/0/pipeline",
            "a pipeline must not contain itself: menu > menu");
    stored(MENU("f"), 1, true);
    const struct message *fish = put(
        "fish", "{\"name\":\"fish\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"menu\"}]}", false);
    assert_int_equal(fish->type, MSG_PIPELINE_STORED);
    refused(put("menu", "{\"name\":\"menu\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"fish\"}]}",
                false),
            CODE_INVALID_PIPELINE, "/steps/0/pipeline",
            "a pipeline must not contain itself: fish > menu > fish");
}

static const struct message *start(const char *id, const char *task_type, uint32_t version)
{
    struct message m = stage_start_request(id, "");
    m.start.steps = BYTES_NONE;
    m.start.task_type = bytes_str(task_type);
    m.start.pipeline_version = version;
    return stage_ask(&s, gateway, &m);
}

static void runs(const char *function)
{
    const struct step_order *o = stage_order(&s, worker);
    assert_text(o->function, function);
    assert_int_equal(stage_succeed(&s, worker, o, "1"), VERDICT_APPLIED);
}

static void test_a_start_runs_the_newest_version_or_the_one_that_it_names(void **state)
{
    (void)state;
    stage_worker(&s, "w2", 8, "g");
    stored(MENU("f"), 1, true);
    assert_int_equal(start("t1", "menu", 0)->type, MSG_STARTED);
    stored(MENU("g"), 2, true);
    runs("f"); /* t1 keeps its own */
    assert_int_equal(start("t2", "menu", 1)->type, MSG_STARTED);
    runs("f");
    assert_int_equal(stage_status(&s, gateway, "t1")->pipeline_version, 1);
    assert_int_equal(start("t4", "menu", 0)->type, MSG_STARTED);
    assert_int_equal(stage_status(&s, gateway, "t4")->pipeline_version, 2);
    refused(start("t3", "menu", 3), CODE_UNKNOWN_PIPELINE, "/pipeline_version",
            "pipeline 'menu' has no version 3; GET /api/v1/marathon/pipelines/menu/versions lists "
            "its versions");
}

static void test_what_another_coordinator_stored_is_looked_for_before_a_refusal(void **state)
{
    (void)state;
    store_behind("menu", MENU("f"), 1);
    assert_int_equal(start("t1", "menu", 0)->type, MSG_STARTED);
    runs("f");
    store_behind("menu", MENU("f") " ", 2); /* version 2: not heard of */
    assert_int_equal(start("t2", "menu", 2)->type, MSG_STARTED);
    runs("f");
    struct message m = {.type = MSG_GET_PIPELINES};
    m.get_pipelines.name = BYTES_LIT("menu");
    assert_int_equal(stage_ask(&s, gateway, &m)->pipelines.items[0].version, 2);
    store_behind("fish", "{\"name\":\"fish\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"menu\"}]}",
                 3);
    store_behind("sauce", MENU("f"), 1);
    assert_int_equal(start("t3", "fish", 0)->type, MSG_STARTED);
    runs("f");
    refused(start("t4", "nosuch", 0), CODE_UNKNOWN_PIPELINE, "/task_type",
            "there is no pipeline 'nosuch'; GET /api/v1/marathon/pipelines lists all pipelines");
    refused(start("t5", "", 0), CODE_UNKNOWN_PIPELINE, "/task_type",
            "there is no pipeline ''; GET /api/v1/marathon/pipelines lists all pipelines");
}

static void test_the_input_of_a_start_that_waits_for_its_pipeline_goes_out_in_one_text(void **state)
{
    (void)state;
    store_behind("fish", "{\"name\":\"fish\",\"steps\":[{\"name\":\"a\",\"pipeline\":\"menu\"}]}",
                 3);
    store_behind("menu", MENU("f"), 1);
    struct message m = stage_start_request("t1", "");
    m.request = 7;
    m.start.task_type = BYTES_LIT("fish");
    m.start.input = BYTES_LIT("{\"n\":1}");
    s.hold_store = true;
    stage_send(&s, gateway, &m);
    stage_store_round(&s); /* fish is read, and then what it names */
    stage_store_round(&s);
    const struct store_row *row = stage_row(&s);
    assert_text(row->input, "{\"n\":1}");
    assert_ptr_equal(row->input.ptr, shared_bytes(row->input_text).ptr);
    assert_int_equal(row->input.len, shared_bytes(row->input_text).len);
    s.hold_store = false;
    stage_store_go(&s);
    assert_int_equal(stage_take(&s, gateway, MSG_STARTED)->request, 7);
    runs("f");
    (void)start("t2", "fish", 0); /* it is known by now: the row has the input from the message */
    assert_ptr_equal(s.core->library.input, NULL);
}

static uint64_t texts(void)
{
    return s.core->definitions.by_text.count;
}

static void test_a_definition_is_parsed_once_by_whoever_it_passes(void **state)
{
    (void)state;
    stored("{\"steps\":[" STEP("f") "],\n \"name\": \"menu\"}", 1, true);
    assert_int_equal(texts(), 2); /* as it came, and as it is stored */
    const struct pipeline *known = library_find(s.core, BYTES_LIT("menu"), 0);
    const struct pipeline_step *steps = known->steps;
    char source[400];
    (void)snprintf(source, sizeof source, "%.*s", (int)known->source.len,
                   (const char *)known->source.ptr);
    /* it is read again: with a reconnect, or because another coordinator has stored it */
    stage_event(&s, &(struct event){.kind = EV_PIPELINE, .text = bytes_str(source), .version = 1});
    stage_event(&s, &(struct event){.kind = EV_PIPELINE, .text = bytes_str(source), .version = 4});
    assert_ptr_equal(library_find(s.core, BYTES_LIT("menu"), 0)->steps, steps);
    assert_int_equal(library_find(s.core, BYTES_LIT("menu"), 0)->version, 4);
    assert_int_equal(texts(), 2);
}

static void test_a_version_that_is_asked_for_is_known_from_then_on(void **state)
{
    (void)state;
    stored(MENU("f"), 1, true);
    store_behind("menu", MENU("g"), 2);
    struct message m = {.type = MSG_GET_PIPELINES};
    m.get_pipelines.name = BYTES_LIT("menu");
    m.get_pipelines.version = 2;
    m.get_pipelines.brief = true;
    const struct message *r = stage_ask(&s, gateway, &m);
    assert_int_equal(r->pipelines.items[0].version, 2);
    assert_int_equal(r->pipelines.items[0].source.len, 0);
    m.get_pipelines.version = 0;
    assert_int_equal(stage_ask(&s, gateway, &m)->pipelines.items[0].version, 2);
    /* an older one that is told late changes nothing */
    stage_event(&s,
                &(struct event){.kind = EV_PIPELINE, .text = BYTES_LIT(MENU("f")), .version = 1});
    assert_int_equal(stage_ask(&s, gateway, &m)->pipelines.items[0].version, 2);
}

static void test_without_the_store_nothing_is_stored_and_nothing_said_to_be_missing(void **state)
{
    (void)state;
    s.hold_store = true;
    struct message m = {.type = MSG_PUT_PIPELINE};
    m.put_pipeline.name = BYTES_LIT("menu");
    m.put_pipeline.source = BYTES_LIT(MENU("f"));
    assert_null(stage_ask(&s, gateway, &m));
    struct message get = {.type = MSG_GET_PIPELINES};
    get.get_pipelines.name = BYTES_LIT("nosuch");
    assert_null(stage_ask(&s, gateway, &get));
    stage_store_lost(&s, true);
    const struct message *r = stage_take(&s, gateway, MSG_REFUSED);
    assert_int_equal(r->refused.code, CODE_UNAVAILABLE);
    r = stage_take(&s, gateway, MSG_REFUSED);
    assert_int_equal(r->refused.code, CODE_UNAVAILABLE);
    s.hold_store = false;
    stage_store_up(&s);
    stored(MENU("f"), 1, false); /* it had been carried out all the same */
}

static void test_only_so_many_are_stored_at_once(void **state)
{
    (void)state;
    s.hold_store = true;
    struct message m = {.type = MSG_PUT_PIPELINE};
    m.put_pipeline.name = BYTES_LIT("menu");
    m.put_pipeline.source = BYTES_LIT(MENU("f"));
    for (int i = 0; i < 16; i++) {
        assert_null(stage_ask(&s, gateway, &m));
    }
    refused(stage_ask(&s, gateway, &m), CODE_OVERLOADED, "",
            "too many pipelines are being stored at once: try again in a second");
    stage_store_go(&s);
    s.hold_store = false;
    stored(MENU("f"), 1, false);
}

static void test_what_the_store_refuses_is_told(void **state)
{
    (void)state;
    static const struct {
        enum publish_verdict verdict;
        enum code code;
        const char *detail;
    } cases[] = {
        {PUBLISH_NAMES, CODE_TOO_MANY_PIPELINES,
         "the limit of 1000 pipelines is reached (every coordinator keeps all of them in memory): "
         "store it under an existing name, or start it inline with `steps`"},
        {PUBLISH_VERSIONS, CODE_TOO_MANY_PIPELINES,
         "this pipeline has reached the limit of 10000 versions, which are never deleted: store it "
         "under another name"},
        {PUBLISH_FULL, CODE_STORE_FULL,
         "Redis accepts no new data: pipelines can be stored again once there is room"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = {.type = MSG_PUT_PIPELINE};
        m.put_pipeline.name = BYTES_LIT("menu");
        m.put_pipeline.source = BYTES_LIT(MENU("f"));
        s.hold_store = true;
        assert_null(stage_ask(&s, gateway, &m));
        struct store_published p = {.publish_id = s.ops[s.op_count - 1].publish->publish_id,
                                    .verdict = cases[i].verdict};
        s.op_count--;
        stage_event(&s, &(struct event){.kind = EV_PUBLISHED, .published = &p});
        refused(stage_take(&s, gateway, MSG_REFUSED), cases[i].code, "", cases[i].detail);
        s.hold_store = false;
    }
    stored(MENU("f"), 1, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_text_is_one_version),
        TEST(test_versions_are_listed_newest_first),
        TEST(test_a_check_stores_nothing),
        TEST(test_what_is_wrong_is_told_with_its_place),
        TEST(test_a_pipeline_that_would_contain_itself_is_refused),
        TEST(test_a_start_runs_the_newest_version_or_the_one_that_it_names),
        TEST(test_what_another_coordinator_stored_is_looked_for_before_a_refusal),
        TEST(test_the_input_of_a_start_that_waits_for_its_pipeline_goes_out_in_one_text),
        TEST(test_a_definition_is_parsed_once_by_whoever_it_passes),
        TEST(test_a_version_that_is_asked_for_is_known_from_then_on),
        TEST(test_without_the_store_nothing_is_stored_and_nothing_said_to_be_missing),
        TEST(test_only_so_many_are_stored_at_once),
        TEST(test_what_the_store_refuses_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
