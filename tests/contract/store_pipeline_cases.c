/* Definitions: their versions, who learns of them, and how many there may be. */
#include <stdio.h>

#include "crypto/hash.h"
#include "model/limits.h"
#include "store_cases.h"
#include "store_world.h"

void test_pipelines_get_versions(void **state)
{
    struct world *w = *state;
    world_publish(w, "menu", "{\"v\":1}", 1);
    world_wait(w, world_pipelines_reached, 1);
    assert_int_equal(w->pipeline_version, 1);
    assert_string_equal(w->pipeline, "{\"v\":1}");
    struct store_published second = world_published(w, "menu", "{\"v\":2}", 2);
    assert_int_equal(second.verdict, PUBLISH_CREATED);
    assert_int_equal(second.version, 2);
    assert_int_equal(w->pipeline_version, 2); /* told before the answer */
    assert_string_equal(w->pipeline, "{\"v\":2}");
    struct store_published again = world_published(w, "menu", "{\"v\":2}", 2);
    assert_int_equal(again.verdict, PUBLISH_SAME);
    assert_int_equal(again.version, 2);
    assert_int_equal(world_published(w, "other", "{\"v\":1}", 1).version, 1);
    assert_int_equal(world_published(w, "menu", "{\"v\":1}", 1).version, 3); /* back to the first */
    uint32_t told = w->pipelines;
    world_publish(w, "menu", "{\"v\":2}", 2); /* a file's, which was replaced */
    assert_int_equal(world_published(w, "other", "{\"v\":2}", 2).version, 2);
    assert_int_equal(w->pipelines, told + 1);
    struct store_read read = {.kind = READ_PIPELINE, .name = BYTES_LIT("menu")};
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->version, 3);
    assert_bytes(a->source, "{\"v\":1}");
}

static struct store_read read_pipeline(const char *name, uint32_t version)
{
    return (struct store_read){.kind = READ_PIPELINE, .name = bytes_str(name), .version = version};
}

static struct store_read read_versions(const char *name, uint32_t before, uint32_t limit)
{
    return (struct store_read){
        .kind = READ_VERSIONS, .name = bytes_str(name), .version = before, .limit = limit};
}

void test_versions_are_read_one_by_one_and_in_pages(void **state)
{
    struct world *w = *state;
    for (uint8_t v = 1; v <= 5; v++) {
        char source[16];
        snprintf(source, sizeof source, "{\"v\":%u}", v);
        assert_int_equal(world_published(w, "menu", source, v).version, v);
    }
    const struct store_answer *a = world_read(w, read_pipeline("menu", 0));
    assert_int_equal(a->version, 5);
    assert_bytes(a->source, "{\"v\":5}");
    a = world_read(w, read_pipeline("menu", 2));
    assert_int_equal(a->version, 2);
    assert_bytes(a->source, "{\"v\":2}");
    assert_int_equal(world_read(w, read_pipeline("menu", 6))->err, ERR_NOT_FOUND);
    assert_int_equal(world_read(w, read_pipeline("other", 0))->err, ERR_NOT_FOUND);

    a = world_read(w, read_versions("menu", 0, 3));
    assert_int_equal(a->version_count, 3);
    assert_true(a->more);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(a->versions[i].version, 5 - i);
        assert_int_equal(a->versions[i].at, 1700000000000 + (5 - i));
        assert_bytes(a->versions[i].by, "ann of the kitchen");
        assert_int_equal(a->versions[i].hash.len, 2 * SHA256_BYTES);
        assert_int_equal(a->versions[i].hash.ptr[1], '0' + (5 - i));
    }
    a = world_read(w, read_versions("menu", 3, 3));
    assert_int_equal(a->version_count, 2);
    assert_int_equal(a->versions[0].version, 2);
    assert_false(a->more);
    assert_int_equal(world_read(w, read_versions("menu", 1, 3))->version_count, 0);
    assert_int_equal(world_read(w, read_versions("menu", 99, 9))->version_count, 5);
    assert_int_equal(world_read(w, read_versions("other", 0, 3))->err, ERR_NOT_FOUND);
}

void test_there_are_only_so_many_names(void **state)
{
    struct world *w = *state;
    char name[16];
    for (uint32_t i = 1; i < PIPELINES_MAX; i++) {
        snprintf(name, sizeof name, "p%u", i);
        world_publish(w, name, "{}", 1);
    }
    assert_int_equal(world_published(w, "last", "{}", 1).verdict, PUBLISH_CREATED);
    assert_int_equal(world_published(w, "one_more", "{}", 1).verdict, PUBLISH_NAMES);
    assert_int_equal(world_read(w, read_pipeline("one_more", 0))->err, ERR_NOT_FOUND);
    assert_int_equal(world_published(w, "last", "{ }", 2).version, 2);
}

void test_there_are_only_so_many_versions(void **state)
{
    struct world *w = *state;
    raw(w->server, "HSET marathon:pipelines %s %s", "menu", "9999 aa");
    assert_int_equal(world_published(w, "menu", "{}", 1).version, PIPELINE_VERSIONS_MAX);
    assert_int_equal(world_published(w, "menu", "{ }", 2).verdict, PUBLISH_VERSIONS);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_SAME);
}

void test_a_second_store_shares_secret_and_pipelines(void **state)
{
    struct world *w = *state;
    world_publish(w, "menu", "{\"v\":1}", 1);
    world_wait(w, world_pipelines_reached, 1);
    world_publish(w, "menu", "{\"v\":2}", 2);
    world_wait(w, world_pipelines_reached, 2);
    assert_string_equal(raw(w->server, "GET marathon:pipeline:menu:1")->str, "{\"v\":1}");

    struct store_redis_options options = {.url = w->server->url};
    struct world *other = world_create_with(w->server, &options);
    world_publish(other, "menu", "{\"v\":2}", 2);
    world_wait_ups(other, 1);
    assert_memory_equal(w->secret, other->secret, SECRET_BYTES);
    assert_int_equal(other->pipelines, 1); /* there before `up`, once */
    assert_int_equal(other->pipeline_version, 2);
    assert_string_equal(other->pipeline, "{\"v\":2}");
    world_destroy(other);
    assert_int_equal(raw(w->server, "FUNCTION LIST")->elements, 1);
}

void test_what_one_store_publishes_another_learns(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_published(w, "menu", "{\"v\":1}", 1).version, 1);
    struct store_redis_options options = {.url = w->server->url};
    struct world *other = world_create_with(w->server, &options);
    world_wait_ups(other, 1);
    assert_int_equal(other->pipelines, 1);
    assert_int_equal(world_published(w, "menu", "{\"v\":2}", 2).version, 2);
    assert_int_equal(world_published(w, "fish", "{\"v\":9}", 9).version, 1);
    world_wait(other, world_pipelines_reached, 3);
    assert_string_equal(other->pipeline, "{\"v\":9}"); /* in the order of the changes */
    world_pass(other, 2 * 500 + 100);                  /* two more looks: nothing is told twice */
    assert_int_equal(other->pipelines, 3);
    world_destroy(other);
}

void test_at_maxmemory_a_pipeline_is_not_stored(void **state)
{
    struct world *w = *state;
    raw(w->server, "CONFIG SET maxmemory 1");
    struct store_published refused = world_published(w, "menu", "{}", 1);
    raw(w->server, "CONFIG SET maxmemory 0");
    assert_int_equal(refused.verdict, PUBLISH_FULL);
    assert_int_equal(w->downs, 0);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_CREATED);
}
