/* The stored pipelines that are known here: the newest version of each, as the store reports them,
 * and older ones that requests have named. A pipeline that is not known is looked for in the store
 * before a request for it is refused: another coordinator may have stored it a moment ago. */
#include "core/library.h"

#include <stdlib.h>

#include "core/asks.h"
#include "core/definitions.h"
#include "core/fx.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "model/pipeline_expand.h"

struct old_version {
    char *key; /* owned: "<name>:<version>" */
    struct pipeline *pipeline;
};

static struct bytes old_key(struct core *c, struct bytes name, uint32_t version)
{
    return bytes_str(
        arena_printf(fx_arena(c), "%.*s:%u", (int)name.len, (const char *)name.ptr, version));
}

static void old_versions_free(struct core *c)
{
    void *value;
    for (size_t i = 0; map_next(&c->library.old, &i, &value);) {
        struct old_version *old = value;
        pipeline_unref(old->pipeline);
        free(old->key);
        free(old);
    }
    map_free(&c->library.old);
    c->library.old = (struct map){0};
}

/* What became of a pipeline that names others. */
struct whole {
    struct pipeline *of, *pipeline; /* held */
};

static void wholes_free(struct core *c)
{
    void *value;
    for (size_t i = 0; map_next(&c->library.wholes, &i, &value);) {
        struct whole *w = value;
        pipeline_unref(w->of);
        pipeline_unref(w->pipeline);
        free(w);
    }
    map_free(&c->library.wholes);
    c->library.wholes = (struct map){0};
}

static struct pipeline *whole_find(const struct core *c, const struct pipeline *of)
{
    const struct whole *w = map_get(&c->library.wholes, bytes_of(&of, sizeof of));
    return w != NULL ? w->pipeline : NULL;
}

static void whole_keep(struct core *c, struct pipeline *of, struct pipeline *whole)
{
    if (c->library.wholes.count >= WHOLES_MAX) {
        wholes_free(c);
    }
    struct whole *w = mem_zalloc(sizeof *w);
    *w = (struct whole){pipeline_ref(of), pipeline_ref(whole)};
    map_put(&c->library.wholes, bytes_of(&w->of, sizeof w->of), w);
}

void library_free(struct core *c)
{
    void *value;
    for (size_t i = 0; map_next(&c->library.newest, &i, &value);) {
        pipeline_unref(value);
    }
    map_free(&c->library.newest);
    old_versions_free(c);
    wholes_free(c);
}

/* Takes the reference. */
static void keep_old(struct core *c, struct pipeline *p)
{
    struct bytes key = old_key(c, bytes_str(p->name), p->version);
    if (map_get(&c->library.old, key) != NULL) {
        pipeline_unref(p);
        return;
    }
    if (c->library.old.count >= OLD_VERSIONS_MAX) {
        old_versions_free(c);
    }
    struct old_version *old = mem_zalloc(sizeof *old);
    old->key = mem_str_bytes(key);
    old->pipeline = p;
    map_put(&c->library.old, bytes_str(old->key), old);
}

/* Takes the reference. */
static void keep_newest(struct core *c, struct pipeline *p)
{
    struct pipeline *known = map_remove(&c->library.newest, bytes_str(p->name));
    bool same = known != NULL && known->version == p->version;
    map_put(&c->library.newest, bytes_str(p->name), p);
    if (known != p) { /* also where a store that went back has another text for its version */
        wholes_free(c);
    }
    pipeline_unref(known);
    if (!same) {
        fx_log(c, LOG_INFO, "pipeline_ready", "name=%s version=%u steps=%u", p->name, p->version,
               p->step_count);
    }
}

/* False where it cannot be parsed: another version of this program has stored it. */
static bool learn(struct core *c, struct bytes source, uint32_t version)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (definitions_get(&c->definitions, source, version, &p, &fault) != ERR_OK) {
        fx_log(c, LOG_ERROR, "pipeline_unreadable", "pointer=%s detail=\"%s\"", fault.pointer,
               fault.detail);
        return false;
    }
    const struct pipeline *newest = map_get(&c->library.newest, bytes_str(p->name));
    if (newest != NULL && newest->version > version) {
        keep_old(c, p);
    } else {
        keep_newest(c, p);
    }
    return true;
}

void on_pipeline(struct core *c, struct bytes source, uint32_t version)
{
    (void)learn(c, source, version);
}

struct pipeline *library_find(struct core *c, struct bytes name, uint32_t version)
{
    struct pipeline *newest = map_get(&c->library.newest, name);
    if (version == 0 || planted(PLANT_PIN_IGNORED) ||
        (newest != NULL && newest->version == version)) {
        return newest;
    }
    const struct old_version *old = map_get(&c->library.old, old_key(c, name, version));
    return old != NULL ? old->pipeline : NULL;
}

/* ---- looking for one in the store ---- */

/* input: in which its own lies from then on; NULL: it has none. */
static struct start_request start_copy(struct arena *a, const struct start_request *s,
                                       const struct shared *input)
{
    struct start_request copy = *s;
    copy.task_id = arena_bytes(a, s->task_id);
    copy.task_type = arena_bytes(a, s->task_type);
    copy.steps = arena_bytes(a, s->steps);
    copy.session_id = arena_bytes(a, s->session_id);
    copy.input = shared_bytes(input);
    copy.idempotency_key = arena_bytes(a, s->idempotency_key);
    copy.body_hash = arena_bytes(a, s->body_hash);
    copy.fork_of = arena_bytes(a, s->fork_of);
    copy.deed = deed_copy(a, &s->deed);
    copy.kept = arena_alloc(a, (s->kept_count + 1) * sizeof *copy.kept);
    for (uint32_t i = 0; i < s->kept_count; i++) {
        copy.kept[i] = s->kept[i];
        copy.kept[i].result = arena_bytes(a, s->kept[i].result);
        copy.kept[i].error = arena_bytes(a, s->kept[i].error);
    }
    return copy;
}

static struct shared *input_keep(struct core *c, struct bytes input)
{
    struct shared *kept = library_input(c, input);
    return kept != NULL ? shared_hold(kept) : input.len > 0 ? shared_copy(input) : NULL;
}

static void message_keep(struct core *c, struct ask *ask, const struct message *m)
{
    struct arena *a = &ask->arena;
    struct message copy = {.type = m->type, .request = m->request};
    switch ((int)m->type) {
    case MSG_START:
        ask->input = input_keep(c, m->start.input);
        copy.start = start_copy(a, &m->start, ask->input);
        break;
    case MSG_GET_PIPELINES:
        copy.get_pipelines = m->get_pipelines;
        copy.get_pipelines.name = arena_bytes(a, m->get_pipelines.name);
        break;
    case MSG_PUT_PIPELINE:
        copy.put_pipeline = m->put_pipeline;
        copy.put_pipeline.name = arena_bytes(a, m->put_pipeline.name);
        copy.put_pipeline.source = arena_bytes(a, m->put_pipeline.source);
        copy.put_pipeline.by = arena_bytes(a, m->put_pipeline.by);
        break;
    default:
        abort();
    }
    ask->again = copy;
}

bool library_look(struct core *c, const struct peer *p, const struct message *m, struct bytes name,
                  uint32_t version)
{
    struct library *l = &c->library;
    if (planted(PLANT_PIPELINE_UNSEEN)) {
        return false;
    }
    bool absent = bytes_eq(l->absent, name) && l->absent_version == version;
    /* no pipeline can have that name, or the store was asked already */
    if (name.len == 0 || absent) {
        return false;
    }
    struct ask *ask = ask_for(c, p, m, ASK_PIPELINE);
    if (ask == NULL) {
        return true; /* refused */
    }
    ask->name = arena_bytes(&ask->arena, name);
    ask->version = version;
    message_keep(c, ask, m);
    struct store_read read = {.kind = READ_PIPELINE, .name = ask->name, .version = version};
    ask_send(c, ask, &read);
    return true;
}

struct shared *library_input(const struct core *c, struct bytes input)
{
    return shared_has(c->library.input, input) ? c->library.input : NULL;
}

static void handle_again(struct core *c, struct peer *p, const struct message *m)
{
    switch ((int)m->type) {
    case MSG_START:
        on_start(c, p, m);
        break;
    case MSG_GET_PIPELINES:
        on_get_pipelines(c, p, m);
        break;
    case MSG_PUT_PIPELINE:
        on_put_pipeline(c, p, m);
        break;
    default:
        abort();
    }
}

void library_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct peer *p = peer_find(c, ask->peer);
    if (p == NULL) {
        return;
    }
    if (a->err != ERR_OK && a->err != ERR_NOT_FOUND) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    if (a->err == ERR_NOT_FOUND || !learn(c, a->source, a->version)) {
        c->library.absent = ask->name;
        c->library.absent_version = ask->version;
    }
    c->library.input = ask->input;
    handle_again(c, p, &ask->again);
    c->library.input = NULL;
    c->library.absent = BYTES_NONE;
}

/* ---- pipelines that name others ---- */

struct lookup {
    struct core *core;
    const struct pipeline *own;
    struct bytes missing;
};

static const struct pipeline *find_named(void *context, struct bytes name)
{
    struct lookup *l = context;
    if (l->own != NULL && bytes_is(name, l->own->name)) {
        return l->own;
    }
    const struct pipeline *p = library_find(l->core, name, 0);
    l->missing = p == NULL ? name : BYTES_NONE;
    return p;
}

/* The JSON pointer of the fault within the client's request. */
static const char *fault_pointer(struct core *c, const struct message *m,
                                 const struct pipeline_fault *fault)
{
    if (m->type == MSG_PUT_PIPELINE) {
        return fault->pointer;
    }
    return m->start.steps.len > 0 ? arena_printf(fx_arena(c), "/steps%s", fault->pointer)
                                  : "/task_type";
}

struct pipeline *library_expand(struct core *c, const struct peer *p, const struct message *m,
                                struct pipeline *of, const struct pipeline *own)
{
    struct lookup lookup = {.core = c, .own = own};
    const struct pipeline_library library = {find_named, &lookup};
    struct pipeline_fault fault;
    struct pipeline *whole = NULL;
    struct buf text = {0};
    if (of->named_count == 0) {
        return of;
    }
    bool is_stored = own == NULL && m->start.steps.len == 0; /* one of ours, which stays */
    struct pipeline *known = is_stored ? whole_find(c, of) : NULL;
    if (known != NULL) {
        pipeline_unref(of);
        return pipeline_ref(known);
    }
    enum err e = pipeline_expand(of, &library, &text, &fault);
    if (e == ERR_OK) {
        e = definitions_get(&c->definitions, buf_bytes(&text), of->version, &whole, &fault);
    }
    if (e != ERR_OK && !(e == ERR_NOT_FOUND && library_look(c, p, m, lookup.missing, 0))) {
        enum code code = e == ERR_NOT_FOUND ? CODE_UNKNOWN_PIPELINE : CODE_INVALID_PIPELINE;
        refuse_with(c, p->id, m->request,
                    refusal_at(fault_pointer(c, m, &fault), code, fault.detail));
    }
    buf_free(&text);
    if (whole != NULL && is_stored) {
        whole_keep(c, of, whole);
    }
    pipeline_unref(of);
    return whole;
}
