/* Coordinators: their connections, the partitions they own, whether they are silent. */
#include "agent/state.h"

#include <inttypes.h>
#include <string.h>

struct peer *peer_find(struct agent *a, peer_id id)
{
    for (uint32_t i = 0; i < a->peer_count; i++) {
        if (a->peers[i].id == id) {
            return &a->peers[i];
        }
    }
    return NULL;
}

void peer_close(struct agent *a, struct peer *p, mono_ms retry_ms)
{
    p->closing = true;
    a->reach_changed = true;
    p->granted = 0;
    p->claims.partitions = 0;
    struct agent_effect *e = fx_add(a, AGENT_FX_CLOSE);
    e->peer = p->id;
    e->retry_ms = retry_ms;
}

void peer_up(struct agent *a, peer_id id)
{
    if (a->peer_count == AGENT_PEERS_MAX) {
        fx_log(a, LOG_WARN, "too_many_coordinators", "max=%u", AGENT_PEERS_MAX);
        struct agent_effect *e = fx_add(a, AGENT_FX_CLOSE);
        e->peer = id;
        e->retry_ms = AGENT_REFUSED_MS;
        return;
    }
    a->peers[a->peer_count++] = (struct peer){.id = id, .heard_at = a->now.mono};
    struct message *m = fx_send(a, id, MSG_HELLO);
    m->hello.role = ROLE_WORKER;
    m->hello.version_min = a->config.version_min;
    m->hello.version_max = a->config.version_max;
    m->hello.id = a->config.id;
    m->hello.host = a->config.host;
    m->hello.pid = a->config.pid;
    m->hello.software = a->config.software;
    m->hello.slots = a->config.slots;
    m->hello.functions = a->config.functions;
    m->hello.function_count = a->config.function_count;
    m->hello.labels = a->config.labels;
    m->hello.label_count = a->config.label_count;
}

void peer_down(struct agent *a, peer_id id)
{
    struct peer *p = peer_find(a, id);
    if (p == NULL) {
        return;
    }
    if (p->welcomed) {
        fx_log(a, LOG_WARN, "coordinator_lost",
               "peer=%" PRIu64 " running=%" PRIu32 " held=%" PRIu32, id,
               a->in[ATTEMPT_RUNNING].count, a->in[ATTEMPT_HELD].count);
    }
    a->reach_changed = true;
    a->peer_count--;
    memmove(p, p + 1, (size_t)(&a->peers[a->peer_count] - p) * sizeof *p);
    a->lend_at = a->now.mono + AGENT_LEND_MS;
}

/* Is its end all that the attempt can still report? */
static bool being_stopped(const struct attempt *t)
{
    return t->stopped && !(t->phase == ATTEMPT_HELD && t->outcome.ok);
}

/* Sends the list of all attempts that are here, those being stopped last. It is always complete: an
 * attempt that the coordinator had sent here and does not find in the list is ordered elsewhere,
 * without counting as lost with the worker. */
static void claims_send(struct agent *a, struct peer *p)
{
    struct message *m = fx_send(a, p->id, MSG_RUNNING);
    struct attempt_ref *refs = arena_alloc(&a->fx->arena, (a->all.count + 1) * sizeof *refs);
    uint32_t end = a->all.count;
    m->running.heard = p->heard;
    m->running.refs = refs;
    m->running.count = a->all.count;
    for (const struct attempt *t = a->all.last; t != NULL; t = t->links[LINK_ALL].prev) {
        if (being_stopped(t)) {
            refs[--end] = t->order.ref;
        }
    }
    m->running.stopping = m->running.count - end;
    for (const struct attempt *t = a->all.last; t != NULL; t = t->links[LINK_ALL].prev) {
        if (!being_stopped(t)) {
            refs[--end] = t->order.ref;
        }
    }
}

void peers_claim(struct agent *a)
{
    for (uint32_t i = 0; i < a->peer_count; i++) {
        if (a->peers[i].welcomed && !a->peers[i].closing) {
            claims_send(a, &a->peers[i]);
        }
    }
}

void peer_welcome(struct agent *a, struct peer *p, const struct message *m)
{
    if (p->welcomed) {
        return;
    }
    if (m->welcome.version == 0) {
        fx_log(a, LOG_WARN, "coordinator_refused", "reason=\"%.*s\" retry_ms=%d",
               (int)bytes_part(m->welcome.reason, 0, 200).len, (const char *)m->welcome.reason.ptr,
               AGENT_REFUSED_MS);
        peer_close(a, p, AGENT_REFUSED_MS);
        return;
    }
    p->welcomed = true;
    a->reach_changed = true;
    a->totals.joins_total++;
    fx_log(a, LOG_INFO, "coordinator_joined", "peer=%" PRIu64 " running=%" PRIu32 " held=%" PRIu32,
           p->id, a->in[ATTEMPT_RUNNING].count + a->in[ATTEMPT_WAITING].count,
           a->in[ATTEMPT_HELD].count);
    fx_add(a, AGENT_FX_READY)->peer = p->id;
    claims_send(a, p);
    if (a->draining) {
        fx_send(a, p->id, MSG_DRAINING);
    }
}

const struct peer *peer_owner(const struct agent *a, partition_id partition)
{
    const struct peer *owner = NULL;
    for (uint32_t i = 0; i < a->peer_count; i++) {
        const struct peer *p = &a->peers[i];
        if (p->welcomed && !p->closing && claims_have(&p->claims, partition) &&
            (owner == NULL || claims_later(&p->claims, &owner->claims, partition))) {
            owner = p;
        }
    }
    return owner;
}

/* Returns the partitions that the peer did not own before, or owned by an earlier claim. */
static uint64_t take_claims(struct agent *a, struct peer *p, const struct message *m)
{
    struct claims now;
    uint64_t gained = m->owned.partitions;
    claims_take(&now, m, ++a->owned_told);
    for (partition_id i = 0; i < PARTITION_COUNT; i++) {
        if (peer_owner(a, i) == p && p->claims.epochs[i] == now.epochs[i]) {
            gained &= ~((uint64_t)1 << i);
        }
    }
    p->claims = now;
    return gained;
}

void peer_owned(struct agent *a, struct peer *p, const struct message *m)
{
    uint64_t gained = take_claims(a, p, m);
    p->heard = m->owned.number;
    a->reach_changed = true;
    for (struct attempt *t = a->all.first; t != NULL; t = t->links[LINK_ALL].next) {
        if ((gained >> t->partition & 1) != 0) {
            t->sent_to = 0; /* the new owner does not know what the previous one was told */
            news_again(a, t);
        }
    }
    if (gained != 0) {
        /* even if nothing is here: what the coordinator remembers of us may have ended */
        claims_send(a, p);
    }
}

const struct peer *peer_for(const struct agent *a, const struct attempt *t)
{
    const struct peer *owner = peer_owner(a, t->partition);
    for (uint32_t i = 0; i < a->peer_count && owner == NULL; i++) {
        const struct peer *p = &a->peers[i];
        if (p->id == t->from && p->welcomed && !p->closing) {
            owner = p;
        }
    }
    return owner;
}

void peers_judge(struct agent *a)
{
    for (uint32_t i = 0; i < a->peer_count; i++) {
        struct peer *p = &a->peers[i];
        if (!p->closing && a->now.mono - p->heard_at >= a->config.silence_ms) {
            fx_log(a, LOG_WARN, "coordinator_silent", "peer=%" PRIu64 " silent_ms=%" PRId64, p->id,
                   a->now.mono - p->heard_at);
            peer_close(a, p, 0);
        }
    }
}

void peers_forgive(struct agent *a)
{
    for (uint32_t i = 0; i < a->peer_count; i++) {
        a->peers[i].heard_at = a->now.mono;
    }
}
