#include "main/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/frame.h"

static int by_conn(const struct peers *p, conn_id conn)
{
    for (int i = 0; i < p->count; i++) {
        if (p->items[i].conn == conn) {
            return i;
        }
    }
    return -1;
}

bool peers_send(struct peers *p, int peer, struct bytes framed)
{
    struct peer *it = &p->items[peer];
    return it->conn != 0 && p->transport->ops->send(p->transport, it->conn, framed) == ERR_OK;
}

bool peers_send_message(struct peers *p, int peer, const struct message *m)
{
    struct buf frame = {0};
    bool sent = frame_encode(m, &frame) == ERR_OK && peers_send(p, peer, buf_bytes(&frame));
    buf_free(&frame);
    return sent;
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct peers *p = user;
    for (int i = 0; i < p->count; i++) {
        struct peer *it = &p->items[i];
        if (it->dialer != dialer) {
            continue;
        }
        it->conn = conn;
        it->heard = loop_now(p->loop).mono;
        p->connects++;
        struct message hello = {.type = MSG_HELLO};
        hello.hello.role = ROLE_GATEWAY;
        hello.hello.version_min = WIRE_VERSION;
        hello.hello.version_max = WIRE_VERSION;
        hello.hello.id = bytes_str(p->id);
        hello.hello.host = bytes_str(p->host);
        hello.hello.pid = (uint32_t)getpid();
        hello.hello.software = bytes_str(MARATHON_VERSION);
        (void)peers_send_message(p, i, &hello);
    }
}

static void on_welcome(struct peers *p, int index, const struct message *m)
{
    struct peer *it = &p->items[index];
    if (m->welcome.version != WIRE_VERSION) {
        char *reason = mem_str_bytes(m->welcome.reason);
        log_line(LOG_ERROR, "coordinator_refused_us", "url=%s reason=%s", LOG_Q(it->url),
                 LOG_Q(reason));
        free(reason);
        p->transport->ops->close(p->transport, it->conn);
        return;
    }
    it->welcomed = true;
    log_line(LOG_INFO, "coordinator_joined", "url=%s", LOG_Q(it->url));
}

static void on_frame(void *user, conn_id conn, struct bytes frame)
{
    struct peers *p = user;
    int index = by_conn(p, conn);
    if (index < 0) {
        return;
    }
    struct peer *it = &p->items[index];
    it->heard = loop_now(p->loop).mono;
    struct message m;
    arena_reset(&p->arena);
    enum err e = frame_decode(frame, &p->arena, &m);
    if (e == ERR_NOT_FOUND) {
        return; /* a newer coordinator's message: nothing we asked for */
    }
    if (e != ERR_OK || (!it->welcomed && m.type != MSG_WELCOME)) {
        p->frames_bad++;
        log_line(LOG_WARN, "frame_bad", "url=%s action=closed", LOG_Q(it->url));
        p->transport->ops->close(p->transport, conn);
        return;
    }
    if (m.type == MSG_WELCOME) {
        on_welcome(p, index, &m);
    } else if (m.type == MSG_OWNED) {
        it->partitions = m.owned.partitions;
        it->told = ++p->told;
        p->handler.changed(p->handler.user);
    } else if (m.type != MSG_BEAT) {
        p->handler.message(p->handler.user, index, &m, frame);
    }
}

static const char *closed_text(enum transport_closed why)
{
    switch (why) {
    case CLOSED_BY_PEER:
        return "closed by the coordinator, or cut";
    case CLOSED_BY_US:
        return "closed by this gateway";
    case CLOSED_GARBAGE:
        return "garbage came";
    case CLOSED_BACKLOG:
        return "it takes too little of what is sent";
    }
    return "unknown";
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct peers *p = user;
    int index = by_conn(p, conn);
    if (index < 0) {
        return;
    }
    struct peer *it = &p->items[index];
    if (it->welcomed) {
        log_line(LOG_WARN, "coordinator_lost", "url=%s why=%s action=redial", LOG_Q(it->url),
                 LOG_Q(closed_text(why)));
    }
    it->conn = 0;
    it->welcomed = false;
    it->partitions = 0;
    p->handler.lost(p->handler.user, index);
    p->handler.changed(p->handler.user);
}

static void on_beat(void *user)
{
    struct peers *p = user;
    mono_ms now = loop_now(p->loop).mono;
    struct message beat = {.type = MSG_BEAT};
    for (int i = 0; i < p->count; i++) {
        struct peer *it = &p->items[i];
        if (it->conn == 0) {
            continue;
        }
        if (now - it->heard > SILENCE_MS) {
            log_line(LOG_WARN, "coordinator_silent", "url=%s action=closed", LOG_Q(it->url));
            p->transport->ops->close(p->transport, it->conn);
        } else if (it->welcomed) {
            (void)peers_send_message(p, i, &beat);
        }
    }
    loop_timer_set(p->beat, now + BEAT_MS);
}

static void on_awaited(void *user)
{
    struct peers *p = user;
    for (int i = 0; i < p->count; i++) {
        if (p->items[i].url != NULL && p->items[i].conn == 0) {
            log_line(LOG_WARN, "coordinator_awaited", "url=%s hint=%s", LOG_Q(p->items[i].url),
                     LOG_Q("no connection yet, trying on; does a coordinator listen there?"));
        }
    }
}

static enum err on_found(void *user, const char *url)
{
    struct peers *p = user;
    struct transport_handler handler = {
        .opened = on_opened, .frame = on_frame, .closed = on_closed, .user = p};
    int i = 0;
    while (i < p->count && p->items[i].url != NULL) {
        i++;
    }
    if (i == PEERS_MAX) {
        log_line(LOG_WARN, "too_many_coordinators", "max=%d", PEERS_MAX);
        return ERR_TOO_LARGE;
    }
    struct peer it = {.url = mem_str(url)};
    enum err e = p->transport->ops->dial(p->transport, url, handler, &it.dialer);
    if (e != ERR_OK) {
        free(it.url);
        return e;
    }
    p->items[i] = it;
    p->count = i == p->count ? i + 1 : p->count;
    return ERR_OK;
}

/* One that is still connected lives, whatever its name says. */
static bool on_gone(void *user, const char *url)
{
    struct peers *p = user;
    for (int i = 0; i < p->count; i++) {
        struct peer *it = &p->items[i];
        if (it->url == NULL || strcmp(it->url, url) != 0) {
            continue;
        }
        if (it->conn != 0) {
            return false;
        }
        p->transport->ops->undial(p->transport, it->dialer);
        free(it->url);
        *it = (struct peer){0};
    }
    return true;
}

int peers_dialled(const struct peers *p)
{
    int n = 0;
    for (int i = 0; i < p->count; i++) {
        n += p->items[i].url != NULL;
    }
    return n;
}

enum err peers_start(struct peers *p, const char *const *urls, size_t count)
{
    if (count > PEERS_MAX) {
        return ERR_TOO_LARGE;
    }
    p->finder =
        finder_create(p->loop, loop_resolve,
                      (struct finder_handler){.found = on_found, .gone = on_gone, .user = p});
    if (gethostname(p->host, sizeof p->host - 1) != 0) {
        memcpy(p->host, "unknown", sizeof "unknown");
    }
    for (size_t i = 0; i < count; i++) {
        enum err e = finder_add(p->finder, urls[i]);
        if (e != ERR_OK) {
            return e;
        }
    }
    p->beat = loop_timer_create(p->loop, on_beat, p);
    loop_timer_set(p->beat, loop_now(p->loop).mono + BEAT_MS);
    p->awaited = loop_timer_create(p->loop, on_awaited, p);
    loop_timer_set(p->awaited, loop_now(p->loop).mono + AWAITED_MS);
    return ERR_OK;
}

void peers_stop(struct peers *p)
{
    for (int i = 0; i < p->count; i++) {
        free(p->items[i].url);
    }
    finder_destroy(p->finder);
    arena_free(&p->arena);
}

int peers_owner(const struct peers *p, partition_id partition)
{
    int best = -1;
    for (int i = 0; i < p->count; i++) {
        const struct peer *it = &p->items[i];
        bool owns = it->welcomed && (it->partitions >> partition & 1) != 0;
        if (owns && (best < 0 || it->told > p->items[best].told)) {
            best = i;
        }
    }
    return best;
}

int peers_any(const struct peers *p)
{
    int best = -1;
    for (int i = 0; i < p->count; i++) {
        const struct peer *it = &p->items[i];
        if (it->welcomed && (best < 0 || (p->items[best].partitions == 0 && it->partitions != 0))) {
            best = i; /* one that owns something has read the pipelines */
        }
    }
    return best;
}

uint64_t peers_covered(const struct peers *p)
{
    uint64_t all = 0;
    for (int i = 0; i < p->count; i++) {
        all |= p->items[i].partitions;
    }
    return all;
}
