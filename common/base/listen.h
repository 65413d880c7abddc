/* Parses listen addresses: "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000". Pure. */
#ifndef MARATHON_BASE_LISTEN_H
#define MARATHON_BASE_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

#define LISTEN_HOST_BYTES 64

/* A port number: one to five digits, nothing else, 1 to 65535. Returns 0 for anything else. */
int port_read(const char *text);
/* ret_loopback: it is reachable from this machine only. ERR_INVALID if text is not address:port. */
enum err MUST_CHECK listen_parse(const char *text, char host[LISTEN_HOST_BYTES], int *ret_port,
                                 bool *ret_loopback);

#endif
