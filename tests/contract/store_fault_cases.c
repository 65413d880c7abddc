/* Faults of Redis, each on a server of its own: stopped, killed, refused, unfit. */
#include <signal.h>
#include <string.h>

#include "store_cases.h"
#include "store_world.h"

static struct store_row renewal(struct world *w)
{
    world_own(w, "t1");
    return (struct store_row){
        .kind = ROW_RENEW, .partition = id_partition(BYTES_LIT("t1")), .fence = w->fence};
}

void test_a_stopped_redis_makes_outcomes_unknown(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    /* No longer than needed, but a disk that stands still for a second or two is not meant. */
    struct store_redis_options options = {.url = server.url, .deadline_ms = 3000};
    struct world *w = world_create_with(&server, &options);
    world_wait_ups(w, 1);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);

    redis_server_signal(&server, SIGSTOP);
    uint64_t first = 0;
    uint64_t last = 0;
    for (uint64_t v = 1; v <= 1000; v++) { /* some sent, some not */
        last = world_write(w, row_update(w, "t1", v));
        first = v == 1 ? last : first;
    }
    uint64_t ping = world_ask(w, (struct store_read){.kind = READ_PING});
    world_wait_downs(w, 1);
    for (uint64_t id = first; id <= last; id++) {
        assert_int_equal(w->writes[id].verdict, STORE_UNKNOWN); /* before `down` */
    }
    assert_int_equal(w->answer.read_id, ping);
    assert_int_equal(w->answer.err, ERR_UNAVAILABLE);
    assert_non_null(strstr(w->why, "no answer for 3000 ms"));

    redis_server_signal(&server, SIGCONT);
    world_wait_ups(w, 2);
    assert_int_equal(w->downs, 1);
    uint64_t version = world_read(w, read_task("t1"))->tasks[0].version;
    assert_in_range(version, 1, 513); /* what had been sent may have been carried out late */
    assert_int_equal(world_verdict(w, row_update(w, "t1", version)), STORE_OK);
    world_destroy(w);
    redis_server_finish(&server);
}

void test_what_is_given_while_away_is_answered(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    struct store_redis_options options = {.url = server.url};
    struct world *w = world_create_with(&server, &options); /* nobody listens */
    struct store_row row = {.kind = ROW_RENEW, .partition = 3, .fence = w->fence};
    assert_int_equal(world_verdict(w, row), STORE_UNKNOWN);
    assert_int_equal(world_read(w, (struct store_read){.kind = READ_PING})->err, ERR_UNAVAILABLE);
    assert_int_equal(w->ups, 0);
    assert_int_equal(w->downs, 0);
    world_publish(w, "menu", "{}", 1);
    assert_int_equal(world_published(w, "other", "{}", 1).verdict, PUBLISH_UNKNOWN);
    redis_server_start(&server, NULL);
    world_wait_ups(w, 1);
    assert_int_equal(w->pipelines, 1); /* what was published meanwhile was kept */
    assert_int_equal(world_verdict(w, renewal(w)), STORE_OK);
    world_destroy(w);
    redis_server_finish(&server);
}

void test_a_killed_redis_comes_back_with_its_data(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    struct world *w = world_create(&server);
    uint8_t secret[SECRET_BYTES];
    memcpy(secret, w->secret, SECRET_BYTES);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    uint64_t acknowledged = 1;
    for (; acknowledged <= 50; acknowledged++) {
        assert_int_equal(world_verdict(w, row_update(w, "t1", acknowledged)), STORE_OK);
    }
    redis_server_kill(&server);
    world_wait_downs(w, 1);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_UNAVAILABLE);
    redis_server_start(&server, NULL);
    world_wait_ups(w, 2);
    assert_memory_equal(secret, w->secret, SECRET_BYTES);
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, acknowledged);
    assert_int_equal(world_verdict(w, row_update(w, "t1", acknowledged)), STORE_OK);
    assert_false(store_redis_refused(w->store));
    world_destroy(w);
    redis_server_finish(&server);
}

static bool note_told(const struct world *w, uint64_t what)
{
    return strstr(w->note, (const char *)(uintptr_t)what) != NULL;
}

static void wait_note(struct world *w, const char *part)
{
    world_wait(w, note_told, (uint64_t)(uintptr_t)part);
}

void test_a_missing_socket_counts_as_refused(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    char url[160];
    snprintf(url, sizeof url, "unix://%s", server.socket);
    struct store_redis_options options = {.url = url};
    struct world *w = world_create_with(&server, &options);
    assert_false(store_redis_refused(w->store)); /* not tried yet */
    wait_note(w, "cannot connect to /");
    assert_true(store_redis_refused(w->store));
    world_destroy(w);

    options.url = "redis://127.0.0.1:1"; /* nobody listens on tcpmux */
    w = world_create_with(&server, &options);
    wait_note(w, "cannot connect to 127.0.0.1 port 1: ");
    assert_true(store_redis_refused(w->store));
    assert_null(store_redis_gate_fault(w->store));
    world_destroy(w);

    options.url = "redis://127.1:1"; /* no address as it stands: the system's resolver is asked */
    w = world_create_with(&server, &options);
    wait_note(w, "cannot connect to 127.1 port 1: Connection refused");
    assert_true(store_redis_refused(w->store));
    world_destroy(w);

    options.url = "redis://localhost:1"; /* is known even where there is no /etc/hosts */
    w = world_create_with(&server, &options);
    wait_note(w, "cannot connect to localhost port 1: ");
    assert_true(store_redis_refused(w->store));
    world_destroy(w);
    redis_server_finish(&server);
}

static bool admission_closed(const struct world *w, uint64_t what)
{
    (void)what;
    return w->admission[0] != '\0';
}

/* The gate's fault names the line to set. */
static void assert_fault(const struct world *w, const char *line)
{
    const char *fault = store_redis_gate_fault(w->store);
    assert_non_null(fault);
    assert_non_null(strstr(fault, line));
    assert_string_equal(fault, w->admission);
}

static bool admission_open(const struct world *w, uint64_t what)
{
    (void)what;
    return w->admission[0] == '\0';
}

void test_a_missing_append_only_file_is_a_gate_fault(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, (const char *const[]){"--appendonly", "no", NULL});
    struct store_redis_options options = {.url = server.url};
    struct world *w = world_create_with(&server, &options);
    world_wait(w, admission_closed, 0);
    assert_fault(w, "set \"appendonly yes\"");
    assert_int_equal(w->ups, 0);
    assert_false(store_redis_refused(w->store));
    raw(&server, "CONFIG SET appendonly yes"); /* an operator mends it */
    world_wait_ups(w, 1);
    assert_string_equal(w->admission, "");
    assert_null(store_redis_gate_fault(w->store));
    world_destroy(w);
    redis_server_finish(&server);
}

void test_everysec_is_a_gate_fault_unless_relaxed(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, (const char *const[]){"--appendfsync", "everysec", NULL});
    struct store_redis_options options = {.url = server.url};
    struct world *w = world_create_with(&server, &options);
    world_wait(w, admission_closed, 0);
    assert_fault(w, "set \"appendfsync always\"");
    world_destroy(w);

    options.relaxed = true;
    w = world_create_with(&server, &options);
    world_wait_ups(w, 1);
    assert_null(store_redis_gate_fault(w->store));
    assert_int_equal(w->admissions, 0);
    assert_non_null(strstr(w->note, "appendfsync everysec")); /* but it is said */
    assert_non_null(strstr(w->remarks[REMARK_UNSAFE], "appendfsync everysec"));
    world_destroy(w);
    redis_server_finish(&server);
}

void test_eviction_later_closes_admission_only(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    struct world *w = world_create(&server);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    raw(&server, "CONFIG SET maxmemory-policy allkeys-lru");
    raw(&server, "CLIENT KILL TYPE normal"); /* the gate is seen anew with a new connection */
    redisReconnect(server.raw);
    world_wait_ups(w, 2);
    assert_non_null(strstr(w->admission, "set \"maxmemory-policy noeviction\""));
    assert_null(store_redis_gate_fault(w->store)); /* the process goes on */
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_OK);
    raw(&server, "CONFIG SET maxmemory-policy noeviction");
    raw(&server, "CLIENT KILL TYPE normal");
    redisReconnect(server.raw);
    world_wait(w, admission_open, 0);
    world_destroy(w);
    redis_server_finish(&server);
}

void test_a_replica_is_a_gate_fault(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, (const char *const[]){"--replicaof", "127.0.0.1 1", NULL});
    struct store_redis_options options = {.url = server.url};
    struct world *w = world_create_with(&server, &options);
    world_wait(w, admission_closed, 0);
    assert_fault(w, "replicaof no one");
    raw(&server, "REPLICAOF NO ONE");
    world_wait_ups(w, 1);
    assert_string_equal(w->admission, "");
    world_destroy(w);
    redis_server_finish(&server);
}

void test_passwords_are_used(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    raw(&server, "CONFIG SET requirepass s3cret");
    char url[160];
    snprintf(url, sizeof url, "unix://:wrong@%s?db=3", server.socket);
    struct store_redis_options options = {.url = url};
    struct world *w = world_create_with(&server, &options);
    wait_note(w, "WRONGPASS");
    assert_non_null(strstr(w->remarks[REMARK_AWAY], "WRONGPASS"));
    assert_null(strstr(w->remarks[REMARK_AWAY], "wrong@"));
    assert_int_equal(w->ups, 0);
    assert_false(store_redis_refused(w->store));
    world_destroy(w);

    options.password = "s3cret"; /* beats the URL's */
    w = world_create_with(&server, &options);
    world_wait_ups(w, 1);
    assert_string_equal(w->remarks[REMARK_AWAY], "");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    raw(&server, "SELECT 3");
    assert_int_equal(raw(&server, "EXISTS marathon:task:t1")->integer, 1);
    world_destroy(w);
    redis_server_finish(&server);
}

/* A user who may not write what starts write: nothing is admitted, and nothing lost for it. */
void test_a_user_without_rights_closes_admission(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    raw(&server, "ACL SETUSER m on >pw ~marathon:* +@all -config");
    char url[160];
    snprintf(url, sizeof url, "unix://m:pw@%s", server.socket);
    struct store_redis_options options = {.url = url};
    struct world *w = world_create_with(&server, &options);
    world_wait_ups(w, 1);
    world_wait(w, admission_closed, 0);
    assert_non_null(strstr(w->admission, "NOPERM"));
    assert_non_null(strstr(w->admission, "needs ~checkpoint:* ~error:* ~marathon:* +@all"));
    assert_non_null(strstr(w->remarks[REMARK_UNSAFE], "CONFIG is not permitted"));
    raw(&server, "ACL SETUSER m ~checkpoint:* ~error:* +config");
    world_wait(w, admission_open, 0);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(w->downs, 0);
    world_destroy(w);
    redis_server_finish(&server);
}

void test_a_lost_function_library_is_loaded_again(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init(&server);
    redis_server_start(&server, NULL);
    struct world *w = world_create(&server);
    world_own(w, "t1");
    raw(&server, "FUNCTION FLUSH");
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_UNKNOWN);
    world_wait_ups(w, 2);
    assert_int_equal(w->downs, 1);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    world_destroy(w);
    redis_server_finish(&server);
}
