/* rediss://: a real redis-server with TLS, and what can be wrong between it and us. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_cases.h"
#include "store_world.h"
#include "tls/identity.h"

#define LARGE_BYTES (3u << 20) /* many records each way */
#define PATIENCE_MS 10000

static bool note_told(const struct world *w, uint64_t what)
{
    return strstr(w->note, (const char *)(uintptr_t)what) != NULL;
}

static void wait_note(struct world *w, const char *part)
{
    world_wait(w, note_told, (uint64_t)(uintptr_t)part);
}

static struct bytes make_large(uint8_t seed)
{
    uint8_t *all = mem_alloc(LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        all[i] = (uint8_t)('a' + (i * 31 + i / 977 + seed) % 26);
    }
    all[0] = all[LARGE_BYTES - 1] = '"';
    return bytes_of(all, LARGE_BYTES);
}

static void drop(struct bytes large)
{
    free((void *)(uintptr_t)large.ptr);
}

static void assert_input(struct world *w, const char *task_id, struct bytes expected)
{
    struct store_read read = read_task(task_id);
    read.kind = READ_PARTS;
    read.input = true;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->err, ERR_OK);
    assert_int_equal(a->input.len, expected.len);
    assert_memory_equal(a->input.ptr, expected.ptr, expected.len);
}

void test_a_store_speaks_tls_and_comes_back(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init_tls(&server);
    redis_server_start(&server, NULL);
    struct world *w = world_create(&server);
    struct bytes large = make_large(1);
    struct store_row row = row_admit(w, "t1");
    row.input = large;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    uint64_t acknowledged = 1;
    for (; acknowledged <= 50; acknowledged++) {
        assert_int_equal(world_verdict(w, row_update(w, "t1", acknowledged)), STORE_OK);
    }
    redis_server_kill(&server);
    world_wait_downs(w, 1);
    assert_int_equal(world_read(w, read_task("t1"))->err, ERR_UNAVAILABLE);
    redis_certs_renew();
    redis_server_start(&server, NULL);
    world_wait_ups(w, 2);
    assert_string_equal(w->remarks[REMARK_AWAY], "");
    assert_input(w, "t1", large); /* not of the cache, which went with the connection */
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, acknowledged);
    assert_int_equal(world_verdict(w, row_update(w, "t1", acknowledged)), STORE_OK);
    assert_false(store_redis_refused(w->store));
    drop(large);
    world_destroy(w);
    redis_server_finish(&server);
}

/* A server that reads nothing for a while: records are cut anywhere, and go on where they were. */
void test_a_socket_that_is_full_is_waited_for(void **state)
{
    (void)state;
    static const char *const ids[] = {"t1", "t2", "t3", "t4"};
    struct redis_server server;
    redis_server_init_tls(&server);
    redis_server_start(&server, NULL);
    struct world *w = world_create(&server);
    struct bytes large[4];
    struct store_row rows[4];
    uint64_t write_ids[4];
    for (size_t i = 0; i < 4; i++) {
        large[i] = make_large((uint8_t)i);
        rows[i] = row_admit(w, ids[i]); /* its partition is claimed before */
        rows[i].input = large[i];
    }
    redis_server_signal(&server, SIGSTOP);
    for (size_t i = 0; i < 4; i++) {
        write_ids[i] = world_write(w, rows[i]);
        world_pass(w, 20); /* what comes next is given while the socket is full */
        for (uint64_t v = 1; v <= 20; v++) {
            (void)world_write(w, row_update(w, ids[i], v));
        }
        world_pass(w, 20);
    }
    redis_server_signal(&server, SIGCONT);
    for (size_t i = 0; i < 4; i++) {
        world_wait(w, write_heard, write_ids[i]);
        assert_int_equal(w->writes[write_ids[i]].verdict, STORE_OK);
    }
    raw(&server, "CLIENT KILL TYPE normal"); /* the cache goes with the connection */
    redisReconnect(server.raw);
    world_wait_ups(w, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_input(w, ids[i], large[i]);
        assert_int_equal(world_read(w, read_task(ids[i]))->tasks[0].version, 21);
        drop(large[i]);
    }
    world_destroy(w);
    redis_server_finish(&server);
}

/* Where `said` is NULL it is to come up. */
static void see(struct redis_server *server, const struct redis_tls *tls, const char *said)
{
    struct store_redis_options options = {
        .url = server->url, .tls = tls, .deadline_ms = PATIENCE_MS};
    struct world *w = world_create_with(server, &options);
    if (said == NULL) {
        world_wait_ups(w, 1);
        assert_string_equal(w->remarks[REMARK_AWAY], "");
    } else {
        wait_note(w, said);
        assert_non_null(strstr(w->remarks[REMARK_AWAY], said));
        assert_int_equal(w->ups, 0);
        assert_false(store_redis_refused(w->store)); /* and no reason for a store in memory */
    }
    world_destroy(w);
}

static void see_certificate(const char *cert, const struct redis_tls *tls, const char *said)
{
    struct redis_server server;
    redis_server_init_tls(&server);
    server.tls_cert = cert;
    redis_server_start(&server, NULL);
    see(&server, tls, said);
    redis_server_finish(&server);
}

void test_a_certificate_that_does_not_fit_is_named(void **state)
{
    (void)state;
    struct redis_tls ours = {.identity = redis_certs_client("ca.pem", "")};
    struct redis_tls theirs = {.identity = redis_certs_client("other/ca.pem", "")};
    struct redis_tls named = {.identity = theirs.identity, .name = "there.example"};
    see_certificate("server", &ours, NULL);
    see_certificate(
        "server", &theirs,
        " certificate in certificate chain (MARATHON_REDIS_TLS_CA_FILE sets the CA to trust)");
    see_certificate("expired", &ours, "TLS: its certificate: certificate has expired");
    see_certificate("other/server", &theirs,
                    "TLS: its certificate: IP address mismatch (its subjectAltName must have the "
                    "host dialled, or set MARATHON_REDIS_TLS_NAME)");
    see_certificate("other/server", &named, NULL);
    tls_identity_free(ours.identity);
    tls_identity_free(theirs.identity);
}

void test_a_server_may_want_to_know_us(void **state)
{
    (void)state;
    struct redis_server server;
    struct redis_tls tls = {.identity = redis_certs_client("ca.pem", "")};
    struct tls_identity *known = redis_certs_client("ca.pem", "client");
    struct tls_identity *stranger = redis_certs_client("ca.pem", "other/client");
    static const char *const versions[] = {"TLSv1.3", "TLSv1.2"}; /* it is told at other times */
    for (size_t i = 0; i < 2; i++) {
        redis_server_init_tls(&server);
        server.tls_asks_clients = true;
        redis_server_start(&server, (const char *const[]){"--tls-protocols", versions[i], NULL});
        see(&server, &tls, "MARATHON_REDIS_TLS_CERT_FILE");
        see(&server, &(struct redis_tls){.identity = stranger}, "MARATHON_REDIS_TLS_CERT_FILE");
        struct store_redis_options options = {
            .url = server.url, .tls = &tls, .deadline_ms = PATIENCE_MS};
        struct tls_identity *none = tls.identity;
        struct world *w = world_create_with(&server, &options);
        wait_note(w, "MARATHON_REDIS_TLS_CERT_FILE");
        tls.identity = known; /* as on SIGHUP */
        world_wait_ups(w, 1);
        assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
        world_destroy(w);
        tls.identity = none;
        redis_server_finish(&server);
    }
    tls_identity_free(tls.identity);
    tls_identity_free(known);
    tls_identity_free(stranger);
}

void test_plain_and_tls_do_not_understand_each_other_and_say_so(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_init_tls(&server);
    redis_server_start(&server, NULL);
    snprintf(server.url, sizeof server.url, "redis://127.0.0.1:%d", server.tls_port);
    see(&server, NULL, "before it answered anything (is it a TLS port? then use rediss://)");
    assert_string_equal(raw(&server, "CONFIG SET tls-port 0")->str, "OK");
    assert_string_equal(raw(&server, "CONFIG SET port %d", server.tls_port)->str, "OK");
    see(&server, NULL, NULL);
    snprintf(server.url, sizeof server.url, "rediss://127.0.0.1:%d", server.tls_port);
    struct store_redis_options options = {
        .url = server.url, .tls = redis_certs_tls(), .deadline_ms = 300};
    struct world *w = world_create_with(&server, &options); /* it waits for the end of a line */
    wait_note(w, "no TLS handshake");
    assert_non_null(strstr(w->remarks[REMARK_AWAY], "redis://"));
    world_destroy(w);
    redis_server_finish(&server);
    options = (struct store_redis_options){.url = "rediss://127.0.0.1:1"};
    struct store *store = NULL;
    const char *why = NULL;
    struct loop *loop = loop_create();
    assert_int_equal(store_redis_create(loop, &options, (struct store_handler){0}, &store, &why),
                     ERR_INVALID);
    assert_non_null(strstr(why, "TLS"));
    loop_destroy(loop);
}
