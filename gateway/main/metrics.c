/* /metrics: counters of this gateway in the text format of Prometheus. No task ids, ever. */
#include "base/metric_process.h"
#include "base/metric_text.h"
#include "main/calls.h"

static void http_put(const struct gateway *g, struct metric_text *t)
{
    metric_begin(t, "requests_total", "HTTP requests received, by call.");
    for (int c = 0; c < CALL_COUNT; c++) {
        metric_labelled(t, "requests_total", "call", call_name((enum call)c),
                        g->requests_by_call[c]);
    }
    metric_begin(t, "answers_total", "HTTP answers sent, by class of their status.");
    for (int k = 2; k <= 5; k++) {
        const char class[] = {(char)('0' + k), 'x', 'x', '\0'};
        metric_labelled(t, "answers_total", "class", class, g->answers_by_class[k]);
    }
    struct http_counts h = server_counts(g->http);
    metric_single(t, "connections_open", "Client connections that are open.", h.connections_open);
    metric_single(t, "websockets_open", "WebSockets that are open.", h.sockets_open);
    metric_single(t, "body_bytes", "Bytes of request bodies being received.", h.body_bytes);
    metric_single(
        t, "head_bytes",
        "Bytes of request heads that are incomplete or large, and of pipelined data after them.",
        h.head_bytes);
    metric_single(t, "sent_bytes_total", "Bytes given to clients.", h.bytes_sent_total);
    metric_single(t, "stalled_closed_total",
                  "Client connections closed because they read nothing or too slowly.",
                  h.stalled_total);
    metric_single(t, "keys_refused_total",
                  "Requests refused because they had no API key that allows them.",
                  g->keys_refused_total);
    metric_single(t, "upgrades_refused_total", "WebSocket upgrades refused.",
                  h.refused_upgrades_total);
}

static void wire_put(const struct gateway *g, struct metric_text *t)
{
    uint64_t connected = 0;
    for (int i = 0; i < g->peers.count; i++) {
        connected += g->peers.items[i].welcomed;
    }
    metric_single(t, "coordinators_configured", "Coordinators this gateway dials.",
                  (uint64_t)peers_dialled(&g->peers));
    metric_single(t, "coordinators_connected", "Coordinators that this process is connected to.",
                  connected);
    metric_single(t, "partitions_covered", "Partitions with a known owner, of 64.",
                  (uint64_t)__builtin_popcountll(peers_covered(&g->peers)));
    metric_single(t, "coordinator_connects_total", "Connections made to coordinators.",
                  g->peers.connects);
    metric_single(t, "frames_bad_total", "Malformed frames received from coordinators.",
                  g->peers.frames_bad);
    metric_single(t, "wire_requests_total", "Requests sent to coordinators.",
                  g->requests.sent_total);
    metric_single(t, "wire_resent_total",
                  "Requests sent again to another coordinator, the partition's new owner.",
                  g->requests.resent_total);
    metric_single(t, "wire_failed_total", "Requests to coordinators that got no answer in time.",
                  g->requests.failed_total);
    metric_single(t, "wire_waiting", "Requests that wait for a coordinator's answer.",
                  g->requests.by_id.count);
}

void call_metrics(struct gateway *g, exchange_id id)
{
    struct buf out = {0};
    struct metric_text t = {&out, "marathon_gateway_"};
    http_put(g, &t);
    wire_put(g, &t);
    transport_nng_metrics(g->transport, &out);
    metric_single(&t, "answers_waiting_bytes", "Bytes of answers that clients have not read yet.",
                  answers_bytes(g));
    metric_single(&t, "answers_refused_total",
                  "Calls refused because unread answers fill this gateway's memory.",
                  g->answers_refused_total);
    metric_single(&t, "watchers", "WebSockets, event streams and long polls under way.",
                  g->watchers);
    metric_single(&t, "feeds", "Tasks that are watched.", g->feeds.count);
    metric_single(&t, "feed_bytes",
                  "Bytes of the newest events of watched tasks, kept for clients that are behind.",
                  g->rings.bytes);
    metric_single(&t, "feed_shed_total",
                  "Watched tasks whose kept events were dropped to make room for others.",
                  g->rings.shed_total);
    metric_single(&t, "events_total", "Events of watched tasks taken from coordinators.",
                  g->events_total);
    metric_single(&t, "messages_total", "Messages given to watchers.", g->messages_total);
    metric_single(&t, "gaps_total",
                  "Feeds restarted because events were lost or the task was started afresh.",
                  g->gaps_total);
    mono_ms up = loop_now(g->loop).mono - g->started;
    metric_seconds(&t, "uptime_seconds", "Seconds since the start of this process.",
                   (double)up / 1000);
    metric_process(&out);
    static const struct http_head head = {.status = 200,
                                          .content_type = METRIC_CONTENT_TYPE,
                                          .headers = {{"cache-control", "no-store"}}};
    g->answers_by_class[2]++;
    server_answer(g->http, id, &head, buf_bytes(&out));
    buf_free(&out);
}
