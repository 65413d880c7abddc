/* Who watches which task. A watch lasts as long as both the gateway's connection and our word that
 * the task's partition is ours; when one ends the gateway asks the next owner, or us anew. What it
 * missed meanwhile it finds in the history. */
#include "core/on_watch.h"

#include <stdlib.h>

#include "core/fx.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"

struct watch {
    struct bytes task_id; /* owned */
    peer_id *peers;
    size_t count, cap;
};

static void watch_free(struct core *c, struct watch *w)
{
    map_remove(&c->watches, w->task_id);
    bytes_free(w->task_id);
    free(w->peers);
    free(w);
}

static bool watch_remove(struct core *c, struct watch *w, peer_id peer)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->peers[i] == peer) {
            w->peers[i] = w->peers[--w->count];
            c->watch_count--;
            break;
        }
    }
    if (w->count > 0) {
        return false;
    }
    watch_free(c, w);
    return true;
}

static void watch_add(struct core *c, struct bytes task_id, peer_id peer)
{
    struct watch *w = map_get(&c->watches, task_id);
    if (w == NULL) {
        w = mem_zalloc(sizeof *w);
        w->task_id = bytes_of(mem_str_bytes(task_id), task_id.len);
        map_put(&c->watches, w->task_id, w);
    }
    for (size_t i = 0; i < w->count; i++) {
        if (w->peers[i] == peer) {
            return;
        }
    }
    MEM_GROW(w->peers, w->count, w->cap);
    w->peers[w->count++] = peer;
    c->watch_count++;
}

void on_watch(struct core *c, struct peer *p, const struct message *m)
{
    const struct partition *of = partition_of(c, m->task.task_id);
    if (!partition_serves(of) || !partition_told(c, of)) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    if (c->watch_count >= WATCHES_MAX) {
        refuse(c, p->id, m->request, CODE_OVERLOADED,
               "too many tasks are being watched: try again later, or ask for the status");
        return;
    }
    watch_add(c, m->task.task_id, p->id);
    on_query(c, p, m);
}

void on_unwatch(struct core *c, peer_id peer, struct bytes task_id)
{
    struct watch *w = map_get(&c->watches, task_id);
    if (w != NULL) {
        watch_remove(c, w, peer);
    }
}

void watches_drop_peer(struct core *c, peer_id peer)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->watches, &i, &value);) {
        watch_remove(c, value, peer);
    }
}

/* Peers are being told that these partitions (bit mask) are not ours any more. */
void watches_drop_partitions(struct core *c, uint64_t lost)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->watches, &i, &value);) {
        struct watch *w = value;
        if ((lost >> id_partition(w->task_id) & 1) != 0) {
            c->watch_count -= w->count;
            watch_free(c, w);
        }
    }
}

void watch_tell(struct core *c, struct bytes task_id, struct task_event *events, uint32_t count)
{
    const struct watch *w = map_get(&c->watches, task_id);
    if (w == NULL) {
        return;
    }
    struct message m = {.type = MSG_EVENTS};
    m.events.task_id = arena_bytes(fx_arena(c), w->task_id);
    m.events.events = events;
    m.events.count = count;
    for (size_t i = 0; i < w->count; i++) {
        fx_send(c, w->peers[i], &m);
    }
}
