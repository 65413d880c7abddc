/* Writes that count once replicas have them: a master and one replica. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "free_port.h"
#include "store_cases.h"
#include "store_world.h"

static void start_pair(struct redis_server *master, struct redis_server *replica)
{
    char port[16];
    char of[32];
    snprintf(port, sizeof port, "%d", free_port());
    snprintf(of, sizeof of, "127.0.0.1 %s", port);
    redis_server_init(master);
    redis_server_init(replica);
    redis_server_start(
        master, (const char *const[]){"--port", port, "--repl-diskless-sync-delay", "0", NULL});
    redis_server_start(replica, (const char *const[]){"--replicaof", of, NULL});
}

/* A store that wants one replica, on a master that has it. */
static struct world *open_pair(struct redis_server *master, struct redis_server *replica)
{
    start_pair(master, replica);
    struct store_redis_options options = {.url = master->url, .deadline_ms = 4000, .replicas = 1};
    struct world *w = world_create_with(master, &options);
    world_wait_ups(w, 1);
    return w;
}

static void close_pair(struct world *w, struct redis_server *master, struct redis_server *replica)
{
    world_destroy(w);
    redis_server_finish(replica);
    redis_server_finish(master);
}

static bool closed_for(const struct world *w, uint64_t what)
{
    return strstr(w->admission, (const char *)(uintptr_t)what) != NULL;
}

static void wait_closed(struct world *w, const char *word)
{
    world_wait(w, closed_for, (uint64_t)(uintptr_t)word);
}

void test_a_write_counts_once_a_replica_has_it(void **state)
{
    (void)state;
    struct redis_server master;
    struct redis_server replica;
    struct world *w = open_pair(&master, &replica);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 7)), STORE_VERSION);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_CREATED);

    redis_server_signal(&replica, SIGSTOP);
    uint64_t update = world_write(w, row_update(w, "t1", 1));
    uint64_t read = world_ask(w, read_task("t1")); /* sees what is not confirmed: no answer */
    world_wait_downs(w, 1);
    assert_int_equal(w->writes[update].verdict, STORE_UNKNOWN);
    assert_int_equal(w->answer.read_id, read);
    assert_int_equal(w->answer.err, ERR_UNAVAILABLE);
    wait_closed(w, "0 of the 1 replicas");
    assert_int_equal(w->ups, 1);

    redis_server_signal(&replica, SIGCONT);
    world_wait_ups(w, 2);
    assert_string_equal(w->admission, "");
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_OK); /* the same, again */
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 2);
    assert_int_equal(w->store->ops->stats(w->store).unconfirmed_total > 0, 1);
    close_pair(w, &master, &replica);
}

void test_a_publication_counts_once_a_replica_has_it(void **state)
{
    (void)state;
    struct redis_server master;
    struct redis_server replica;
    struct world *w = open_pair(&master, &replica);
    redis_server_signal(&replica, SIGSTOP);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_UNKNOWN);
    assert_int_equal(w->downs, 1);
    redis_server_signal(&replica, SIGCONT);
    world_wait_ups(w, 2);
    assert_int_equal(world_published(w, "menu", "{}", 1).verdict, PUBLISH_SAME);
    close_pair(w, &master, &replica);
}

void test_without_replicas_that_are_wanted_nothing_begins(void **state)
{
    (void)state;
    struct redis_server master;
    redis_server_init(&master);
    redis_server_start(&master, NULL);
    struct store_redis_options options = {.url = master.url, .deadline_ms = 300, .replicas = 2};
    struct world *w = world_create_with(&master, &options);
    wait_closed(w, "0 of the 2 replicas of MARATHON_REDIS_WAIT");
    assert_int_equal(w->ups, 0);
    assert_null(store_redis_gate_fault(w->store)); /* they may come: the process waits */
    world_destroy(w);
    redis_server_finish(&master);
}

void test_a_master_that_wants_replicas_itself_takes_nothing(void **state)
{
    (void)state;
    struct redis_server master;
    redis_server_init(&master);
    redis_server_start(&master, NULL);
    struct world *w = world_create(&master);
    world_own(w, "t1");
    raw(&master, "CONFIG SET min-replicas-to-write 1");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_UNKNOWN);
    wait_closed(w, "min-replicas-to-write");
    assert_int_equal(w->ups, 1);
    raw(&master, "CONFIG SET min-replicas-to-write 0");
    world_wait_ups(w, 2);
    assert_string_equal(w->admission, "");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    world_destroy(w);
    redis_server_finish(&master);
}
