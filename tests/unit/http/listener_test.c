/* The end of a listener, with a client in each state that a connection can be in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/listener.h"

#define PATIENCE_MS 20000
#define FIRST_PORT  20000

struct story {
    struct loop *loop;
    struct listener *listener;
    struct sockaddr_storage at;
    socklen_t at_len;
    int taken[4], count;
};

static void on_accepted(void *user, int fd)
{
    struct story *s = user;
    assert_true(s->count < 4);
    s->taken[s->count++] = fd;
}

static void on_turn(void *user)
{
    struct story *s = user;
    if (listener_is_closed(s->listener)) {
        loop_stop(s->loop);
    }
}

/* host: where to listen; reach: how a client calls that place. */
static void begin(struct story *s, const char *host, const char *reach)
{
    *s = (struct story){.loop = loop_create()};
    int port = FIRST_PORT + getpid() % 10000;
    while (listener_create(s->loop, host, port, on_accepted, s, &s->listener) != ERR_OK) {
        assert_int_equal(errno, EADDRINUSE);
        port++;
    }
    struct sockaddr_in *v4 = (void *)&s->at;
    struct sockaddr_in6 *v6 = (void *)&s->at;
    if (inet_pton(AF_INET, reach, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        s->at_len = sizeof *v4;
    } else {
        assert_int_equal(inet_pton(AF_INET6, reach, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        s->at_len = sizeof *v6;
    }
    loop_on_turn_end(s->loop, on_turn, s);
}

static void hears_only_neighbours(const struct story *s, int fd, int least)
{
    int level = s->at.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int name = s->at.ss_family == AF_INET ? IP_MINTTL : IPV6_MINHOPCOUNT;
    assert_int_equal(setsockopt(fd, level, name, &least, sizeof least), 0);
}

/* A deaf one does not hear the listener's answer to its SYN: it is in the middle of its handshake.
 */
static int connecting(const struct story *s, bool deaf)
{
    int fd = socket(s->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (deaf) {
        hears_only_neighbours(s, fd, 255);
    }
    if (connect(fd, (const struct sockaddr *)&s->at, s->at_len) != 0) {
        assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

static bool is_ready(int fd, short what, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = what};
    return poll(&p, 1, wait_ms) == 1 && (p.revents & what) != 0;
}

static void says(int from, int to, const char *what)
{
    char got[16];
    assert_int_equal(write(from, what, strlen(what)), strlen(what));
    assert_true(is_ready(to, POLLIN, PATIENCE_MS));
    assert_int_equal(read(to, got, sizeof got), strlen(what));
    assert_memory_equal(got, what, strlen(what));
}

static void who_has_begun_is_let_in(struct story *s, const char *host, const char *reach)
{
    begin(s, host, reach);
    int done = connecting(s, false);
    assert_true(is_ready(done, POLLOUT, PATIENCE_MS));
    int begun = connecting(s, true);

    listener_stop(s->listener);
    assert_false(listener_is_closed(s->listener));

    int late = connecting(s, false);
    assert_false(is_ready(late, POLLOUT, 200));
    hears_only_neighbours(s, begun, 0);
    assert_true(
        is_ready(begun, POLLOUT, PATIENCE_MS)); /* the answer is sent again after a second */
    assert_false(is_ready(late, POLLOUT, 0));
    loop_run(s->loop);

    assert_int_equal(s->count, 2);
    says(done, s->taken[0], "done");
    says(begun, s->taken[1], "begun");
    int error = 0;
    socklen_t len = sizeof error; /* it asks again, at an address where nobody listens */
    assert_true(is_ready(late, POLLERR | POLLHUP | POLLOUT, PATIENCE_MS));
    assert_int_equal(getsockopt(late, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    assert_int_equal(error, ECONNREFUSED);
    int all[] = {done, begun, late, s->taken[0], s->taken[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        (void)close(all[i]);
    }
    loop_destroy(s->loop);
}

/* A listener, and so its story, lives as long as its process. */
static struct story stories[3];

static void test_v4(void **state)
{
    (void)state;
    who_has_begun_is_let_in(&stories[0], "127.0.0.1", "127.0.0.1");
}

static bool has_v6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_there = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_there;
}

static void test_v6(void **state)
{
    (void)state;
    if (!has_v6()) {
        skip();
    }
    who_has_begun_is_let_in(&stories[1], "::1", "::1");
}

static void test_v4_of_a_socket_for_both(void **state)
{
    (void)state;
    if (!has_v6()) {
        skip();
    }
    who_has_begun_is_let_in(&stories[2], "::", "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v4),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_v4_of_a_socket_for_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
