#include "http/heads.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "http/behind.h"
#include "http/server.h"

#define KEPT_MAX                                                                                   \
    64u /* as many requests as usually wait for their answers; a page of each is touched */

static struct {
    void *blocks[KEPT_MAX];
    unsigned count;
    bool needed; /* since the last sweep */
} kept;

static void head_free(void *ptr)
{
    size_t size = ptr != NULL ? malloc_usable_size(ptr) : 0;
    bool is_head = size >= HTTP_HEADER_BYTES_CUT && size < 2 * HTTP_HEADER_BYTES_CUT;
    if (is_head && kept.count < KEPT_MAX) {
        kept.blocks[kept.count++] = ptr;
    } else {
        free(ptr);
    }
}

void *heads_realloc(void *ptr, size_t size, const char *reason)
{
    if (size == 0) {
        behind_gone(ptr);
        head_free(ptr);
        return NULL;
    }
    if (ptr == NULL && size == HTTP_HEADER_BYTES_CUT && kept.count > 0) {
        kept.needed = true;
        return kept.blocks[--kept.count];
    }
    void *block = realloc(ptr, size);
    if (ptr == NULL && block != NULL) {
        behind_born(block, reason);
    }
    return block;
}

void heads_sweep(void)
{
    while (!kept.needed && kept.count > 0) {
        free(kept.blocks[--kept.count]);
    }
    kept.needed = false;
}
