#include "main/daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/log.h"
#include "loop/notify.h"
#include "main/heart.h"
#include "main/links.h"
#include "main/metrics.h"
#include "monitor/monitor_start.h"
#include "run/runners.h"
#include "tls/tls_settings.h"
#include "wire/frame.h"

/* A dropped connection is restored within the 200 ms grace of a takeover. */
#define DIAL_BACKOFF_MS_MAX 250
#define FLUSH_MS            500

struct daemon {
    const struct daemon_options *options;
    struct loop *loop;
    struct transport *transport;
    struct links *links;
    struct heart *heart;
    struct reaper *reaper;
    struct runner_world world;
    struct runners *runners;
    struct agent *agent;
    struct agent_effects effects;
    struct loop_timer *timer; /* for the agent's next deadline */
    struct arena frames;      /* backing for the message being handled */
    struct bytes *functions, *labels;
    char host[256];
    char program[512];
    bool turning; /* the agent was told that this turn brings more events */
    bool draining;
    bool ending; /* drained: all input is ignored */
    bool ended;  /* the timer is set for the end, and only for that */
};

/* ---- effects ---- */

static void send_message(struct daemon *d, peer_id peer, const struct message *m,
                         struct shared *lender)
{
    struct lenders lenders = {.items = &lender, .count = lender != NULL};
    enum err e = d->transport->ops->send_message(d->transport, peer, m, &lenders);
    if (e == ERR_TOO_LARGE) {
        log_line(LOG_ERROR, "message_too_large", "type=%s peer=%" PRIu64,
                 message_type_name(m->type), peer);
    } else if (e != ERR_OK) {
        /* Messages to a closed connection are lost; outcomes are sent again. */
        log_line(LOG_DEBUG, "send_dropped", "type=%s peer=%" PRIu64, message_type_name(m->type),
                 peer);
    }
}

static void finish(void *user)
{
    (void)user;
    log_line(LOG_INFO, "stopped", NULL);
    _exit(0); /* nng's exit handlers can hang; everything is flushed */
}

/* In a turn of its own, since the last event of the drain may have come from inside a runner. */
static void end(struct daemon *d)
{
    runners_destroy(d->runners); /* kills what still runs */
    heart_destroy(d->heart);
    d->transport->ops->shutdown(d->transport, FLUSH_MS, finish, d);
}

static void perform(struct daemon *d, const struct agent_effect *e)
{
    switch (e->kind) {
    case AGENT_FX_SEND:
        send_message(d, e->peer, e->message, e->lender);
        break;
    case AGENT_FX_READY:
        heart_add(d->heart, e->peer);
        break;
    case AGENT_FX_CLOSE:
        heart_remove(d->heart, e->peer);
        links_close(d->links, e->peer, e->retry_ms);
        break;
    case AGENT_FX_START:
        runners_start(d->runners, &e->call);
        break;
    case AGENT_FX_STOP:
        runners_stop(d->runners, e->number, e->kill);
        break;
    case AGENT_FX_LOG:
        log_line(e->level, e->log_event, "%s", e->text);
        break;
    case AGENT_FX_DRAINED:
        d->ending = true;
        break;
    }
}

/* Nothing that perform does calls back into this function: runners, transport and links all answer
 * in later turns. */
static void step(struct daemon *d, const struct agent_event *event)
{
    if (d->ending) {
        return;
    }
    agent_step(d->agent, loop_now(d->loop), event, &d->effects);
    for (size_t i = 0; i < d->effects.count && !d->ending; i++) {
        perform(d, &d->effects.items[i]);
    }
    if (event->more) {
        d->turning = true;
        /* needed if the event came from the transport's own turn-end callback */
        loop_turn_again(d->loop);
    }
}

/* Runs before the transport's callback, which sends what is produced here. */
static void on_turn_end(void *user)
{
    struct daemon *d = user;
    if (d->turning) {
        d->turning = false;
        step(d, &(struct agent_event){.kind = AGENT_EV_TIME});
    }
    if (!d->ending) {
        loop_timer_set(d->timer, agent_next_deadline(d->agent));
    } else if (!d->ended) {
        d->ended = true;
        loop_timer_set(d->timer, loop_now(d->loop).mono);
    }
}

static void on_deadline(void *user)
{
    struct daemon *d = user;
    if (d->ended) {
        end(d);
    } else { /* a timer that was due in the turn that ended the drain is ignored */
        step(d, &(struct agent_event){.kind = AGENT_EV_TIME});
    }
}

/* ---- coordinators ---- */

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    struct daemon *d = user;
    if (!d->ending) {
        links_opened(d->links, conn, dialer);
        agent_coordinators(d->agent, (uint32_t)links_count(d->links));
        step(d, &(struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = conn});
    }
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    struct daemon *d = user;
    (void)why;
    if (!d->ending) {
        links_closed(d->links, conn);
        heart_remove(d->heart, conn);
        step(d, &(struct agent_event){.kind = AGENT_EV_PEER_DOWN, .peer = conn});
    }
}

static void on_frame(void *user, conn_id conn, struct bytes frame)
{
    struct daemon *d = user;
    struct message m;
    arena_reset(&d->frames);
    enum err e = frame_decode(frame, &d->frames, &m);
    if (e == ERR_OK) {
        if (m.type == MSG_WELCOME && m.welcome.version != 0) {
            links_welcomed(d->links, conn, m.welcome.id);
            agent_coordinators(d->agent, (uint32_t)links_count(d->links));
        } else if (m.type == MSG_MEMBERS) {
            links_members(d->links, &m);
            agent_coordinators(d->agent, (uint32_t)links_count(d->links));
            return;
        }
        step(d, &(struct agent_event){
                    .kind = AGENT_EV_MESSAGE, .peer = conn, .message = &m, .more = true});
    } else if (e != ERR_NOT_FOUND) { /* not found: a message type of a newer version, ignored */
        log_line(LOG_WARN, "frame_bad", "peer=%" PRIu64 " error=%s", conn, LOG_Q(err_text(e)));
        d->transport->ops->close(d->transport, conn);
    }
}

/* ---- functions ---- */

static void on_news(void *user, uint64_t number, const struct attempt_news *news)
{
    step(user, &(struct agent_event){.kind = AGENT_EV_NEWS, .number = number, .news = news});
}

static void on_ended(void *user, uint64_t number, const struct attempt_result *result)
{
    step(user, &(struct agent_event){
                   .kind = AGENT_EV_ENDED, .number = number, .result = result, .more = true});
}

/* ---- life ---- */

static void on_sigterm(void *user)
{
    struct daemon *d = user;
    struct agent_stats s = agent_stats(d->agent);
    int64_t seconds = conf_int(d->options->conf, "MARATHON_DRAIN_SECONDS");
    log_line(LOG_INFO, "draining", "running=%" PRIu32 " waiting=%" PRIu32 " seconds=%" PRId64,
             s.running, s.waiting, seconds);
    d->draining = true;
    notify_stopping();
    step(d, &(struct agent_event){.kind = AGENT_EV_DRAIN, .drain_ms = seconds * 1000});
}

static void on_metrics(void *user, struct buf *out)
{
    struct daemon *d = user;
    struct agent_stats s = agent_stats(d->agent);
    struct worker_size size = {.slots = (uint64_t)conf_int(d->options->conf, "MARATHON_SLOTS"),
                               .functions = d->options->functions->count,
                               .coordinators = links_count(d->links)};
    metrics_put(&s, &size, out);
    transport_nng_metrics(d->transport, out);
}

static bool on_ready(void *user, struct buf *out)
{
    struct daemon *d = user;
    struct agent_stats s = agent_stats(d->agent);
    bool ready = metrics_ready(&s, d->draining, out);
    if (!ready && !d->draining) {
        links_away_put(d->links, out);
    }
    return ready;
}

static uint32_t labels_take(struct daemon *d, const struct conf *conf)
{
    const char *const *labels = NULL;
    size_t count = conf_list(conf, "MARATHON_LABELS", &labels);
    d->labels = mem_zalloc((count + 1) * sizeof *d->labels);
    for (size_t i = 0; i < count; i++) {
        d->labels[i] = bytes_str(labels[i]);
    }
    return (uint32_t)count;
}

static struct agent *agent_make(struct daemon *d, size_t coordinators)
{
    const struct conf *conf = d->options->conf;
    const struct functions *f = d->options->functions;
    d->functions = mem_zalloc((f->count + 1) * sizeof *d->functions);
    for (uint32_t i = 0; i < f->count; i++) {
        d->functions[i] = bytes_str(f->items[i].name);
    }
    struct agent_config c = agent_config_default();
    c.id = bytes_str(d->options->id);
    c.host = bytes_str(d->host);
    c.software = bytes_str(d->options->software);
    c.pid = (uint32_t)getpid();
    c.version_min = c.version_max = WIRE_VERSION;
    c.slots = (uint32_t)conf_int(conf, "MARATHON_SLOTS");
    c.prefetch = (uint32_t)conf_int(conf, "MARATHON_PREFETCH");
    c.coordinators = (uint32_t)coordinators;
    c.functions = d->functions;
    c.function_count = f->count;
    c.keeper = (struct order_keeper){runners_keep, f};
    c.label_count = labels_take(d, conf);
    c.labels = d->labels;
    c.log_level = log_enabled(LOG_DEBUG) ? LOG_DEBUG : LOG_INFO;
    c.stop_grace_ms = conf_int(conf, "MARATHON_STOP_GRACE") * 1000;
    return agent_create(&c);
}

static void runners_make(struct daemon *d)
{
    const char *cwd = conf_text(d->options->conf, "MARATHON_WORK_DIR");
    ssize_t n = readlink("/proc/self/exe", d->program, sizeof d->program - 1);
    if (n < 0) {
        die("/proc is not mounted: the worker cannot watch over its functions");
    }
    d->reaper = reaper_create(d->loop, d->options->id);
    d->world = (struct runner_world){.loop = d->loop,
                                     .reaper = d->reaper,
                                     .listener = {on_news, on_ended, d},
                                     .program = d->program,
                                     .cwd = cwd[0] != '\0' ? cwd : NULL,
                                     .environment = environ};
    d->runners = runners_create(&d->world, d->options->functions);
}

static enum err dial_all(struct daemon *d, const char *const *urls, size_t count)
{
    struct transport_handler handler = {on_opened, on_frame, on_closed, d};
    d->links = links_create(d->loop, d->transport, handler);
    if (count == 0) {
        (void)fprintf(stderr, "marathon-worker: MARATHON_COORDINATORS names none\n");
        return ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        enum err e = links_dial(d->links, urls[i]);
        if (e != ERR_OK) {
            (void)fprintf(stderr,
                          "marathon-worker: MARATHON_COORDINATORS: \"%s\" must be "
                          "tls+tcp://host:port, tcp://host:port or ipc:///path\n",
                          urls[i]);
            return e;
        }
    }
    return ERR_OK;
}

static void on_hangup(void *user)
{
    struct daemon *d = user;
    struct tls_identity *identity = tls_settings_again(d->options->conf);
    if (identity != NULL) {
        transport_nng_identity(d->transport, identity);
    }
}

int daemon_run(const struct daemon_options *options)
{
    static struct daemon daemon; /* lives as long as the process */
    struct daemon *d = &daemon;
    const char *const *urls = NULL;
    size_t count = conf_list(options->conf, "MARATHON_COORDINATORS", &urls);
    d->options = options;
    (void)gethostname(d->host, sizeof d->host - 1);
    d->loop = loop_create();
    loop_on_turn_end(d->loop, on_turn_end, d);
    runners_make(d);
    d->transport = transport_nng_create(d->loop, DIAL_BACKOFF_MS_MAX);
    transport_nng_identity(d->transport, options->identity);
    d->heart = heart_create(d->loop, d->transport);
    d->agent = agent_make(d, count);
    d->timer = loop_timer_create(d->loop, on_deadline, d);
    loop_on_signal(d->loop, SIGHUP, on_hangup, d);
    loop_on_signal(d->loop, SIGTERM, on_sigterm, d);
    loop_on_signal(d->loop, SIGINT, on_sigterm, d);
    monitor_start(d->loop, options->conf, "marathon-worker",
                  (struct monitor_handler){on_metrics, on_ready, d});
    if (dial_all(d, urls, count) != ERR_OK) {
        return 2;
    }
    notify_ready(d->loop);
    loop_run(d->loop);
    return 1; /* finish() has ended the process before */
}
