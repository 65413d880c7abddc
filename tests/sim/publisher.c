/* Stores versions of one pipeline through any gateway and any coordinator, has the others read them
 * as a gateway does, and starts tasks of it, of the newest version or of a given one. Each text has
 * a number, so that a task's record shows which text it runs.
 *
 * I18: a version's text never changes; a coordinator never forgets a version that it was seen to
 * know; a start runs the version that it names, or one that is no older than what its owner was
 * seen to know; what is stored is never reported as missing. */
#include <stdio.h>

#include "json/scan.h"
#include "world.h"

#define NAME         "menu"
#define PATIENCE_MS  3000
#define VERSIONS_MAX 64 /* in one world */

static uint64_t draw(struct publisher *p, uint64_t below)
{
    return rng_next(&p->rng) % below;
}

static struct gateway *some_gateway(struct world *w)
{
    struct gateway *g = &w->gateways[draw(&w->publisher, w->gateway_count)];
    return g->process.alive && !g->process.paused ? g : NULL;
}

static struct conn *some_conn(struct world *w, const struct gateway *g)
{
    size_t from = draw(&w->publisher, w->conn_count + 1);
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[(from + i) % w->conn_count];
        if (k->ends[1] == &g->process && k->lives[1] == g->process.life && !k->closed && k->ready) {
            return k;
        }
    }
    return NULL;
}

static struct publisher_ask *ask(struct world *w, struct gateway *g, struct conn *k,
                                 struct message *m)
{
    struct publisher *p = &w->publisher;
    struct publisher_ask *a = &p->asks[p->next_ask++ % PUBLISHER_ASKS];
    m->request = ++g->next_request;
    *a = (struct publisher_ask){.request = m->request,
                                .type = m->type,
                                .gateway = g,
                                .coordinator = coordinator_of(k->ends[0])->index,
                                .until = w->now + PATIENCE_MS};
    conn_send(k, 0, m);
    return a;
}

/* ---- wishes ---- */

static void put(struct world *w, struct gateway *g)
{
    struct publisher *p = &w->publisher;
    struct conn *k = some_conn(w, g);
    char source[160];
    struct message m = {.type = MSG_PUT_PIPELINE};
    if (k == NULL || p->texts == VERSIONS_MAX) {
        return;
    }
    bool again = p->texts > 0 && draw(p, 4) == 0; /* the last text */
    uint32_t text = again ? p->texts : ++p->texts;
    snprintf(source, sizeof source,
             "{\"name\":\"" NAME "\",\"steps\":[{\"name\":\"a\",\"function\":\"quick\",\"input\":{"
             "\"n\":%u,\"text\":%u}}]}",
             text, text);
    m.put_pipeline.name = BYTES_LIT(NAME);
    m.put_pipeline.source = bytes_str(source);
    m.put_pipeline.by = bytes_str(g->process.name);
    ask(w, g, k, &m)->text = text;
}

static void learn(struct world *w, struct gateway *g, uint32_t version)
{
    for (size_t i = 0; i < w->conn_count; i++) {
        struct conn *k = w->conns[i];
        if (k->ends[1] == &g->process && k->lives[1] == g->process.life && !k->closed && k->ready) {
            struct message m = {.type = MSG_GET_PIPELINES};
            m.get_pipelines.name = BYTES_LIT(NAME);
            m.get_pipelines.version = version;
            m.get_pipelines.brief = true;
            ask(w, g, k, &m)->version = version;
        }
    }
}

static void start(struct world *w, struct gateway *g)
{
    struct publisher *p = &w->publisher;
    char id[24];
    struct message m = {.type = MSG_START};
    snprintf(id, sizeof id, "m%u", p->starts);
    struct conn *k = gateway_owner(g, bytes_str(id));
    if (k == NULL || p->newest == 0) {
        return;
    }
    p->starts++;
    m.start.task_id = bytes_str(id);
    m.start.task_type = BYTES_LIT(NAME);
    m.start.input = BYTES_LIT("{}");
    m.start.enable_checkpoints = true;
    m.start.checkpoint_interval_s = 1;
    m.start.max_retries = -1;
    m.start.max_duration_s = -1;
    m.start.pipeline_version = draw(p, 3) == 0 ? 1 + (uint32_t)draw(p, p->newest) : 0;
    uint32_t coordinator = coordinator_of(k->ends[0])->index;
    struct publisher_ask *a = ask(w, g, k, &m);
    a->task = p->starts - 1;
    a->version = m.start.pipeline_version;
    a->least = p->known[coordinator];
}

static void on_wish(struct world *w, struct job *j)
{
    struct publisher *p = &w->publisher;
    struct gateway *g = some_gateway(w);
    (void)j;
    if (g != NULL && !w->healed) {
        if (draw(p, 2) == 0) {
            put(w, g);
        } else {
            start(w, g);
        }
    }
    if (!w->healed) {
        job_add(w, NULL, w->now + 50 + (mono_ms)draw(p, 900), on_wish, NULL);
    }
}

void publisher_begin(struct world *w)
{
    struct publisher *p = &w->publisher;
    rng_seed(&p->rng, w->seed ^ 0x70697065);
    if (draw(p, 3) == 0) {
        job_add(w, NULL, w->now + 300, on_wish, NULL);
    }
}

/* ---- answers ---- */

/* The number of a version's text, from its source in the store. */
static uint32_t text_of(struct world *w, struct bytes text)
{
    static const char mark[] = "\"text\":";
    const uint8_t *at = text.len > 0 ? memmem(text.ptr, text.len, mark, sizeof mark - 1) : NULL;
    uint32_t n = 0;
    if (at == NULL) {
        violated(w, "I18", "a definition without its number");
    }
    for (at += sizeof mark - 1; *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (uint32_t)(*at - '0');
    }
    return n;
}

static bool version_has(struct world *w, uint32_t version, uint32_t text)
{
    struct bytes source = store_model_pipeline(&w->store, BYTES_LIT(NAME), &version);
    return source.len > 0 && text_of(w, source) == text;
}

/* Texts are numbered as they are sent, but may be stored in another order, or repeatedly. 0:
 * none. */
static uint32_t newest_with(struct world *w, uint32_t text)
{
    uint32_t version = 0;
    (void)store_model_pipeline(&w->store, BYTES_LIT(NAME), &version);
    while (version > 0 && !version_has(w, version, text)) {
        version--;
    }
    return version;
}

static void on_stored(struct world *w, const struct publisher_ask *a, const struct message *m)
{
    struct publisher *p = &w->publisher;
    uint32_t version = m->stored.version;
    if (version == 0 || !version_has(w, version, a->text)) {
        violated(w, "I18", "version %u is said to hold text %u, and does not", m->stored.version,
                 a->text);
    }
    p->newest = version > p->newest ? version : p->newest;
    learn(w, a->gateway, version);
}

static void on_started(struct world *w, const struct publisher_ask *a)
{
    char id[24];
    snprintf(id, sizeof id, "m%u", a->task);
    struct stored_task *t = store_model_find(&w->store, bytes_str(id), w->now);
    if (t == NULL) {
        violated(w, "durable", "%s was started and is not stored", id);
    }
    uint32_t text = text_of(w, buf_bytes(&t->spec));
    uint32_t version = newest_with(w, text);
    bool good = a->version > 0 ? version_has(w, a->version, text) : version >= a->least;
    if (version == 0 || !good) {
        violated(w, "I18", "%s runs text %u, of version %u, and not version %u%s", id, text,
                 version, a->version > 0 ? a->version : a->least,
                 a->version > 0 ? "" : " or a newer one");
    }
}

static void on_refused(struct world *w, const struct publisher_ask *a, const struct message *m)
{
    enum code code = m->refused.code;
    bool passes = code == CODE_UNAVAILABLE || code == CODE_STORE_FULL || code == CODE_OVERLOADED ||
                  code == CODE_TASK_EXISTS;
    if (!passes) {
        violated(w, "I18", "%s of a stored pipeline refused with %s", message_type_name(a->type),
                 code_info(code)->name);
    }
}

bool publisher_answer(struct world *w, const struct message *m)
{
    struct publisher *p = &w->publisher;
    struct publisher_ask *a = NULL;
    for (size_t i = 0; i < PUBLISHER_ASKS && m->request != 0; i++) {
        a = p->asks[i].request == m->request ? &p->asks[i] : a;
    }
    if (a == NULL || w->now > a->until) {
        return a != NULL;
    }
    struct publisher_ask asked = *a;
    a->request = 0;
    if (m->type == MSG_REFUSED) {
        on_refused(w, &asked, m);
    } else if (m->type == MSG_PIPELINE_STORED) {
        on_stored(w, &asked, m);
    } else if (m->type == MSG_STARTED) {
        on_started(w, &asked);
    } else if (m->type == MSG_PIPELINES) {
        uint32_t *known = &p->known[asked.coordinator];
        if (m->pipelines.items[0].version != asked.version) {
            violated(w, "I18", "asked for version %u, given %u", asked.version,
                     m->pipelines.items[0].version);
        }
        *known = asked.version > *known ? asked.version : *known;
    }
    return true;
}
