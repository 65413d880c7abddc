#include <stdlib.h>

#include "base/listen.h"
#include "transport/nng_impl.h"

#define TCP "tcp://"
#define TLS "tls+tcp://"
#define IPC "ipc://"

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The name of "name@address:port", otherwise the host, without the brackets of an IPv6 address.
 * NULL if it is empty. */
static char *peer_of(struct bytes authority, const char *at)
{
    struct bytes name = authority;
    if (at != NULL) {
        name.len = (size_t)((const uint8_t *)at - name.ptr);
    } else {
        const char *colon = strrchr((const char *)name.ptr, ':');
        name.len = (size_t)((const uint8_t *)colon - name.ptr);
    }
    if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') {
        name = bytes_part(name, 1, name.len - 2);
    }
    return name.len > 0 ? mem_str_bytes(name) : NULL;
}

enum err place_read(const char *url, struct place *ret_place)
{
    struct place p = {.secure = begins(url, TLS)};
    if (!p.secure && !begins(url, TCP)) {
        if (!begins(url, IPC "/")) {
            return ERR_INVALID;
        }
        p.url = mem_str(url);
        *ret_place = p;
        return ERR_OK;
    }
    const char *authority = url + strlen(p.secure ? TLS : TCP);
    const char *at = p.secure ? strchr(authority, '@') : NULL;
    const char *colon = strrchr(authority, ':');
    /* nng accepts a port of any size, or none, and fails only later. */
    if (colon == NULL || port_read(colon + 1) == 0 ||
        (p.secure && strchr(authority, '/') != NULL)) {
        return ERR_INVALID;
    }
    if (p.secure) {
        p.peer = peer_of(bytes_str(authority), at);
        if (p.peer == NULL) {
            return ERR_INVALID;
        }
    }
    struct buf plain = {0};
    buf_addf(&plain, TCP "%s", at != NULL ? at + 1 : authority);
    p.url = mem_str(buf_cstr(&plain));
    buf_free(&plain);
    *ret_place = p;
    return ERR_OK;
}

void place_free(struct place *p)
{
    free(p->url);
    free(p->peer);
}
