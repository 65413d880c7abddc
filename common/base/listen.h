/* Texts that say where to listen: "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000". Pure. */
#ifndef MARATHON_BASE_LISTEN_H
#define MARATHON_BASE_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

#define LISTEN_HOST_BYTES 64

/* ret_loopback: only this machine reaches it. ERR_INVALID where it is no address and port. */
enum err MUST_CHECK listen_parse(const char *text, char host[LISTEN_HOST_BYTES], int *ret_port,
                                 bool *ret_loopback);

#endif
