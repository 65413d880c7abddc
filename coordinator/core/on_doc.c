/* Parts of documents that gateways ask for: so many bytes of them are read at once, further
 * requests are queued in their order. */
#include <assert.h>

#include "core/asks.h"
#include "core/docs.h"
#include "core/fx.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/record.h"
#include "core/replies.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/writes.h"
#include "model/limits.h"

static uint32_t doc_bytes(const struct ask *ask)
{
    return ask->doc.len < DOC_PART_BYTES_MAX ? ask->doc.len : DOC_PART_BYTES_MAX;
}

static bool docs_full(const struct core *c, const struct ask *ask)
{
    return c->docs_bytes > 0 && c->docs_bytes + doc_bytes(ask) > DOCS_BYTES_MAX;
}

static void read_doc(struct core *c, struct ask *ask)
{
    struct store_read read = {.kind = READ_PARTS, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    read.ranges = arena_alloc(fx_arena(c), sizeof *read.ranges);
    read.ranges[0].offset = ask->doc.offset;
    read.ranges[0].len = doc_bytes(ask);
    read.range_count = 1;
    ask_send(c, ask, &read);
}

static void refuse_doc(struct core *c, const struct ask *ask)
{
    refuse(c, ask->peer, ask->request, CODE_TASK_NOT_FOUND,
           "the document has changed; ask for the status again");
}

/* Begins a request, at once or when its turn comes: much may have happened while it was queued. The
 * record of an ended task is read first, since its run and revision are nowhere else. False where
 * the request was answered. */
static bool doc_begin(struct core *c, struct ask *ask)
{
    const struct task *t = task_find(c, ask->task_id);
    if (!partition_serves(partition_of(c, ask->task_id))) {
        refuse_unavailable(c, ask->peer, ask->request);
        return false;
    }
    if (t != NULL && (t->run != ask->doc.run || t->doc_revision != ask->doc.revision)) {
        refuse_doc(c, ask);
        return false;
    }
    c->docs_bytes += doc_bytes(ask);
    if (t != NULL) {
        read_doc(c, ask);
        return true;
    }
    struct store_read read = {.kind = READ_TASK, .partition = id_partition(ask->task_id)};
    read.task_id = ask->task_id;
    ask_send(c, ask, &read);
    return true;
}

static struct ask *waiting_pop(struct core *c)
{
    struct ask *ask = c->docs_first;
    c->docs_first = ask->next;
    if (c->docs_first == NULL) {
        c->docs_last = NULL;
    }
    c->docs_waiting--;
    return ask;
}

void docs_free(struct core *c)
{
    while (c->docs_first != NULL) {
        ask_free(waiting_pop(c));
    }
}

void docs_check(const struct core *c)
{
    uint64_t bytes = 0;
    uint64_t waiting = 0;
    void *value = NULL;
    for (size_t i = 0; map_next(&c->asks, &i, &value);) {
        const struct ask *ask = value;
        bytes += ask->kind == ASK_DOC ? doc_bytes(ask) : 0;
    }
    for (const struct ask *ask = c->docs_first; ask != NULL; ask = ask->next) {
        waiting++;
    }
    assert(bytes == c->docs_bytes && bytes <= DOCS_BYTES_MAX); /* I11 */
    assert(waiting == c->docs_waiting && (waiting == 0 || bytes > 0));
}

static void doc_end(struct core *c, struct ask *ask)
{
    c->docs_bytes -= doc_bytes(ask);
    fx_bury(c, ask_free, ask);
    while (c->docs_first != NULL && !docs_full(c, c->docs_first)) {
        struct ask *next = waiting_pop(c);
        if (peer_find(c, next->peer) == NULL || !doc_begin(c, next)) {
            fx_bury(c, ask_free, next);
        }
    }
}

void on_get_doc(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_DOC);
    if (ask == NULL) {
        return;
    }
    ask->task_id = arena_bytes(&ask->arena, m->get_doc.task_id);
    ask->doc = m->get_doc;
    ask->doc.task_id = ask->task_id;
    if (c->docs_first != NULL || docs_full(c, ask)) {
        *(c->docs_last != NULL ? &c->docs_last->next : &c->docs_first) = ask;
        c->docs_last = ask;
        c->docs_waiting++;
    } else if (!doc_begin(c, ask)) {
        fx_bury(c, ask_free, ask);
    }
}

/* Is the record (or, where it lives again, the task in memory) still what was asked for? */
static bool doc_current(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    const struct task *live = task_find(c, ask->task_id);
    struct task *stored = NULL;
    if (writes_admit(c, ask->task_id)) {
        return false; /* a fresh run is being written: the next read would see its document */
    }
    if (live == NULL &&
        (a->task_count == 0 || record_get_task(&c->definitions, &a->tasks[0], &stored) != ERR_OK)) {
        return false;
    }
    const struct task *t = live != NULL ? live : stored;
    bool current = t->run == ask->doc.run && t->doc_revision == ask->doc.revision;
    task_free(stored);
    return current;
}

void doc_on_answer(struct core *c, struct ask *ask, const struct store_answer *a)
{
    if (a->err == ERR_NOT_FOUND) {
        ask_refuse_no_task(c, ask);
    } else if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
    } else if (a->kind == READ_PARTS) {
        struct message m = {.type = MSG_DOC, .request = ask->request};
        m.doc.data = a->part_count > 0 ? a->parts[0] : BYTES_NONE;
        fx_send(c, ask->peer, &m);
    } else if (peer_find(c, ask->peer) != NULL && doc_current(c, ask, a)) {
        ask->read_id = c->next_read++;
        read_doc(c, ask);
        return;
    } else {
        refuse_doc(c, ask);
    }
    doc_end(c, ask);
}
