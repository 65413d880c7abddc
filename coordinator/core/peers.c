/* Connections that have said HELLO, and which of them have fallen silent. */
#include "core/peers.h"

#include <assert.h>
#include <stdlib.h>

#include "core/fx.h"
#include "core/grace.h"
#include "core/members.h"
#include "core/on_watch.h"
#include "core/partition.h"
#include "core/state.h"
#include "core/workers.h"
#include "model/label.h"
#include "model/limits.h"

/* wire/frame.h's WIRE_VERSION, which the core does not see */
#define WIRE_VERSION_SPOKEN 1
/* After standing still for longer than this, the loop takes no peer for silent before it has read
 * its sockets again. */
#define STOOD_STILL_MS 1000

struct peer *peer_find(const struct core *c, peer_id id)
{
    return map_get(&c->peers, bytes_of(&id, sizeof id));
}

static bool labels_good(const struct message *hello)
{
    bool good = hello->hello.label_count <= LABELS_MAX;
    for (uint32_t i = 0; good && i < hello->hello.label_count; i++) {
        good = label_valid(hello->hello.labels[i]);
    }
    return good;
}

/* Why a HELLO is not accepted; NULL where it is. */
static const char *fault_of(const struct message *hello)
{
    if (hello->hello.version_min > WIRE_VERSION_SPOKEN ||
        hello->hello.version_max < WIRE_VERSION_SPOKEN) {
        return "this coordinator speaks version 1 of the protocol only";
    }
    if (hello->hello.id.len == 0 || hello->hello.id.len > ID_BYTES_MAX ||
        hello->hello.host.len > 255 || hello->hello.software.len > 255) {
        return "a HELLO needs an id of 1 to 128 bytes, a host and a version of at most 255";
    }
    if (hello->hello.role != ROLE_WORKER && hello->hello.role != ROLE_GATEWAY) {
        return "only workers and gateways connect here";
    }
    if (hello->hello.slots > SLOTS_MAX || hello->hello.function_count > FUNCTIONS_MAX) {
        return "a worker has at most 1024 slots and 256 functions";
    }
    if (!labels_good(hello)) {
        return "a worker has at most 32 labels, each name=value of A-Z a-z 0-9 _ . : -";
    }
    return NULL;
}

void on_peer_up(struct core *c, peer_id id, const struct message *hello)
{
    const char *fault = fault_of(hello);
    if (fault != NULL) {
        struct effect *e = fx_send_stranger(c, id);
        struct message *no = arena_alloc(fx_arena(c), sizeof *no);
        no->type = MSG_WELCOME;
        no->welcome.reason = bytes_str(fault);
        e->message = no;
        fx_close(c, id, fault);
        return;
    }
    struct peer *p = mem_zalloc(sizeof *p);
    p->id = id;
    p->role = hello->hello.role;
    p->heard = c->now.mono;
    void *old = map_put(&c->peers, bytes_of(&p->id, sizeof p->id), p);
    assert(old == NULL);
    (void)old;
    struct message welcome = {.type = MSG_WELCOME};
    welcome.welcome.version = WIRE_VERSION_SPOKEN;
    welcome.welcome.id = bytes_of(c->config.instance, NONCE_BYTES);
    fx_send(c, id, &welcome);
    struct message owned = partitions_owned(c);
    fx_send(c, id, &owned);
    members_tell(c, id);
    if (p->role == ROLE_WORKER) {
        p->worker = worker_join(c, hello, id);
        p->asked = c->owned_told != 0 ? c->owned_number : 0;
    } else {
        fx_log(c, LOG_INFO, "gateway_joined", "gateway=%.*s host=%.*s pid=%u version=\"%.*s\"",
               (int)hello->hello.id.len, (const char *)hello->hello.id.ptr,
               (int)hello->hello.host.len, (const char *)hello->hello.host.ptr, hello->hello.pid,
               (int)hello->hello.software.len, (const char *)hello->hello.software.ptr);
    }
}

void on_peer_down(struct core *c, peer_id id)
{
    struct peer *p = map_remove(&c->peers, bytes_of(&id, sizeof id));
    if (p == NULL) {
        return;
    }
    if (p->worker != NULL && p->worker->peer == id) {
        worker_disconnected(c, p->worker);
    }
    watches_drop_peer(c, id);
    free(p);
}

static void peers_forgive(struct core *c)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        ((struct peer *)value)->heard = c->now.mono;
    }
    graces_forgive(c);
}

/* Beats out, silent peers closed. */
void peers_tick(struct core *c)
{
    if (c->now.mono - c->last_tick_at > STOOD_STILL_MS) {
        peers_forgive(c);
    }
    c->last_tick_at = c->now.mono;
    struct message beat = {.type = MSG_BEAT};
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        struct peer *p = value;
        if (c->now.mono - p->heard > c->config.silence_ms) {
            fx_log(c, LOG_WARN, "peer_silent", "peer=%llu for_ms=%lld", (unsigned long long)p->id,
                   (long long)(c->now.mono - p->heard));
            fx_close(c, p->id, "nothing heard from it for too long");
            on_peer_down(c, p->id);
            continue;
        }
        fx_send(c, p->id, &beat);
    }
}
