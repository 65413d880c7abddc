/* What only a Redis Cluster shows: who has which slot, slots on their way, nodes that are lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_cases.h"
#include "store_world.h"

#define HASTY_MS 3000 /* more than a disk stands still */

struct world *world_create_on_cluster(struct redis_cluster *cluster)
{
    struct store_redis_options options = {.url = cluster->url, .deadline_ms = 10000};
    struct world *w = world_create_with(NULL, &options);
    w->cluster = cluster;
    world_wait_ups(w, 1);
    return w;
}

static const char *owner_key(struct world *w, const char *task_id)
{
    return arena_printf(&w->arena, "marathon:owner:{p%02u}", id_partition(bytes_str(task_id)));
}

/* A slot and where it goes. */
struct move {
    struct redis_cluster *cluster;
    long long slot;
    int from, to;
};

static struct move move_begin(struct world *w, const char *key)
{
    struct move m = {w->cluster, redis_cluster_slot(w->cluster, key),
                     redis_cluster_master_of(w->cluster, key), 0};
    m.to = (m.from + 1) % CLUSTER_MASTERS;
    redis_cluster_move_begin(m.cluster, m.slot, m.from, m.to);
    return m;
}

static void move_keys(const struct move *m)
{
    while (redis_cluster_move_keys(m->cluster, m->slot, m->from, m->to, 16) > 0) {
    }
}

static void move_end(const struct move *m)
{
    move_keys(m);
    redis_cluster_move_end(m->cluster, m->slot, m->from, m->to);
}

/* A task that another node than t1's has. */
static const char *task_elsewhere(struct world *w)
{
    int of_t1 = redis_cluster_master_of(w->cluster, owner_key(w, "t1"));
    for (int i = 2;; i++) {
        const char *id = arena_printf(&w->arena, "t%d", i);
        if (redis_cluster_master_of(w->cluster, owner_key(w, id)) != of_t1) {
            return strdup(id);
        }
    }
}

/* What marathon.lua's step takes: one step, an event, a patch. */
static struct store_row row_step(struct world *w, const char *task_id, uint64_t version)
{
    struct store_row row = row_update(w, task_id, version);
    row.steps = arena_alloc(&w->arena, sizeof *row.steps);
    row.steps[0] = (struct row_step){0, parts_whole(BYTES_LIT("step"))};
    row.step_count = 1;
    row.events = arena_alloc(&w->arena, sizeof *row.events);
    row.events[0] = (struct row_event){row.stored_seq + 1, parts_whole(BYTES_LIT("event"))};
    row.event_count = 1;
    row.doc_offset = strlen("{\"results\":{");
    row.doc[0] = BYTES_LIT("\"s0\":1},\"step\":1}");
    return row;
}

void test_every_key_of_a_cluster_has_a_tag(void **state)
{
    struct world *w = *state;
    struct store_row row = row_admit(w, "t1");
    row.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    row.body_hash = BYTES_LIT("bodybodybodybodybodybodybodybody");
    row.idempotency_ttl_s = 3600;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    struct store_row end = row_end(w, "t1", 1);
    end.dead = BYTES_LIT("a dead letter");
    assert_int_equal(world_verdict(w, end), STORE_OK);
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 2);
    struct store_read list = {
        .kind = READ_LIST, .partitions = UINT64_MAX, .before = NEVER_MS, .limit = 10};
    assert_int_equal(world_read(w, list)->task_count, 1);
    list.kind = READ_DEAD;
    assert_int_equal(world_read(w, list)->task_count, 1);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_CREATED);
    char tag[8];
    snprintf(tag, sizeof tag, "{p%02u}", id_partition(BYTES_LIT("t1")));
    int of_task = 0;
    int shared = 0;
    for (int m = 0; m < CLUSTER_MASTERS; m++) {
        redisReply *keys = raw(&w->cluster->masters[m], "KEYS *");
        for (size_t i = 0; i < keys->elements; i++) {
            of_task += strstr(keys->element[i]->str, tag) != NULL;
            shared += strstr(keys->element[i]->str, "{shared}") != NULL;
        }
    }
    assert_int_equal(of_task, 7); /* owner, fence, task, document, list, dead, idem */
    assert_int_equal(shared, 5);  /* secret, pipelines, changed, a version, their list */
}

/* Whichever master has the key. */
static long long on_masters(struct world *w, const char *command, const char *key)
{
    long long sum = 0;
    for (int m = 0; m < CLUSTER_MASTERS; m++) {
        redisReply *reply = raw(&w->cluster->masters[m], command, key);
        sum += reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    }
    return sum;
}

void test_a_task_that_is_gone_leaves_the_list_of_a_cluster(void **state)
{
    struct world *w = *state;
    partition_id p = id_partition(BYTES_LIT("t1"));
    char *list = arena_printf(&w->arena, "marathon:list:{p%02u}", p);
    struct store_row admit = row_admit(w, "t1");
    struct store_row renew = {.kind = ROW_RENEW, .partition = p, .fence = w->fence};
    admit.error_doc = BYTES_LIT("{}");
    assert_int_equal(world_verdict(w, admit), STORE_OK);
    assert_int_equal(world_verdict(w, renew), STORE_OK);
    assert_int_equal(on_masters(w, "ZCARD %s", list), 1);
    char *task = arena_printf(&w->arena, "marathon:task:{p%02u}:t1", p);
    char *error = arena_printf(&w->arena, "error:{p%02u}:t1", p);
    assert_int_equal(on_masters(w, "DEL %s", task), 1);
    assert_int_equal(on_masters(w, "EXISTS %s", error), 1);
    assert_int_equal(world_verdict(w, renew), STORE_OK);
    assert_int_equal(on_masters(w, "ZCARD %s", list), 0);
    assert_int_equal(on_masters(w, "EXISTS %s", error), 0);
}

void test_partitions_are_spread_over_all_nodes(void **state)
{
    struct world *w = *state;
    uint64_t last = 0;
    for (partition_id p = 0; p < PARTITION_COUNT; p++) {
        last = world_write(w, row_claim(p, w->fence, "c1"));
    }
    world_wait(w, write_heard, last);
    for (uint64_t id = last + 1 - PARTITION_COUNT; id <= last; id++) {
        world_wait(w, write_heard, id);
        assert_int_equal(w->writes[id].verdict, STORE_OK);
    }
    const struct store_answer *a = world_read(w, (struct store_read){.kind = READ_OWNERS});
    for (int i = 0; i < PARTITION_COUNT; i++) {
        assert_true(a->owners[i].exists && !a->owners[i].unseen);
        assert_bytes(a->owners[i].owner, "c1");
    }
    for (int m = 0; m < CLUSTER_MASTERS; m++) {
        assert_in_range(raw(&w->cluster->masters[m], "DBSIZE")->integer, 20, 100);
    }
}

void test_a_slot_that_has_moved_is_followed(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_step(w, "t1", 1)), STORE_OK);
    for (uint64_t round = 0; round < 3; round++) { /* and back to where it was */
        struct move m = move_begin(w, owner_key(w, "t1"));
        move_end(&m);
        uint64_t first = world_write(w, row_update(w, "t1", 2 + 2 * round));
        assert_int_equal(world_verdict(w, row_update(w, "t1", 3 + 2 * round)), STORE_OK);
        assert_int_equal(w->writes[first].verdict, STORE_OK);
    }
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 8);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{\"s0\":1},\"step\":1}");
    assert_int_equal(w->downs, 0);
}

static bool one_answer_is_there(const struct world *w, uint64_t what)
{
    (void)what;
    return w->answers > 0;
}

void test_rows_wait_while_their_slot_is_on_its_way(void **state)
{
    struct world *w = *state;
    const char *other = task_elsewhere(w);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    world_own(w, other);
    struct move m = move_begin(w, owner_key(w, "t1"));
    assert_int_equal(redis_cluster_move_keys(m.cluster, m.slot, m.from, m.to, 2), 2);
    uint64_t row = world_write(w, row_update(w, "t1", 1));
    uint64_t next = world_write(w, row_update(w, "t1", 2));
    world_ask(w, read_task("t1"));
    world_pass(w, 100);
    assert_false(write_heard(w, row));
    assert_int_equal(w->answers, 0);
    assert_int_equal(world_verdict(w, row_admit(w, other)), STORE_OK); /* others go on */
    move_end(&m);
    world_wait(w, write_heard, next);
    assert_int_equal(w->writes[row].verdict, STORE_OK);
    assert_int_equal(w->writes[next].verdict, STORE_OK);
    world_wait(w, one_answer_is_there, 0); /* behind them */
    assert_int_equal(w->answers, 1);
    assert_int_equal(w->answer.err, ERR_OK);
    assert_int_equal(w->answer.tasks[0].version, 3);
    assert_int_equal(w->downs, 0);
    free((void *)(uintptr_t)other);
}

void test_a_step_follows_its_keys(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct move m = move_begin(w, owner_key(w, "t1"));
    move_keys(&m);
    assert_int_equal(world_verdict(w, row_step(w, "t1", 1)), STORE_OK); /* by ASKING */
    assert_bytes(world_doc(w, "t1"), "{\"results\":{\"s0\":1},\"step\":1}");
    long long slot =
        raw(&w->cluster->masters[m.from], "CLUSTER COUNTKEYSINSLOT %lld", m.slot)->integer;
    assert_int_equal(slot, 0); /* nothing was made where they had been */
    uint64_t end = world_write(w, row_end(w, "t1", 2));
    world_pass(w, 100);
    assert_false(write_heard(w, end)); /* touches keys that are not there yet: it waits */
    move_end(&m);
    world_wait(w, write_heard, end);
    assert_int_equal(w->writes[end].verdict, STORE_OK);
}

void test_a_slot_that_stays_on_its_way_makes_outcomes_unknown(void **state)
{
    struct world *w = *state;
    struct store_redis_options options = {.url = w->cluster->url, .deadline_ms = HASTY_MS};
    struct world *hasty = world_create_with(NULL, &options);
    hasty->cluster = w->cluster;
    world_wait_ups(hasty, 1);
    assert_int_equal(world_verdict(hasty, row_admit(hasty, "t1")), STORE_OK);
    struct move m = move_begin(w, owner_key(w, "t1"));
    assert_int_equal(redis_cluster_move_keys(m.cluster, m.slot, m.from, m.to, 2), 2);
    uint64_t row = world_write(hasty, row_update(hasty, "t1", 1));
    struct store_read list = {
        .kind = READ_LIST, .partitions = UINT64_MAX, .before = NEVER_MS, .limit = 10};
    assert_int_equal(world_read(hasty, list)->err, ERR_UNAVAILABLE); /* no short list */
    world_wait(hasty, write_heard, row);
    assert_int_equal(hasty->writes[row].verdict, STORE_UNKNOWN);
    assert_int_equal(world_read(hasty, (struct store_read){.kind = READ_OWNERS})->err, ERR_OK);
    assert_int_equal(hasty->downs, 0);
    move_end(&m);
    assert_int_equal(world_verdict(hasty, row_update(hasty, "t1", 1)), STORE_OK);
    assert_int_equal(world_read(hasty, list)->task_count, 1);
    world_destroy(hasty);
}

void test_a_moved_home_is_followed(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_CREATED);
    struct move m = move_begin(w, "marathon:secret:{shared}");
    move_end(&m);
    world_publish(w, "kept", "{}", 2);         /* a file's: kept until it is stored */
    world_wait(w, world_pipelines_reached, 3); /* ... all are read again, then this one */
    assert_int_equal(world_published(w, "menu", "{ }", 3).version, 2);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(w->downs, 0);
}

void test_each_node_is_looked_at_by_the_gate(void **state)
{
    struct world *w = *state;
    char expected[64];
    struct redis_cluster *c = w->cluster;
    assert_string_equal(raw(&c->masters[2], "CONFIG SET appendfsync everysec")->str, "OK");
    struct store_redis_options options = {.url = c->url};
    struct world *fussy = world_create_with(NULL, &options);
    while (store_redis_gate_fault(fussy->store) == NULL) {
        world_pass(fussy, 5);
    }
    assert_string_equal(raw(&c->masters[2], "CONFIG SET appendfsync always")->str, "OK");
    snprintf(expected, sizeof expected, "127.0.0.1:%d: ", c->ports[2]);
    assert_non_null(strstr(store_redis_gate_fault(fussy->store), expected));
    assert_non_null(strstr(fussy->admission, "appendfsync"));
    world_destroy(fussy);
}

void test_a_lost_node_is_lost_for_its_partitions_only(void **state)
{
    (void)state;
    static struct redis_cluster cluster;
    struct redis_server replica;
    redis_cluster_start(&cluster);
    struct world *w = world_create_on_cluster(&cluster);
    const char *other = task_elsewhere(w);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_admit(w, other)), STORE_OK);
    int lost = redis_cluster_master_of(&cluster, owner_key(w, "t1"));
    redis_cluster_add_replica(&cluster, lost, &replica);

    redis_server_kill(&cluster.masters[lost]);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_UNKNOWN);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_UNAVAILABLE);
    assert_int_equal(world_verdict(w, row_update(w, other, 1)), STORE_OK);
    const struct store_answer *a = world_read(w, (struct store_read){.kind = READ_OWNERS});
    assert_int_equal(a->err, ERR_OK);
    assert_true(a->owners[id_partition(BYTES_LIT("t1"))].unseen);
    assert_true(a->owners[id_partition(bytes_str(other))].exists);
    assert_int_equal(w->downs, 0);
    assert_non_null(strstr(w->note, "127.0.0.1:"));

    for (int m = 0; m < CLUSTER_MASTERS; m++) {
        if (m != lost) {
            redis_cluster_be_impatient(&cluster.masters[m]);
        }
    }
    redis_cluster_be_impatient(&replica);
    uint64_t version = 1; /* its replica takes over, with all that was written */
    while (world_verdict(w, row_update(w, "t1", version)) == STORE_UNKNOWN) {
        world_pass(w, 20);
    }
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 2);
    assert_int_equal(w->downs, 0);
    free((void *)(uintptr_t)other);
    world_destroy(w);
    redis_server_finish(&replica);
    redis_cluster_finish(&cluster);
}
