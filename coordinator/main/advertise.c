#include "main/advertise.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define TCP "tcp://"

enum reach { REACH_NOBODY, REACH_THIS_MACHINE, REACH_OTHERS };

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_wildcard(const char *host)
{
    return begins(host, "0.0.0.0:") || begins(host, "[::]:") || begins(host, "*:");
}

bool advertise_is_local(const char *url)
{
    const char *host = url + strlen(TCP);
    return begins(url, "ipc://") ||
           (begins(url, TCP) &&
            (begins(host, "127.") || begins(host, "localhost:") || begins(host, "[::1]:")));
}

/* Who can dial what is listened on; `text` is what they dial. */
static enum reach reach_of(const char *url, const char *address, char text[ADVERTISE_BYTES])
{
    (void)snprintf(text, ADVERTISE_BYTES, "%s", url);
    if (!begins(url, TCP)) {
        return begins(url, "ipc:///") ? REACH_THIS_MACHINE : REACH_NOBODY;
    }
    const char *host = url + strlen(TCP), *port = strrchr(host, ':');
    if (port == NULL || strcmp(port, ":0") == 0) {
        return REACH_NOBODY;
    }
    if (is_wildcard(host)) {
        (void)snprintf(text, ADVERTISE_BYTES, TCP "%s%s", address != NULL ? address : "", port);
        return address != NULL ? REACH_OTHERS : REACH_NOBODY;
    }
    return advertise_is_local(url) ? REACH_THIS_MACHINE : REACH_OTHERS;
}

bool advertise_choose(const char *const *listen, size_t count, const char *address,
                      char text[ADVERTISE_BYTES])
{
    enum reach best = REACH_NOBODY;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char url[ADVERTISE_BYTES];
        enum reach reach = reach_of(listen[i], address, url);
        if (reach > best && strlen(listen[i]) + INET_ADDRSTRLEN < ADVERTISE_BYTES) {
            best = reach;
            memcpy(text, url, sizeof url);
        }
    }
    return best != REACH_NOBODY;
}

const char *advertise_address(char text[ADVERTISE_BYTES])
{
    struct ifaddrs *all = NULL;
    size_t found = 0;
    if (getifaddrs(&all) != 0) {
        return NULL;
    }
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        bool up = (a->ifa_flags & IFF_UP) != 0 && (a->ifa_flags & IFF_LOOPBACK) == 0;
        if (!up || a->ifa_addr == NULL || a->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        struct sockaddr_in in;
        memcpy(&in, a->ifa_addr, sizeof in);
        found += inet_ntop(AF_INET, &in.sin_addr, text, ADVERTISE_BYTES) != NULL;
    }
    freeifaddrs(all);
    return found == 1 ? text : NULL;
}

void advertise_configured(const struct conf *conf, char url[ADVERTISE_BYTES])
{
    const char *said = conf_text(conf, "MARATHON_ADVERTISE");
    (void)snprintf(url, ADVERTISE_BYTES, "%s", strcmp(said, "none") == 0 ? "" : said);
    if (strcmp(said, "auto") == 0) {
        const char *const *listen = NULL;
        size_t count = conf_list(conf, "MARATHON_COORDINATOR_LISTEN", &listen);
        char address[ADVERTISE_BYTES];
        (void)advertise_choose(listen, count, advertise_address(address), url);
    }
    log_line(LOG_INFO, "advertised", "url=%s", LOG_Q(url));
}
