/* Who gets in over TLS, and who does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage.h"
#include "transport/nng_impl.h"

static struct transport_tls_stats stats_of(const struct side *side)
{
    return transport_nng_tls_stats(side->transport);
}

static void begin_listening(struct stage *s)
{
    stage_begin(s, STAGE_TLS);
    stage_listen(s);
}

static void run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run_command(const char *format, ...)
{
    char command[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command) == -1) {
        fail_msg("%s: %s", command, strerror(errno));
    }
}

/* ---- the certificate ---- */

static void test_each_side_knows_the_others_part(void **state)
{
    (void)state;
    struct stage s;
    begin_listening(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    assert_string_equal(transport_nng_unit(s.server.transport, side_last(&s.server)->id),
                        "marathon-worker");
    assert_string_equal(transport_nng_unit(s.client.transport, side_last(&s.client)->id),
                        "marathon-coordinator");
    assert_string_equal(transport_nng_unit(s.client.transport, 999999), "");
    assert_int_equal(stats_of(&s.server).handshakes, 1);
    assert_int_equal(stats_of(&s.server).refusals, 0);
    unix_ms left = stats_of(&s.server).expires - clock_now().wall;
    assert_in_range(left / 3600000, 39 * 24, 40 * 24);
    stage_end(&s);
}

static uint64_t refusals_awaited;

static bool refusals_are_there(struct stage *s)
{
    return stats_of(&s->server).refusals >= refusals_awaited;
}

/* A stranger's own tool. It is in the background, since the loop has to answer it. */
static void stranger_knocks(struct stage *s, const char *options)
{
    run_command("openssl s_client -connect %s -CAfile %s/ca.pem %s </dev/null >/dev/null 2>&1 &",
                s->url + strlen("tls+tcp://"), stage_certs(), options);
    refusals_awaited++;
    stage_run(s, refusals_are_there);
    assert_int_equal(stats_of(&s->server).refusals, refusals_awaited);
    assert_int_equal(s->server.conn_count, 0); /* it was never told of */
}

static void make_expired(const char *folder)
{
    run_command("cd '%s' && mkdir -p ca && : >ca/index && echo 77 >ca/serial && openssl req -new "
                "-key worker.key -subj /OU=marathon-worker/CN=late -out late.csr 2>/dev/null && "
                "printf '[ca]\\ndefault_ca=a\\n[a]\\ndatabase=ca/index\\nserial=ca/serial\\n"
                "new_certs_dir=ca\\ndefault_md=sha256\\npolicy=p\\n[p]\\n"
                "organizationalUnitName=optional\\ncommonName=supplied\\n' >ca/conf && openssl ca "
                "-batch -config ca/conf -cert ca.pem -keyfile ca.key -startdate 20200101000000Z "
                "-enddate 20200201000000Z -in late.csr -out late.pem 2>/dev/null",
                folder);
}

static void test_strangers_get_nowhere(void **state)
{
    (void)state;
    struct stage s;
    char options[600], other[200];
    refusals_awaited = 0;
    begin_listening(&s);
    snprintf(other, sizeof other, "%s/other", stage_certs());
    run_command("'" CERTS_SCRIPT "' '%s' >/dev/null", other);
    stranger_knocks(&s, ""); /* shows none */
    stranger_knocks(&s, "-tls1_2");
    snprintf(options, sizeof options, "-cert %s/worker.pem -key %s/worker.key", other, other);
    stranger_knocks(&s, options); /* of another authority */
    make_expired(stage_certs());
    snprintf(options, sizeof options, "-cert %s/late.pem -key %s/worker.key", stage_certs(),
             stage_certs());
    stranger_knocks(&s, options); /* expired */
    snprintf(options, sizeof options, "-cert %s/coordinator.pem -key %s/coordinator.key",
             stage_certs(), stage_certs());
    stranger_knocks(&s, options); /* not for who dials */
    stranger_knocks(&s, "-tls1_1 -cipher DEFAULT:@SECLEVEL=0");
    stage_dial(&s); /* and one of ours still gets in */
    stage_run(&s, connected);
    stage_end(&s);
}

static void test_same_tool_gets_in_with_a_good_certificate(void **state)
{
    (void)state;
    struct stage s;
    begin_listening(&s);
    run_command("openssl s_client -connect %s -CAfile %s/ca.pem -cert %s/worker.pem -key "
                "%s/worker.key </dev/null >/dev/null 2>&1 &",
                s.url + strlen("tls+tcp://"), stage_certs(), stage_certs(), stage_certs());
    while (s.server.conn_count == 0) {
        loop_timer_set(loop_timer_create(s.loop, (loop_fn *)loop_stop, s.loop),
                       loop_now(s.loop).mono + 10);
        loop_run(s.loop);
    }
    assert_int_equal(stats_of(&s.server).refusals, 0);
    stage_end(&s);
}

/* ---- the name ---- */

static bool client_was_refused(struct stage *s)
{
    return stats_of(&s->client).refusals > 0;
}

static void dial_as(struct stage *s, const char *name)
{
    char url[200];
    snprintf(url, sizeof url, "tls+tcp://%s@%s", name, s->url + strlen("tls+tcp://"));
    struct transport *t = s->client.transport;
    assert_int_equal(t->ops->dial(t, url, side_handler(&s->client), &s->dialer), ERR_OK);
}

static void test_listener_must_have_the_name_that_is_dialled(void **state)
{
    (void)state;
    struct stage s;
    begin_listening(&s);
    dial_as(&s, "elsewhere.example");
    stage_run(&s, client_was_refused);
    assert_int_equal(s.client.conn_count, 0);
    s.client.transport->ops->undial(s.client.transport, s.dialer);
    dial_as(&s, "there.example");
    stage_run(&s, connected);
    stage_end(&s);
}

static void test_worker_is_no_coordinator(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_TLS);
    transport_nng_identity(s.server.transport, stage_identity(stage_certs(), "worker"));
    stage_listen(&s);
    stage_dial(&s);
    stage_run(&s, client_was_refused);
    assert_int_equal(s.client.conn_count, 0);
    assert_int_equal(s.server.conn_count, 0);
    stage_end(&s);
}

/* ---- time and number ---- */

static int knock(const struct stage *s)
{
    unsigned port = (unsigned)strtoul(strrchr(s->url, ':') + 1, NULL, 10);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static bool is_closed(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&state, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN;
}

static int silent, slow; /* strangers */

static bool both_are_closed(struct stage *s)
{
    (void)s;
    return is_closed(silent) && is_closed(slow);
}

static int deaf; /* listens, and never says a word */

static bool deaf_is_dialled_again(struct stage *s)
{
    (void)s;
    struct pollfd state = {.fd = deaf, .events = POLLIN};
    return poll(&state, 1, 0) == 1;
}

static void deaf_listen(struct stage *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(deaf, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(deaf, 8), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&a, &len), 0);
    snprintf(s->url, sizeof s->url, "tls+tcp://127.0.0.1:%u", ntohs(a.sin_port));
}

static void test_listener_that_hangs_is_dialled_again_and_is_no_refusal(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_TLS);
    deaf_listen(&s);
    stage_dial(&s);
    stage_run(&s, deaf_is_dialled_again);
    int first = accept(deaf, NULL, NULL);
    stage_run(&s, deaf_is_dialled_again);
    assert_true(first >= 0);
    assert_int_equal(s.client.conn_count, 0);
    assert_int_equal(stats_of(&s.client).refusals, 0);
    close(first);
    close(deaf);
    stage_end(&s);
}

static void test_who_says_nothing_is_closed_in_time(void **state)
{
    (void)state;
    struct stage s;
    begin_listening(&s);
    silent = knock(&s);
    slow = knock(&s);
    assert_int_equal(send(slow, "\x16\x03\x01", 3, 0), 3); /* the beginning of a hello */
    refusals_awaited = 2;
    stage_run(&s, refusals_are_there);
    stage_run(&s, both_are_closed); /* nng's own thread does it, when it comes to it */
    assert_int_equal(s.server.conn_count, 0);
    close(silent);
    close(slow);
    stage_end(&s);
}

#define KNOCKS_MAX 1024

static int knockers[KNOCKS_MAX], knocked;

static bool first_is_closed(struct stage *s)
{
    (void)s;
    return is_closed(knockers[0]);
}

/* One a turn: the loop has to open the door to each. */
static bool all_have_knocked(struct stage *s)
{
    knockers[knocked++] = knock(s);
    return knocked == KNOCKS_MAX;
}

static void test_crowd_of_strangers_keeps_nobody_out(void **state)
{
    (void)state;
    struct rlimit files = {.rlim_cur = 4096, .rlim_max = 4096};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    files.rlim_max = before.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        skip(); /* the machine gives us too few */
    }
    struct stage s;
    begin_listening(&s);
    int64_t began = clock_mono_us();
    stage_run(&s, all_have_knocked);
    stage_dial(&s);
    stage_run(&s, connected);
    assert_int_equal(s.server.conn_count, 1);
    if (clock_mono_us() - began < 4000000) { /* else their time was over, on a slow machine */
        assert_int_equal(stats_of(&s.server).pushed_out, 1);
        assert_int_equal(stats_of(&s.server).refusals, 1);
        bool second_is_closed = is_closed(knockers[1]);
        assert_false(second_is_closed && clock_mono_us() - began < 4000000);
        stage_run(&s, first_is_closed); /* nng's own thread does it, when it comes to it */
    }
    for (int i = 0; i < KNOCKS_MAX; i++) {
        close(knockers[i]);
    }
    stage_end(&s);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* ---- a channel that breaks ---- */

static bool client_is_closed(struct stage *s)
{
    return s->client.conns[0].closed;
}

/* Its peer would hear nothing, and close it for its silence only. */
static void test_connection_that_can_write_no_more_is_closed_at_once(void **state)
{
    (void)state;
    struct stage s;
    uint8_t garbage[64] = {0}, text[64];
    struct buf alert = {0};
    size_t len;
    begin_listening(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    conn_id id = side_last(&s.client)->id;
    struct tls_channel *channel =
        conn_find((struct transport_nng *)s.client.transport, id)->out.channel;
    tls_channel_feed(channel, bytes_of(garbage, sizeof garbage));
    assert_int_equal(tls_channel_read(channel, (struct tls_room){text, sizeof text}, &len, &alert),
                     TLS_FAILED);
    send_frame(&s.client, id, FRAME_NUMBERED, 0, 0);
    stage_run(&s, client_is_closed);
    assert_int_equal(s.client.conns[0].why, CLOSED_BY_PEER);
    buf_free(&alert);
    stage_end(&s);
}

/* ---- again and again ---- */

static size_t files_open(void)
{
    DIR *all = opendir("/proc/self/fd");
    size_t n = 0;
    assert_non_null(all);
    while (readdir(all) != NULL) {
        n++;
    }
    closedir(all);
    return n;
}

struct churn {
    int opened, closed;
};

static void churn_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct churn *c = user;
    (void)conn;
    (void)dialer;
    c->opened++;
}

static void churn_frame(void *user, conn_id conn, struct bytes frame)
{
    (void)user;
    (void)conn;
    (void)frame;
}

static void churn_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct churn *c = user;
    (void)conn;
    (void)why;
    c->closed++;
}

static struct churn there, here;
static int rounds;

static bool both_opened(struct stage *s)
{
    (void)s;
    return there.opened == rounds && here.opened == rounds;
}

static bool both_closed(struct stage *s)
{
    (void)s;
    return there.closed == rounds && here.closed == rounds;
}

static size_t files_before;

/* nng's own thread closes them, when it comes to it. */
static bool files_are_closed(struct stage *s)
{
    (void)s;
    return files_open() <= files_before;
}

static void test_two_hundred_connections_come_and_go_without_a_trace(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_TLS);
    struct transport *server = s.server.transport, *client = s.client.transport;
    struct transport_handler at_server = {churn_opened, churn_frame, churn_closed, &there};
    struct transport_handler at_client = {churn_opened, churn_frame, churn_closed, &here};
    assert_int_equal(server->ops->listen(server, s.url, at_server), ERR_OK);
    for (rounds = 1; rounds <= 200; rounds++) {
        uint32_t dialer;
        assert_int_equal(client->ops->dial(client, s.url, at_client, &dialer), ERR_OK);
        stage_run(&s, both_opened);
        client->ops->undial(client, dialer);
        stage_run(&s, both_closed);
        files_before = rounds == 1 ? files_open() : files_before;
    }
    stage_run(&s, files_are_closed);
    assert_int_equal(stats_of(&s.server).handshakes, 200);
    stage_end(&s);
}

/* ---- renewal ---- */

static bool connected_twice(struct stage *s)
{
    return s->server.open_count == 2 && s->client.open_count == 2;
}

static void test_new_certificate_is_for_new_connections(void **state)
{
    (void)state;
    struct stage s;
    begin_listening(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    unix_ms before = stats_of(&s.server).expires;
    run_command("'" CERTS_SCRIPT "' --renew --days 80 --role coordinator --coordinator 127.0.0.1 "
                "--coordinator there.example --coordinator new.example '%s' >/dev/null",
                stage_certs());
    transport_nng_identity(s.server.transport, stage_identity(stage_certs(), "coordinator"));
    assert_true(stats_of(&s.server).expires > before);
    dial_as(&s, "new.example"); /* the old certificate does not have that name */
    stage_run(&s, connected_twice);
    send_frame(&s.client, s.client.conns[0].id, FRAME_NUMBERED, 0, 100);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_side_knows_the_others_part),
        cmocka_unit_test(test_strangers_get_nowhere),
        cmocka_unit_test(test_same_tool_gets_in_with_a_good_certificate),
        cmocka_unit_test(test_listener_must_have_the_name_that_is_dialled),
        cmocka_unit_test(test_worker_is_no_coordinator),
        cmocka_unit_test(test_listener_that_hangs_is_dialled_again_and_is_no_refusal),
        cmocka_unit_test(test_who_says_nothing_is_closed_in_time),
        cmocka_unit_test(test_crowd_of_strangers_keeps_nobody_out),
        cmocka_unit_test(test_connection_that_can_write_no_more_is_closed_at_once),
        cmocka_unit_test(test_two_hundred_connections_come_and_go_without_a_trace),
        cmocka_unit_test(test_new_certificate_is_for_new_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
