#include "main/door.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "main/advertise.h"
#include "tls/tls_settings.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits: restarting will not help */
#define UNIT_PREFIX "marathon-"

static bool is_plain(const char *url)
{
    return strncmp(url, "tcp://", 6) == 0;
}

void door_check(const struct conf *conf)
{
    const char *const *urls = NULL;
    size_t count = conf_list(conf, "MARATHON_COORDINATOR_LISTEN", &urls);
    for (size_t i = 0; i < count; i++) {
        if (is_plain(urls[i]) && !advertise_is_local(urls[i]) &&
            !conf_bool(conf, "MARATHON_INSECURE_LISTEN")) {
            fprintf(stderr,
                    "marathon-coordinator: MARATHON_COORDINATOR_LISTEN: %s can be reached from "
                    "other machines in plain text, and peers are not authenticated: listen at "
                    "tls+tcp:// with certificates, at a loopback address or ipc://, or use "
                    "--insecure-listen (MARATHON_INSECURE_LISTEN=true) if the network is private\n",
                    urls[i]);
            _exit(EXIT_CONFIG);
        }
    }
}

void door_open(struct transport *t, const struct conf *conf, struct transport_handler handler)
{
    const char *const *urls = NULL;
    size_t count = conf_list(conf, "MARATHON_COORDINATOR_LISTEN", &urls);
    for (size_t i = 0; i < count; i++) {
        enum err e = t->ops->listen(t, urls[i], handler);
        if (e != ERR_OK) {
            fprintf(stderr,
                    e == ERR_INVALID
                        ? "marathon-coordinator: MARATHON_COORDINATOR_LISTEN: \"%s\" must be "
                          "tls+tcp://host:port, tcp://host:port or ipc:///path\n"
                        : "marathon-coordinator: cannot listen on %s, the log above says why; give "
                          "another address with --coordinator-listen\n",
                    urls[i]);
            _exit(1);
        }
        log_line(LOG_INFO, "listening", "url=%s", LOG_Q(urls[i]));
    }
}

static const char *role_name(enum role role)
{
    switch (role) {
    case ROLE_COORDINATOR:
        return "coordinator";
    case ROLE_WORKER:
        return "worker";
    case ROLE_GATEWAY:
        return "gateway";
    }
    return "";
}

bool door_admits(const char *unit, enum role role)
{
    if (strncmp(unit, UNIT_PREFIX, strlen(UNIT_PREFIX)) != 0) {
        return true;
    }
    return strcmp(unit + strlen(UNIT_PREFIX), role_name(role)) == 0;
}
