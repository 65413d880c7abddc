/* What was put and lent comes out in order, whatever the socket takes at a time; and what is lent
 * is not copied. */
#include "store/redis_outgoing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/redis_socket.h"

#define SOURCE_BYTES 200000

struct pair {
    int ours, theirs;
};

static struct pair make_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    int small = 4096;
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    return (struct pair){fds[0], fds[1]};
}

static void drain(int fd, struct buf *to)
{
    uint8_t some[3000];
    for (ssize_t n; (n = read(fd, some, sizeof some)) > 0;) {
        buf_add(to, some, (size_t)n);
    }
}

static void test_all_comes_out_in_order(void **state)
{
    (void)state;
    static uint8_t source[SOURCE_BYTES];
    struct rng r;
    rng_seed(&r, 7);
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)rng_below(&r, 256);
    }
    struct pair p = make_pair();
    struct redis_outgoing o = {0};
    struct buf want = {0};
    struct buf came = {0};
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 400; i++) { /* more slices than one write takes */
            size_t len = rng_below(&r, i % 50 == 0 ? 30000 : 300);
            struct bytes piece = bytes_of(source + rng_below(&r, SOURCE_BYTES - 30000), len);
            (rng_below(&r, 2) == 0 ? outgoing_put : outgoing_lend)(&o, piece);
            buf_add_bytes(&want, piece);
            if (rng_below(&r, 40) == 0) { /* in the middle of a command, too */
                assert_true(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
            }
        }
        while (outgoing_waits(&o)) {
            assert_true(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
            drain(p.theirs, &came);
        }
    }
    drain(p.theirs, &came);
    assert_int_equal(came.len, want.len);
    assert_memory_equal(came.ptr, want.ptr, want.len);
    buf_free(&want);
    buf_free(&came);
    outgoing_free(&o);
    close(p.ours);
    close(p.theirs);
}

static void test_lent_bytes_are_read_where_they_lie(void **state)
{
    (void)state;
    struct pair p = make_pair();
    struct redis_outgoing o = {0};
    char lent[] = "before";
    outgoing_put(&o, BYTES_LIT("<"));
    outgoing_lend(&o, bytes_str(lent));
    outgoing_lend(&o, BYTES_NONE);
    outgoing_put(&o, BYTES_LIT(">"));
    memcpy(lent, "behind", 6);
    assert_true(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
    assert_false(outgoing_waits(&o));
    struct buf came = {0};
    drain(p.theirs, &came);
    assert_true(bytes_is(buf_bytes(&came), "<behind>"));
    buf_free(&came);
    outgoing_free(&o);
    close(p.ours);
    close(p.theirs);
}

/* One that is never empty keeps what waits, and not what is out. */
static void test_what_is_out_does_not_stay(void **state)
{
    (void)state;
    static const uint8_t lent[1000];
    struct pair p = make_pair();
    struct redis_outgoing o = {0};
    struct buf came = {0};
    for (int i = 0; i < 20000; i++) {
        outgoing_put(&o, BYTES_LIT("head"));
        outgoing_lend(&o, bytes_of(lent, sizeof lent));
        if (i < 100) { /* so much always waits */
            continue;
        }
        assert_true(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
        assert_true(outgoing_waits(&o));
        uint8_t one[1004];
        ssize_t n = read(p.theirs, one, sizeof one);
        assert_true(n > 0);
        buf_add(&came, one, (size_t)n);
        assert_in_range(o.lent_count, 1, 2048);
        assert_in_range(o.own.len, 1, 128 << 10);
    }
    while (outgoing_waits(&o)) {
        assert_true(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
        drain(p.theirs, &came);
    }
    drain(p.theirs, &came);
    assert_int_equal(came.len, 20000 * 1004);
    for (size_t at = 0; at < came.len; at += 1004) {
        assert_memory_equal(came.ptr + at, "head", 4);
    }
    buf_free(&came);
    outgoing_free(&o);
    close(p.ours);
    close(p.theirs);
}

static void test_a_closed_connection_is_told_and_nothing_is_left(void **state)
{
    (void)state;
    struct pair p = make_pair();
    struct redis_outgoing o = {0};
    close(p.theirs);
    outgoing_put(&o, BYTES_LIT("x"));
    outgoing_lend(&o, BYTES_LIT("y"));
    assert_false(outgoing_write(&o, &(struct redis_socket){.fd = p.ours}));
    assert_int_equal(errno, EPIPE);
    outgoing_clear(&o);
    assert_false(outgoing_waits(&o));
    outgoing_free(&o);
    close(p.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_comes_out_in_order),
        cmocka_unit_test(test_what_is_out_does_not_stay),
        cmocka_unit_test(test_lent_bytes_are_read_where_they_lie),
        cmocka_unit_test(test_a_closed_connection_is_told_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
