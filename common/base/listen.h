/* Texts that say where to listen: "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000". Pure. */
#ifndef MARATHON_BASE_LISTEN_H
#define MARATHON_BASE_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

#define LISTEN_HOST_BYTES 64

/* A port as users write it: up to five digits and nothing else, 1 to 65535. 0: it is none. */
int port_read(const char *text);
/* ret_loopback: only this machine reaches it. ERR_INVALID where it is no address and port. */
enum err MUST_CHECK listen_parse(const char *text, char host[LISTEN_HOST_BYTES], int *ret_port,
                                 bool *ret_loopback);

#endif
