/* What only real connections meet: processes that die, sockets that talk nonsense, listeners that
 * come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

extern char **environ;

static void test_urls_that_cannot_be_used_are_told_apart(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_TCP);
    struct transport *t = s.server.transport;
    struct transport_handler h = side_handler(&s.server);
    uint32_t dialer;
    assert_int_equal(t->ops->listen(t, "", h), ERR_INVALID);
    assert_int_equal(t->ops->listen(t, "http://127.0.0.1:80", h), ERR_INVALID);
    assert_int_equal(t->ops->listen(t, "inproc://x", h), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "ws://127.0.0.1:80/", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1:65536", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1:80x", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1:+80", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1: 80", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "tcp://127.0.0.1:-18446744073709551536", h, &dialer),
                     ERR_INVALID);
    assert_int_equal(t->ops->dial(t, "ipc://relative", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->listen(t, "tls+tcp://127.0.0.1:7400", h), ERR_INVALID); /* as who? */
    assert_int_equal(t->ops->dial(t, "tls+tcp://127.0.0.1:7400", h, &dialer), ERR_INVALID);
    assert_int_equal(t->ops->listen(t, "ipc:///nowhere/at/all/socket", h), ERR_IO);
    stage_listen(&s);
    assert_int_equal(s.client.transport->ops->listen(s.client.transport, s.url, h),
                     ERR_IO); /* in use */
    stage_end(&s);
}

static bool server_down_and_client_told(struct stage *s)
{
    return s->server.down && s->client.open_count == 0;
}

static bool both_connected_again(struct stage *s)
{
    return connected(s) && s->client.conn_count > 1 && s->server.conn_count == s->client.conn_count;
}

static void test_dialer_comes_back_each_time_the_listener_restarts(void **state)
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    stage_listen(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    for (int restart = 0; restart < 5; restart++) {
        side_shutdown(&s.server);
        stage_run(&s, server_down_and_client_told);
        assert_int_equal(side_last(&s.client)->why, CLOSED_BY_PEER);
        s.server.down = false;
        s.server.transport = stage_transport(&s, "coordinator");
        stage_listen(&s);
        stage_run(&s, both_connected_again);
    }
    stage_end(&s);
}

/* ---- a peer in a process of its own: this program with other arguments ---- */

static bool speaks_once_and_stays(struct stage *s)
{
    if (s->client.open_count == 1 && !s->client.echo) {
        s->client.echo = true; /* from now on it only answers */
        send_frame(&s->client, side_last(&s->client)->id, FRAME_NUMBERED, 0, 0);
    }
    return false;
}

static int peer_main(const char *url)
{
    struct stage s;
    stage_begin(&s, strncmp(url, "tls", 3) == 0 ? STAGE_TLS : STAGE_IPC);
    rmdir(s.dir);
    snprintf(s.url, sizeof s.url, "%s", url);
    stage_dial(&s);
    stage_run(&s, speaks_once_and_stays);
    return 0;
}

static pid_t peer_start(struct stage *s)
{
    char self[] = "/proc/self/exe", word[] = "peer";
    char *argv[] = {self, word, s->url, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
    return pid;
}

static bool peer_has_spoken(struct stage *s)
{
    return s->server.open_count == 1 && side_last(&s->server)->next == 1;
}

static bool peer_is_gone(struct stage *s)
{
    return s->server.open_count == 0;
}

static void test_killed_peer_is_seen_at_once(void **state)
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    stage_listen(&s);
    int64_t least_us = INT64_MAX;
    for (int kills = 0; kills < 10; kills++) {
        pid_t pid = peer_start(&s);
        stage_run(&s, peer_has_spoken);
        int64_t killed_at = clock_mono_us();
        assert_int_equal(kill(pid, SIGKILL), 0);
        stage_run(&s, peer_is_gone);
        int64_t us = clock_mono_us() - killed_at;
        least_us = us < least_us ? us : least_us;
        assert_int_equal(side_last(&s.server)->why, CLOSED_BY_PEER);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    assert_true(least_us < 500000); /* usually half a millisecond; a busy machine delays some */
    stage_end(&s);
}

/* ---- a peer that is a bare socket ---- */

static struct sockaddr_un address(const struct stage *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", s->url + strlen("ipc://"));
    return a;
}

static int bare_connect(const struct stage *s)
{
    struct sockaddr_un a = address(s);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static int bare_listen(const struct stage *s)
{
    struct sockaddr_un a = address(s);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static bool has_peer(struct stage *s)
{
    return s->server.open_count == 1;
}

static void test_frame_that_is_cut_by_a_hang_up_is_not_delivered(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    stage_listen(&s);
    int fd = bare_connect(&s);
    stage_run(&s, has_peer);
    struct buf out = {0};
    frame_add(&out, FRAME_NUMBERED, 0, 10);
    frame_add(&out, FRAME_NUMBERED, 1, 10);
    assert_int_equal(write(fd, out.ptr, out.len - 1), (ssize_t)out.len - 1);
    close(fd);
    stage_run(&s, peer_is_gone);
    assert_int_equal(side_last(&s.server)->next, 1);
    buf_free(&out);
    stage_end(&s);
}

static bool two_frames_are_there(struct stage *s)
{
    return side_last(&s->server)->next == 2;
}

static bool one_frame_is_there(struct stage *s)
{
    return side_last(&s->server)->next == 1;
}

static void test_frames_may_come_in_pieces(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    stage_listen(&s);
    int fd = bare_connect(&s);
    stage_run(&s, has_peer);
    struct buf out = {0};
    frame_add(&out, FRAME_NUMBERED, 0, 100);
    size_t first = out.len;
    frame_add(&out, FRAME_NUMBERED, 1, 100000);
    assert_int_equal(write(fd, out.ptr, first + 2), (ssize_t)first + 2); /* half a length */
    stage_run(&s, one_frame_is_there);
    assert_int_equal(write(fd, out.ptr + first + 2, 50000), 50000);
    size_t rest = out.len - first - 50002;
    assert_int_equal(write(fd, out.ptr + first + 50002, rest), (ssize_t)rest);
    stage_run(&s, two_frames_are_there);
    close(fd);
    buf_free(&out);
    stage_end(&s);
}

static bool all_have_come_and_gone(struct stage *s)
{
    return s->server.conn_count == CONNS_MAX && s->server.open_count == 0;
}

static void test_listener_survives_peers_that_connect_and_leave(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    stage_listen(&s);
    for (int i = 0; i < CONNS_MAX; i++) {
        close(bare_connect(&s));
    }
    stage_run(&s, all_have_come_and_gone);
    s.server.conn_count = 0;
    stage_dial(&s);
    stage_run(&s, connected);
    stage_end(&s);
}

static void test_socket_file_left_by_a_killed_listener_is_taken_over(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    close(bare_listen(&s)); /* the file stays */
    stage_listen(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    stage_end(&s);
}

/* ---- a loop that stands still ---- */

static void read_exactly(int fd, size_t n)
{
    uint8_t data[4096];
    while (n > 0) {
        ssize_t got = read(fd, data, n < sizeof data ? n : sizeof data);
        assert_true(got > 0);
        n -= (size_t)got;
    }
}

static void *one_beat(void *arg)
{
    struct stage *s = arg;
    struct buf out = {0};
    frame_add(&out, FRAME_URGENT, 0, 0);
    struct transport *t = s->client.transport;
    if (t->ops->send_urgent(t, side_last(&s->client)->id, buf_bytes(&out)) != ERR_OK) {
        abort();
    }
    buf_free(&out);
    return NULL;
}

static void beat_from_a_thread(struct stage *s)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, one_beat, s), 0);
    pthread_join(thread, NULL);
}

static bool client_is_connected(struct stage *s)
{
    return s->client.open_count == 1;
}

static void test_beats_go_out_while_the_loop_stands_still(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    int listener = bare_listen(&s);
    stage_dial(&s);
    stage_run(&s, client_is_connected);
    int fd = accept(listener, NULL, NULL);
    beat_from_a_thread(&s);
    read_exactly(fd, 24); /* this thread is the loop's: no turn has passed */
    /* And behind a large write that the peer has not taken yet. */
    send_frame(&s.client, side_last(&s.client)->id, FRAME_LARGE, 0, 4000000);
    stage_run(&s, client_is_connected);
    beat_from_a_thread(&s);
    read_exactly(fd, 4000024 + 24);
    close(fd);
    close(listener);
    stage_end(&s);
}

static bool client_is_down(struct stage *s)
{
    return s->client.down;
}

static void client_done(void *user)
{
    struct stage *s = user;
    s->client.transport->ops->destroy(s->client.transport);
    s->client.transport = NULL;
    s->client.down = true;
}

static void test_shutdown_waits_for_a_deaf_peer_only_so_long(void **state)
{
    (void)state;
    struct stage s;
    stage_begin(&s, STAGE_IPC);
    int listener = bare_listen(&s);
    stage_dial(&s);
    stage_run(&s, client_is_connected);
    int fd = accept(listener, NULL, NULL);
    send_frame(&s.client, side_last(&s.client)->id, FRAME_LARGE, 0, 4000000);
    int64_t began = clock_mono_us();
    s.client.transport->ops->shutdown(s.client.transport, 50, client_done, &s);
    stage_run(&s, client_is_down);
    assert_true(clock_mono_us() - began >= 49000);
    assert_int_equal(side_last(&s.client)->why, CLOSED_BY_US);
    close(fd);
    close(listener);
    stage_end(&s);
}

static enum stage_kind ipc = STAGE_IPC, tcp = STAGE_TCP, tls = STAGE_TLS;

#define STORY(f)                                                                                   \
    {#f " (ipc)", f, NULL, NULL, &ipc}, {#f " (tcp)", f, NULL, NULL, &tcp},                        \
    {                                                                                              \
#f " (tls)", f, NULL, NULL, &tls                                                           \
    }

int main(int argc, char **argv)
{
    if (argc == 3) {
        return peer_main(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls_that_cannot_be_used_are_told_apart),
        STORY(test_dialer_comes_back_each_time_the_listener_restarts),
        STORY(test_killed_peer_is_seen_at_once),
        cmocka_unit_test(test_frame_that_is_cut_by_a_hang_up_is_not_delivered),
        cmocka_unit_test(test_frames_may_come_in_pieces),
        cmocka_unit_test(test_listener_survives_peers_that_connect_and_leave),
        cmocka_unit_test(test_socket_file_left_by_a_killed_listener_is_taken_over),
        cmocka_unit_test(test_beats_go_out_while_the_loop_stands_still),
        cmocka_unit_test(test_shutdown_waits_for_a_deaf_peer_only_so_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
