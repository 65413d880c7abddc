#include "core/definitions.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/hash.h"

struct definition_key {
    struct sha256 hash; /* of the text as it was given */
    uint32_t version;
};

struct definition {
    struct definition_key key;
    struct pipeline *pipeline;
};

static struct bytes key_bytes(const struct definition_key *key)
{
    return bytes_of(key, sizeof *key);
}

static void definition_free(struct definition *e)
{
    pipeline_unref(e->pipeline);
    free(e);
}

void definitions_free(struct definitions *d)
{
    void *value;
    for (size_t i = 0; map_next(&d->by_text, &i, &value);) {
        definition_free(value);
    }
    map_free(&d->by_text);
}

/* Every so often only, so that the walk costs little for each definition that comes. */
static void drop_idle(struct definitions *d)
{
    void *value;
    if (d->by_text.count <= d->limit) {
        return;
    }
    for (size_t i = 0; map_next(&d->by_text, &i, &value);) {
        struct definition *e = value;
        if (e->pipeline->refs == 1) {
            map_remove(&d->by_text, key_bytes(&e->key));
            definition_free(e);
        }
    }
    d->limit = 2 * d->by_text.count;
}

enum err definitions_get(struct definitions *d, struct bytes text, uint32_t version,
                         struct pipeline **ret_pipeline, struct pipeline_fault *ret_fault)
{
    struct definition_key key;
    memset(&key, 0, sizeof key); /* its padding is part of the key */
    key.hash = sha256_of(text);
    key.version = version;
    struct definition *known = d == NULL ? NULL : map_get(&d->by_text, key_bytes(&key));
    if (known != NULL) {
        *ret_pipeline = pipeline_ref(known->pipeline);
        return ERR_OK;
    }
    struct pipeline *p = NULL;
    enum err e = pipeline_parse(text, &p, ret_fault);
    if (e != ERR_OK) {
        return e;
    }
    p->version = version;
    *ret_pipeline = p;
    if (d == NULL) {
        return ERR_OK;
    }
    d->limit = d->limit < DEFINITIONS_IDLE_MAX ? DEFINITIONS_IDLE_MAX : d->limit;
    drop_idle(d);
    struct definition *fresh = mem_zalloc(sizeof *fresh);
    fresh->key = key;
    fresh->pipeline = pipeline_ref(p);
    map_put(&d->by_text, key_bytes(&fresh->key), fresh);
    return ERR_OK;
}
