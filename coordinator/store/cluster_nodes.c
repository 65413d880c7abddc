/* The nodes of a cluster: their stores, the callbacks of these, and the slots of each. */
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_cluster.h"

#define UNWANTED_MS 10000 /* a node that no map names is kept this long: it may return */
#define LATER_MS    25    /* between tries while a slot is being moved */

/* ---- callbacks of their stores ---- */

static void on_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    struct cluster_node *n = user;
    (void)secret; /* the store of `home` has the valid one */
    n->up = n->tried = true;
    cluster_wake(n->cluster);
    cluster_review(n->cluster, "");
}

static void tell(struct cluster_node *n, const char *what, const char *why)
{
    char text[STORE_TEXT_BYTES + NODE_NAME_BYTES];
    snprintf(text, sizeof text, "%s%s: %s", n->name, what, why);
    cluster_note(n->cluster, text);
}

static void on_down(void *user, const char *why)
{
    struct cluster_node *n = user;
    n->up = false;
    tell(n, " is away, and its partitions with it", why);
    cluster_map_want(n->cluster);
    cluster_review(n->cluster, why);
}

/* A note before `up` says why the node is not up. */
static void on_note(void *user, const char *text)
{
    struct cluster_node *n = user;
    tell(n, "", text);
    if (!n->up) {
        n->tried = true;
        cluster_map_want(n->cluster);
        cluster_wake(n->cluster);
        cluster_review(n->cluster, text);
    }
}

static void on_remark(void *user, enum store_remark kind, const char *text)
{
    struct cluster_node *n = user;
    snprintf(n->remarks[kind], sizeof n->remarks[kind], "%s", text);
    cluster_remarks_review(n->cluster);
}

static void on_admission(void *user, const char *why)
{
    struct cluster_node *n = user;
    snprintf(n->closed, sizeof n->closed, "%s", why != NULL ? why : "");
    cluster_review(n->cluster, "");
}

static void on_written(void *user, const struct store_written *written)
{
    struct cluster_store *s = ((struct cluster_node *)user)->cluster;
    s->handler.written(s->handler.user, written);
}

static void on_read(void *user, const struct store_answer *answer)
{
    struct cluster_store *s = ((struct cluster_node *)user)->cluster;
    s->handler.read(s->handler.user, answer);
}

/* ---- refused rows and reads ---- */

static void on_redirected(void *user, const struct redirect *why)
{
    struct cluster_node *n = user;
    if (why->kind == REDIRECT_MOVED) {
        struct slot_range range = {why->slot, why->slot, why->node};
        cluster_slots_set(n->cluster, &range, &n->at);
    }
    if (why->kind != REDIRECT_ASK) {
        cluster_map_want(n->cluster);
    }
}

/* The node to ask after ASKING (or NULL); also sets when to try again. */
static struct cluster_node *asked(struct cluster_node *n, const struct redirect *why,
                                  partition_id partition)
{
    struct cluster_store *s = n->cluster;
    mono_ms now = loop_now(s->loop).mono;
    s->places[partition].retry_at = why->kind == REDIRECT_LATER ? now + LATER_MS : now;
    if (why->kind != REDIRECT_ASK) {
        return NULL;
    }
    struct redis_node at = why->node;
    if (at.host[0] == '\0') {
        memcpy(at.host, n->at.host, sizeof at.host);
    }
    return cluster_node_for(s, &at);
}

static void on_call_refused(void *user, struct batch_call *call, const struct redirect *why)
{
    struct cluster_node *n = user;
    on_redirected(n, why);
    cluster_hold_call(n->cluster, call, asked(n, why, call->partition));
}

static void on_read_refused(void *user, struct redis_read *r, const struct redirect *why)
{
    struct cluster_node *n = user;
    if (r->part != NULL) {
        cluster_part_refused(n->cluster, r);
    } else {
        cluster_hold_read(n->cluster, r, asked(n, why, r->ask.partition));
    }
}

static void on_part_done(void *user, struct redis_read *r)
{
    cluster_part_done(((struct cluster_node *)user)->cluster, r);
}

/* ---- adding and removing ---- */

static bool same_node(const struct redis_node *a, const struct redis_node *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

struct cluster_node *cluster_node_for(struct cluster_store *s, const struct redis_node *at)
{
    struct cluster_node *n = s->nodes;
    while (n != NULL && !same_node(&n->at, at)) {
        n = n->next;
    }
    if (n == NULL && s->node_count == CLUSTER_NODES_MAX) {
        cluster_note(s, "the cluster has more than 64 masters: those beyond are not used");
        return NULL;
    }
    if (n == NULL) {
        n = mem_zalloc(sizeof *n);
        n->cluster = s;
        n->at = *at;
        snprintf(n->name, sizeof n->name, "%s:%d", at->host, at->port);
        n->member =
            (struct redis_member){on_redirected, on_call_refused, on_read_refused, on_part_done, n};
        struct redis_url url = s->url;
        memcpy(url.host, at->host, sizeof url.host);
        url.port = at->port;
        const struct redis_setup setup = {.loop = s->loop,
                                          .url = &url,
                                          .options = &s->options,
                                          .tags = true,
                                          .member = &n->member};
        n->store = redis_store_create(&setup, (struct store_handler){.up = on_up,
                                                                     .down = on_down,
                                                                     .written = on_written,
                                                                     .read = on_read,
                                                                     .admission = on_admission,
                                                                     .note = on_note,
                                                                     .remark = on_remark,
                                                                     .user = n});
        explicit_bzero(url.password, sizeof url.password);
        n->next = s->nodes;
        s->nodes = n;
        s->node_count++;
    }
    n->wanted_at = loop_now(s->loop).mono;
    return n;
}

static void node_free(struct cluster_node *n)
{
    struct cluster_store *s = n->cluster;
    struct store_stats stats = n->store->base.ops->stats(&n->store->base);
    cluster_stats_add(&s->gone, &stats);
    for (int i = 0; i < PARTITION_COUNT; i++) {
        if (s->places[i].given_to == n) {
            s->places[i].given_to = NULL;
        }
    }
    n->store->base.ops->destroy(&n->store->base);
    free(n);
    s->node_count--;
}

static bool is_needed(const struct cluster_node *n)
{
    const struct cluster_store *s = n->cluster;
    if (loop_now(s->loop).mono - n->wanted_at < UNWANTED_MS || n->store->reads != NULL ||
        n->store->cached != NULL || n->store->batches.first != NULL) {
        return true;
    }
    for (int i = 0; i < PARTITION_COUNT; i++) {
        const struct place *p = &s->places[i];
        if (p->node == n) {
            return true;
        }
        for (const struct held *h = p->first; h != NULL; h = h->next) {
            if (h->ask == n) {
                return true;
            }
        }
    }
    return false;
}

void cluster_nodes_sweep(struct cluster_store *s)
{
    for (struct cluster_node **at = &s->nodes; *at != NULL;) {
        struct cluster_node *n = *at;
        if (is_needed(n)) {
            at = &n->next;
        } else {
            *at = n->next;
            node_free(n);
        }
    }
    cluster_remarks_review(s);
}

void cluster_nodes_free(struct cluster_store *s)
{
    while (s->nodes != NULL) {
        struct cluster_node *n = s->nodes;
        s->nodes = n->next;
        node_free(n);
    }
}

/* ---- slots ---- */

static void place_set(struct cluster_store *s, partition_id id, struct cluster_node *n)
{
    struct place *p = &s->places[id];
    if (p->node == n) {
        return;
    }
    if (p->node != NULL) { /* its cache will be outdated by the time the slot returns */
        cache_forget_partition(&p->node->store->cache, id);
    }
    p->node = n;
    n->store->some_partition = id;
    cluster_wake(s);
}

static void home_set(struct cluster_store *s, const struct redis_node *at)
{
    if (!s->home_known || !same_node(&s->home_at, at)) {
        s->home_known = true;
        s->home_at = *at;
        link_target(s->home->link, at);
    }
}

void cluster_slots_set(struct cluster_store *s, const struct slot_range *range,
                       const struct redis_node *teller)
{
    struct redis_node at = range->master;
    if (at.host[0] == '\0') {
        memcpy(at.host, teller->host, sizeof at.host);
    }
    struct cluster_node *n = cluster_node_for(s, &at);
    if (n == NULL) {
        return;
    }
    for (partition_id i = 0; i < PARTITION_COUNT; i++) {
        if (s->places[i].slot >= range->first && s->places[i].slot <= range->last) {
            place_set(s, i, n);
        }
    }
    if (s->home_slot >= range->first && s->home_slot <= range->last) {
        home_set(s, &at);
    }
}
