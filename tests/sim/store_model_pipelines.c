/* Definitions in the model of the store: all versions of each name, and the order of changes. */
#include "store_model.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "model/limits.h"

static struct stored_pipeline *find(const struct store_model *m, struct bytes name)
{
    for (size_t i = 0; i < m->pipeline_count; i++) {
        if (bytes_eq(buf_bytes(&m->pipelines[i].name), name)) {
            return &m->pipelines[i];
        }
    }
    return NULL;
}

void store_model_free_pipelines(struct store_model *m)
{
    for (size_t i = 0; i < m->pipeline_count; i++) {
        struct stored_pipeline *p = &m->pipelines[i];
        for (size_t v = 0; v < p->count; v++) {
            buf_free(&p->versions[v].source);
            buf_free(&p->versions[v].by);
        }
        free(p->versions);
        buf_free(&p->name);
    }
    free(m->pipelines);
}

void store_model_copy_pipelines(const struct store_model *from, struct store_model *to)
{
    to->pipeline_changes = from->pipeline_changes;
    to->pipeline_count = to->pipeline_cap = from->pipeline_count;
    to->pipelines = mem_zalloc((from->pipeline_count + 1) * sizeof *to->pipelines);
    for (size_t i = 0; i < from->pipeline_count; i++) {
        const struct stored_pipeline *p = &from->pipelines[i];
        struct stored_pipeline *copy = &to->pipelines[i];
        buf_add_bytes(&copy->name, buf_bytes(&p->name));
        copy->change = p->change;
        copy->count = copy->cap = p->count;
        copy->versions = mem_zalloc((p->count + 1) * sizeof *copy->versions);
        for (size_t v = 0; v < p->count; v++) {
            copy->versions[v].at = p->versions[v].at;
            memcpy(copy->versions[v].hash, p->versions[v].hash, SHA256_BYTES);
            buf_add_bytes(&copy->versions[v].source, buf_bytes(&p->versions[v].source));
            buf_add_bytes(&copy->versions[v].by, buf_bytes(&p->versions[v].by));
        }
    }
}

struct store_published store_model_publish(struct store_model *m,
                                           const struct store_publish *publish)
{
    struct store_published answer = {.publish_id = publish->publish_id};
    struct stored_pipeline *p = find(m, publish->name);
    if (p == NULL && m->pipeline_count >= PIPELINES_MAX) {
        answer.verdict = PUBLISH_NAMES;
        return answer;
    }
    if (p == NULL) {
        MEM_GROW(m->pipelines, m->pipeline_count, m->pipeline_cap);
        p = &m->pipelines[m->pipeline_count++];
        *p = (struct stored_pipeline){0};
        buf_add_bytes(&p->name, publish->name);
    }
    if (p->count > 0 && memcmp(p->versions[p->count - 1].hash, publish->hash, SHA256_BYTES) == 0) {
        answer.verdict = PUBLISH_SAME;
        answer.version = (uint32_t)p->count;
        return answer;
    }
    MEM_GROW(p->versions, p->count, p->cap);
    struct stored_pipeline_version *v = &p->versions[p->count++];
    *v = (struct stored_pipeline_version){.at = publish->at};
    buf_add_bytes(&v->source, publish->source);
    buf_add_bytes(&v->by, publish->by);
    memcpy(v->hash, publish->hash, SHA256_BYTES);
    p->change = ++m->pipeline_changes;
    answer.verdict = PUBLISH_CREATED;
    answer.version = (uint32_t)p->count;
    return answer;
}

struct bytes store_model_pipeline(const struct store_model *m, struct bytes name, uint32_t *version)
{
    const struct stored_pipeline *p = find(m, name);
    *version = p != NULL && *version == 0 ? (uint32_t)p->count : *version;
    return p != NULL && *version >= 1 && *version <= p->count
               ? buf_bytes(&p->versions[*version - 1].source)
               : BYTES_NONE;
}

static void read_versions(const struct stored_pipeline *p, const struct store_read *read,
                          struct store_answer *a, struct arena *arena)
{
    uint32_t newest =
        read->version > 0 && read->version <= p->count ? read->version - 1 : (uint32_t)p->count;
    a->versions = arena_alloc(arena, (read->limit + 1) * sizeof *a->versions);
    for (uint32_t v = newest; v > 0 && a->version_count < read->limit; v--) {
        const struct stored_pipeline_version *s = &p->versions[v - 1];
        char *hash = arena_alloc(arena, 2 * SHA256_BYTES + 1);
        a->versions[a->version_count++] =
            (struct stored_version){v, bytes_str(hex_encode(s->hash, SHA256_BYTES, hash)), s->at,
                                    arena_bytes(arena, buf_bytes(&s->by))};
    }
    a->more = newest > a->version_count;
}

void store_model_read_pipeline(const struct store_model *m, const struct store_read *read,
                               struct store_answer *a, struct arena *arena)
{
    const struct stored_pipeline *p = find(m, read->name);
    a->version = read->version;
    a->source = arena_bytes(arena, store_model_pipeline(m, read->name, &a->version));
    if (p == NULL || (read->kind == READ_PIPELINE && a->source.len == 0)) {
        a->err = ERR_NOT_FOUND;
    } else if (read->kind == READ_VERSIONS) {
        read_versions(p, read, a, arena);
    }
}

struct store_publish *store_publish_copy(const struct store_publish *publish, struct arena *arena)
{
    struct store_publish *p = arena_alloc(arena, sizeof *p);
    *p = *publish;
    p->name = arena_bytes(arena, publish->name);
    p->source = arena_bytes(arena, publish->source);
    p->by = arena_bytes(arena, publish->by);
    return p;
}
