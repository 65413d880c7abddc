#include "store/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes into text[size]. False if it does not fit, is malformed, or contains a NUL. */
static bool decode(struct bytes in, char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        int c = in.ptr[i];
        if (c == '%') {
            int high = i + 1 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || n + 1 >= size) {
            return false;
        }
        text[n++] = (char)c;
    }
    text[n] = '\0';
    return true;
}

static bool number(struct bytes in, int max, int *ret_value)
{
    int value = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] < '0' || in.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (in.ptr[i] - '0');
        if (value > max) {
            return false;
        }
    }
    *ret_value = value;
    return in.len > 0;
}

/* Splits *in at the first (or last) c: *ret_part is what comes before, *in what comes after. False
 * if there is no c. */
static bool take_until(struct bytes *in, int c, bool last, struct bytes *ret_part)
{
    if (in->len == 0) {
        return false;
    }
    const uint8_t *found = last ? memrchr(in->ptr, c, in->len) : memchr(in->ptr, c, in->len);
    if (found == NULL) {
        return false;
    }
    size_t len = (size_t)(found - in->ptr);
    *ret_part = bytes_of(in->ptr, len);
    *in = bytes_part(*in, len + 1, in->len);
    return true;
}

/* [[user]:password@] */
static const char *parse_credentials(struct bytes *rest, struct redis_url *u)
{
    struct bytes credentials;
    if (!take_until(rest, '@', true, &credentials)) {
        return NULL;
    }
    struct bytes user;
    if (!take_until(&credentials, ':', false, &user)) {
        return "the part before @ must be user:password or :password";
    }
    if (!decode(user, u->user, sizeof u->user) ||
        !decode(credentials, u->password, sizeof u->password)) {
        return "the user or the password is too long or wrongly percent-encoded";
    }
    return NULL;
}

/* host[:port] */
static const char *parse_node(struct bytes rest, struct redis_node *node)
{
    struct bytes host;
    bool has_port = false;
    if (rest.len > 0 && rest.ptr[0] == '[') {
        rest = bytes_part(rest, 1, rest.len);
        if (!take_until(&rest, ']', false, &host)) {
            return "an IPv6 address must end with ]";
        }
        has_port = rest.len > 0;
        if (has_port && rest.ptr[0] != ':') {
            return "only a port may follow the host";
        }
        rest = bytes_part(rest, 1, rest.len);
    } else if (take_until(&rest, ':', false, &host)) {
        has_port = true;
    } else {
        host = rest;
    }
    if (host.len == 0 || host.len >= sizeof node->host || memchr(host.ptr, 0, host.len) != NULL) {
        return "the host is missing or too long";
    }
    memcpy(node->host, host.ptr, host.len);
    node->host[host.len] = '\0';
    if (has_port && (!number(rest, 65535, &node->port) || node->port == 0)) {
        return "the port must be a number from 1 to 65535";
    }
    return NULL;
}

/* host[:port][,host[:port]...] */
static const char *parse_nodes(struct bytes rest, int port_default, struct redis_url *u)
{
    for (bool more = true; more;) {
        struct bytes one = rest;
        more = take_until(&rest, ',', false, &one);
        if (u->node_count == REDIS_NODES_MAX) {
            return "there are more than nine hosts";
        }
        struct redis_node *node = &u->nodes[u->node_count++];
        node->port = port_default;
        const char *fault = parse_node(one, node);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static bool parse_db(struct bytes text, struct redis_url *u)
{
    return text.len == 0 || number(text, REDIS_DB_MAX, &u->db);
}

static const char *parse_tcp(struct bytes rest, struct redis_url *u)
{
    struct bytes authority = rest;
    if (take_until(&rest, '/', false, &authority) && !parse_db(rest, u)) {
        return "the path must be the number of a database";
    }
    struct bytes first, hosts = authority;
    if (take_until(&hosts, ',', false, &first)) {
        return "it has one host: several sentinels are "
               "redis+sentinel://host:26379,host:26379/<name of the master>, the nodes of a "
               "cluster redis+cluster://host:6379,host:6379";
    }
    struct redis_node node = {.port = REDIS_PORT_DEFAULT};
    const char *fault = parse_node(authority, &node);
    memcpy(u->host, node.host, sizeof u->host);
    u->port = node.port;
    return fault;
}

/* The form that `sentinel monitor` accepts: letters, digits and . _ - */
static bool parse_master(struct bytes name, char text[REDIS_MASTER_BYTES])
{
    if (name.len == 0 || name.len >= REDIS_MASTER_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i], lower = c | 0x20;
        bool fine =
            (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || strchr("._-", c) != NULL;
        if (!fine || c == 0) {
            return false;
        }
        text[i] = (char)c;
    }
    text[name.len] = '\0';
    return true;
}

static const char *parse_sentinel(struct bytes rest, struct redis_url *u)
{
    u->kind = REDIS_SENTINEL;
    struct bytes hosts;
    if (!take_until(&rest, '/', false, &hosts)) {
        return "the name of the master must follow the sentinels: "
               "redis+sentinel://host:26379,host:26379/<name of the master>";
    }
    const char *fault = parse_nodes(hosts, REDIS_SENTINEL_PORT, u);
    if (fault != NULL) {
        return fault;
    }
    struct bytes master = rest;
    if (take_until(&rest, '/', false, &master) && !parse_db(rest, u)) {
        return "after the name of the master only the number of a database may follow";
    }
    return parse_master(master, u->master)
               ? NULL
               : "the name of the master must be that of `sentinel monitor` in the sentinels' "
                 "files: letters, digits and . _ - (127 at most)";
}

static const char *parse_cluster(struct bytes rest, struct redis_url *u)
{
    u->kind = REDIS_CLUSTER;
    struct bytes hosts = rest;
    if (take_until(&rest, '/', false, &hosts) && rest.len > 0) {
        return "a Redis Cluster has no databases: nothing may follow its hosts";
    }
    return parse_nodes(hosts, REDIS_PORT_DEFAULT, u);
}

static const char *parse_unix(struct bytes rest, struct redis_url *u)
{
    struct bytes path = rest;
    if (take_until(&rest, '?', false, &path)) {
        if (rest.len < 3 || memcmp(rest.ptr, "db=", 3) != 0 ||
            !number(bytes_part(rest, 3, rest.len), REDIS_DB_MAX, &u->db)) {
            return "only ?db=<number> may follow the socket's path";
        }
    }
    if (path.len == 0 || path.ptr[0] != '/') {
        return "the socket's path must be absolute: unix:///path";
    }
    return decode(path, u->path, sizeof u->path)
               ? NULL
               : "the socket's path is too long or wrongly percent-encoded";
}

static const struct scheme {
    const char *prefix;
    /* parses what follows the credentials */
    const char *(*parse)(struct bytes rest, struct redis_url *u);
    bool tls;
} schemes[] = {
    {"redis://", parse_tcp, false},
    {"redis+sentinel://", parse_sentinel, false},
    {"redis+cluster://", parse_cluster, false},
    {"rediss://", parse_tcp, true},
    {"rediss+sentinel://", parse_sentinel, true},
    {"rediss+cluster://", parse_cluster, true},
    {"unix://", parse_unix, false},
};

static const char *parse(const char *text, struct redis_url *u)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(text, schemes[i].prefix, len) == 0) {
            struct bytes rest = bytes_str(text + len);
            u->tls = schemes[i].tls;
            const char *fault = parse_credentials(&rest, u);
            return fault != NULL ? fault : schemes[i].parse(rest, u);
        }
    }
    return "it must start with redis://, redis+sentinel:// or redis+cluster:// (rediss... for "
           "TLS), "
           "or unix://";
}

enum err redis_url_parse(const char *text, struct redis_url *ret_url, const char **ret_message)
{
    struct redis_url u = {.port = REDIS_PORT_DEFAULT};
    const char *fault = text != NULL ? parse(text, &u) : "it is not set";
    if (fault != NULL) {
        *ret_message = fault;
        return ERR_INVALID;
    }
    *ret_url = u;
    return ERR_OK;
}
