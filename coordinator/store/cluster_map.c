/* Finds out which node has which slot: asks one node, over a connection that is closed afterwards.
 * Asks at the start, when a node is lost or redirects us, and periodically: nothing else tells us
 * of a failover. */
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_cluster.h"
#include "store/redis_reply.h"

#define MAP_EVERY_MS 5000 /* while all is well; a MOVED makes us ask sooner */
/* while a node that we need is away: its replica takes over within seconds */
#define MAP_AGAIN_MS 250
#define MAP_APART_MS 100 /* least time between two queries: many MOVED at once cause one */

/* Nodes to ask, in this order: those that are up, those of the URL, all others. Each of them knows
 * the map. */
static bool candidate_at(const struct cluster_store *s, uint32_t index, struct redis_node *ret_node)
{
    for (const struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        if (n->up && index-- == 0) {
            *ret_node = n->at;
            return true;
        }
    }
    if (index < s->url.node_count) {
        *ret_node = s->url.nodes[index];
        return true;
    }
    index -= s->url.node_count;
    for (const struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        if (!n->up && index-- == 0) {
            *ret_node = n->at;
            return true;
        }
    }
    return false;
}

static bool all_is_well(const struct cluster_store *s)
{
    bool well = s->home_up;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        well = well && s->places[i].node != NULL && s->places[i].node->up;
    }
    return well;
}

static void probe_end(struct cluster_store *s, mono_ms again_in)
{
    mono_ms now = loop_now(s->loop).mono;
    s->probe_over = true;
    s->map_due = now + again_in;
    loop_timer_set(s->map_timer, now);
}

static void tell(struct cluster_store *s, const char *why)
{
    char text[STORE_TEXT_BYTES + NODE_NAME_BYTES];
    snprintf(text, sizeof text, "%s:%d does not say who has which slot: %s", s->probed.host,
             s->probed.port, why);
    cluster_note(s, text);
    snprintf(s->unmapped, sizeof s->unmapped, "%s", text);
    cluster_remarks_review(s);
}

static void on_lost(void *user, const char *why)
{
    struct cluster_store *s = user;
    struct redis_node next;
    s->candidate++;
    bool more = candidate_at(s, s->candidate, &next);
    if (!more) {
        s->candidate = 0;
        tell(s, why);
    }
    probe_end(s, more ? 0 : MAP_AGAIN_MS);
}

static void on_slots(void *user, const struct redisReply *reply)
{
    struct cluster_store *s = user;
    struct slot_range range;
    if (reply_is_error(reply, "") || reply_count(reply) == 0) {
        link_fail(s->probe, reply_is_error(reply, "ERR This instance has cluster support disabled")
                                ? "it is not a cluster node: use redis:// for a single server"
                            : reply_is_error(reply, "") ? reply->str
                                                        : "no slots are assigned yet");
        return;
    }
    for (size_t i = 0; i < reply_count(reply); i++) {
        if (slot_range_read(reply, i, &range)) {
            cluster_slots_set(s, &range, &s->probed);
        }
    }
    s->map_known = true;
    s->unmapped[0] = '\0';
    s->candidate = 0;
    cluster_nodes_sweep(s);
    probe_end(s, all_is_well(s) ? MAP_EVERY_MS : MAP_AGAIN_MS);
}

static void on_login(void *user, const struct redisReply *reply)
{
    struct cluster_store *s = user;
    if (reply_is_error(reply, "")) {
        link_fail(s->probe, reply->str);
    }
}

static void on_open(void *user)
{
    struct cluster_store *s = user;
    struct redis_command *c = &s->command;
    if (s->url.password[0] != '\0') {
        command_begin(c, "AUTH");
        if (s->url.user[0] != '\0') {
            command_add_str(c, s->url.user);
        }
        command_add_str(c, s->url.password);
        link_send(s->probe, command_end(c), on_login, s);
    }
    command_begin(c, "CLUSTER");
    command_add_str(c, "SLOTS");
    link_send(s->probe, command_end(c), on_slots, s);
}

static void on_settled(void *user)
{
    (void)user;
}

static void probe_begin(struct cluster_store *s)
{
    if (!candidate_at(s, s->candidate, &s->probed)) {
        s->candidate = 0;
        (void)candidate_at(s, 0, &s->probed);
    }
    struct redis_url url = s->url;
    memcpy(url.host, s->probed.host, sizeof url.host);
    url.port = s->probed.port;
    s->asked_at = loop_now(s->loop).mono;
    s->probe = link_create(s->loop, &url, s->options.tls, s->deadline_ms,
                           (struct redis_link_handler){on_open, on_lost, on_settled, s});
    explicit_bzero(url.password, sizeof url.password);
}

void cluster_map_look(void *cluster)
{
    struct cluster_store *s = cluster;
    mono_ms now = loop_now(s->loop).mono;
    if (s->probe_over) {
        link_destroy(s->probe);
        s->probe = NULL;
        s->probe_over = false;
    }
    if (s->probe != NULL) {
        return; /* it ends by itself, and then sets the timer */
    }
    if (now >= s->map_due) {
        probe_begin(s);
    } else {
        loop_timer_set(s->map_timer, s->map_due);
    }
}

void cluster_map_want(struct cluster_store *s)
{
    mono_ms soon = s->asked_at + MAP_APART_MS;
    if (s->probe != NULL && !s->probe_over) {
        return; /* its answer may be older than the reason to ask, but the next periodic query will
                   do */
    }
    s->map_due = soon < s->map_due ? soon : s->map_due;
    loop_timer_set(s->map_timer, s->probe_over ? loop_now(s->loop).mono : s->map_due);
}

void cluster_map_free(struct cluster_store *s)
{
    if (s->probe != NULL) {
        link_destroy(s->probe);
    }
    loop_timer_destroy(s->map_timer);
    command_free(&s->command);
}
