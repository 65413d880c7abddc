#include "redis_mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "answer_text.h"
#include "contract/redis_certs.h"
#include "contract/redis_server.h"
#include "mortals.h"
#include "store/redis_names.h"
#include "store/store.h"
#include "world.h"

#define PATIENCE_MS   60000     /* only to end a hanging test */
#define FAR_S         100000000 /* far enough that no TTL expires by Redis' own clock */
#define TOLD_BYTES    800
#define NOBODY        COORDINATORS_MAX
#define EVENTS_AT_END 100000

/* A request, and the model's answer to it. */
struct asked {
    uint32_t who;
    bool heard, by_lines, may_be_full;
    struct store_read read; /* of a page: for the next one */
    struct buf what, expected, got;
};

struct peer {
    struct redis_mirror *mirror;
    struct store *store;
    bool up;
};

struct redis_mirror {
    struct mirror mirror; /* first member */
    struct redis_server server;
    struct world *world;
    struct loop *loop;
    struct loop_timer *patience;
    struct peer peers[COORDINATORS_MAX];
    uint32_t owner[PARTITION_COUNT]; /* the coordinator that claimed it last */
    bool full;
    uint64_t first, next; /* ids of the requests */
    struct asked *asked;
    size_t count, cap, heard;
    struct mortals mortals;
};

static const struct redis_names names = {0};

static struct redis_mirror *of(struct mirror *m)
{
    return (struct redis_mirror *)(void *)m;
}

/* ---- what the stores say ---- */

static void wake(struct redis_mirror *m)
{
    loop_stop(m->loop);
}

static struct asked *heard(struct redis_mirror *m, uint64_t id)
{
    if (id < m->first || id - m->first >= m->count || m->asked[id - m->first].heard) {
        violated(m->world, "mirror", "an answer to nothing that was asked");
    }
    return &m->asked[id - m->first];
}

static void over(struct redis_mirror *m, struct asked *a)
{
    a->heard = true;
    if (++m->heard == m->count) {
        wake(m);
    }
}

static void on_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    (void)secret;
    struct peer *p = user;
    p->up = true;
    wake(p->mirror);
}

static void on_down(void *user, const char *why)
{
    struct peer *p = user;
    violated(p->mirror->world, "mirror", "Redis is gone: %s", why);
}

static void on_written(void *user, const struct store_written *w)
{
    struct redis_mirror *m = ((struct peer *)user)->mirror;
    struct asked *a = heard(m, w->write_id);
    /* A full Redis refuses admissions before it examines them. */
    if (a->may_be_full && w->verdict == STORE_FULL) {
        buf_add_bytes(&a->got, buf_bytes(&a->expected));
    } else {
        written_text(w, &a->got);
    }
    over(m, a);
}

static void on_read(void *user, const struct store_answer *answer)
{
    struct peer *p = user;
    struct asked *a = heard(p->mirror, answer->read_id);
    answer_text(answer, &a->got);
    if (a->by_lines && answer->err == ERR_OK && answer->cursor != 0) {
        a->read.cursor = answer->cursor;
        a->read.id_count = 0;
        p->store->ops->read(p->store, &a->read);
        return;
    }
    over(p->mirror, a);
}

static void on_published(void *user, const struct store_published *published)
{
    struct redis_mirror *m = ((struct peer *)user)->mirror;
    struct asked *a = heard(m, published->publish_id);
    published_text(published, &a->got);
    over(m, a);
}

static void on_admission(void *user, const char *why)
{
    (void)user;
    (void)why;
}

static void on_pipeline(void *user, struct bytes source, uint32_t version)
{
    (void)user;
    (void)source;
    (void)version;
}

static void on_turn_end(void *user)
{
    struct redis_mirror *m = user;
    for (size_t i = 0; i < COORDINATORS_MAX; i++) {
        m->peers[i].store->ops->flush(m->peers[i].store);
    }
}

static void on_patience(void *user)
{
    struct redis_mirror *m = user;
    violated(m->world, "mirror", "Redis has not answered for %d s", PATIENCE_MS / 1000);
}

static void turn(struct redis_mirror *m)
{
    loop_timer_set(m->patience, loop_now(m->loop).mono + PATIENCE_MS);
    loop_run(m->loop);
}

/* ---- comparing ---- */

/* Prints both texts from a little before the point where they differ. */
static void tell_difference(struct asked *a)
{
    const char *model = buf_cstr(&a->expected), *redis = buf_cstr(&a->got);
    size_t at = 0;
    while (model[at] == redis[at] && model[at] != '\0') {
        at++;
    }
    size_t from = at > TOLD_BYTES / 4 ? at - TOLD_BYTES / 4 : 0;
    fprintf(stderr, "%s, from byte %zu on (they part at %zu):\n  model: %.*s\n  redis: %.*s\n",
            buf_cstr(&a->what), from, at, TOLD_BYTES, model + from, TOLD_BYTES, redis + from);
}

static void compare(struct redis_mirror *m, struct asked *a)
{
    if (a->by_lines) {
        lines_sort(&a->expected);
        lines_sort(&a->got);
    }
    if (!bytes_eq(buf_bytes(&a->expected), buf_bytes(&a->got))) {
        tell_difference(a);
        violated(m->world, "mirror", "the model and Redis do not say the same");
    }
    buf_free(&a->what);
    buf_free(&a->expected);
    buf_free(&a->got);
}

static void settle(struct mirror *mirror)
{
    struct redis_mirror *m = of(mirror);
    while (m->heard < m->count) {
        turn(m);
    }
    for (size_t i = 0; i < m->count; i++) {
        compare(m, &m->asked[i]);
    }
    m->first += m->count;
    m->count = m->heard = 0;
}

static struct asked *ask(struct redis_mirror *m, uint32_t who, const char *what, int kind,
                         struct bytes task_id)
{
    MEM_GROW(m->asked, m->count, m->cap);
    struct asked *a = &m->asked[m->count++];
    *a = (struct asked){.who = who};
    buf_addf(&a->what, "%s %d of %.*s by coordinator %u", what, kind, (int)task_id.len,
             (const char *)task_id.ptr, who);
    return a;
}

static uint64_t id_of(const struct redis_mirror *m, const struct asked *a)
{
    return m->first + (uint64_t)(a - m->asked);
}

/* ---- time, room, and others' hands ---- */

static void done(struct redis_mirror *m, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        violated(m->world, "mirror", "Redis refuses: %s", reply->str);
    }
}

static void has_room(struct redis_mirror *m, bool is_full)
{
    if (m->full != is_full) {
        done(m, raw(&m->server, "CONFIG SET maxmemory %s", is_full ? "1" : "0"));
        m->full = is_full;
    }
}

/* Applies to Redis what has changed in the world since the last batch. */
static void catch_up(struct redis_mirror *m)
{
    if (m->count > 0) {
        return; /* at the same moment */
    }
    mortals_expire(&m->mortals, &m->server, m->world->now);
    has_room(m, m->world->store.full);
}

static void meddle(struct mirror *mirror, const struct stored_task *t)
{
    struct redis_mirror *m = of(mirror);
    has_room(m, false); /* the foreign hand writes even into a full store */
    struct buf name = {0};
    redis_name(&names, t->ended ? KEY_LIVE : KEY_TASK, id_partition(t->id),
               t->ended ? BYTES_NONE : t->id, &name);
    if (t->ended) {
        done(m, raw(&m->server, "SADD %b %b", name.ptr, name.len, t->id.ptr, t->id.len));
    } else {
        done(m, raw(&m->server, "EXPIRE %b %d", name.ptr, name.len, FAR_S));
        mortals_set(&m->mortals, t->id, BYTES_NONE, t->expires_at);
    }
    buf_free(&name);
}

/* ---- what is asked ---- */

static void row(struct mirror *mirror, uint32_t who, const struct store_row *given,
                const struct store_written *answer)
{
    struct redis_mirror *m = of(mirror);
    catch_up(m);
    struct asked *a = ask(m, who, "row", (int)given->kind, given->task_id);
    a->may_be_full = m->full && given->kind == ROW_ADMIT && answer->verdict != STORE_OK;
    written_text(answer, &a->expected);
    struct store_row r = *given;
    r.write_id = id_of(m, a);
    r.ttl_s = FAR_S;
    r.idempotency_ttl_s = FAR_S;
    m->peers[who].store->ops->write(m->peers[who].store, &r);
    if (answer->verdict != STORE_OK) {
        return;
    }
    if (given->kind == ROW_CLAIM) {
        m->owner[given->partition] = who;
    } else if (given->kind == ROW_ADMIT || given->kind == ROW_UPDATE) {
        mortals_learn(&m->mortals, &m->world->store, given->task_id, m->world->now);
    }
}

/* Reads all pages of the model, since its order and pages differ from those of Redis. */
static void model_pages(struct redis_mirror *m, const struct store_read *read, struct buf *out)
{
    struct arena arena = {0};
    struct store_read page = *read;
    do {
        struct store_answer *a = store_model_read(&m->world->store, &page, m->world->now, &arena);
        answer_text(a, out);
        page.cursor = a->cursor;
    } while (page.cursor != 0);
    arena_free(&arena);
}

/* A coordinator that has lost a partition may read its own writes of that partition's tasks. */
static bool is_compared(const struct redis_mirror *m, uint32_t who, const struct store_read *read)
{
    bool by_clock = read->kind == READ_LIMITS, unknown = read->kind == READ_USAGE;
    bool has_been = read->kind == READ_LIVE && read->cursor != 0;
    bool by_another = read->kind == READ_PARTS && m->owner[read->partition] != who;
    return !by_clock && !unknown && !has_been && !by_another;
}

static void read(struct mirror *mirror, uint32_t who, const struct store_read *given,
                 const struct store_answer *answer)
{
    struct redis_mirror *m = of(mirror);
    if (!is_compared(m, who, given)) {
        return;
    }
    catch_up(m);
    struct asked *a = ask(m, who, "read", (int)given->kind, given->task_id);
    a->read = *given;
    a->read.read_id = id_of(m, a);
    a->by_lines = given->kind == READ_LIVE || given->kind == READ_AUDIT;
    if (given->kind == READ_LIVE) {
        model_pages(m, given, &a->expected);
    } else {
        answer_text(answer, &a->expected);
    }
    m->peers[who].store->ops->read(m->peers[who].store, &a->read);
    if (given->kind == READ_LIVE || given->kind == READ_LIST || given->kind == READ_DEAD) {
        settle(mirror); /* these take two round trips, the second of which may see later rows */
    }
}

/* Separately: it is not part of a connection's rows and reads, and the model has no full store for
 * it. */
static void publish(struct mirror *mirror, uint32_t who, const struct store_publish *given,
                    const struct store_published *answer)
{
    struct redis_mirror *m = of(mirror);
    settle(mirror);
    catch_up(m);
    has_room(m, false);
    struct asked *a = ask(m, who, "publish", 0, given->name);
    published_text(answer, &a->expected);
    struct store_publish p = *given;
    p.publish_id = id_of(m, a);
    m->peers[who].store->ops->publish(m->peers[who].store, &p);
    settle(mirror);
}

/* ---- a world's life ---- */

static void begin(struct mirror *mirror, struct world *w)
{
    struct redis_mirror *m = of(mirror);
    m->world = w;
    done(m, raw(&m->server, "FLUSHALL"));
    has_room(m, false);
    m->loop = loop_create();
    m->patience = loop_timer_create(m->loop, on_patience, m);
    loop_on_turn_end(m->loop, on_turn_end, m);
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        m->owner[i] = NOBODY;
    }
    for (size_t i = 0; i < COORDINATORS_MAX; i++) {
        struct peer *p = &m->peers[i];
        *p = (struct peer){.mirror = m};
        struct store_handler handler = {.up = on_up,
                                        .down = on_down,
                                        .written = on_written,
                                        .read = on_read,
                                        .admission = on_admission,
                                        .pipeline = on_pipeline,
                                        .user = p,
                                        .published = on_published};
        struct store_redis_options options = {.url = m->server.url,
                                              .tls = m->server.tls_port != 0 ? redis_certs_tls()
                                                                             : NULL,
                                              .deadline_ms = PATIENCE_MS,
                                              .relaxed = true};
        const char *message = NULL;
        if (store_redis_create(m->loop, &options, handler, &p->store, &message) != ERR_OK) {
            violated(w, "mirror", "%s", message);
        }
    }
    for (size_t i = 0; i < COORDINATORS_MAX; i++) {
        while (!m->peers[i].up) {
            turn(m);
        }
    }
}

/* Compares all that is left of each task, through a coordinator whose store has nothing cached. */
static void compare_all(struct redis_mirror *m)
{
    struct store_model *model = &m->world->store;
    struct arena arena = {0};
    for (size_t i = 0; i < model->task_count; i++) {
        struct bytes id = model->tasks[i]->id;
        struct byte_range whole = {0, UINT32_MAX};
        partition_id p = id_partition(id);
        uint32_t who = m->owner[p] == 0 ? 1 : 0;
        struct store_read reads[] = {
            {.kind = READ_TASK, .items = true},
            {.kind = READ_PARTS, .input = true, .ranges = &whole, .range_count = 1},
            {.kind = READ_EVENTS, .limit = EVENTS_AT_END},
            {.kind = READ_AUDIT, .ids = &id, .id_count = 1},
        };
        for (size_t k = 0; k < sizeof reads / sizeof *reads; k++) {
            reads[k].task_id = id;
            reads[k].partition = p;
            uint32_t owner = m->owner[p];
            m->owner[p] = who; /* whose reads are compared */
            read(&m->mirror, who, &reads[k],
                 store_model_read(model, &reads[k], m->world->now, &arena));
            m->owner[p] = owner;
        }
        settle(&m->mirror);
    }
    arena_free(&arena);
}

static void end(struct mirror *mirror)
{
    struct redis_mirror *m = of(mirror);
    settle(mirror);
    compare_all(m);
    for (size_t i = 0; i < COORDINATORS_MAX; i++) {
        m->peers[i].store->ops->destroy(m->peers[i].store);
    }
    loop_destroy(m->loop);
    mortals_free(&m->mortals);
}

struct mirror *redis_mirror_open(void)
{
    static const char *const extra[] = {"--appendfsync", "no", NULL};
    struct redis_mirror *m = mem_zalloc(sizeof *m);
    m->mirror = (struct mirror){.begin = begin,
                                .row = row,
                                .read = read,
                                .publish = publish,
                                .settle = settle,
                                .meddle = meddle,
                                .end = end};
    m->first = 1;
    redis_server_init(&m->server);
    redis_server_start(&m->server, extra);
    return &m->mirror;
}

void redis_mirror_close(struct mirror *mirror)
{
    struct redis_mirror *m = of(mirror);
    redis_server_finish(&m->server);
    free(m->asked);
    free(m);
}
