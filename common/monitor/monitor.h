/* A daemon's port for those who watch over it: GET /metrics, /livez, /readyz (and /healthz, an
 * alias). The only folder that includes libmicrohttpd, which runs on the loop: no thread of its
 * own, no answer that waits. The gateway has these pages on its own port.
 *
 * All on the loop's thread. */
#ifndef MARATHON_MONITOR_MONITOR_H
#define MARATHON_MONITOR_MONITOR_H

#include "base/bytes.h"
#include "loop/loop.h"

struct monitor_handler {
    /* Adds the metrics in the text format of Prometheus (base/metric_text.h). */
    void (*metrics)(void *user, struct buf *out);
    /* Is the daemon ready? Adds why not, one line for people, where it is not. */
    bool (*ready)(void *user, struct buf *out);
    void *user;
};

struct monitor;

/* What is wrong with a text for listen: it is no address and port, or other machines reach it and
 * insecure is false (nobody who asks is authenticated). NULL: nothing. */
const char *monitor_listen_fault(const char *listen, bool insecure);
/* ERR_INVALID: listen is no address; ERR_IO: cannot listen there. */
enum err MUST_CHECK monitor_create(struct loop *loop, const char *listen,
                                   struct monitor_handler handler, struct monitor **ret_monitor);
void monitor_destroy(struct monitor *m); /* NULL is allowed */

#endif
