/* Random bytes of the operating system, for secrets, nonces and seeds. Never used by pure code. */
#ifndef MARATHON_CRYPTO_RANDOM_H
#define MARATHON_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret_data, size_t n); /* dies where the system has none */
uint64_t random_u64(void);

/* The same bytes, fetched from the system a block at a time: for one that needs some for each
 * request. What was handed out is wiped, and the system empties the block in a forked child, which
 * so never draws what its parent draws. One thread. */
struct random_block;
/* NULL where the system cannot do that: then each take asks it. */
struct random_block *random_block_create(void);
void random_block_take(struct random_block *b, void *ret_data, size_t n);
void random_block_destroy(struct random_block *b);

#endif
