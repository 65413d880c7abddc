/* A daemon's monitoring port: GET /metrics, /livez and /readyz (/healthz is an alias). The only
 * folder that includes libmicrohttpd, which runs on our loop: it has no thread of its own, and no
 * answer waits for anything. The gateway serves these pages on its own port.
 *
 * Loop's thread only. */
#ifndef MARATHON_MONITOR_MONITOR_H
#define MARATHON_MONITOR_MONITOR_H

#include "base/bytes.h"
#include "loop/loop.h"

struct monitor_handler {
    /* Appends the metrics in the Prometheus text format (base/metric_text.h). */
    void (*metrics)(void *user, struct buf *out);
    /* Is the daemon ready? If not, appends the reason: one line for people. */
    bool (*ready)(void *user, struct buf *out);
    void *user;
};

struct monitor;

/* What is wrong with a value for listen: it is not an address and port, or it can be reached from
 * other machines while insecure is false (clients are not authenticated). NULL: it is fine. */
const char *monitor_listen_fault(const char *listen, bool insecure);
/* ERR_INVALID: listen is not an address; ERR_IO: cannot listen there. */
enum err MUST_CHECK monitor_create(struct loop *loop, const char *listen,
                                   struct monitor_handler handler, struct monitor **ret_monitor);
void monitor_destroy(struct monitor *m); /* NULL is allowed */

#endif
