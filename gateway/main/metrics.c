/* /metrics: counters of this gateway in the text format of Prometheus. No task ids, ever. */
#include "main/calls.h"

static void metric(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP marathon_gateway_%s %s\n# TYPE marathon_gateway_%s %s\n", name, help,
             name, type);
}

static void single(struct buf *out, const char *name, const char *help, uint64_t value)
{
    size_t len = strlen(name);
    bool counter = len > 6 && strcmp(name + len - 6, "_total") == 0;
    metric(out, name, counter ? "counter" : "gauge", help);
    buf_addf(out, "marathon_gateway_%s %llu\n", name, (unsigned long long)value);
}

static void http_put(const struct gateway *g, struct buf *out)
{
    metric(out, "requests_total", "counter", "Requests taken, by call.");
    for (int c = 0; c < CALL_COUNT; c++) {
        buf_addf(out, "marathon_gateway_requests_total{call=\"%s\"} %llu\n",
                 call_name((enum call)c), (unsigned long long)g->requests_by_call[c]);
    }
    metric(out, "answers_total", "counter", "Answers given, by class of their status.");
    for (int k = 2; k <= 5; k++) {
        buf_addf(out, "marathon_gateway_answers_total{class=\"%dxx\"} %llu\n", k,
                 (unsigned long long)g->answers_by_class[k]);
    }
    struct http_counts h = server_counts(g->http);
    single(out, "connections_open", "Client connections that are open.", h.connections_open);
    single(out, "websockets_open", "WebSockets that are open.", h.sockets_open);
    single(out, "sent_bytes_total", "Bytes given to clients.", h.bytes_sent_total);
    single(out, "stalled_closed_total", "Clients closed because they took nothing.",
           h.stalled_total);
    single(out, "upgrades_refused_total", "WebSocket upgrades refused.", h.refused_upgrades_total);
}

static void wire_put(const struct gateway *g, struct buf *out)
{
    uint64_t connected = 0;
    for (int i = 0; i < g->peers.count; i++) {
        connected += g->peers.items[i].welcomed;
    }
    single(out, "coordinators_configured", "Coordinators this gateway dials.",
           (uint64_t)g->peers.count);
    single(out, "coordinators_connected", "Coordinators that have welcomed it.", connected);
    single(out, "partitions_covered", "Partitions with a known owner, of 64.",
           (uint64_t)__builtin_popcountll(peers_covered(&g->peers)));
    single(out, "coordinator_connects_total", "Connections made to coordinators.",
           g->peers.connects);
    single(out, "frames_bad_total", "Frames of coordinators that could not be read.",
           g->peers.frames_bad);
    single(out, "wire_requests_total", "Requests sent to coordinators.", g->requests.sent_total);
    single(out, "wire_resent_total", "Of these, sent again to another owner.",
           g->requests.resent_total);
    single(out, "wire_failed_total", "Requests without an answer in time.",
           g->requests.failed_total);
    single(out, "wire_waiting", "Requests that wait for an answer.", g->requests.by_id.count);
}

void call_metrics(struct gateway *g, exchange_id id)
{
    struct buf out = {0};
    http_put(g, &out);
    wire_put(g, &out);
    single(&out, "watchers", "WebSockets, event streams and long polls under way.", g->watchers);
    single(&out, "feeds", "Tasks that are watched.", g->feeds.count);
    single(&out, "events_total", "Events of watched tasks taken from coordinators.",
           g->events_total);
    single(&out, "messages_total", "Messages given to watchers.", g->messages_total);
    single(&out, "gaps_total", "Feeds begun anew because events were lost or a run was fresh.",
           g->gaps_total);
    mono_ms up = loop_now(g->loop).mono - g->started;
    metric(&out, "uptime_seconds", "gauge", "Seconds since the start of this process.");
    buf_addf(&out, "marathon_gateway_uptime_seconds %lld\n", (long long)(up / 1000));
    static const struct http_head head = {.status = 200,
                                          .content_type = "text/plain; version=0.0.4",
                                          .headers = {{"cache-control", "no-store"}}};
    g->answers_by_class[2]++;
    server_answer(g->http, id, &head, buf_bytes(&out));
    buf_free(&out);
}
