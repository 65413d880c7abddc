#include "core/definitions.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/hash.h"

/* A text. The canonical one of a pipeline has it; any other says which that is, and goes before it.
 */
struct definition {
    struct sha256 hash;
    struct definition *canonical; /* NULL: it is that itself */
    struct pipeline **versions;   /* the first as it was parsed, the others made of it; held */
    size_t count, cap;
};

static struct bytes hash_bytes(const struct sha256 *hash)
{
    return bytes_of(hash->digest, SHA256_BYTES);
}

static void definition_free(struct definition *e)
{
    for (size_t i = 0; i < e->count; i++) {
        pipeline_unref(e->versions[i]);
    }
    free(e->versions);
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

/* The first is held by each that was made of it, too. */
static bool is_idle(const struct definition *e)
{
    const struct definition *of = e->canonical != NULL ? e->canonical : e;
    bool idle = of->versions[0]->refs == of->count;
    for (size_t i = 1; i < of->count && idle; i++) {
        idle = of->versions[i]->refs == 1;
    }
    return idle;
}

static void drop_idle_of(struct definitions *d, bool canonical)
{
    void *value;
    for (size_t i = 0; map_next(&d->by_text, &i, &value);) {
        struct definition *e = value;
        if ((e->canonical == NULL) == canonical && is_idle(e)) {
            d->bytes -= canonical ? e->versions[0]->source.len : 0;
            map_remove(&d->by_text, hash_bytes(&e->hash));
            definition_free(e);
        }
    }
}

/* Every so often only, so that the walk costs little for each definition that comes. */
static void make_room(struct definitions *d)
{
    if (d->by_text.count <= d->limit && d->bytes <= d->bytes_limit) {
        return;
    }
    drop_idle_of(d, false);
    drop_idle_of(d, true);
    d->limit = 2 * d->by_text.count;
    d->limit = d->limit < DEFINITIONS_IDLE_MAX ? DEFINITIONS_IDLE_MAX : d->limit;
    d->bytes_limit = 2 * d->bytes;
    d->bytes_limit =
        d->bytes_limit < DEFINITIONS_IDLE_BYTES_MAX ? DEFINITIONS_IDLE_BYTES_MAX : d->bytes_limit;
}

static struct definition *add(struct definitions *d, const struct sha256 *hash)
{
    struct definition *e = mem_zalloc(sizeof *e);
    e->hash = *hash;
    map_put(&d->by_text, hash_bytes(&e->hash), e);
    return e;
}

/* Takes the reference. */
static struct pipeline *add_version(struct definition *e, struct pipeline *p)
{
    MEM_GROW(e->versions, e->count, e->cap);
    e->versions[e->count++] = p;
    return p;
}

/* Of a canonical text. One that nobody uses makes way. */
static struct pipeline *get_version(struct definition *e, uint32_t version)
{
    size_t idle = 0;
    for (size_t i = 0; i < e->count; i++) {
        if (e->versions[i]->version == version) {
            return pipeline_ref(e->versions[i]);
        }
        idle = i > 0 && e->versions[i]->refs == 1 ? i : idle;
    }
    struct pipeline *fresh = pipeline_as_version(e->versions[0], version);
    if (idle == 0) {
        return pipeline_ref(add_version(e, fresh));
    }
    pipeline_unref(e->versions[idle]);
    e->versions[idle] = fresh;
    return pipeline_ref(fresh);
}

/* Takes the reference. */
static struct definition *take(struct definitions *d, const struct sha256 *hash, struct pipeline *p)
{
    make_room(d);
    struct definition *e = map_get(&d->by_text, hash_bytes(&p->hash));
    if (e == NULL) {
        e = add(d, &p->hash);
        d->bytes += p->source.len;
        (void)add_version(e, p);
    } else {
        pipeline_unref(p); /* it is there already, and came in other words */
    }
    if (!bytes_eq(hash_bytes(hash), hash_bytes(&e->hash))) {
        add(d, hash)->canonical = e;
    }
    return e;
}

enum err definitions_get(struct definitions *d, struct bytes text, uint32_t version,
                         struct pipeline **ret_pipeline, struct pipeline_fault *ret_fault)
{
    struct sha256 hash = sha256_of(text);
    struct definition *known = d == NULL ? NULL : map_get(&d->by_text, hash_bytes(&hash));
    if (known == NULL) {
        struct pipeline *p = NULL;
        enum err e = pipeline_parse(text, &p, ret_fault);
        if (e != ERR_OK) {
            return e;
        }
        p->version = version;
        if (d == NULL) {
            *ret_pipeline = p;
            return ERR_OK;
        }
        known = take(d, &hash, p);
    }
    *ret_pipeline = get_version(known->canonical != NULL ? known->canonical : known, version);
    return ERR_OK;
}
