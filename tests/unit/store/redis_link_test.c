/* A link over TLS to a server of the test's own, on the same loop: answers that TLS has read of the
 * socket already, while the link was done with this event, are not waited for. */
#include "store/redis_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../contract/redis_certs.h"
#include "tls/channel.h"

#define EVENT_BYTES  (256u << 10) /* what the link reads in one go */
#define ANSWER_BYTES 128u
#define FIRST_BYTES  8192u /* half a record */
#define ROUNDS       40u   /* each a little longer: together they pass a record */
#define PATIENCE_MS  60000
#define COMMAND      "*1\r\n$4\r\nPING\r\n"

struct stage {
    struct loop *loop;
    struct loop_timer *patience;
    int door, theirs;
    struct loop_watch *door_watch, *watch;
    struct tls_channel *server;
    bool open;
    struct buf out;
    struct redis_link *link;
    size_t heard; /* of a round's commands, bytes */
    size_t answered, round;
    bool gave_up;
};

static size_t round_answers(const struct stage *s)
{
    return EVENT_BYTES / ANSWER_BYTES + s->round * 4;
}

/* ---- the server ---- */

static void say(struct stage *s)
{
    while (s->out.len > 0) {
        ssize_t n = write(s->theirs, s->out.ptr, s->out.len);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            break;
        }
        buf_drop_front(&s->out, (size_t)n);
    }
    loop_watch_set(s->watch, LOOP_READABLE | (s->out.len > 0 ? LOOP_WRITABLE : 0));
}

/* All answers of a round at once, when all its commands are here. */
static void answer(struct stage *s)
{
    char text[ANSWER_BYTES + 1];
    struct buf all = {0};
    if (s->heard < round_answers(s) * strlen(COMMAND)) {
        return;
    }
    s->heard = 0;
    snprintf(text, sizeof text, "+%0*d\r\n", (int)ANSWER_BYTES - 3, 7);
    for (size_t i = round_answers(s); i > 0; i--) {
        buf_add(&all, text, ANSWER_BYTES);
    }
    /* A first record of its own: those behind it end within the link's blocks. */
    struct bytes first = bytes_part(buf_bytes(&all), 0, FIRST_BYTES);
    struct bytes rest = bytes_part(buf_bytes(&all), FIRST_BYTES, all.len);
    assert_int_equal(tls_channel_write(s->server, first, &s->out), ERR_OK);
    assert_int_equal(tls_channel_write(s->server, rest, &s->out), ERR_OK);
    buf_free(&all);
}

static void on_server(void *user, int ready)
{
    struct stage *s = user;
    uint8_t raw[16384];
    uint8_t plain[16384];
    ssize_t n = (ready & LOOP_READABLE) != 0 ? read(s->theirs, raw, sizeof raw) : 0;
    if (n > 0) {
        tls_channel_feed(s->server, bytes_of(raw, (size_t)n));
        if (!s->open) {
            s->open = tls_channel_shake(s->server, &s->out) == TLS_OPEN;
        }
        for (size_t len = sizeof plain; s->open && len == sizeof plain; s->heard += len) {
            struct tls_room room = {plain, sizeof plain};
            assert_int_equal(tls_channel_read(s->server, room, &len, &s->out), TLS_OPEN);
        }
        answer(s);
    }
    say(s);
}

/* So that a round is in the link's socket as a whole when it begins to read. */
static void widen(struct sockaddr_in *ours)
{
    int large = 4 << 20;
    for (int fd = 0; fd < 256; fd++) {
        struct sockaddr_in at = {0};
        socklen_t len = sizeof at;
        if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sin_family == AF_INET &&
            at.sin_port == ours->sin_port) {
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large), 0);
            return;
        }
    }
    fail_msg("the link's socket is not there");
}

static void on_door(void *user, int ready)
{
    struct stage *s = user;
    struct sockaddr_in ours = {0};
    socklen_t len = sizeof ours;
    (void)ready;
    s->theirs = accept4(s->door, (struct sockaddr *)&ours, &len, SOCK_NONBLOCK);
    assert_true(s->theirs >= 0);
    widen(&ours);
    loop_watch_set(s->door_watch, 0);
    s->watch = loop_watch_create(s->loop, s->theirs, on_server, s);
    loop_watch_set(s->watch, LOOP_READABLE);
}

static int open_door(struct stage *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int large = 4 << 20;
    s->door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(setsockopt(s->door, SOL_SOCKET, SO_SNDBUF, &large, sizeof large), 0);
    assert_int_equal(bind(s->door, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->door, 1), 0);
    assert_int_equal(getsockname(s->door, (struct sockaddr *)&at, &len), 0);
    s->door_watch = loop_watch_create(s->loop, s->door, on_door, s);
    loop_watch_set(s->door_watch, LOOP_READABLE);
    return ntohs(at.sin_port);
}

static struct tls_channel *make_server(void)
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
    struct tls_channel *server = tls_channel_create(identity, NULL);
    tls_identity_free(identity);
    return server;
}

/* ---- the client ---- */

static void on_answer(void *user, const struct redisReply *reply);

static void ask(struct stage *s)
{
    for (size_t i = 0; i < round_answers(s); i++) {
        link_send(s->link, BYTES_LIT(COMMAND), on_answer, s);
    }
    link_flush(s->link);
}

static void on_answer(void *user, const struct redisReply *reply)
{
    struct stage *s = user;
    (void)reply;
    s->answered++;
}

static void on_settled(void *user)
{
    struct stage *s = user;
    if (s->answered < round_answers(s)) {
        return;
    }
    s->answered = 0;
    s->round++;
    if (s->round == ROUNDS) {
        loop_stop(s->loop);
    } else {
        ask(s);
    }
}

static void on_open(void *user)
{
    ask(user);
}

static void on_lost(void *user, const char *why)
{
    (void)user;
    fail_msg("lost: %s", why);
}

static void on_patience(void *user)
{
    struct stage *s = user;
    s->gave_up = true;
    loop_stop(s->loop);
}

static void test_what_tls_has_read_already_is_not_waited_for(void **state)
{
    (void)state;
    struct stage *s = mem_zalloc(sizeof *s);
    s->loop = loop_create();
    s->server = make_server();
    struct redis_url url = {.tls = true, .host = "127.0.0.1"};
    url.port = open_door(s);
    struct redis_tls tls = {.identity = redis_certs_client("ca.pem", "client")};
    s->patience = loop_timer_create(s->loop, on_patience, s);
    loop_timer_set(s->patience, loop_now(s->loop).mono + PATIENCE_MS);
    s->link = link_create(s->loop, &url, &tls, 10 * PATIENCE_MS,
                          (struct redis_link_handler){on_open, on_lost, on_settled, s});
    loop_run(s->loop);
    if (s->gave_up) {
        fail_msg("round %zu: %zu of %zu answers", s->round, s->answered, round_answers(s));
    }
    link_destroy(s->link);
    tls_identity_free(tls.identity);
    tls_channel_destroy(s->server);
    loop_destroy(s->loop);
    close(s->theirs);
    close(s->door);
    buf_free(&s->out);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_tls_has_read_already_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
