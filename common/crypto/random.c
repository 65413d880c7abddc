#include "crypto/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"

void random_bytes(void *ret_data, size_t n)
{
    uint8_t *at = ret_data;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR) {
            die("getrandom: %s", strerror(errno));
        }
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof v);
    return v;
}
