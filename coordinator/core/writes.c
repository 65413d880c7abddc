#include "core/writes.h"

#include <assert.h>
#include <stdlib.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/on_watch.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/ready.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/rollback.h"
#include "core/state.h"
#include "core/tasks.h"

struct pending_write *write_create(struct core *c, enum row_kind kind, partition_id partition)
{
    struct pending_write *w = mem_zalloc(sizeof *w);
    w->write_id = c->next_write++;
    w->kind = kind;
    w->partition = partition;
    w->sends_tail = &w->sends;
    if (c->write_head + c->write_count == c->write_cap) {
        if (c->write_head > c->write_cap / 2) {
            memmove(c->writes, c->writes + c->write_head,
                    c->write_count * sizeof(struct pending_write *));
        } else {
            size_t cap = c->write_cap < 64 ? 64 : c->write_cap * 2;
            struct pending_write **bigger = mem_alloc(cap * sizeof(struct pending_write *));
            if (c->write_count > 0) {
                memcpy(bigger, c->writes + c->write_head,
                       c->write_count * sizeof(struct pending_write *));
            }
            free(c->writes);
            c->writes = bigger;
            c->write_cap = cap;
        }
        c->write_head = 0;
    }
    c->writes[c->write_head + c->write_count++] = w;
    return w;
}

struct pending_write *write_find(struct core *c, uint64_t write_id)
{
    uint64_t first = c->next_write - c->write_count;
    if (write_id < first || write_id >= c->next_write) {
        return NULL;
    }
    struct pending_write *w = c->writes[c->write_head + (size_t)(write_id - first)];
    return w->answered ? NULL : w;
}

void write_count_row(struct core *c, struct pending_write *w, const struct store_row *row)
{
    w->bytes = row->head.len + row->spec.len + row->input.len + row->dead.len + row->error_doc.len +
               row->doc[0].len + row->doc[1].len + row->doc[2].len;
    for (uint32_t i = 0; i < row->step_count; i++) {
        w->bytes += parts_len(&row->steps[i].blob);
    }
    for (uint32_t i = 0; i < row->items_count; i++) {
        const struct items_change *x = &row->items[i];
        w->bytes += parts_len(&x->blob) + x->result.len;
        for (uint32_t k = 0; k < x->count; k++) {
            w->bytes += x->values[k].len;
        }
    }
    for (uint32_t i = 0; i < row->event_count; i++) {
        w->bytes += parts_len(&row->events[i].blob);
    }
    c->write_bytes += w->bytes;
}

bool writes_full(const struct core *c)
{
    return c->write_count >= WRITES_PENDING_MAX || c->write_bytes >= WRITES_BYTES_MAX;
}

void writes_check(const struct core *c)
{
    uint64_t bytes = 0;
    uint32_t admits = 0;
    for (size_t i = 0; i < c->write_count; i++) {
        const struct pending_write *w = c->writes[c->write_head + i];
        if (!w->answered) {
            bytes += w->bytes;
            admits += w->kind == ROW_ADMIT;
        }
    }
    assert(bytes == c->write_bytes && admits == c->admits_pending);
}

bool writes_admit(const struct core *c, struct bytes task_id)
{
    for (size_t i = 0; i < c->write_count; i++) {
        const struct pending_write *w = c->writes[c->write_head + i];
        if (w->kind == ROW_ADMIT && !w->answered && !w->dropped && bytes_eq(w->task_id, task_id)) {
            return true;
        }
    }
    return false;
}

struct message *write_hold(struct pending_write *w, peer_id peer)
{
    struct held *h = arena_alloc(&w->arena, sizeof *h);
    h->peer = peer;
    h->message = arena_alloc(&w->arena, sizeof *h->message);
    *w->sends_tail = h;
    w->sends_tail = &h->next;
    return h->message;
}

static void write_free(void *thing)
{
    struct pending_write *w = thing;
    task_free(w->admission);
    arena_free(&w->arena);
    free(w);
}

/* Answers come in order, except for rows of a split batch; the queue shrinks from its front. */
static void writes_shrink(struct core *c)
{
    while (c->write_count > 0 && c->writes[c->write_head]->answered) {
        fx_bury(c, write_free, c->writes[c->write_head]);
        c->write_head++;
        c->write_count--;
    }
}

static void release(struct core *c, struct pending_write *w)
{
    arena_hold_all(fx_arena(c), &w->arena); /* what is sent may go out from there */
    for (struct held *h = w->sends; h != NULL; h = h->next) {
        fx_send(c, h->peer, h->message);
    }
    if (w->event_count > 0) {
        watch_tell(c, w->task_id, w->events, w->event_count);
    }
    struct task *t = task_find(c, w->task_id);
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < w->ready_count; i++) {
        struct step *s = unit_find(t, w->ready[i].step, w->ready[i].item);
        if (s != NULL && s->phase == PHASE_HELD && work_of(s)->awaits == w->write_id &&
            !task_state_ended(t->state)) {
            step_make_ready(c, s);
        }
    }
}

static void on_updated(struct core *c, struct pending_write *w, enum store_verdict verdict)
{
    struct task *t = task_find(c, w->task_id);
    assert(t != NULL && t->writes_pending > 0);
    t->writes_pending--;
    if (verdict == STORE_OK) {
        rollback_note_acked(c, &c->partitions[w->partition], t, w->version);
        release(c, w);
        if (task_state_ended(t->state) && t->writes_pending == 0) {
            task_remove(c, t);
        }
        return;
    }
    struct partition *p = &c->partitions[w->partition];
    if (verdict == STORE_GONE) {
        /* The task expired between the read and its revival: nothing was written, and later rows of
         * it will fail likewise. */
        for (struct held *h = w->sends; h != NULL; h = h->next) {
            if (h->message->request != 0) {
                refuse(c, h->peer, h->message->request, CODE_TASK_NOT_FOUND,
                       "the task has expired");
            }
        }
        w->sends = NULL;
    }
    partition_drop(c, p, verdict == STORE_FENCED ? "fenced" : "a write was refused");
}

void writes_on_answer(struct core *c, const struct store_written *written)
{
    struct pending_write *w = write_find(c, written->write_id);
    if (w == NULL) {
        return; /* answered twice: a bug of the store, but nothing depends on it */
    }
    if (written->verdict == STORE_FENCED && w->kind != ROW_CLAIM && w->kind != ROW_WISH) {
        /* counted even if the partition was dropped before the answer came */
        c->stats.fenced_total++;
    }
    /* Marked as answered only after it was handled: if the partition is dropped meanwhile,
     * writes_drop must still see this write, and skip it. */
    if (!w->dropped) {
        switch (w->kind) {
        case ROW_CLAIM:
            partition_on_claimed(c, w->partition, written->verdict);
            break;
        case ROW_RENEW:
            partition_on_renewed(c, w->partition, written->verdict);
            break;
        case ROW_RELEASE:
            partition_on_released(c, w->partition);
            break;
        case ROW_WISH:
            break; /* the next read of the owners shows what came of it */
        case ROW_UNLIST:
            if (written->verdict == STORE_FENCED) {
                partition_drop(c, &c->partitions[w->partition], "fenced");
            }
            break;
        case ROW_ADMIT:
            on_admitted(c, w, written);
            if (written->verdict == STORE_OK) {
                release(c, w);
            }
            break;
        case ROW_UPDATE:
            on_updated(c, w, written->verdict);
            break;
        }
    }
    if (!w->dropped && written->verdict == STORE_OK) {
        partition_on_stored(c, w->partition, w->write_id);
    }
    w->answered = true;
    c->write_bytes -= w->bytes;
    c->admits_pending -= w->kind == ROW_ADMIT;
    writes_shrink(c);
}

void writes_drop(struct core *c, const struct partition *p)
{
    for (size_t i = 0; i < c->write_count; i++) {
        struct pending_write *w = c->writes[c->write_head + i];
        if (w->partition != p->id || w->dropped || w->answered || w->kind < ROW_ADMIT) {
            continue;
        }
        w->dropped = true;
        if (w->kind == ROW_ADMIT) {
            refuse_unavailable(c, w->peer, w->request);
        }
        for (struct held *h = w->sends; h != NULL; h = h->next) {
            if (h->message->request != 0) {
                refuse_unavailable(c, h->peer, h->message->request);
            }
        }
    }
}

void writes_free(struct core *c)
{
    for (size_t i = 0; i < c->write_count; i++) {
        write_free(c->writes[c->write_head + i]);
    }
    free(c->writes);
}
