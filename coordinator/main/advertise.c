#include "main/advertise.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define TCP "tcp://"
#define TLS "tls+tcp://"

enum reach { REACH_NOBODY, REACH_THIS_MACHINE, REACH_OTHERS };

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_wildcard(const char *host)
{
    return begins(host, "0.0.0.0:") || begins(host, "[::]:") || begins(host, "*:");
}

/* Behind the scheme; NULL for another one. */
static const char *authority_of(const char *url, bool *ret_secure)
{
    *ret_secure = begins(url, TLS);
    return *ret_secure ? url + strlen(TLS) : begins(url, TCP) ? url + strlen(TCP) : NULL;
}

bool advertise_is_local(const char *url)
{
    bool secure;
    const char *host = authority_of(url, &secure);
    return begins(url, "ipc://") ||
           (host != NULL &&
            (begins(host, "127.") || begins(host, "localhost:") || begins(host, "[::1]:")));
}

/* Who can dial what is listened on; `text` is what they dial. */
static enum reach reach_of(const char *url, const struct advertise_self *self,
                           char text[ADVERTISE_BYTES])
{
    bool secure;
    const char *host = authority_of(url, &secure);
    (void)snprintf(text, ADVERTISE_BYTES, "%s", url);
    if (host == NULL) {
        return begins(url, "ipc:///") ? REACH_THIS_MACHINE : REACH_NOBODY;
    }
    const char *port = strrchr(host, ':');
    bool wildcard = is_wildcard(host);
    if (port == NULL || strcmp(port, ":0") == 0 || (wildcard && self->address == NULL)) {
        return REACH_NOBODY;
    }
    if (wildcard) {
        bool named = secure && self->name != NULL && self->name[0] != '\0';
        (void)snprintf(text, ADVERTISE_BYTES, "%s%s%s%s%s", secure ? TLS : TCP,
                       named ? self->name : "", named ? "@" : "", self->address, port);
    }
    return advertise_is_local(url) ? REACH_THIS_MACHINE : REACH_OTHERS;
}

bool advertise_choose(const char *const *listen, size_t count, const struct advertise_self *self,
                      char text[ADVERTISE_BYTES])
{
    enum reach best = REACH_NOBODY;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char url[ADVERTISE_BYTES];
        enum reach reach = reach_of(listen[i], self, url);
        if (reach > best && strlen(url) < ADVERTISE_BYTES - 1) {
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

void advertise_configured(const struct conf *conf, const char *name, char url[ADVERTISE_BYTES])
{
    const char *said = conf_text(conf, "MARATHON_ADVERTISE");
    (void)snprintf(url, ADVERTISE_BYTES, "%s", strcmp(said, "none") == 0 ? "" : said);
    if (strcmp(said, "auto") == 0) {
        const char *const *listen = NULL;
        size_t count = conf_list(conf, "MARATHON_COORDINATOR_LISTEN", &listen);
        char address[ADVERTISE_BYTES];
        struct advertise_self self = {.address = advertise_address(address), .name = name};
        (void)advertise_choose(listen, count, &self, url);
    }
    log_line(LOG_INFO, "advertised", "url=%s", LOG_Q(url));
}
