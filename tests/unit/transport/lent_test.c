/* Messages whose slices are lent: over every transport they arrive as others do, and what lent them
 * is let go, however the connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/rng.h"
#include "stage.h"

#define LENDER_BYTES (1u << 20)

/* A connection on which something has come is written to by its descriptor; before, nng writes. */
struct way {
    enum stage_kind kind;
    bool spoken_to;
};

static bool client_was_spoken_to(struct stage *s)
{
    return side_last(&s->client)->next == 1;
}

static void begin_connected(struct stage *s, void **state)
{
    const struct way *way = *state;
    stage_begin(s, way->kind);
    stage_listen(s);
    stage_dial(s);
    stage_run(s, connected);
    if (way->spoken_to) {
        assert_int_equal(try_message(&s->server, side_last(&s->server)->id, 0, 10), ERR_OK);
        stage_run(s, client_was_spoken_to);
    }
}

/* What the stage expects of a message's fill, so that it is right from each multiple of 256 on. */
static struct shared *lender_make(void)
{
    struct buf b = {0};
    uint8_t *at = buf_extend(&b, LENDER_BYTES);
    for (size_t i = 0; i < LENDER_BYTES; i++) {
        at[i] = (uint8_t)(i * 7);
    }
    return shared_take(&b);
}

static enum err send_lent(struct side *side, uint32_t number, size_t fill, struct shared *lender)
{
    size_t from = (number % 16) * 256;
    struct message m = {.type = MSG_DOC, .request = number};
    m.doc.data = bytes_of(lender->bytes.ptr + from, fill);
    struct lenders lenders = {.items = &lender, .count = 1};
    return side->transport->ops->send_message(side->transport, side_last(side)->id, &m, &lenders);
}

/* Nobody holds it but the test, once all connections are gone. */
static void end_and_free(struct stage *s, struct shared *lender)
{
    stage_end(s);
    assert_int_equal(atomic_load(&lender->holders), 1);
    shared_drop(lender);
}

#define MESSAGES 400u

static bool all_messages_are_there(struct stage *s)
{
    return side_last(&s->server)->next == MESSAGES;
}

/* Far more than a socket takes at once, and more slices than one write has: writes end anywhere. */
static void test_lent_and_copied_messages_arrive_in_order(void **state)
{
    struct stage s;
    struct rng rng;
    struct shared *lender = lender_make();
    rng_seed(&rng, 5);
    begin_connected(&s, state);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        size_t fill = rng_below(&rng, 3) == 0 ? rng_below(&rng, 200000) : rng_below(&rng, 9000);
        if (i % 3 == 0) {
            assert_int_equal(try_message(&s.client, side_last(&s.client)->id, i, fill), ERR_OK);
        } else {
            assert_int_equal(send_lent(&s.client, i, fill, lender), ERR_OK);
        }
    }
    stage_run(&s, all_messages_are_there);
    assert_true(side_last(&s.server)->large_is_right);
    end_and_free(&s, lender);
}

static bool closed_on_both_sides(struct stage *s)
{
    return s->server.conns[0].closed && s->client.conns[0].closed;
}

static void test_connection_closed_before_anything_went_out_lets_go(void **state)
{
    struct stage s;
    struct shared *lender = lender_make();
    begin_connected(&s, state);
    struct transport *t = s.client.transport;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(send_lent(&s.client, i, 100000, lender), ERR_OK);
    }
    t->ops->close(t, side_last(&s.client)->id);
    t->ops->undial(t, s.dialer);
    assert_int_equal(send_lent(&s.client, 20, 100000, lender), ERR_NOT_FOUND);
    stage_run(&s, closed_on_both_sides);
    end_and_free(&s, lender);
}

static bool some_are_there(struct stage *s)
{
    return side_last(&s->server)->next >= 2;
}

static void test_connection_lost_amid_a_write_lets_go(void **state)
{
    struct stage s;
    struct shared *lender = lender_make();
    begin_connected(&s, state);
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(send_lent(&s.client, i, 1000000, lender), ERR_OK);
    }
    stage_run(&s, some_are_there);
    s.client.transport->ops->undial(s.client.transport, s.dialer);
    stage_run(&s, closed_on_both_sides);
    assert_true(side_last(&s.server)->large_is_right);
    end_and_free(&s, lender);
}

static bool two_are_there(struct stage *s)
{
    return side_last(&s->server)->next == 2;
}

/* What is held of a frame that was lent something may be sent again, over another connection too.
 */
static void test_held_frame_is_sent_again_without_a_copy(void **state)
{
    struct stage s;
    struct shared *lender = lender_make();
    struct lenders lenders = {.items = &lender, .count = 1};
    struct held_frame held = {0};
    struct slices again = {0};
    begin_connected(&s, state);
    struct transport *t = s.client.transport;
    conn_id conn = side_last(&s.client)->id;
    struct message m = {.type = MSG_DOC, .doc = {bytes_of(lender->bytes.ptr, 900000)}};
    assert_int_equal(t->ops->send_held(t, conn, &m, &lenders, &held), ERR_OK);
    assert_true(held.memory >= LENDER_BYTES && held.memory < LENDER_BYTES + 100);
    m.request = 1;
    m.doc.data.len = 4096; /* little of its lender */
    struct held_frame little = {0};
    assert_int_equal(t->ops->send_held(t, conn, &m, &lenders, &little), ERR_OK);
    stage_run(&s, two_are_there);
    held_frame_add(&held, &again);
    held_frame_add(&little, &again);
    assert_int_equal(again.lent_count, 1);
    assert_ptr_equal(again.lent[0].what.ptr, lender->bytes.ptr);
    assert_true(held_frame_release(&held) + held_frame_release(&little) >= LENDER_BYTES);
    side_last(&s.server)->next = 0;
    assert_int_equal(t->ops->send(t, conn, &again), ERR_OK);
    slices_free(&again);
    stage_run(&s, two_are_there);
    assert_true(side_last(&s.server)->large_is_right);
    end_and_free(&s, lender);
}

static struct way memory = {STAGE_MEMORY, false};
static struct way ipc[] = {{STAGE_IPC, false}, {STAGE_IPC, true}};
static struct way tcp[] = {{STAGE_TCP, false}, {STAGE_TCP, true}};
static struct way tls[] = {{STAGE_TLS, false}, {STAGE_TLS, true}};

#define STORY(f)                                                                                   \
    {#f " (memory)", f, NULL, NULL, &memory}, {#f " (ipc)", f, NULL, NULL, &ipc[0]},               \
        {#f " (ipc, spoken to)", f, NULL, NULL, &ipc[1]}, {#f " (tcp)", f, NULL, NULL, &tcp[0]},   \
        {#f " (tcp, spoken to)", f, NULL, NULL, &tcp[1]}, {#f " (tls)", f, NULL, NULL, &tls[0]},   \
    {                                                                                              \
#f " (tls, spoken to)", f, NULL, NULL, &tls[1]                                             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_lent_and_copied_messages_arrive_in_order),
        STORY(test_connection_closed_before_anything_went_out_lets_go),
        STORY(test_connection_lost_amid_a_write_lets_go),
        STORY(test_held_frame_is_sent_again_without_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
