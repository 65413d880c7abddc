/* What every transport promises: the same stories over memory, ipc, tcp and TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "model/limits.h"
#include "stage.h"
#include "wire/frame.h"

static void begin_connected(struct stage *s, void **state)
{
    stage_begin(s, *(enum stage_kind *)*state);
    stage_listen(s);
    stage_dial(s);
    stage_run(s, connected);
}

static void test_dialer_and_listener_meet(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    assert_int_equal(side_last(&s.client)->dialer, s.dialer);
    assert_int_equal(side_last(&s.server)->dialer, 0);
    assert_int_not_equal(side_last(&s.client)->id, side_last(&s.server)->id);
    stage_end(&s);
}

static void test_dialer_waits_for_a_listener_that_comes_later(void **state)
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    stage_dial(&s);
    int64_t until = clock_mono_us() + 30000;
    while (clock_mono_us() < until) { /* the first dials fail meanwhile, on other threads */
    }
    stage_listen(&s);
    stage_run(&s, connected);
    stage_end(&s);
}

#define FRAMES 10000u

static bool all_frames_are_there(struct stage *s)
{
    return side_last(&s->server)->next == FRAMES && side_last(&s->client)->next == FRAMES;
}

static void test_ten_thousand_frames_each_way_arrive_in_order(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_frame(&s.client, side_last(&s.client)->id, FRAME_NUMBERED, i, i % 300);
        send_frame(&s.server, side_last(&s.server)->id, FRAME_NUMBERED, i, (i * 31) % 2000);
    }
    stage_run(&s, all_frames_are_there);
    stage_end(&s);
}

static bool all_echoes_are_back(struct stage *s)
{
    return side_last(&s->client)->next == 500;
}

static void test_frames_go_back_and_forth(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    s.server.echo = true;
    for (uint32_t i = 0; i < 500; i++) {
        send_frame(&s.client, side_last(&s.client)->id, FRAME_NUMBERED, i, 1000);
    }
    stage_run(&s, all_echoes_are_back);
    stage_end(&s);
}

static bool large_is_there(struct stage *s)
{
    return side_last(&s->server)->frames == 3;
}

static void test_largest_frame_arrives_whole_and_small_ones_around_it(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    conn_id conn = side_last(&s.client)->id;
    send_frame(&s.client, conn, FRAME_NUMBERED, 0, 0);
    send_frame(&s.client, conn, FRAME_LARGE, 0, FRAME_BYTES_MAX - 20);
    send_frame(&s.client, conn, FRAME_NUMBERED, 1, 5);
    stage_run(&s, large_is_there);
    assert_true(side_last(&s.server)->large_is_right);
    assert_int_equal(side_last(&s.server)->bytes, 20 + FRAME_BYTES_MAX + 25);
    stage_end(&s);
}

static bool ten_are_there(struct stage *s)
{
    return side_last(&s->server)->next == 10;
}

static void test_messages_arrive_in_order_with_frames_and_owe_nothing_to_their_slices(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    conn_id conn = side_last(&s.client)->id;
    for (uint32_t i = 0; i < 10; i += 2) {
        assert_int_equal(try_message(&s.client, conn, i, i * 100000), ERR_OK);
        send_frame(&s.client, conn, FRAME_NUMBERED, i + 1, i);
    }
    stage_run(&s, ten_are_there);
    assert_true(side_last(&s.server)->large_is_right);
    stage_end(&s);
}

static bool five_are_there(struct stage *s)
{
    return side_last(&s->server)->next == 5;
}

/* Held beside each other, and while others are sent; what is held is what was sent, whether its
 * connection is there or not. */
static void test_frames_are_held_until_they_are_released(void **state)
{
    struct stage s;
    struct held_frame held[10] = {0};
    struct buf frames[10] = {0};
    struct lenders none = {0};
    size_t sent = 0, released = 0;
    begin_connected(&s, state);
    struct transport *t = s.client.transport;
    conn_id conn = side_last(&s.client)->id;
    for (uint32_t i = 0; i < 10; i++) {
        struct message m = {.type = MSG_DOC, .request = i};
        uint8_t *part = buf_extend(&frames[i], i * 30000u);
        for (size_t k = 0; k < i * 30000u; k++) {
            part[k] = (uint8_t)(k * 7);
        }
        m.doc.data = bytes_own(buf_bytes(&frames[i]));
        assert_int_equal(t->ops->send_held(t, conn, &m, &none, &held[i]), ERR_OK);
        buf_clear(&frames[i]);
        assert_int_equal(frame_encode(&m, &frames[i]), ERR_OK);
        bytes_free(m.doc.data);
        sent += held[i].len;
        if (i == 4) {
            stage_run(&s, five_are_there);
        }
    }
    stage_run(&s, ten_are_there);
    assert_true(side_last(&s.server)->large_is_right);
    t->ops->close(t, conn);
    for (uint32_t i = 0; i < 10; i++) {
        struct slices copy = {0};
        held_frame_add(&held[i], &copy);
        assert_true(bytes_eq(buf_bytes(&copy.own), buf_bytes(&frames[i])));
        slices_free(&copy);
        released += held_frame_release(&held[i]);
        buf_free(&frames[i]);
    }
    assert_int_equal(released, sent);
    stage_end(&s);
}

static bool two_are_there(struct stage *s)
{
    return side_last(&s->server)->next == 2;
}

static void test_message_too_large_for_a_frame_is_not_sent_and_harms_no_other(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    conn_id conn = side_last(&s.client)->id;
    assert_int_equal(try_message(&s.client, conn, 0, 1000), ERR_OK);
    assert_int_equal(try_message(&s.client, conn, 1, FRAME_BYTES_MAX), ERR_TOO_LARGE);
    assert_int_equal(try_message(&s.client, conn, 1, 1000), ERR_OK);
    stage_run(&s, two_are_there);
    assert_int_equal(side_last(&s.server)->frames, 2);
    stage_end(&s);
}

static bool one_of_two_is_gone(struct stage *s)
{
    return s->server.conns[0].closed + s->server.conns[1].closed == 1 &&
           s->client.conn_count >= 2 && s->client.conns[0].closed + s->client.conns[1].closed == 1;
}

static bool two_connected(struct stage *s)
{
    return s->server.open_count == 2 && s->client.open_count == 2;
}

static bool survivor_speaks(struct stage *s)
{
    return s->server.conns[0].next + s->server.conns[1].next == 1;
}

static void garbage_closes_only_that_peer(void **state, const uint8_t length[4])
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    stage_listen(&s);
    stage_dial(&s);
    stage_dial(&s);
    stage_run(&s, two_connected);
    struct transport *t = s.client.transport;
    struct buf out = {0};
    buf_add(&out, length, 4);
    assert_int_equal(t->ops->send(t, s.client.conns[0].id, &(struct slices){.own = out}), ERR_OK);
    buf_free(&out);
    stage_run(&s, one_of_two_is_gone);
    struct seen *gone = s.server.conns[0].closed ? &s.server.conns[0] : &s.server.conns[1];
    assert_int_equal(gone->why, CLOSED_GARBAGE);
    assert_int_equal(gone->frames, 0);
    assert_int_equal(s.client.conns[0].why, CLOSED_BY_PEER);
    send_frame(&s.client, s.client.conns[1].id, FRAME_NUMBERED, 0, 1);
    stage_run(&s, survivor_speaks);
    stage_end(&s);
}

static void test_length_over_the_bound_closes_only_that_peer(void **state)
{
    garbage_closes_only_that_peer(state, (const uint8_t[4]){0, 0x40, 0, 1});
}

static void test_length_under_the_head_closes_only_that_peer(void **state)
{
    garbage_closes_only_that_peer(state, (const uint8_t[4]){0, 0, 0, 19});
}

static bool first_is_gone_on_both_sides(struct stage *s)
{
    return s->server.conns[0].closed && s->client.conns[0].closed;
}

static bool connected_again(struct stage *s)
{
    return s->server.conn_count == 2 && connected(s);
}

static void test_close_is_told_to_both_and_the_dialer_dials_again(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    struct transport *t = s.server.transport;
    conn_id conn = s.server.conns[0].id;
    t->ops->close(t, conn);
    t->ops->close(t, conn); /* once more does nothing */
    struct buf out = {0};
    frame_add(&out, FRAME_NUMBERED, 0, 0);
    assert_int_equal(t->ops->send(t, conn, &(struct slices){.own = out}), ERR_NOT_FOUND);
    assert_int_equal(t->ops->send_urgent(t, conn, buf_bytes(&out)), ERR_NOT_FOUND);
    assert_int_equal(t->ops->send(t, 999999999, &(struct slices){.own = out}), ERR_NOT_FOUND);
    assert_int_equal(try_message(&s.server, conn, 0, 10), ERR_NOT_FOUND);
    assert_int_equal(try_message(&s.server, 999999999, 0, 10), ERR_NOT_FOUND);
    stage_run(&s, first_is_gone_on_both_sides);
    assert_int_equal(s.server.conns[0].why, CLOSED_BY_US);
    assert_int_equal(s.client.conns[0].why, CLOSED_BY_PEER);
    stage_run(&s, connected_again);
    send_frame(&s.client, side_last(&s.client)->id, FRAME_NUMBERED, 0, 0);
    buf_free(&out);
    stage_end(&s);
}

static void test_undial_closes_and_does_not_come_back(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    struct transport *t = s.client.transport;
    t->ops->undial(t, s.dialer);
    stage_run(&s, first_is_gone_on_both_sides);
    assert_int_equal(s.client.conns[0].why, CLOSED_BY_US);
    uint32_t first = s.dialer;
    stage_dial(&s); /* another one still does */
    assert_int_not_equal(s.dialer, first);
    stage_run(&s, connected_again);
    assert_int_equal(s.client.conn_count, 2);
    assert_int_equal(side_last(&s.client)->dialer, s.dialer);
    stage_end(&s);
}

static bool client_is_closed(struct stage *s)
{
    return s->client.conns[0].closed;
}

static void test_peer_that_is_too_far_behind_is_closed(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    struct transport *t = s.client.transport;
    conn_id conn = side_last(&s.client)->id;
    struct buf out = {0};
    for (int i = 0; i < 4; i++) {
        frame_add(&out, FRAME_LARGE, 0, (1u << 20) - 24);
    }
    for (int i = 0; i < 16; i++) { /* in one turn: nothing can go out */
        assert_int_equal(t->ops->send(t, conn, &(struct slices){.own = out}), ERR_OK);
    }
    struct slices beyond = {.own = {.ptr = out.ptr, .len = 24}};
    assert_int_equal(t->ops->send_urgent(t, conn, bytes_of(out.ptr, 24)), ERR_FULL);
    assert_int_equal(t->ops->send(t, conn, &beyond), ERR_FULL);
    assert_int_equal(t->ops->send(t, conn, &beyond), ERR_NOT_FOUND);
    stage_run(&s, client_is_closed);
    assert_int_equal(s.client.conns[0].why, CLOSED_BACKLOG);
    buf_free(&out);
    stage_end(&s);
}

/* A frame of a message with so many bytes in it is that much longer than they are. */
#define AROUND_BYTES (4u + 20u + 6u)

static void test_message_counts_as_much_as_it_takes(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    conn_id conn = side_last(&s.client)->id;
    for (uint32_t i = 0; i < 64; i++) { /* in one turn: nothing can go out */
        assert_int_equal(try_message(&s.client, conn, i, (1u << 20) - AROUND_BYTES), ERR_OK);
    }
    assert_int_equal(try_message(&s.client, conn, 64, 0), ERR_FULL);
    assert_int_equal(try_message(&s.client, conn, 64, 0), ERR_NOT_FOUND);
    stage_run(&s, client_is_closed);
    assert_int_equal(s.client.conns[0].why, CLOSED_BACKLOG);
    stage_end(&s);
}

#define BEATS 2000

struct heart {
    struct transport *transport;
    conn_id conn;
};

static void *heart_main(void *arg)
{
    struct heart *h = arg;
    struct buf out = {0};
    frame_add(&out, FRAME_URGENT, 0, 3);
    for (int i = 0; i < BEATS; i++) {
        if (h->transport->ops->send_urgent(h->transport, h->conn, buf_bytes(&out)) != ERR_OK) {
            abort();
        }
    }
    buf_free(&out);
    return NULL;
}

static bool sends_until_all_arrived(struct stage *s)
{
    struct seen *at = side_last(&s->server);
    while (s->sent < FRAMES && s->sent < at->next + 100) {
        send_frame(&s->client, side_last(&s->client)->id, FRAME_NUMBERED, s->sent++, 200);
    }
    return at->next == FRAMES && at->urgent == BEATS;
}

static void test_another_thread_sends_urgently_while_the_loop_sends(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    struct heart heart = {s.client.transport, side_last(&s.client)->id};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, heart_main, &heart), 0);
    stage_run(&s, sends_until_all_arrived);
    pthread_join(thread, NULL);
    assert_int_equal(side_last(&s.server)->frames, FRAMES + BEATS);
    stage_end(&s);
}

static bool both_are_gone_and_one_is_down(struct stage *s)
{
    return s->server.conns[0].closed && s->client.conns[0].closed && s->client.down;
}

static void test_shutdown_sends_what_is_queued_first(void **state)
{
    struct stage s;
    begin_connected(&s, state);
    for (uint32_t i = 0; i < 8; i++) {
        send_frame(&s.client, side_last(&s.client)->id, FRAME_NUMBERED, i, 1u << 20);
    }
    side_shutdown(&s.client);
    struct transport *t = s.client.transport;
    uint32_t dialer;
    assert_int_equal(t->ops->dial(t, s.url, side_handler(&s.client), &dialer), ERR_CONFLICT);
    assert_int_equal(t->ops->listen(t, s.url, side_handler(&s.client)), ERR_CONFLICT);
    stage_run(&s, both_are_gone_and_one_is_down);
    assert_int_equal(s.server.conns[0].next, 8);
    assert_int_equal(s.client.conns[0].why, CLOSED_BY_US);
    if (s.kind == STAGE_MEMORY) { /* both sides are the one that went down */
        s.server.transport = NULL;
        s.server.down = true;
    }
    stage_end(&s);
}

static enum stage_kind memory = STAGE_MEMORY, ipc = STAGE_IPC, tcp = STAGE_TCP, tls = STAGE_TLS;

#define STORY(f)                                                                                   \
    {#f " (memory)", f, NULL, NULL, &memory}, {#f " (ipc)", f, NULL, NULL, &ipc},                  \
        {#f " (tcp)", f, NULL, NULL, &tcp},                                                        \
    {                                                                                              \
#f " (tls)", f, NULL, NULL, &tls                                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_dialer_and_listener_meet),
        STORY(test_dialer_waits_for_a_listener_that_comes_later),
        STORY(test_ten_thousand_frames_each_way_arrive_in_order),
        STORY(test_frames_go_back_and_forth),
        STORY(test_largest_frame_arrives_whole_and_small_ones_around_it),
        STORY(test_messages_arrive_in_order_with_frames_and_owe_nothing_to_their_slices),
        STORY(test_frames_are_held_until_they_are_released),
        STORY(test_message_too_large_for_a_frame_is_not_sent_and_harms_no_other),
        STORY(test_length_over_the_bound_closes_only_that_peer),
        STORY(test_length_under_the_head_closes_only_that_peer),
        STORY(test_close_is_told_to_both_and_the_dialer_dials_again),
        STORY(test_undial_closes_and_does_not_come_back),
        STORY(test_peer_that_is_too_far_behind_is_closed),
        STORY(test_message_counts_as_much_as_it_takes),
        STORY(test_another_thread_sends_urgently_while_the_loop_sends),
        STORY(test_shutdown_sends_what_is_queued_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
