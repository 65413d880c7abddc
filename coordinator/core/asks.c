/* Reads on their way: each answer finds the question again by its read_id. */
#include "core/asks.h"

#include <assert.h>
#include <stdlib.h>

#include "core/audit.h"
#include "core/dispatch.h"
#include "core/docs.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/library.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/recover.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/resolve.h"
#include "core/state.h"

struct ask *ask_create(struct core *c, enum ask_kind kind)
{
    bool own = kind == ASK_OWNERS || kind == ASK_LIVE || kind == ASK_ORDER || kind == ASK_RESOLVE ||
               kind == ASK_AUDIT || kind == ASK_LIMITS || kind == ASK_HOLDS || kind == ASK_KEYS;
    if (c->asks.count + c->docs_waiting >= (own ? ASKS_PENDING_MAX : ASKS_PENDING_MAX / 2)) {
        return NULL;
    }
    struct ask *ask = mem_zalloc(sizeof *ask);
    ask->kind = kind;
    ask->read_id = c->next_read++;
    return ask;
}

struct ask *ask_for(struct core *c, const struct peer *p, const struct message *m,
                    enum ask_kind kind)
{
    const struct ask first = {.type = m->type, .peer = p->id, .request = m->request};
    return ask_again(c, &first, kind);
}

struct ask *ask_again(struct core *c, const struct ask *from, enum ask_kind kind)
{
    struct ask *ask = ask_create(c, kind);
    if (ask == NULL) {
        refuse(c, from->peer, from->request, CODE_OVERLOADED,
               "too many requests wait for the store: ask again in a second");
        return NULL;
    }
    ask->type = from->type;
    ask->peer = from->peer;
    ask->request = from->request;
    return ask;
}

struct deed deed_copy(struct arena *arena, const struct deed *deed)
{
    return (struct deed){arena_bytes(arena, deed->actor), arena_bytes(arena, deed->reason)};
}

void ask_send(struct core *c, struct ask *ask, struct store_read *read)
{
    void *old = map_put(&c->asks, bytes_of(&ask->read_id, sizeof ask->read_id), ask);
    assert(old == NULL);
    (void)old;
    read->read_id = ask->read_id;
    fx_read(c, read);
}

void ask_free(void *thing)
{
    struct ask *ask = thing;
    task_free(ask->task);
    pipeline_unref(ask->pipeline);
    free(ask->keep);
    shared_drop(ask->input);
    arena_free(&ask->arena);
    free(ask);
}

static void task_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    if (ask->type == MSG_RECOVER || ask->type == MSG_REQUEUE) {
        recover_on_task(c, ask, a);
    } else if (ask->type == MSG_GET_FORK) {
        fork_on_task(c, ask, a);
    } else {
        query_on_task(c, ask, a);
    }
}

void asks_on_answer(struct core *c, const struct store_answer *a)
{
    struct ask *ask = map_remove(&c->asks, bytes_of(&a->read_id, sizeof a->read_id));
    if (ask == NULL) {
        return;
    }
    switch (ask->kind) {
    case ASK_OWNERS:
        partition_on_owners(c, a);
        break;
    case ASK_LIVE:
        partition_on_live(c, ask, a);
        break;
    case ASK_ORDER:
        dispatch_on_parts(c, ask, a);
        break;
    case ASK_LIMITS:
        lane_on_answer(c, ask, a);
        break;
    case ASK_HOLDS:
        break; /* what was not heard passes with its lease */
    case ASK_KEYS:
        resolve_on_keys(c, ask, a);
        break;
    case ASK_RESOLVE:
        resolve_on_parts(c, ask, a);
        break;
    case ASK_TASK:
        task_on_answer(c, ask, a);
        break;
    case ASK_FORK:
        fork_on_parts(c, ask, a);
        break;
    case ASK_REVIVE:
        recover_on_parts(c, ask, a);
        break;
    case ASK_DEAD:
        dead_on_answer(c, ask, a);
        break;
    case ASK_USAGE:
        usage_on_answer(c, ask, a);
        break;
    case ASK_AUDIT:
        audit_on_answer(c, ask, a);
        break;
    case ASK_AUDIT_TASK:
        audit_on_task(c, ask, a);
        break;
    case ASK_ITEMS:
        items_on_answer(c, ask, a);
        return; /* a second read may go on with the same ask */
    case ASK_PIPELINE:
        library_on_answer(c, ask, a);
        break;
    case ASK_VERSIONS:
        versions_on_answer(c, ask, a);
        break;
    case ASK_PUBLISH:
        abort(); /* answered by EV_PUBLISHED */
    case ASK_DOC:
        doc_on_answer(c, ask, a);
        return; /* a second read may go on with the same ask */
    case ASK_HISTORY:
    case ASK_LIST:
    case ASK_READY:
        query_on_answer(c, ask, a);
        return; /* a list may go on with the same ask; it is freed there */
    }
    fx_bury(c, ask_free, ask);
}
