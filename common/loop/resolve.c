/* Host names are resolved by the system's resolver in libuv's thread pool, since a lookup may take
 * seconds. */
#include "loop/loop_impl.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/bytes.h"

struct lookup {
    uv_getaddrinfo_t request; /* first member: a request pointer is its lookup pointer */
    struct loop *loop;
    loop_resolved_fn *fn;
    void *user;
};

#define ADDRESS_BYTES 64 /* fits an IPv6 address with its scope */

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct lookup *k = (struct lookup *)request;
    char texts[LOOP_ADDRESSES_MAX][ADDRESS_BYTES];
    const char *addresses[LOOP_ADDRESSES_MAX];
    size_t count = 0;
    turn_begin(k->loop->turn);
    for (const struct addrinfo *a = status == 0 ? list : NULL; a != NULL; a = a->ai_next) {
        if (count < LOOP_ADDRESSES_MAX &&
            getnameinfo(a->ai_addr, a->ai_addrlen, texts[count], ADDRESS_BYTES, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            addresses[count] = texts[count];
            count++;
        }
    }
    uv_freeaddrinfo(list);
    k->fn(k->user, addresses, count);
    free(k);
}

void loop_resolve(struct loop *l, const char *host, loop_resolved_fn *fn, void *user)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *k = mem_zalloc(sizeof *k);
    k->loop = l;
    k->fn = fn;
    k->user = user;
    if (uv_getaddrinfo(&l->uv, &k->request, on_resolved, host, NULL, &hints) != 0) {
        die("cannot look up host names: out of threads or memory");
    }
}
