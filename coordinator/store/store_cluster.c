/* The store on a Redis Cluster: see redis_cluster.h. */
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_cluster.h"

static struct cluster_store *of(struct store *s)
{
    return (struct cluster_store *)s;
}

static struct store *home_of(struct cluster_store *s)
{
    return &s->home->base;
}

void cluster_note(struct cluster_store *s, const char *text)
{
    if (s->handler.note != NULL) {
        s->handler.note(s->handler.user, text);
    }
}

/* ---- up and down ---- */

static void tell_admission(struct cluster_store *s)
{
    char why[NODE_TEXT_BYTES] = "";
    for (const struct cluster_node *n = s->nodes; n != NULL && why[0] == '\0'; n = n->next) {
        if (n->closed[0] != '\0') {
            snprintf(why, sizeof why, "%s: %s", n->name, n->closed);
        }
    }
    if (strcmp(why, s->closed) != 0) {
        memcpy(s->closed, why, sizeof s->closed);
        s->handler.admission(s->handler.user, why[0] != '\0' ? why : NULL);
    }
}

/* The remark to show. Without `home` nothing can begin and the store is not ready, so its remark
 * comes first. */
static void remark_find(const struct cluster_store *s, enum store_remark kind,
                        char text[NODE_TEXT_BYTES])
{
    text[0] = '\0';
    if (kind == REMARK_AWAY && !s->home_up) {
        const char *home = s->home->remarks[kind];
        snprintf(text, NODE_TEXT_BYTES, "%s", s->unmapped[0] != '\0' ? s->unmapped : home);
    }
    for (const struct cluster_node *n = s->nodes; n != NULL && text[0] == '\0'; n = n->next) {
        if (n->remarks[kind][0] != '\0') {
            snprintf(text, NODE_TEXT_BYTES, "%s: %s", n->name, n->remarks[kind]);
        }
    }
}

void cluster_remarks_review(struct cluster_store *s)
{
    for (int i = 0; i < REMARK_COUNT; i++) {
        enum store_remark kind = (enum store_remark)i;
        char text[NODE_TEXT_BYTES];
        remark_find(s, kind, text);
        if (strcmp(text, s->remarks[kind]) != 0) {
            memcpy(s->remarks[kind], text, sizeof text);
            if (s->handler.remark != NULL) {
                s->handler.remark(s->handler.user, kind, text);
            }
        }
    }
}

void cluster_review(struct cluster_store *s, const char *why)
{
    bool any_up = false;
    bool all_tried = s->map_known;
    for (const struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        any_up = any_up || n->up;
        all_tried = all_tried && n->tried;
    }
    tell_admission(s);
    if (!s->is_up && any_up && all_tried && s->home_was_up) {
        s->is_up = true;
        s->handler.up(s->handler.user, s->secret);
    } else if (s->is_up && !any_up) {
        s->is_up = false;
        cluster_held_give_up(s);
        s->handler.down(s->handler.user, why);
    }
}

const char *cluster_gate_fault(const struct store *base)
{
    struct cluster_store *s = cluster_of(base);
    for (const struct cluster_node *n = s != NULL ? s->nodes : NULL; n != NULL; n = n->next) {
        const char *fault = redis_store_fault(n->store);
        if (fault != NULL) {
            snprintf(s->fault, sizeof s->fault, "%s: %s", n->name, fault);
            return s->fault;
        }
    }
    return NULL;
}

/* ---- home: the secret, the pipelines, the limits ---- */

static void on_home_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    struct cluster_store *s = user;
    s->home_up = s->home_was_up = true;
    memcpy(s->secret, secret, SECRET_BYTES);
    cluster_remarks_review(s);
    cluster_review(s, "");
}

static void on_home_down(void *user, const char *why)
{
    struct cluster_store *s = user;
    char text[STORE_TEXT_BYTES];
    s->home_up = false;
    snprintf(text, sizeof text, "pipelines and limits are away: %s", why);
    cluster_note(s, text);
    cluster_map_want(s);
}

static void on_home_note(void *user, const char *text)
{
    cluster_note(user, text);
    cluster_map_want(user);
}

static void on_home_remark(void *user, enum store_remark kind, const char *text)
{
    (void)kind;
    (void)text; /* it is stored in s->home */
    cluster_remarks_review(user);
}

/* The home's node also reports it as a node with partitions. */
static void on_home_admission(void *user, const char *why)
{
    (void)user;
    (void)why;
}

static void on_home_written(void *user, const struct store_written *written)
{
    (void)user;
    (void)written; /* home gets no rows */
}

static void on_home_read(void *user, const struct store_answer *answer)
{
    struct cluster_store *s = user;
    s->handler.read(s->handler.user, answer);
}

static void on_home_pipeline(void *user, struct bytes source, uint32_t version)
{
    struct cluster_store *s = user;
    s->handler.pipeline(s->handler.user, source, version);
}

static void on_home_published(void *user, const struct store_published *published)
{
    struct cluster_store *s = user;
    s->handler.published(s->handler.user, published);
}

/* ---- the vtable ---- */

static void store_cluster_write(struct store *base, const struct store_row *row)
{
    cluster_write(of(base), row);
}

static void store_cluster_read(struct store *base, const struct store_read *read)
{
    struct cluster_store *s = of(base);
    switch (read->kind) {
    case READ_OWNERS:
        cluster_gather(s, read);
        break;
    case READ_LIST:
    case READ_DEAD:
    case READ_USAGE:
        if (read->partitions != 0) {
            cluster_gather(s, read);
        } else {
            home_of(s)->ops->read(home_of(s), read);
        }
        break;
    case READ_LIVE:
    case READ_TASK:
    case READ_PARTS:
    case READ_EVENTS:
    case READ_ITEMS:
    case READ_AUDIT:
        cluster_read(s, read);
        break;
    case READ_PIPELINE:
    case READ_VERSIONS:
    case READ_LIMITS:
    case READ_PING:
        home_of(s)->ops->read(home_of(s), read);
        break;
    }
}

static void store_cluster_flush(struct store *base)
{
    struct cluster_store *s = of(base);
    home_of(s)->ops->flush(home_of(s));
    for (struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        n->store->base.ops->flush(&n->store->base);
    }
}

static void store_cluster_publish(struct store *base, const struct store_publish *publish)
{
    home_of(of(base))->ops->publish(home_of(of(base)), publish);
}

void cluster_stats_add(struct store_stats *sum, const struct store_stats *one)
{
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sum->call.counts[i] += one->call.counts[i];
    }
    sum->call.sum_us += one->call.sum_us;
    sum->rows_total += one->rows_total;
    sum->batches_total += one->batches_total;
    sum->reads_total += one->reads_total;
    sum->reads_cached_total += one->reads_cached_total;
    sum->unknown_total += one->unknown_total;
    sum->unconfirmed_total += one->unconfirmed_total;
    sum->connects_total += one->connects_total;
    sum->rows_waiting += one->rows_waiting;
    sum->reads_waiting += one->reads_waiting;
    sum->batches_in_flight += one->batches_in_flight;
}

static struct store_stats store_cluster_stats(const struct store *base)
{
    const struct cluster_store *s = (const struct cluster_store *)base;
    struct store_stats sum = s->gone;
    struct store_stats one = s->home->base.ops->stats(&s->home->base);
    cluster_stats_add(&sum, &one);
    for (const struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        one = n->store->base.ops->stats(&n->store->base);
        cluster_stats_add(&sum, &one);
    }
    for (int i = 0; i < PARTITION_COUNT; i++) {
        for (const struct held *h = s->places[i].first; h != NULL; h = h->next) {
            sum.rows_waiting += h->call.row_count;
            sum.reads_waiting += h->read != NULL;
        }
    }
    return sum;
}

static void store_cluster_destroy(struct store *base)
{
    struct cluster_store *s = of(base);
    cluster_map_free(s);
    cluster_held_free(s);
    cluster_nodes_free(s); /* before the gathers that their reads belong to */
    cluster_gathers_free(s);
    home_of(s)->ops->destroy(home_of(s));
    explicit_bzero(s, sizeof *s); /* the secret, the password */
    free(s);
}

static const struct store_ops cluster_ops = {
    .backend = "redis",
    .write = store_cluster_write,
    .read = store_cluster_read,
    .flush = store_cluster_flush,
    .publish = store_cluster_publish,
    .stats = store_cluster_stats,
    .destroy = store_cluster_destroy,
};

static uint16_t slot_of_key(const struct cluster_store *s, enum redis_key key, partition_id id)
{
    struct buf name = {0};
    redis_name(&s->names, key, id, BYTES_NONE, &name);
    uint16_t slot = slot_of(buf_bytes(&name));
    buf_free(&name);
    return slot;
}

struct store *cluster_create(const struct redis_setup *setup, struct store_handler handler)
{
    struct cluster_store *s = mem_zalloc(sizeof *s);
    s->base.ops = &cluster_ops;
    s->loop = setup->loop;
    s->handler = handler;
    s->url = *setup->url;
    s->url.kind = REDIS_SINGLE; /* for each node; its host is filled in */
    s->options = *setup->options;
    s->options.url = s->options.password = NULL; /* borrowed for this call only; s->url has them */
    s->names.tags = true;
    s->deadline_ms = s->options.deadline_ms > 0 ? s->options.deadline_ms : DEADLINE_MS_DEFAULT;
    for (partition_id i = 0; i < PARTITION_COUNT; i++) {
        s->places[i].slot = slot_of_key(s, KEY_OWNER, i);
    }
    s->home_slot = slot_of_key(s, KEY_SECRET, 0);
    s->held_timer = loop_timer_create(s->loop, cluster_held_look, s);
    s->map_timer = loop_timer_create(s->loop, cluster_map_look, s);
    s->map_due = s->asked_at = loop_now(s->loop).mono;
    loop_timer_set(s->map_timer, s->map_due);
    const struct redis_setup home = {
        .loop = s->loop, .url = &s->url, .options = &s->options, .tags = true};
    s->home = redis_store_create(&home, (struct store_handler){.up = on_home_up,
                                                               .down = on_home_down,
                                                               .written = on_home_written,
                                                               .read = on_home_read,
                                                               .admission = on_home_admission,
                                                               .pipeline = on_home_pipeline,
                                                               .note = on_home_note,
                                                               .remark = on_home_remark,
                                                               .published = on_home_published,
                                                               .user = s});
    return &s->base;
}

struct cluster_store *cluster_of(const struct store *base)
{
    union {
        const struct store *in;
        struct cluster_store *out;
    } cast = {.in = base};
    return base->ops == &cluster_ops ? cast.out : NULL;
}
