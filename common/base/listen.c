#include "base/listen.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/bytes.h"

#define PORT_DIGITS_MAX 5

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int port_read(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > PORT_DIGITS_MAX || strspn(text, "0123456789") != len) {
        return 0;
    }
    long port = strtol(text, NULL, 10);
    return port <= UINT16_MAX ? (int)port : 0;
}

enum err listen_parse(const char *text, char host[LISTEN_HOST_BYTES], int *ret_port,
                      bool *ret_loopback)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return ERR_INVALID;
    }
    struct bytes name = bytes_of(text, (size_t)(colon - text));
    if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') {
        name = bytes_part(name, 1, name.len - 2);
    }
    int port = port_read(colon + 1);
    if (port == 0 || name.len == 0 || name.len >= LISTEN_HOST_BYTES) {
        return ERR_INVALID;
    }
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    *ret_port = port;
    *ret_loopback = is_loopback(host);
    return ERR_OK;
}
