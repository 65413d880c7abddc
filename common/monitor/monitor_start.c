#include "monitor/monitor_start.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits: a restart will not help */

static _Noreturn void refuse(const char *program, const char *listen, const char *why, int code)
{
    (void)fprintf(stderr, "%s: MARATHON_METRICS_LISTEN=%s: %s\n", program, listen, why);
    _exit(code);
}

void monitor_start(struct loop *loop, const struct conf *conf, const char *program,
                   struct monitor_handler handler)
{
    const char *listen = conf_text(conf, "MARATHON_METRICS_LISTEN");
    if (listen[0] == '\0') {
        return;
    }
    const char *fault = monitor_listen_fault(listen, conf_bool(conf, "MARATHON_INSECURE_LISTEN"));
    if (fault != NULL) {
        bool insecure_only = monitor_listen_fault(listen, true) == NULL;
        refuse(program, listen, fault, insecure_only ? EXIT_CONFIG : 2);
    }
    struct monitor *m = NULL;
    if (monitor_create(loop, listen, handler, &m) != ERR_OK) {
        refuse(program, listen,
               "cannot listen there: in use, not an address of this machine, or not allowed", 1);
    }
    log_line(LOG_INFO, "metrics_listening", "listen=%s", LOG_Q(listen));
}
