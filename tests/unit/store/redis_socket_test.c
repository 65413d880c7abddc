/* A connection's bytes through TLS: in order, whatever the socket takes at a time, and in no more
 * records than needed. The server's end is a tls_channel. */
#include "store/redis_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../contract/redis_certs.h"
#include "base/rng.h"
#include "store/redis_outgoing.h"
#include "tls/channel.h"

#define SOURCE_BYTES 200000
#define RECORD_DATA  23 /* its first byte */

struct ends {
    struct redis_socket ours;
    int theirs;
    struct tls_channel *server;
    bool server_open;
    struct buf said; /* by us */
    struct buf out;  /* the server's, for the socket */
    size_t records;  /* of ours, with data */
    struct buf raw;  /* of ours, not yet counted */
};

static uint8_t source[SOURCE_BYTES];

static int make_source(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 7);
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)rng_below(&r, 256);
    }
    return 0;
}

static void count_records(struct ends *e, struct bytes came)
{
    buf_add_bytes(&e->raw, came);
    for (size_t len; e->raw.len >= 5; buf_drop_front(&e->raw, len)) {
        len = 5 + (size_t)e->raw.ptr[3] * 256 + e->raw.ptr[4];
        if (e->raw.len < len) {
            return;
        }
        e->records += e->raw.ptr[0] == RECORD_DATA;
    }
}

static void hear(struct ends *e, struct bytes came)
{
    tls_channel_feed(e->server, came);
    if (!e->server_open) {
        enum tls_state state = tls_channel_shake(e->server, &e->out);
        assert_int_not_equal(state, TLS_FAILED);
        e->server_open = state == TLS_OPEN;
    }
    uint8_t some[4000];
    for (size_t len = sizeof some; e->server_open && len == sizeof some;) {
        struct tls_room room = {some, sizeof some};
        assert_int_equal(tls_channel_read(e->server, room, &len, &e->out), TLS_OPEN);
        buf_add(&e->said, some, len);
    }
}

/* The server reads all that there is, and writes what the socket takes. */
static void serve(struct ends *e)
{
    uint8_t some[3000];
    for (ssize_t n; (n = read(e->theirs, some, sizeof some)) > 0;) {
        count_records(e, bytes_of(some, (size_t)n));
        hear(e, bytes_of(some, (size_t)n));
    }
    ssize_t n = e->out.len > 0 ? write(e->theirs, e->out.ptr, e->out.len) : 0;
    buf_drop_front(&e->out, n > 0 ? (size_t)n : 0);
}

static struct tls_identity *server_identity(void)
{
    char ca[128], cert[128], key[128], message[TLS_MESSAGE_BYTES] = "";
    struct tls_identity *identity = NULL;
    snprintf(ca, sizeof ca, "%s/ca.pem", redis_certs());
    snprintf(cert, sizeof cert, "%s/server.pem", redis_certs());
    snprintf(key, sizeof key, "%s/server.key", redis_certs());
    struct tls_files files = {.ca = ca, .cert = cert, .key = key, .password = ""};
    if (tls_identity_load(&files, &identity, message) != ERR_OK) {
        fail_msg("%s", message);
    }
    return identity;
}

static struct ends *ends_open(void)
{
    struct ends *e = mem_zalloc(sizeof *e);
    int fds[2];
    int small = 4096;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    e->ours.fd = fds[0];
    e->theirs = fds[1];
    struct tls_identity *server = server_identity();
    struct redis_tls client = {.identity = redis_certs_client("ca.pem", "client")};
    e->server = tls_channel_create(server, NULL);
    socket_secure(&e->ours, &client, "localhost");
    tls_identity_free(server); /* each end holds its own */
    tls_identity_free(client.identity);
    for (enum socket_state state = SOCKET_SHAKES; state != SOCKET_OPEN || !e->server_open;) {
        bool write = false;
        state = state == SOCKET_OPEN ? state : socket_shake(&e->ours, &write);
        assert_int_not_equal(state, SOCKET_FAILED);
        serve(e);
    }
    e->records = 0;
    return e;
}

static void ends_close(struct ends *e)
{
    socket_close(&e->ours);
    tls_channel_destroy(e->server);
    buf_free(&e->said);
    buf_free(&e->out);
    buf_free(&e->raw);
    free(e);
}

static void test_all_comes_out_in_order(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 11);
    struct ends *e = ends_open();
    int fd = e->ours.fd;
    struct redis_outgoing o = {0};
    struct buf want = {0};
    size_t stuck = 0;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 400; i++) { /* more slices than one write takes */
            size_t len = rng_below(&r, i % 50 == 0 ? 60000 : 300);
            struct bytes piece = bytes_of(source + rng_below(&r, SOURCE_BYTES - 60000), len);
            (rng_below(&r, 2) == 0 ? outgoing_put : outgoing_lend)(&o, piece);
            buf_add_bytes(&want, piece);
            if (rng_below(&r, 40) == 0) { /* in the middle of a command, too */
                assert_true(outgoing_write(&o, &e->ours));
                stuck += e->ours.waiting > 0;
            }
        }
        while (outgoing_waits(&o)) {
            assert_true(outgoing_write(&o, &e->ours));
            serve(e);
        }
    }
    serve(e);
    assert_int_equal(e->said.len, want.len);
    assert_memory_equal(e->said.ptr, want.ptr, want.len);
    assert_int_equal(o.sent_total, want.len);
    assert_true(stuck > 10); /* records that were gathered, and had to be offered again */
    outgoing_free(&o);
    buf_free(&want);
    ends_close(e);
    close(fd);
}

static void test_short_slices_share_records(void **state)
{
    (void)state;
    struct ends *e = ends_open();
    int fds[2] = {e->ours.fd, e->theirs};
    struct redis_outgoing o = {0};
    for (size_t i = 0; i < 150; i++) {
        outgoing_put(&o, bytes_of(source, 20));
        outgoing_lend(&o, bytes_of(source + i, 30));
    }
    outgoing_lend(&o, bytes_of(source, 100000));
    while (outgoing_waits(&o)) {
        assert_true(outgoing_write(&o, &e->ours));
        serve(e);
    }
    serve(e);
    assert_int_equal(e->said.len, 107500);
    assert_in_range(e->records, 7, 9); /* 107500 of 16384 are 7 */
    outgoing_free(&o);
    ends_close(e);
    close(fds[0]);
    close(fds[1]);
}

static void test_what_tls_keeps_to_itself_is_told(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 13);
    struct ends *e = ends_open();
    int fds[2] = {e->ours.fd, e->theirs};
    static uint8_t came[SOURCE_BYTES + 1];
    size_t given = 0, read = 0, kept = 0;
    while (read < SOURCE_BYTES) {
        size_t part = rng_below(&r, 30000);
        part = part < SOURCE_BYTES - given ? part : SOURCE_BYTES - given;
        if (part > 0) {
            assert_int_equal(tls_channel_write(e->server, bytes_of(source + given, part), &e->out),
                             ERR_OK);
        }
        given += part;
        serve(e);
        do { /* as a link does: as long as it holds more, no poll would tell */
            size_t room = 1 + rng_below(&r, 5000);
            room = room < sizeof came - read ? room : sizeof came - read;
            ssize_t n = socket_read(&e->ours, came + read, room);
            if (n < 0) {
                assert_int_equal(errno, EAGAIN);
                assert_false(socket_holds(&e->ours));
            } else {
                assert_in_range(n, 1, room);
                read += (size_t)n;
                kept += socket_holds(&e->ours);
            }
        } while (socket_holds(&e->ours));
    }
    assert_int_equal(read, SOURCE_BYTES);
    assert_memory_equal(came, source, SOURCE_BYTES);
    assert_true(kept > 10);
    ends_close(e);
    close(fds[0]);
    close(fds[1]);
}

static void test_an_end_is_no_failure_and_nonsense_is_one(void **state)
{
    (void)state;
    uint8_t some[100];
    struct ends *e = ends_open();
    int fds[2] = {e->ours.fd, e->theirs};
    assert_int_equal(socket_read(&e->ours, some, sizeof some), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(tls_channel_write(e->server, BYTES_LIT("+OK\r\n"), &e->out), ERR_OK);
    serve(e);
    close(e->theirs);
    assert_int_equal(socket_read(&e->ours, some, sizeof some), 5);
    assert_memory_equal(some, "+OK\r\n", 5);
    assert_true(socket_holds(&e->ours)); /* the end, which is told by the next one */
    assert_int_equal(socket_read(&e->ours, some, sizeof some), 0);
    struct iovec slice = {some, 5};
    assert_int_equal(socket_write(&e->ours, &slice, 1), -1);
    assert_non_null(strstr(socket_why(&e->ours), "Broken pipe"));
    ends_close(e);
    close(fds[0]);

    e = ends_open();
    fds[0] = e->ours.fd;
    fds[1] = e->theirs;
    assert_int_equal(write(e->theirs, "+OK no TLS at all\r\n", 19), 19);
    assert_int_equal(socket_read(&e->ours, some, sizeof some), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(socket_why(&e->ours), "TLS: wrong version number");
    assert_int_equal(socket_write(&e->ours, &slice, 1), -1);
    assert_int_equal(errno, EPROTO);
    ends_close(e);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_comes_out_in_order),
        cmocka_unit_test(test_short_slices_share_records),
        cmocka_unit_test(test_what_tls_keeps_to_itself_is_told),
        cmocka_unit_test(test_an_end_is_no_failure_and_nonsense_is_one),
    };
    return cmocka_run_group_tests(tests, make_source, NULL);
}
