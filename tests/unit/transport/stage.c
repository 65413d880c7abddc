#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "free_port.h"
#include "wire/frame.h"

#define PATIENCE_MS 30000

static void side_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct side *side = user;
    assert_true(side->conn_count < CONNS_MAX);
    assert_null(side_seen(side, conn));
    side->conns[side->conn_count++] = (struct seen){.id = conn, .dialer = dialer};
    side->open_count++;
}

static void check_fill(struct seen *c, struct bytes fill)
{
    c->large_is_right = true;
    for (size_t i = 0; i < fill.len; i++) {
        c->large_is_right = c->large_is_right && fill.ptr[i] == (uint8_t)(i * 7);
    }
}

static void check_message(struct seen *c, struct bytes frame)
{
    struct arena arena = {0};
    struct message m;
    assert_int_equal(frame_decode(frame, &arena, &m), ERR_OK);
    assert_int_equal(m.type, MSG_DOC);
    assert_int_equal(m.request, c->next);
    c->next++;
    check_fill(c, m.doc.data);
    arena_free(&arena);
}

static void side_frame(void *user, conn_id conn, struct bytes frame)
{
    struct side *side = user;
    struct seen *c = side_seen(side, conn);
    assert_non_null(c);
    assert_false(c->closed);
    assert_true(frame.len >= 20);
    uint32_t number;
    memcpy(&number, frame.ptr + 4, sizeof number);
    c->frames++;
    c->bytes += frame.len;
    if (frame.ptr[0] == FRAME_NUMBERED) {
        assert_int_equal(number, c->next);
        c->next++;
    } else if (frame.ptr[0] == FRAME_URGENT) {
        c->urgent++;
    } else if (frame.ptr[0] == FRAME_MESSAGE) {
        check_message(c, frame);
    } else {
        check_fill(c, bytes_of(frame.ptr + 20, frame.len - 20));
    }
    if (side->echo) {
        send_frame(side, conn, frame.ptr[0], number, frame.len - 20);
    }
}

static void side_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct side *side = user;
    struct seen *c = side_seen(side, conn);
    assert_non_null(c);
    assert_false(c->closed); /* exactly once */
    c->closed = true;
    c->why = why;
    side->open_count--;
}

struct transport_handler side_handler(struct side *side)
{
    return (struct transport_handler){side_opened, side_frame, side_closed, side};
}

struct seen *side_seen(struct side *side, conn_id id)
{
    for (int i = 0; i < side->conn_count; i++) {
        if (side->conns[i].id == id) {
            return &side->conns[i];
        }
    }
    return NULL;
}

struct seen *side_last(struct side *side)
{
    assert_true(side->conn_count > 0);
    return &side->conns[side->conn_count - 1];
}

static void check_until(void *user)
{
    struct stage *s = user;
    if (s->until != NULL && s->until(s)) {
        s->until = NULL;
        loop_stop(s->loop);
    }
}

void stage_begin(struct stage *s, enum stage_kind kind)
{
    *s = (struct stage){.kind = kind, .loop = loop_create()};
    snprintf(s->dir, sizeof s->dir, "/tmp/marathon-transport-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    if (kind == STAGE_TCP || kind == STAGE_TLS) {
        snprintf(s->url, sizeof s->url, "%stcp://127.0.0.1:%d", kind == STAGE_TLS ? "tls+" : "",
                 free_port());
    } else {
        snprintf(s->url, sizeof s->url, "ipc://%s/socket", s->dir);
    }
    if (kind == STAGE_MEMORY) {
        s->server.transport = s->client.transport = transport_memory_create(s->loop);
    } else {
        s->server.transport = stage_transport(s, "coordinator");
        s->client.transport = stage_transport(s, "worker");
    }
    loop_on_turn_end(s->loop, check_until, s);
}

struct transport *stage_transport(struct stage *s, const char *role)
{
    struct transport *t = transport_nng_create(s->loop, 50);
    if (s->kind == STAGE_TLS) {
        transport_nng_identity(t, stage_identity(stage_certs(), role));
    }
    return t;
}

void stage_listen(struct stage *s)
{
    struct transport *t = s->server.transport;
    assert_int_equal(t->ops->listen(t, s->url, side_handler(&s->server)), ERR_OK);
}

void stage_dial(struct stage *s)
{
    struct transport *t = s->client.transport;
    assert_int_equal(t->ops->dial(t, s->url, side_handler(&s->client), &s->dialer), ERR_OK);
    assert_int_not_equal(s->dialer, 0);
}

static void out_of_patience(void *user)
{
    (void)user;
    fail_msg("what the story waits for did not come");
}

void stage_run(struct stage *s, bool (*until)(struct stage *s))
{
    struct loop_timer *patience = loop_timer_create(s->loop, out_of_patience, s);
    loop_timer_set(patience, loop_now(s->loop).mono + PATIENCE_MS);
    s->until = until;
    loop_run(s->loop);
    loop_timer_destroy(patience);
}

static void side_done(void *user)
{
    struct side *side = user;
    assert_int_equal(side->open_count, 0); /* all were told first */
    side->transport->ops->destroy(side->transport);
    side->transport = NULL;
    side->down = true;
}

void side_shutdown(struct side *side)
{
    side->transport->ops->shutdown(side->transport, 5000, side_done, side);
}

static bool all_down(struct stage *s)
{
    return s->server.down && (s->client.down || s->kind == STAGE_MEMORY);
}

void stage_end(struct stage *s)
{
    if (s->server.transport != NULL) {
        side_shutdown(&s->server);
    }
    if (s->kind != STAGE_MEMORY && s->client.transport != NULL) {
        side_shutdown(&s->client);
    }
    stage_run(s, all_down);
    loop_destroy(s->loop);
    char path[128];
    snprintf(path, sizeof path, "%s/socket", s->dir);
    unlink(path);
    rmdir(s->dir);
}

bool connected(struct stage *s)
{
    return s->server.open_count == 1 && s->client.open_count == 1;
}

void frame_add(struct buf *out, enum frame_kind kind, uint32_t number, size_t fill)
{
    uint32_t len = (uint32_t)(20 + fill);
    uint32_t big_endian = htonl(len);
    buf_add(out, &big_endian, 4);
    uint8_t *p = buf_extend(out, len);
    memset(p, 0, 20);
    p[0] = (uint8_t)kind;
    memcpy(p + 4, &number, sizeof number);
    for (size_t i = 0; i < fill; i++) {
        p[20 + i] = (uint8_t)(i * 7);
    }
}

enum err try_message(struct side *side, conn_id conn, uint32_t number, size_t fill)
{
    uint8_t *part = mem_alloc(fill + 1);
    for (size_t i = 0; i < fill; i++) {
        part[i] = (uint8_t)(i * 7);
    }
    struct message m = {.type = MSG_DOC, .request = number};
    m.doc.data = bytes_of(part, fill);
    struct lenders none = {0};
    enum err e = side->transport->ops->send_message(side->transport, conn, &m, &none);
    memset(part, 0xee, fill); /* whoever still looks at it sees nonsense */
    free(part);
    return e;
}

void send_frame(struct side *side, conn_id conn, enum frame_kind kind, uint32_t number, size_t fill)
{
    struct buf out = {0};
    frame_add(&out, kind, number, fill);
    assert_int_equal(
        side->transport->ops->send(side->transport, conn, &(struct slices){.own = out}), ERR_OK);
    buf_free(&out);
}
