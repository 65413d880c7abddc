/* Stored pipelines in memory: all versions of each name. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "model/limits.h"
#include "store/memory_store.h"

static struct memory_pipeline *pipeline_named(const struct memory_store *s, struct bytes name,
                                              uint32_t *ret_count)
{
    struct memory_pipeline *p = s->pipelines;
    *ret_count = 0;
    while (p != NULL && !bytes_is(name, p->name)) {
        (*ret_count)++;
        p = p->next;
    }
    return p;
}

static void add_version(struct memory_pipeline *p, const struct store_publish *publish)
{
    MEM_GROW(p->versions, p->count, p->cap);
    struct memory_version *v = &p->versions[p->count++];
    *v = (struct memory_version){
        .source = bytes_own(publish->source), .by = bytes_own(publish->by), .at = publish->at};
    memcpy(v->hash, publish->hash, SHA256_BYTES);
}

static enum publish_verdict store_version(struct memory_store *s,
                                          const struct store_publish *publish,
                                          struct memory_pipeline **ret_pipeline)
{
    uint32_t names;
    struct memory_pipeline *p = pipeline_named(s, publish->name, &names);
    if (p == NULL && names >= PIPELINES_MAX) {
        return PUBLISH_NAMES;
    }
    if (p == NULL) {
        p = mem_zalloc(sizeof *p);
        p->name = mem_str_bytes(publish->name);
        p->next = s->pipelines;
        s->pipelines = p;
    }
    for (uint32_t v = p->count; v > 0; v--) {
        if (memcmp(p->versions[v - 1].hash, publish->hash, SHA256_BYTES) == 0 &&
            (v == p->count || publish->unless_known)) {
            *ret_pipeline = v == p->count ? p : NULL;
            return PUBLISH_SAME;
        }
    }
    *ret_pipeline = p;
    if (p->count >= PIPELINE_VERSIONS_MAX) {
        return PUBLISH_VERSIONS;
    }
    add_version(p, publish);
    return PUBLISH_CREATED;
}

void memory_publish(struct memory_store *s, const struct store_publish *publish)
{
    struct memory_pipeline *p = NULL;
    struct memory_publish *told = mem_zalloc(sizeof *told);
    enum publish_verdict verdict = store_version(s, publish, &p);
    bool stored = verdict == PUBLISH_CREATED || verdict == PUBLISH_SAME;
    told->pipeline = stored ? p : NULL;
    told->published =
        (struct store_published){publish->publish_id, verdict, told->pipeline ? p->count : 0};
    struct memory_publish **last = &s->publishes;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = told;
}

void memory_pipelines_tell(struct memory_store *s)
{
    for (struct memory_publish *told; (told = s->publishes) != NULL;) {
        const struct memory_pipeline *p = told->pipeline;
        s->publishes = told->next;
        if (p != NULL) {
            uint32_t version = told->published.version;
            s->handler.pipeline(s->handler.user, p->versions[version - 1].source, version);
        }
        if (told->published.publish_id != 0) {
            s->handler.published(s->handler.user, &told->published);
        }
        free(told);
    }
}

static void read_versions(const struct memory_pipeline *p, const struct store_read *read,
                          struct store_answer *a, struct arena *arena)
{
    uint32_t limit =
        read->limit == 0 || read->limit > VERSIONS_PAGE_MAX ? VERSIONS_PAGE_MAX : read->limit;
    bool before = read->version > 0 && read->version - 1 < p->count;
    uint32_t from = before ? read->version - 1 : p->count;
    a->versions = arena_alloc(arena, limit * sizeof *a->versions);
    for (uint32_t v = from; v > 0 && a->version_count < limit; v--) {
        const struct memory_version *m = &p->versions[v - 1];
        char *hash = arena_alloc(arena, 2 * SHA256_BYTES + 1);
        a->versions[a->version_count++] = (struct stored_version){
            v, bytes_str(hex_encode(m->hash, SHA256_BYTES, hash)), m->at, m->by};
    }
    a->more = from > a->version_count;
}

void memory_pipelines_read(const struct memory_store *s, const struct store_read *read,
                           struct store_answer *a, struct arena *arena)
{
    uint32_t names;
    const struct memory_pipeline *p = pipeline_named(s, read->name, &names);
    if (p == NULL || (read->kind == READ_PIPELINE && read->version > p->count)) {
        a->err = ERR_NOT_FOUND;
    } else if (read->kind == READ_VERSIONS) {
        read_versions(p, read, a, arena);
    } else {
        a->version = read->version > 0 ? read->version : p->count;
        a->source = p->versions[a->version - 1].source;
    }
}

void memory_pipelines_free(struct memory_store *s)
{
    for (struct memory_pipeline *p; (p = s->pipelines) != NULL;) {
        s->pipelines = p->next;
        for (uint32_t i = 0; i < p->count; i++) {
            bytes_free(p->versions[i].source);
            bytes_free(p->versions[i].by);
        }
        free(p->versions);
        free(p->name);
        free(p);
    }
    for (struct memory_publish *told; (told = s->publishes) != NULL;) {
        s->publishes = told->next;
        free(told);
    }
}
