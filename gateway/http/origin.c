#include "http/origin.h"

#include <arpa/inet.h>
#include <strings.h>

#define NAME_BYTES_MAX 253

static bool is_same(struct bytes a, struct bytes b)
{
    return a.len == b.len && strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0;
}

/* "host:port" of "https://host:port"; empty if there is none, as in "null". */
static struct bytes host_of(struct bytes origin)
{
    static const char mark[] = "://";
    const uint8_t *at = origin.len > 0 ? memmem(origin.ptr, origin.len, mark, strlen(mark)) : NULL;
    size_t from = at != NULL ? (size_t)(at - origin.ptr) + strlen(mark) : origin.len;
    return bytes_part(origin, from, origin.len);
}

/* The host without its port. */
static struct bytes name_of(struct bytes host)
{
    size_t len = host.len;
    while (len > 0 && host.ptr[len - 1] >= '0' && host.ptr[len - 1] <= '9') {
        len--;
    }
    return len > 0 && host.ptr[len - 1] == ':' ? bytes_part(host, 0, len - 1) : host;
}

static bool is_allowed(const struct origins *o, struct bytes origin)
{
    for (size_t i = 0; i < o->count; i++) {
        if (bytes_is(origin, o->allowed[i])) {
            return true;
        }
    }
    return false;
}

bool origin_may_watch(const struct origins *o, struct bytes origin, struct bytes host)
{
    return origin.len == 0 || is_allowed(o, origin) ||
           (host.len > 0 && is_same(host_of(origin), host));
}

bool origin_may_change(const struct origins *o, struct bytes origin, struct bytes host)
{
    struct bytes name = name_of(host);
    return origin.len == 0 || is_allowed(o, origin) ||
           (name.len > 0 && is_same(name_of(host_of(origin)), name));
}

static bool is_address(struct bytes name)
{
    char text[NAME_BYTES_MAX + 1];
    struct in6_addr address;
    bool in_brackets = name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']';
    struct bytes plain = in_brackets ? bytes_part(name, 1, name.len - 1) : name;
    if (plain.len > NAME_BYTES_MAX) {
        return false;
    }
    memcpy(text, plain.ptr, plain.len);
    text[plain.len] = '\0';
    return inet_pton(in_brackets ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* Names that nobody can own in the public DNS (RFC 6761, 6.3; ICANN's resolution 2024.07.29.06;
 * containers find their host as host.docker.internal). */
static bool is_local(struct bytes name)
{
    static const char *const ends[] = {".localhost", ".internal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct bytes end = bytes_str(ends[i]);
        if (name.len > end.len && is_same(bytes_part(name, name.len - end.len, name.len), end)) {
            return true;
        }
    }
    return memchr(name.ptr, '.', name.len) == NULL;
}

bool origin_host_is_ours(const struct origins *o, struct bytes host)
{
    struct bytes name = name_of(host);
    if (name.len == 0 || is_address(name) || is_local(name)) {
        return true;
    }
    for (size_t i = 0; i < o->count; i++) {
        if (is_same(name_of(host_of(bytes_str(o->allowed[i]))), name)) {
            return true;
        }
    }
    return false;
}
