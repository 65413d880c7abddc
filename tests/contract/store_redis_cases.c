/* What only Redis shows: its keys as an operator sees them, their TTLs, maxmemory. */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "json/scan.h"
#include "store_cases.h"
#include "store_world.h"

static long long ttl_of(struct world *w, const char *key)
{
    return raw(w->server, "TTL %s", key)->integer;
}

static void assert_number(struct world *w, long long expected, const char *command)
{
    redisReply *reply = raw(w->server, command);
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer != expected) {
        fail_msg("%s: %lld %s, not %lld", command, reply->integer, reply->str, expected);
    }
}

static const char *const task_keys[] = {"checkpoint:t1", "error:t1", "marathon:task:t1",
                                        "marathon:items:t1"};
#define TASK_KEYS (sizeof task_keys / sizeof task_keys[0])

/* A task with a document, an error, an event and an idempotency key. */
static void admit_t1(struct world *w)
{
    struct row_event event = {1, parts_whole(BYTES_LIT("e1"))};
    struct store_row row = row_admit(w, "t1");
    row.events = &event;
    row.event_count = 1;
    row.error_doc = BYTES_LIT("{\"error\":\"of a step\"}");
    row.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    row.body_hash = BYTES_LIT("bodybodybodybodybodybodybodybody");
    row.idempotency_ttl_s = 86400;
    struct bytes value = BYTES_LIT("{}");
    struct items_change make = {.kind = ITEMS_MAKE, .step = 0, .values = &value, .count = 1};
    row.items = &make;
    row.items_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_OK);
}

static const char *idem_key(struct world *w)
{
    return arena_printf(&w->arena, "marathon:idem:p%02u:%s", id_partition(BYTES_LIT("t1")),
                        "3031323334353637383961626364656630313233343536373839616263646566");
}

void test_keys_of_a_live_task_have_no_ttl(void **state)
{
    struct world *w = *state;
    admit_t1(w);
    for (size_t i = 0; i < TASK_KEYS; i++) {
        assert_int_equal(ttl_of(w, task_keys[i]), -1);
    }
    assert_int_equal(ttl_of(w, idem_key(w)), -1);
    struct store_row clear = row_update(w, "t1", 1);
    clear.error_clear = true;
    assert_int_equal(world_verdict(w, clear), STORE_OK);
    assert_number(w, 0, "EXISTS error:t1");
}

void test_all_keys_get_the_ttl_at_the_end(void **state)
{
    struct world *w = *state;
    admit_t1(w);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    for (size_t i = 0; i < TASK_KEYS; i++) {
        assert_in_range(ttl_of(w, task_keys[i]), 3590, 3600);
    }
    assert_in_range(ttl_of(w, idem_key(w)), 86390, 86400);
    struct store_row revive = row_update(w, "t1", 2);
    revive.life = LIFE_REVIVE;
    assert_int_equal(world_verdict(w, revive), STORE_OK);
    for (size_t i = 0; i < TASK_KEYS; i++) {
        assert_int_equal(ttl_of(w, task_keys[i]), -1);
    }
    assert_int_equal(ttl_of(w, idem_key(w)), -1);
}

void test_a_late_event_of_an_ended_task_expires_with_it(void **state)
{
    struct world *w = *state;
    struct row_event event = {1, parts_whole(BYTES_LIT("late"))};
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    struct store_row late = row_update(w, "t1", 2);
    late.events = &event;
    late.event_count = 1;
    late.error_doc = BYTES_LIT("{}");
    struct bytes value = BYTES_LIT("{}");
    struct items_change make = {.kind = ITEMS_MAKE, .values = &value, .count = 1};
    late.items = &make;
    late.items_count = 1;
    assert_int_equal(world_verdict(w, late), STORE_OK);
    for (size_t i = 0; i < TASK_KEYS; i++) {
        assert_in_range(ttl_of(w, task_keys[i]), 3590, 3600);
    }
}

void test_the_document_is_plain_json_for_an_operator(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    const uint64_t offset = strlen("{\"results\":{");
    struct store_row row = row_update(w, "t1", 1);
    row.doc_offset = offset;
    row.doc[0] = BYTES_LIT("\"s0\":");
    row.doc[1] = BYTES_LIT("\"caf\xc3\xa9\"");
    row.doc[2] = BYTES_LIT("},\"step\":1}");
    assert_int_equal(world_verdict(w, row), STORE_OK);
    redisReply *reply = raw(w->server, "GET checkpoint:t1");
    assert_string_equal(reply->str, "{\"results\":{\"s0\":\"caf\xc3\xa9\"},\"step\":1}");
    assert_int_equal(json_check(bytes_of(reply->str, reply->len), NULL, NULL), ERR_OK);
    reply = raw(w->server, "KEYS checkpoint:*");
    assert_int_equal(reply->elements, 1);
}

/* Bytes that the server has been sent, over all connections. */
static long long bytes_received(struct world *w)
{
    redisReply *reply = raw(w->server, "INFO stats");
    const char *at = strstr(reply->str, "total_net_input_bytes:");
    assert_non_null(at);
    return atoll(at + strlen("total_net_input_bytes:"));
}

static long long append_only_bytes(struct world *w)
{
    redisReply *reply = raw(w->server, "INFO persistence");
    const char *at = strstr(reply->str, "aof_current_size:");
    assert_non_null(at);
    return atoll(at + strlen("aof_current_size:"));
}

void test_a_step_writes_only_its_own_size(void **state)
{
    struct world *w = *state;
    static uint8_t result[64 << 10];
    memset(result, '7', sizeof result);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    uint64_t offset = strlen("{\"results\":{");
    for (uint64_t v = 1; v <= 16; v++) {
        long long received = bytes_received(w);
        long long appended = append_only_bytes(w);
        char *lead = arena_printf(&w->arena, "%s\"s%d\":", v > 1 ? "," : "", (int)v);
        struct store_row row = row_update(w, "t1", v);
        row.doc_offset = offset;
        row.doc[0] = bytes_str(lead);
        row.doc[1] = bytes_of(result, sizeof result);
        row.doc[2] = BYTES_LIT("},\"step\":0}");
        offset += row.doc[0].len + row.doc[1].len;
        assert_int_equal(world_verdict(w, row), STORE_OK);
        assert_true(bytes_received(w) - received < (long long)sizeof result + 2000);
        assert_true(append_only_bytes(w) - appended < (long long)sizeof result + 2000);
    }
    assert_int_equal(raw(w->server, "STRLEN checkpoint:t1")->integer, offset + 11);
}

static bool remark_is(const struct world *w, uint64_t full)
{
    return (w->remarks[REMARK_FULL][0] != '\0') == (full != 0);
}

void test_at_maxmemory_updates_pass_and_admissions_do_not(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    world_own(w, "t2");
    raw(w->server, "CONFIG SET maxmemory 1");
    struct store_row update = row_update(w, "t1", 1);
    update.doc_offset = strlen("{\"results\":{");
    update.doc[0] = BYTES_LIT("\"s0\":1},\"step\":1}");
    uint64_t admit = world_write(w, row_admit(w, "t2"));
    enum store_verdict updated = world_verdict(w, update);
    enum store_verdict ended = world_verdict(w, row_end(w, "t1", 2));
    assert_int_equal(updated, STORE_OK);
    assert_int_equal(ended, STORE_OK);
    assert_int_equal(w->writes[admit].verdict, STORE_FULL);
    assert_non_null(strstr(w->remarks[REMARK_FULL], "it has reached maxmemory (OOM "));
    raw(w->server, "CONFIG SET maxmemory 0");
    world_wait(w, remark_is, false); /* although nobody starts anything */
    raw(w->server, "CONFIG SET maxmemory 1");
    assert_int_equal(world_verdict(w, row_admit(w, "t2")), STORE_FULL);
    assert_true(remark_is(w, true));
    raw(w->server, "CONFIG SET maxmemory 0");
    assert_int_equal(w->downs, 0);
    assert_int_equal(world_read(w, read_task("t2"))->err, ERR_NOT_FOUND);
    assert_int_equal(world_verdict(w, row_admit(w, "t2")), STORE_OK);
    assert_true(remark_is(w, false)); /* a start that passes ends it at once */
}

static struct audit_entry audit_t1(struct world *w)
{
    struct bytes id = BYTES_LIT("t1");
    struct store_read read = {
        .kind = READ_AUDIT, .partition = id_partition(id), .ids = &id, .id_count = 1};
    return world_read(w, read)->audits[0];
}

/* The repair: a revival that changes nothing else. */
static void hold_t1(struct world *w, uint64_t version)
{
    struct store_row row = row_update(w, "t1", version);
    row.life = LIFE_REVIVE;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    struct audit_entry e = audit_t1(w);
    assert_true(e.found && e.listed && !e.expires && !e.ended);
}

void test_an_audit_sees_what_others_did_to_the_keys(void **state)
{
    struct world *w = *state;
    uint64_t version = 1;
    admit_t1(w);
    for (size_t i = 0; i < 3; i++) {
        assert_false(audit_t1(w).expires);
        raw(w->server, "EXPIRE %s 1000", task_keys[i]);
        assert_true(audit_t1(w).expires);
        hold_t1(w, version++);
        if (i == 1) {
            raw(w->server, "SET error:t1 {}");
        }
    }
    char *live = arena_printf(&w->arena, "marathon:live:p%02u", id_partition(BYTES_LIT("t1")));
    raw(w->server, "SREM %s t1", live);
    assert_false(audit_t1(w).listed);
    hold_t1(w, version++);
    raw(w->server, "HSET marathon:task:t1 end 1");
    assert_true(audit_t1(w).ended);
    hold_t1(w, version++);
    raw(w->server, "DEL marathon:task:t1");
    assert_false(audit_t1(w).found);
}

/* Each half second it is looked at; nobody has asked for anything. */
void test_a_store_that_was_emptied_is_set_up_anew(void **state)
{
    struct world *w = *state;
    uint8_t before[SECRET_BYTES];
    memcpy(before, w->secret, sizeof before);
    int ups = w->ups;
    raw(w->server, "DEL marathon:secret");
    world_wait_ups(w, ups + 1);
    assert_number(w, 1, "EXISTS marathon:secret");
    assert_memory_not_equal(w->secret, before, sizeof before);
    raw(w->server, "SET marathon:secret %s", /* by another coordinator, before we looked */
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    world_wait_ups(w, ups + 2);
    assert_int_equal(w->secret[31], 0x1f);
}

void test_only_a_dead_name_leaves_the_live_index(void **state)
{
    struct world *w = *state;
    char live[32];
    struct store_row row = {
        .kind = ROW_UNLIST, .partition = id_partition(BYTES_LIT("t1")), .task_id = BYTES_LIT("t1")};
    snprintf(live, sizeof live, "marathon:live:p%02u", row.partition);
    admit_t1(w);
    row.fence = w->fence;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(raw(w->server, "SISMEMBER %s t1", live)->integer, 1);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    raw(w->server, "SADD %s t1", live);
    assert_true(audit_t1(w).listed);
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(raw(w->server, "SISMEMBER %s t1", live)->integer, 0);
    raw(w->server, "SADD %s t1", live);
    raw(w->server, "DEL marathon:task:t1");
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(raw(w->server, "SISMEMBER %s t1", live)->integer, 0);
}
