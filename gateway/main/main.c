/* marathon-gateway: HTTP, WebSocket and event streams in front of the coordinators. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/id.h"
#include "base/map.h"
#include "conf/log_settings.h"
#include "crypto/random.h"
#include "loop/notify.h"
#include "main/calls.h"
#include "main/feed.h"
#include "main/keys_file.h"
#include "main/poll.h"
#include "main/settings.h"
#include "main/watcher.h"
#include "tls/tls_settings.h"

#define TICK_MS        1000
#define DIAL_MS_MAX    250 /* a takeover waits 200 ms for those who reconnect */
#define DRAIN_LOOK_MS  20
#define DRAIN_LAST_MS  200 /* for answers that say that there is none */
#define FDS_OF_OUR_OWN 256
/* What is larger (a body, a state, a piece of an answer) lives for a moment: a mapping of its own
 * gives it back whole. On the heap it would leave touched pages behind between what lives long. */
#define MAPPED_BYTES_MIN (30 << 10)

struct program {
    struct gateway gateway;
    struct settings settings;
    struct loop_timer *drain;
    mono_ms drain_deadline;
};

/* ---- from http/ ---- */

static void on_request(void *user, exchange_id id, const struct http_request *request)
{
    calls_request(user, id, request);
}

static bool on_body(void *user, const struct http_request *request)
{
    return !calls_refuse(user, request);
}

static enum code on_upgrade(void *user, const struct http_request *request, struct buf *out)
{
    return calls_upgrade(user, request, out);
}

static void on_socket(void *user, exchange_id id, const struct http_request *request)
{
    calls_socket(user, id, request);
}

static struct exchange *exchange_find(const struct gateway *g, exchange_id id)
{
    return map_get(&g->exchanges, bytes_of(&id, sizeof id));
}

static void on_writable(void *user, exchange_id id)
{
    struct exchange *x = exchange_find(user, id);
    if (x != NULL) {
        x->writable(x);
    }
}

static void on_gone(void *user, exchange_id id)
{
    struct exchange *x = exchange_find(user, id);
    if (x != NULL) {
        x->gone(x);
    }
}

static bool on_full(void *user)
{
    return answers_bytes(user) > WAITING_BYTES_MAX;
}

/* ---- from coordinators ---- */

static void on_message(void *user, int peer, const struct message *m, struct bytes frame)
{
    struct gateway *g = user;
    if (m->request != 0) {
        requests_answer(&g->requests, peer, m, frame);
    } else if (m->type == MSG_EVENTS) {
        feeds_events(g, peer, m);
    }
}

static void on_lost(void *user, int peer)
{
    struct gateway *g = user;
    requests_peer_lost(&g->requests, peer);
}

static void on_owners(void *user)
{
    struct gateway *g = user;
    requests_retry(&g->requests);
    feeds_owners_changed(g);
}

static void on_tick(void *user)
{
    struct gateway *g = user;
    feeds_tick(g);
    watchers_tick(g);
    loop_timer_set(g->tick, loop_now(g->loop).mono + TICK_MS);
}

/* ---- the end ---- */

static void on_flushed(void *user)
{
    (void)user;
    log_line(LOG_INFO, "stopped", NULL);
    _exit(0); /* nng's and libwebsockets' own ends can hang, and hold nothing that is not flushed */
}

static void drain_look(void *user)
{
    struct program *p = user;
    struct gateway *g = &p->gateway;
    mono_ms now = loop_now(g->loop).mono;
    watchers_drain(g); /* there may be new ones */
    polls_drain(g);
    if (now >= p->drain_deadline) { /* nobody is left without an answer */
        requests_give_up(&g->requests);
        polls_end(g);
    }
    if (server_quiet(g->http) || now >= p->drain_deadline + DRAIN_LAST_MS) {
        server_end(g->http);
        g->transport->ops->shutdown(g->transport, 200, on_flushed, p);
        return;
    }
    loop_timer_set(p->drain, now + DRAIN_LOOK_MS);
}

static void on_terminate(void *user)
{
    struct program *p = user;
    struct gateway *g = &p->gateway;
    if (g->draining) {
        return;
    }
    g->draining = true;
    log_line(LOG_INFO, "draining", "open=%zu", server_open(g->http));
    notify_stopping();
    server_drain(g->http);
    p->drain_deadline = loop_now(g->loop).mono + p->settings.drain_ms;
    p->drain = loop_timer_create(g->loop, drain_look, p);
    drain_look(p);
}

/* ---- keys ---- */

static void keys_start(struct program *p)
{
    char message[256];
    if (p->settings.keys_path[0] == '\0') {
        return;
    }
    if (keys_file_load(p->settings.keys_path, &p->gateway.keys, message, sizeof message) !=
        ERR_OK) {
        (void)fprintf(stderr, "marathon-gateway: MARATHON_API_KEYS_FILE=%s: %s\n",
                      p->settings.keys_path, message);
        exit(2);
    }
    log_line(LOG_INFO, "keys_read", "count=%zu", p->gateway.keys.count);
}

static void on_hangup(void *user)
{
    struct program *p = user;
    char message[256];
    struct tls_identity *identity = tls_settings_again(p->settings.conf);
    if (identity != NULL) {
        transport_nng_identity(p->gateway.transport, identity);
    }
    if (p->settings.keys_path[0] == '\0') {
        log_line(LOG_INFO, "no_keys_to_read", "hint=%s",
                 LOG_Q("MARATHON_API_KEYS_FILE and certificates are read again on SIGHUP"));
    } else if (keys_file_load(p->settings.keys_path, &p->gateway.keys, message, sizeof message) ==
               ERR_OK) {
        log_line(LOG_INFO, "keys_read", "count=%zu", p->gateway.keys.count);
    } else {
        log_line(LOG_ERROR, "keys_bad", "path=%s why=%s action=\"the old ones stay\"",
                 LOG_Q(p->settings.keys_path), LOG_Q(message));
    }
}

/* ---- the start ---- */

/* How many connections there is room for. libwebsockets keeps tables by the limit of descriptors:
 * what is asked for is what they are made for. */
static unsigned fds_limit(unsigned connections)
{
    struct rlimit limit;
    rlim_t ours = FDS_OF_OUR_OWN * 2;
    rlim_t wanted = (rlim_t)connections + ours;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return connections;
    }
    limit.rlim_cur =
        limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return connections;
    }
    unsigned fit =
        (unsigned)(limit.rlim_cur > 2 * ours ? limit.rlim_cur - ours : limit.rlim_cur / 2);
    log_line(LOG_WARN, "descriptors_few", "limit=%llu wanted=%llu connections=%u",
             (unsigned long long)limit.rlim_cur, (unsigned long long)wanted, fit);
    return fit;
}

static void http_start(struct program *p)
{
    struct gateway *g = &p->gateway;
    struct http_handler handler = {.request = on_request,
                                   .wants_body = on_body,
                                   .upgrade = on_upgrade,
                                   .socket_opened = on_socket,
                                   .writable = on_writable,
                                   .gone = on_gone,
                                   .full = on_full,
                                   .user = g};
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
    p->settings.http.connections_max = fds_limit(p->settings.http.connections_max);
    enum err e = server_create(g->loop, &p->settings.http, handler, &g->http);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "listen_failed", "listen=%s reason=%s", p->settings.http.listen,
                 LOG_Q("the address is in use, not one of this machine, or not allowed: give "
                       "another one with --listen"));
        exit(1);
    }
    log_line(LOG_INFO, "listening", "listen=%s", p->settings.http.listen);
}

static void coordinators_start(struct program *p)
{
    struct gateway *g = &p->gateway;
    uint8_t random[10];
    g->peers.loop = g->loop;
    g->peers.transport = g->transport;
    g->peers.handler = (struct peers_handler){
        .message = on_message, .lost = on_lost, .changed = on_owners, .user = g};
    random_block_take(g->random, random, sizeof random);
    id_make(loop_now(g->loop).wall, random, g->peers.id);
    requests_init(&g->requests, &g->peers, g->loop);
    g->requests.docs_held = answers_bytes;
    g->requests.docs_user = g;
    g->requests.docs_held_max = DOCUMENTS_BYTES_MAX;
    size_t count = p->settings.coordinator_count;
    if (count == 0 || peers_start(&g->peers, p->settings.coordinators, count) != ERR_OK) {
        (void)fprintf(stderr,
                      "marathon-gateway: MARATHON_COORDINATORS must be 1 to %d of "
                      "tls+tcp://host:port, tcp://host:port or ipc:///path\n",
                      PEERS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static struct program p;
    map_seed(random_u64());
    struct gateway *g = &p.gateway;
    p.settings = settings_load(argc, argv);
    log_init(&p.settings.log);
    conf_log_slips(p.settings.conf, environ);
    struct tls_identity *identity =
        tls_settings_start(p.settings.conf, "MARATHON_COORDINATORS", "marathon-gateway");
    log_line(LOG_INFO, "starting", "version=%s git=%s", MARATHON_VERSION, MARATHON_GIT);
    keys_start(&p);
    g->loop = loop_create();
    g->started = loop_now(g->loop).mono;
    g->transport = transport_nng_create(g->loop, DIAL_MS_MAX);
    transport_nng_identity(g->transport, identity);
    g->random = random_block_create();
    coordinators_start(&p);
    http_start(&p);
    g->tick = loop_timer_create(g->loop, on_tick, g);
    loop_timer_set(g->tick, loop_now(g->loop).mono + TICK_MS);
    loop_on_signal(g->loop, SIGHUP, on_hangup, &p);
    loop_on_signal(g->loop, SIGTERM, on_terminate, &p);
    loop_on_signal(g->loop, SIGINT, on_terminate, &p);
    notify_ready(g->loop);
    loop_run(g->loop);
    return 0;
}
