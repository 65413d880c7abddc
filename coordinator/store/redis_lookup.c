#include "store/redis_lookup.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "store/redis_url.h"

struct redis_lookup {
    struct loop *loop;
    redis_lookup_fn *fn;
    void *user;
    char host[REDIS_HOST_BYTES];  /* the host last asked for */
    char asked[REDIS_HOST_BYTES]; /* the host that the resolver is looking up; "" = none */
    bool wanted, gone;
    size_t turn; /* counts through a host's addresses */
};

static void ask_system(struct redis_lookup *k);

static void on_resolved(void *user, const char *const *addresses, size_t count)
{
    struct redis_lookup *k = user;
    bool other = strcmp(k->asked, k->host) != 0;
    k->asked[0] = '\0';
    if (k->gone) {
        free(k);
    } else if (k->wanted && other) {
        ask_system(k);
    } else if (k->wanted) {
        k->wanted = false;
        k->fn(k->user, count > 0 ? addresses[k->turn++ % count] : NULL);
    }
}

static void ask_system(struct redis_lookup *k)
{
    memcpy(k->asked, k->host, sizeof k->asked);
    loop_resolve(k->loop, k->asked, on_resolved, k);
}

struct redis_lookup *lookup_create(struct loop *loop, redis_lookup_fn *fn, void *user)
{
    struct redis_lookup *k = mem_zalloc(sizeof *k);
    k->loop = loop;
    k->fn = fn;
    k->user = user;
    return k;
}

void lookup_destroy(struct redis_lookup *k)
{
    k->gone = true;
    if (k->asked[0] == '\0') {
        free(k);
    }
}

void lookup_ask(struct redis_lookup *k, const char *host)
{
    snprintf(k->host, sizeof k->host, "%s", host);
    k->wanted = true;
    if (k->asked[0] == '\0') {
        ask_system(k);
    }
}

void lookup_drop(struct redis_lookup *k)
{
    k->wanted = false;
}

bool lookup_needed(const char *host)
{
    struct in_addr four;
    return strcmp(host, "localhost") != 0 && strchr(host, ':') == NULL &&
           inet_pton(AF_INET, host, &four) != 1;
}
