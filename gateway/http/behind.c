#include "http/behind.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/map.h"

struct element {
    void *block;
};

static struct map elements; /* as many as connections that sent too much at once */

static struct bytes key_of(void *const *block)
{
    return bytes_of(block, sizeof *block);
}

void behind_born(void *block, const char *reason)
{
    if (strcmp(reason, "lws_buflist_append_segment") == 0) {
        struct element *e = mem_zalloc(sizeof *e);
        e->block = block;
        map_put(&elements, key_of(&e->block), e);
    }
}

void behind_gone(void *block)
{
    if (elements.count > 0) {
        free(map_remove(&elements, key_of(&block)));
    }
}

struct lws_buflist **behind_of(struct lws *wsi)
{
    if (elements.count == 0) {
        return NULL;
    }
    struct lws_buflist **words = (struct lws_buflist **)(void *)wsi, **found = NULL;
    size_t count = malloc_usable_size(wsi) / sizeof *words;
    for (size_t i = 0; i < count; i++) {
        void *word = words[i];
        if (word != NULL && map_get(&elements, key_of(&word)) != NULL) {
            found = &words[i];
            break;
        }
    }
    return found;
}
