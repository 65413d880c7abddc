#include "main/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/shipped.h"
#include "core/core.h"
#include "crypto/random.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "main/advertise.h"
#include "main/core_settings.h"
#include "main/definitions.h"
#include "main/door.h"
#include "main/metrics.h"
#include "main/redis_settings.h"
#include "monitor/monitor_start.h"
#include "store/store.h"
#include "tls/tls_settings.h"
#include "transport/transport.h"
#include "wire/frame.h"

#define HELLO_WITHIN_MS 5000 /* a connection that has not said who it is by then is closed */
/* Connections, each of which may have room for a frame (4 MiB at most) once 16 KiB of it have come:
 * eight times the workers that a pool is measured with. Of these, those that have not said HELLO: a
 * pool that comes back at once, and no more, so that strangers cannot keep a pool out. */
#define GUESTS_MAX    4096u
#define STRANGERS_MAX 1024u
/* MARATHON_STORE=auto: how long a local Redis must refuse before memory is taken */
#define REFUSED_FOR_MS 2000
/* SIGTERM: the partitions are handed over by then, or the leases have to run out */
#define DRAIN_WITHIN_MS 2000
#define FLUSH_WITHIN_MS 300
#define EXIT_GATE       78 /* EX_CONFIG: Redis is not set up so that it can be trusted */

/* A connection: first a stranger, then a peer of the core. */
struct guest {
    conn_id id;
    mono_ms opened_at;
    bool peer;
};

struct daemon {
    const struct conf *conf;
    struct loop *loop;
    struct transport *transport;
    struct store *store;
    struct redis_tls redis_tls;
    struct core *core;
    struct effects effects;
    struct arena frames; /* of the message being handled */
    struct map guests;
    size_t strangers;         /* of them, those that have not said HELLO */
    struct loop_timer *timer; /* the core's next deadline */
    struct loop_timer *start_timer, *hello_timer, *exit_timer;
    mono_ms started_at;
    bool listening, was_up, ending;
    char name[ADVERTISE_BYTES + 512], host[256];
};

static void step(struct daemon *d, const struct event *e);

/* ---- effects ---- */

static void send_message(struct daemon *d, peer_id peer, const struct message *m,
                         struct lenders *lenders)
{
    enum err e = d->transport->ops->send_message(d->transport, peer, m, lenders);
    if (e == ERR_TOO_LARGE) {
        log_line(LOG_ERROR, "message_too_large", "type=%s peer=%llu", message_type_name(m->type),
                 (unsigned long long)peer);
        struct message r = {.type = MSG_REFUSED, .request = m->request};
        r.refused.code = CODE_TOO_LARGE;
        r.refused.detail = BYTES_LIT("the answer is larger than a coordinator can send");
        if (m->request != 0) { /* who asked would wait until it gives up, each time */
            send_message(d, peer, &r, lenders);
        }
    } else if (e != ERR_OK) {
        /* A peer that is gone loses what it is sent; its closing is reported by itself. */
        log_line(LOG_DEBUG, "send_dropped", "type=%s peer=%llu", message_type_name(m->type),
                 (unsigned long long)peer);
    }
}

static void finish(void *user)
{
    (void)user;
    log_line(LOG_INFO, "stopped", NULL);
    _exit(0); /* nng's exit handlers can hang; everything is flushed */
}

static void drained(struct daemon *d)
{
    if (!d->ending) {
        d->ending = true;
        d->transport->ops->shutdown(d->transport, FLUSH_WITHIN_MS, finish, d);
    }
}

static void perform(struct daemon *d, const struct effect *e)
{
    switch (e->kind) {
    case FX_SEND:
        break; /* before all others */
    case FX_CLOSE:
        log_line(LOG_WARN, "peer_closed", "peer=%llu why=%s", (unsigned long long)e->peer,
                 LOG_Q(e->text));
        d->transport->ops->close(d->transport, e->peer);
        break;
    case FX_WRITE:
        d->store->ops->write(d->store, e->row);
        break;
    case FX_READ:
        d->store->ops->read(d->store, e->read);
        break;
    case FX_PUBLISH:
        d->store->ops->publish(d->store, e->publish);
        break;
    case FX_LOG:
        log_line(e->level, e->log_event, "%s", e->text);
        break;
    case FX_DRAINED:
        drained(d);
        break;
    }
}

/* Messages first: they point into what the store has answered, which a write may change. What is
 * long there, or in what the effects hold, goes out without a copy. */
static void step(struct daemon *d, const struct event *e)
{
    struct lenders lenders = e->kind == EV_READ ? e->answer->lenders : (struct lenders){0};
    core_step(d->core, loop_now(d->loop), e, &d->effects);
    struct lenders held = arena_lenders(&d->effects.arena, 0);
    lenders.more = &held;
    for (size_t i = 0; i < d->effects.count; i++) {
        const struct effect *x = &d->effects.items[i];
        if (x->kind == FX_SEND) {
            send_message(d, x->peer, x->message, &lenders);
        }
    }
    for (size_t i = 0; i < d->effects.count; i++) {
        perform(d, &d->effects.items[i]);
    }
}

static void on_turn_end(void *user)
{
    struct daemon *d = user;
    d->store->ops->flush(d->store);
    loop_timer_set(d->timer, core_next_deadline(d->core));
}

static void on_deadline(void *user)
{
    step(user, &(struct event){.kind = EV_TIME});
}

/* ---- peers ---- */

static void reject(struct daemon *d, conn_id conn, const char *why)
{
    log_line(LOG_WARN, "peer_rejected", "peer=%llu why=%s", (unsigned long long)conn, LOG_Q(why));
    d->transport->ops->close(d->transport, conn);
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct daemon *d = user;
    (void)dialer;
    if (d->guests.count >= GUESTS_MAX || d->strangers >= STRANGERS_MAX) {
        reject(d, conn, "too many connections");
        return;
    }
    d->strangers++;
    struct guest *g = mem_zalloc(sizeof *g);
    g->id = conn;
    g->opened_at = loop_now(d->loop).mono;
    map_put(&d->guests, bytes_of(&g->id, sizeof g->id), g);
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct daemon *d = user;
    (void)why;
    struct guest *g = map_remove(&d->guests, bytes_of(&conn, sizeof conn));
    if (g != NULL && !g->peer) {
        d->strangers--;
    } else if (g != NULL) {
        step(d, &(struct event){.kind = EV_PEER_DOWN, .peer = conn});
    }
    free(g);
}

static void on_frame(void *user, conn_id conn, struct bytes frame)
{
    struct daemon *d = user;
    struct guest *g = map_get(&d->guests, bytes_of(&conn, sizeof conn));
    if (g == NULL) {
        return;
    }
    struct message m;
    arena_reset(&d->frames);
    enum err e = frame_decode(frame, &d->frames, &m);
    if (e == ERR_NOT_FOUND) {
        return; /* a message of a newer version: not for us */
    }
    if (e != ERR_OK) {
        reject(d, conn, "a frame that cannot be decoded");
        return;
    }
    if (g->peer) {
        step(d, &(struct event){.kind = EV_MESSAGE, .peer = conn, .message = &m});
    } else if (m.type == MSG_HELLO &&
               !door_admits(transport_nng_unit(d->transport, conn), m.hello.role)) {
        reject(d, conn, "its certificate is for another role than it says it has");
    } else if (m.type == MSG_HELLO) {
        g->peer = true;
        d->strangers--;
        step(d, &(struct event){.kind = EV_PEER_UP, .peer = conn, .message = &m});
    } else {
        reject(d, conn, "its first message is not HELLO");
    }
}

static void on_hello_timer(void *user)
{
    struct daemon *d = user;
    mono_ms now = loop_now(d->loop).mono;
    void *value = NULL;
    for (size_t i = 0; map_next(&d->guests, &i, &value);) {
        struct guest *g = value;
        if (!g->peer && now - g->opened_at > HELLO_WITHIN_MS) {
            reject(d, g->id, "no HELLO within 5 s");
        }
    }
    loop_timer_set(d->hello_timer, now + 1000);
}

static void start_listening(struct daemon *d)
{
    if (d->listening) {
        return;
    }
    d->listening = true;
    struct transport_handler handler = {on_opened, on_frame, on_closed, d};
    door_open(d->transport, d->conf, handler);
}

/* ---- the store ---- */

static void on_store_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    struct daemon *d = user;
    d->was_up = true;
    log_line(LOG_INFO, "store_up", "backend=%s", d->store->ops->backend);
    start_listening(d);
    notify_ready(d->loop); /* not before: a store that is refused ends the start with an error */
    step(d, &(struct event){.kind = EV_STORE_UP, .secret = secret});
}

static void on_store_down(void *user, const char *why)
{
    struct daemon *d = user;
    log_line(LOG_WARN, "store_lost", "why=%s", LOG_Q(why));
    step(d, &(struct event){.kind = EV_STORE_DOWN});
}

static void on_written(void *user, const struct store_written *written)
{
    step(user, &(struct event){.kind = EV_WRITTEN, .written = written});
}

static void on_read(void *user, const struct store_answer *answer)
{
    step(user, &(struct event){.kind = EV_READ, .answer = answer});
}

static void on_pipeline(void *user, struct bytes source, uint32_t version)
{
    step(user, &(struct event){.kind = EV_PIPELINE, .text = source, .version = version});
}

static void on_published(void *user, const struct store_published *published)
{
    step(user, &(struct event){.kind = EV_PUBLISHED, .published = published});
}

static void on_admission(void *user, const char *why)
{
    struct daemon *d = user;
    if (why != NULL && !d->was_up && store_redis_gate_fault(d->store) != NULL) {
        const char *fault = store_redis_gate_fault(d->store);
        fprintf(stderr,
                "marathon-coordinator: %s: " SHIPPED("redis.conf") " has all that is needed%s\n",
                fault,
                strstr(fault, "append") != NULL
                    ? "; MARATHON_DURABILITY=relaxed accepts that a crash may lose work"
                    : "");
        _exit(EXIT_GATE);
    }
    if (why != NULL) {
        log_line(LOG_ERROR, "admission_closed", "why=%s", LOG_Q(why));
    }
    step(d, &(struct event){.kind = EV_ADMISSION, .text = bytes_str(why)});
}

static void on_remark(void *user, enum store_remark kind, const char *text)
{
    if (kind == REMARK_FULL && text[0] != '\0') {
        log_line(LOG_ERROR, "store_full", "why=%s", LOG_Q(text));
    } else if (kind == REMARK_FULL) {
        log_line(LOG_INFO, "store_has_room", NULL);
    }
    step(user, &(struct event){.kind = EV_REMARK, .remark = kind, .text = bytes_str(text)});
}

static void on_note(void *user, const char *text)
{
    (void)user;
    log_line(LOG_WARN, "store_note", "text=%s", LOG_Q(text));
}

static struct store_handler store_handler(struct daemon *d)
{
    return (struct store_handler){.up = on_store_up,
                                  .down = on_store_down,
                                  .written = on_written,
                                  .read = on_read,
                                  .admission = on_admission,
                                  .pipeline = on_pipeline,
                                  .note = on_note,
                                  .remark = on_remark,
                                  .published = on_published,
                                  .user = d};
}

static struct core *make_core(struct daemon *d, const char *backend)
{
    struct core_config c = core_settings(d->conf);
    c.name = d->name;
    c.backend = backend;
    random_bytes(c.instance, sizeof c.instance);
    c.seed = random_u64();
    return core_create(&c);
}

static void use_memory(struct daemon *d)
{
    log_line(
        LOG_WARN, "store_is_memory", "hint=%s",
        LOG_Q("a restart LOSES ALL TASKS; start a Redis and set REDIS_URL, or use marathon dev"));
    if (d->store != NULL) {
        d->store->ops->destroy(d->store);
        core_destroy(d->core);
    }
    d->core = make_core(d, "memory");
    d->store = store_memory_create(d->loop, store_handler(d));
    definitions_publish_or_exit(d->conf, d->core, d->store, loop_now(d->loop).wall);
}

static void use_redis(struct daemon *d)
{
    struct store_redis_options options = redis_settings(d->conf, &d->redis_tls);
    const char *why = NULL;
    if (store_redis_create(d->loop, &options, store_handler(d), &d->store, &why) != ERR_OK) {
        fprintf(stderr, "marathon-coordinator: REDIS_URL: %s\n", why);
        _exit(2);
    }
    d->core = make_core(d, "redis");
    definitions_publish_or_exit(d->conf, d->core, d->store, loop_now(d->loop).wall);
}

static bool local_redis(const char *url)
{
    return strncmp(url, "unix:", 5) == 0 || strstr(url, "localhost") != NULL ||
           strstr(url, "127.0.0.1") != NULL || strstr(url, "[::1]") != NULL;
}

/* Until the first `up`: with MARATHON_STORE=auto a local Redis that only refuses is given up after
 * 2 s; anything else is waited for. */
static void on_start_timer(void *user)
{
    struct daemon *d = user;
    mono_ms now = loop_now(d->loop).mono;
    if (d->was_up) {
        return;
    }
    bool may_fall_back = strcmp(conf_text(d->conf, "MARATHON_STORE"), "auto") == 0 &&
                         local_redis(conf_text(d->conf, "REDIS_URL"));
    if (may_fall_back && now - d->started_at < REFUSED_FOR_MS) {
        loop_timer_set(d->start_timer, now + 100);
        return;
    }
    if (may_fall_back && !d->listening && store_redis_refused(d->store)) {
        use_memory(d);
        return;
    }
    if (now - d->started_at < REFUSED_FOR_MS && !d->listening) {
        start_listening(
            d); /* peers may come already; only a store that stays away is worth a line */
        loop_timer_set(d->start_timer, d->started_at + REFUSED_FOR_MS);
        return;
    }
    log_line(LOG_WARN, "store_awaited", "hint=%s", LOG_Q("starts get 503 until Redis answers"));
    start_listening(d);
    notify_ready(d->loop);
}

/* ---- watched over ---- */

static void on_metrics(void *user, struct buf *out)
{
    struct daemon *d = user;
    struct core_stats c = core_stats(d->core);
    struct store_stats s = d->store->ops->stats(d->store);
    metrics_put(&c, &s, d->store->ops->backend, out);
    transport_nng_metrics(d->transport, out);
    redis_tls_metrics(&d->redis_tls, out);
}

static bool on_ready(void *user, struct buf *out)
{
    struct daemon *d = user;
    struct core_stats c = core_stats(d->core);
    return metrics_ready(&c, out);
}

/* ---- life ---- */

static void on_exit_timer(void *user)
{
    log_line(LOG_WARN, "drain_cut_short", "hint=%s", LOG_Q("leases run out by themselves"));
    drained(user);
}

static void on_sigterm(void *user)
{
    struct daemon *d = user;
    log_line(LOG_INFO, "draining", NULL);
    notify_stopping();
    loop_timer_set(d->exit_timer, loop_now(d->loop).mono + DRAIN_WITHIN_MS);
    step(d, &(struct event){.kind = EV_DRAIN});
}

static void on_hangup(void *user)
{
    struct daemon *d = user;
    struct tls_identity *identity = tls_settings_again(d->conf);
    if (identity != NULL) {
        transport_nng_identity(d->transport, identity);
    }
    redis_tls_again(d->conf, &d->redis_tls);
}

struct daemon *daemon_create(const struct conf *conf)
{
    struct tls_identity *identity =
        tls_settings_start(conf, "MARATHON_COORDINATOR_LISTEN", "marathon-coordinator");
    door_check(conf);
    struct daemon *d = mem_zalloc(sizeof *d);
    d->conf = conf;
    gethostname(d->host, sizeof d->host - 1);
    char url[ADVERTISE_BYTES];
    advertise_configured(conf, identity != NULL ? tls_identity_name(identity) : "", url);
    snprintf(d->name, sizeof d->name, "%s:%d%s%s", d->host, (int)getpid(),
             url[0] != '\0' ? " " : "", url);
    d->loop = loop_create();
    d->transport = transport_nng_create(d->loop, 250);
    transport_nng_identity(d->transport, identity);
    d->timer = loop_timer_create(d->loop, on_deadline, d);
    d->start_timer = loop_timer_create(d->loop, on_start_timer, d);
    d->hello_timer = loop_timer_create(d->loop, on_hello_timer, d);
    d->exit_timer = loop_timer_create(d->loop, on_exit_timer, d);
    d->started_at = loop_now(d->loop).mono;
    if (strcmp(conf_text(conf, "MARATHON_STORE"), "memory") == 0) {
        use_memory(d);
    } else {
        use_redis(d);
    }
    monitor_start(d->loop, conf, "marathon-coordinator",
                  (struct monitor_handler){on_metrics, on_ready, d});
    loop_on_signal(d->loop, SIGHUP, on_hangup, d);
    loop_on_signal(d->loop, SIGTERM, on_sigterm, d);
    loop_on_signal(d->loop, SIGINT, on_sigterm, d);
    loop_on_turn_end(d->loop, on_turn_end, d);
    loop_timer_set(d->start_timer, d->started_at);
    loop_timer_set(d->hello_timer, d->started_at + 1000);
    return d;
}

int daemon_run(struct daemon *d)
{
    loop_run(d->loop);
    return 0;
}
