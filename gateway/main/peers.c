#include "main/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/frame.h"

static void on_opened(void *user, conn_id conn, uint32_t dialer);
static void on_frame(void *user, conn_id conn, struct bytes frame);
static void on_closed(void *user, conn_id conn, enum transport_closed why);
static enum err on_found(void *user, const char *url);
static bool on_gone(void *user, const char *url);

static int by_conn(const struct peers *p, conn_id conn)
{
    for (int i = 0; i < p->count; i++) {
        if (p->items[i].conn == conn) {
            return i;
        }
    }
    return -1;
}

bool peers_send(struct peers *p, int peer, const struct slices *framed)
{
    struct peer *it = &p->items[peer];
    return it->conn != 0 && p->transport->ops->send(p->transport, it->conn, framed) == ERR_OK;
}

bool peers_send_message(struct peers *p, int peer, const struct message *m)
{
    struct peer *it = &p->items[peer];
    struct lenders none = {0};
    return it->conn != 0 &&
           p->transport->ops->send_message(p->transport, it->conn, m, &none) == ERR_OK;
}

enum err peers_send_held(struct peers *p, int peer, const struct message *m,
                         struct lenders *lenders, struct held_frame *ret_frame)
{
    struct peer *it = &p->items[peer];
    return it->conn != 0
               ? p->transport->ops->send_held(p->transport, it->conn, m, lenders, ret_frame)
               : ERR_NOT_FOUND;
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
        hello.hello.software = bytes_str(MARATHON_VERSION " (" MARATHON_GIT ")");
        (void)peers_send_message(p, i, &hello);
    }
}

static bool same_coordinator(const struct peer *a, const struct peer *b)
{
    return a->id_len > 0 && a->id_len == b->id_len && memcmp(a->id, b->id, a->id_len) == 0;
}

/* Two places that lead to one coordinator: the older one rests while this connection lives, so that
 * nobody is asked, nor listed, twice. */
static void rest_others(struct peers *p, int index)
{
    struct peer *here = &p->items[index];
    for (int i = 0; i < p->count; i++) {
        struct peer *it = &p->items[i];
        if (i == index || it->spare || !same_coordinator(it, here)) {
            continue;
        }
        log_line(LOG_INFO, "coordinator_twice", "url=%s same_as=%s", LOG_Q(it->url),
                 LOG_Q(here->url));
        it->spare = true;
        p->transport->ops->undial(p->transport, it->dialer);
    }
}

/* A place that leads to the coordinator which this one led to may still reach it. */
static void dial_spares(struct peers *p, int lost)
{
    struct transport_handler handler = {
        .opened = on_opened, .frame = on_frame, .closed = on_closed, .user = p};
    for (int i = 0; i < p->count; i++) {
        struct peer *it = &p->items[i];
        if (it->spare && i != lost && same_coordinator(it, &p->items[lost])) {
            enum err e = p->transport->ops->dial(p->transport, it->url, handler, &it->dialer);
            it->spare = e != ERR_OK; /* an error: we are ending */
        }
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
    struct bytes id = bytes_part(m->welcome.id, 0, sizeof it->id);
    it->id_len = id.len;
    if (id.len > 0) {
        memcpy(it->id, id.ptr, id.len);
    }
    rest_others(p, index);
    log_line(LOG_INFO, "coordinator_joined", "url=%s", LOG_Q(it->url));
}

static bool listed(const struct message *m, const char *url)
{
    bool found = false;
    for (uint32_t i = 0; i < m->members.count; i++) {
        found = found || bytes_is(m->members.urls[i], url);
    }
    return found;
}

static int by_url(const struct peers *p, struct bytes url)
{
    for (int i = 0; i < p->count; i++) {
        if (p->items[i].url != NULL && bytes_is(url, p->items[i].url)) {
            return i;
        }
    }
    return -1;
}

/* Dials the coordinators named that are not known yet; those learned before that are not named and
 * not connected are forgotten. */
static void on_members(struct peers *p, const struct message *m)
{
    for (int i = 0; i < p->count; i++) {
        const struct peer *it = &p->items[i];
        if (it->url != NULL && it->learned && !listed(m, it->url)) {
            char *url = mem_str(it->url);
            (void)on_gone(p, url);
            free(url);
        }
    }
    for (uint32_t i = 0; i < m->members.count; i++) {
        if (by_url(p, m->members.urls[i]) >= 0) {
            continue;
        }
        char *url = mem_str_bytes(m->members.urls[i]);
        if (on_found(p, url) == ERR_OK) {
            p->items[by_url(p, m->members.urls[i])].learned = true;
            log_line(LOG_INFO, "coordinator_learned", "url=%s", LOG_Q(url));
        }
        free(url);
    }
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
        claims_take(&it->claims, &m, ++p->told);
        p->handler.changed(p->handler.user);
    } else if (m.type == MSG_MEMBERS) {
        on_members(p, &m);
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
        return "it sent malformed data";
    case CLOSED_BACKLOG:
        return "it reads too slowly what is sent to it";
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
    if (it->welcomed && why != CLOSED_BY_US) { /* why we closed it was told, or this is the end */
        log_line(LOG_WARN, "coordinator_lost", "url=%s why=%s action=redial", LOG_Q(it->url),
                 LOG_Q(closed_text(why)));
    }
    it->conn = 0;
    it->welcomed = false;
    it->claims.partitions = 0;
    if (!it->spare) {
        dial_spares(p, index);
    }
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
        if (p->items[i].url != NULL && p->items[i].conn == 0 && !p->items[i].spare) {
            log_line(LOG_WARN, "coordinator_awaited", "url=%s hint=%s", LOG_Q(p->items[i].url),
                     LOG_Q("no connection yet, still trying; does a coordinator listen there?"));
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
        n += p->items[i].url != NULL && !p->items[i].spare;
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

int peers_owner(const struct peers *p, partition_id partition)
{
    int best = -1;
    for (int i = 0; i < p->count; i++) {
        const struct peer *it = &p->items[i];
        bool owns = it->welcomed && claims_have(&it->claims, partition);
        if (owns && (best < 0 || claims_later(&it->claims, &p->items[best].claims, partition))) {
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
        if (it->welcomed &&
            (best < 0 || (p->items[best].claims.partitions == 0 && it->claims.partitions != 0))) {
            best = i; /* one that owns something has read the pipelines */
        }
    }
    return best;
}

uint64_t peers_owning(const struct peers *p)
{
    uint64_t owning = 0;
    for (int i = 0; i < p->count; i++) {
        owning |= p->items[i].claims.partitions != 0 ? 1ULL << i : 0;
    }
    return owning;
}

uint64_t peers_covered(const struct peers *p)
{
    uint64_t all = 0;
    for (int i = 0; i < p->count; i++) {
        all |= p->items[i].claims.partitions;
    }
    return all;
}
