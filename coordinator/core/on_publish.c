/* Requests about stored pipelines: store or check one (PUT_PIPELINE), list them, list their
 * versions. */
#include <stdlib.h>

#include "core/asks.h"
#include "core/definitions.h"
#include "core/fx.h"
#include "core/library.h"
#include "core/peers.h"
#include "core/replies.h"
#include "core/state.h"
#include "model/limits.h"

/* ---- PUT_PIPELINE ---- */

static void answer_stored(struct core *c, const struct ask *ask, const struct pipeline *p,
                          const struct store_published *published)
{
    struct message r = {.type = MSG_PIPELINE_STORED, .request = ask->request};
    char *hash = arena_alloc(fx_arena(c), 2 * SHA256_BYTES + 1);
    r.stored.name = arena_bytes(fx_arena(c), bytes_str(p->name));
    r.stored.version = published->version;
    r.stored.step_count = p->step_count;
    r.stored.hash = bytes_str(hex_encode(p->hash.digest, SHA256_BYTES, hash));
    r.stored.created = published->verdict == PUBLISH_CREATED;
    fx_send(c, ask->peer, &r);
}

/* Parses the definition of the request; NULL after a refusal. */
static struct pipeline *read_put(struct core *c, const struct peer *p, const struct message *m)
{
    const struct pipeline_put *put = &m->put_pipeline;
    struct pipeline *of = NULL;
    struct pipeline_fault fault;
    enum err e = definitions_get(&c->definitions, put->source, 0, &of, &fault);
    if (e != ERR_OK) {
        refuse_with(c, p->id, m->request,
                    refusal_at(fault.pointer,
                               e == ERR_TOO_LARGE ? CODE_TOO_LARGE : CODE_INVALID_PIPELINE,
                               fault.detail));
        return NULL;
    }
    if (put->name.len > 0 && !bytes_is(put->name, of->name)) {
        refuse_with(
            c, p->id, m->request,
            refusal_at("/name", CODE_INVALID_PIPELINE,
                       arena_printf(fx_arena(c), "the name is \"%s\", but the path has \"%.*s\"",
                                    of->name, (int)put->name.len, (const char *)put->name.ptr)));
        pipeline_unref(of);
        return NULL;
    }
    return of;
}

static bool may_publish(struct core *c, const struct peer *p, const struct message *m)
{
    if (!c->store_up) {
        refuse_unavailable(c, p->id, m->request);
        return false;
    }
    if (c->admission_closed != NULL) {
        refuse(c, p->id, m->request, CODE_UNAVAILABLE, c->admission_closed);
        return false;
    }
    if (c->library.publishing >= PUBLISHES_PENDING_MAX) {
        refuse(c, p->id, m->request, CODE_OVERLOADED,
               "too many pipelines are being stored at once: try again in a second");
        return false;
    }
    return true;
}

/* Takes the reference of `of`. */
static void publish(struct core *c, const struct peer *p, const struct message *m,
                    struct pipeline *of)
{
    struct ask *ask = ask_for(c, p, m, ASK_PUBLISH);
    if (ask == NULL) {
        pipeline_unref(of);
        return;
    }
    ask->pipeline = of;
    map_put(&c->asks, bytes_of(&ask->read_id, sizeof ask->read_id), ask);
    c->library.publishing++;
    struct store_publish publish = {.publish_id = ask->read_id,
                                    .name = bytes_str(of->name),
                                    .source = of->source,
                                    .at = c->now.wall,
                                    .by = arena_bytes(&ask->arena, m->put_pipeline.by)};
    memcpy(publish.hash, of->hash.digest, sizeof publish.hash);
    fx_publish(c, &publish);
}

void on_put_pipeline(struct core *c, struct peer *p, const struct message *m)
{
    bool check_only = m->put_pipeline.check_only;
    if (!check_only && !may_publish(c, p, m)) {
        return;
    }
    struct pipeline *of = read_put(c, p, m);
    if (of == NULL) {
        return;
    }
    struct pipeline *whole = library_expand(c, p, m, pipeline_ref(of), of);
    if (whole == NULL) {
        pipeline_unref(of);
        return;
    }
    pipeline_unref(whole);
    if (check_only) {
        struct ask ask = {.peer = p->id, .request = m->request};
        struct store_published checked = {.verdict = PUBLISH_SAME};
        answer_stored(c, &ask, of, &checked);
        pipeline_unref(of);
    } else {
        publish(c, p, m, of);
    }
}

void on_published(struct core *c, const struct store_published *published)
{
    struct ask *ask =
        map_remove(&c->asks, bytes_of(&published->publish_id, sizeof published->publish_id));
    if (ask == NULL) {
        return;
    }
    c->library.publishing--;
    switch (published->verdict) {
    case PUBLISH_CREATED:
    case PUBLISH_SAME:
        answer_stored(c, ask, ask->pipeline, published);
        break;
    case PUBLISH_NAMES:
        refuse(c, ask->peer, ask->request, CODE_TOO_MANY_PIPELINES,
               "the limit of 1000 pipelines is reached (every coordinator keeps all of them in "
               "memory): store it under an existing name, or start it inline with `steps`");
        break;
    case PUBLISH_VERSIONS:
        refuse(c, ask->peer, ask->request, CODE_TOO_MANY_PIPELINES,
               "this pipeline has reached the limit of 10000 versions, which are never deleted: "
               "store it under another name");
        break;
    case PUBLISH_FULL:
        refuse(c, ask->peer, ask->request, CODE_STORE_FULL,
               "Redis accepts no new data: pipelines can be stored again once there is room");
        break;
    case PUBLISH_UNKNOWN:
        refuse_unavailable(c, ask->peer, ask->request);
        break;
    }
    fx_bury(c, ask_free, ask);
}

/* ---- GET_PIPELINES ---- */

static void put_pipeline(struct core *c, struct pipeline_view *v, const struct pipeline *p)
{
    char *hash = arena_alloc(fx_arena(c), 2 * SHA256_BYTES + 1);
    v->name = bytes_str(p->name);
    v->description = bytes_str(p->description);
    v->version = p->version;
    v->step_count = p->step_count;
    v->hash = bytes_str(hex_encode(p->hash.digest, SHA256_BYTES, hash));
}

static void answer_one(struct core *c, const struct peer *p, const struct message *m)
{
    struct message r = {.type = MSG_PIPELINES, .request = m->request};
    struct bytes name = m->get_pipelines.name;
    const struct pipeline *one = library_find(c, name, m->get_pipelines.version);
    if (one == NULL) {
        if (!library_look(c, p, m, name, m->get_pipelines.version)) {
            refuse(c, p->id, m->request, CODE_PIPELINE_NOT_FOUND,
                   m->get_pipelines.version == 0 ? "there is no pipeline with this name"
                                                 : "there is no such version of this pipeline");
        }
        return;
    }
    r.pipelines.items = arena_alloc(fx_arena(c), sizeof *r.pipelines.items);
    r.pipelines.count = 1;
    put_pipeline(c, r.pipelines.items, one);
    if (!m->get_pipelines.brief) {
        r.pipelines.items->source = one->source;
    }
    fx_send(c, p->id, &r);
}

static int by_name(const void *a, const void *b)
{
    const struct pipeline_view *x = a, *y = b;
    return bytes_cmp(x->name, y->name);
}

void on_get_pipelines(struct core *c, struct peer *p, const struct message *m)
{
    if (m->get_pipelines.name.len > 0) {
        answer_one(c, p, m);
        return;
    }
    struct message r = {.type = MSG_PIPELINES, .request = m->request};
    r.pipelines.items =
        arena_alloc(fx_arena(c), (c->library.newest.count + 1) * sizeof *r.pipelines.items);
    void *value = NULL;
    for (size_t i = 0; map_next(&c->library.newest, &i, &value);) {
        put_pipeline(c, &r.pipelines.items[r.pipelines.count++], value);
    }
    qsort(r.pipelines.items, r.pipelines.count, sizeof *r.pipelines.items, by_name);
    fx_send(c, p->id, &r);
}

/* ---- GET_VERSIONS ---- */

void on_get_versions(struct core *c, struct peer *p, const struct message *m)
{
    struct ask *ask = ask_for(c, p, m, ASK_VERSIONS);
    if (ask == NULL) {
        return;
    }
    uint32_t limit = m->get_versions.limit;
    ask->name = arena_bytes(&ask->arena, m->get_versions.name);
    struct store_read read = {.kind = READ_VERSIONS,
                              .name = ask->name,
                              .version = m->get_versions.before,
                              .limit = limit == 0 || limit > VERSIONS_PAGE_MAX ? VERSIONS_PAGE_MAX
                                                                               : limit};
    ask_send(c, ask, &read);
}

void versions_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct message r = {.type = MSG_VERSIONS, .request = ask->request};
    if (a->err == ERR_NOT_FOUND) {
        refuse(c, ask->peer, ask->request, CODE_PIPELINE_NOT_FOUND,
               "there is no pipeline with this name");
        return;
    }
    if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    struct arena *arena = fx_arena(c);
    r.versions.items = arena_alloc(arena, (a->version_count + 1) * sizeof *r.versions.items);
    for (uint32_t i = 0; i < a->version_count; i++) {
        const struct stored_version *v = &a->versions[i];
        r.versions.items[r.versions.count++] =
            (struct version_view){.version = v->version,
                                  .hash = arena_bytes(arena, v->hash),
                                  .at = v->at,
                                  .by = arena_bytes(arena, v->by)};
    }
    if (a->more && a->version_count > 0) {
        r.versions.next = a->versions[a->version_count - 1].version;
    }
    fx_send(c, ask->peer, &r);
}
