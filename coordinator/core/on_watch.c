/* Who watches what. A watch belongs to a gateway's connection, not to the task in memory: it
 * outlives the loss of a partition, and is told the newest seq after the next load, so that the
 * gateway can close the gap from the history. */
#include <stdlib.h>

#include "core/writes.h"

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
    if (!partition_serves(partition_of(c, m->task.task_id))) {
        refuse_unavailable(c, p->id, m->request);
        return;
    }
    if (c->watch_count >= WATCHES_MAX) {
        refuse(c, p->id, m->request, CODE_OVERLOADED, "too many tasks are being watched");
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

/* After a load: every watcher of the partition is told where its task stands. */
void watches_renew(struct core *c, const struct partition *p)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->watches, &i, &value);) {
        const struct watch *w = value;
        if (id_partition(w->task_id) != p->id) {
            continue;
        }
        for (size_t k = 0; k < w->count; k++) {
            struct peer *peer = peer_find(c, w->peers[k]);
            struct message m = {.type = MSG_WATCH};
            m.task.task_id = w->task_id;
            on_query(c, peer, &m);
        }
    }
}
