/* Random bytes of the operating system, for secrets, nonces and seeds. Never used by pure code. */
#ifndef MARATHON_CRYPTO_RANDOM_H
#define MARATHON_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret_data, size_t n); /* dies where the system has none */
uint64_t random_u64(void);

#endif
