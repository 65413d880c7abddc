#include "free_port.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST    10000 /* below the ports of outgoing connections */
#define COUNT    20000
#define ATTEMPTS 10000

/* The name of an abstract socket serves as the lock: it belongs to the network namespace, as ports
 * do, and lives as long as this process. */
static int lock_port(int port)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int len =
        snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "marathon-test-port-%d", port); /* \0... */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, (socklen_t)size) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int is_unused(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return bound;
}

int free_port(void)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
            continue;
        }
        int port = FIRST + (int)(random % COUNT);
        int lock = lock_port(port);
        if (lock >= 0 && is_unused(port)) {
            return port;
        }
        if (lock >= 0) {
            (void)close(lock);
        }
    }
    (void)fprintf(stderr, "no free port\n");
    abort();
}
