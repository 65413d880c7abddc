#include "crypto/random.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
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

#define BLOCK_BYTES 4096 /* a page: what is wiped in a child are pages */

struct random_block {
    size_t left; /* bytes at the end of data that were not handed out; a child finds 0 */
    uint8_t data[BLOCK_BYTES - sizeof(size_t)];
};

_Static_assert(sizeof(struct random_block) == BLOCK_BYTES, "one page");

struct random_block *random_block_create(void)
{
    void *page =
        mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        die("no page for random bytes: %s", strerror(errno));
    }
    if (madvise(page, BLOCK_BYTES, MADV_WIPEONFORK) != 0) { /* Linux before 4.14, some sandboxes */
        (void)munmap(page, BLOCK_BYTES);
        return NULL;
    }
    return page;
}

void random_block_destroy(struct random_block *b)
{
    if (b != NULL) {
        explicit_bzero(b, sizeof *b);
        (void)munmap(b, BLOCK_BYTES);
    }
}

void random_block_take(struct random_block *b, void *ret_data, size_t n)
{
    if (b == NULL || n > sizeof b->data / 8) {
        random_bytes(ret_data, n);
        return;
    }
    if (b->left < n) {
        random_bytes(b->data, sizeof b->data);
        b->left = sizeof b->data;
    }
    uint8_t *from = b->data + sizeof b->data - b->left;
    memcpy(ret_data, from, n);
    explicit_bzero(from, n);
    b->left -= n;
}
