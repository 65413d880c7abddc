#include "model/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "model/pipeline_build.h"

static void pipeline_destroy(struct pipeline *p)
{
    struct pipeline_memory *memory = (struct pipeline_memory *)p;
    pipeline_unref(memory->of);
    arena_free(&memory->arena);
    free(memory);
}

static enum err pipeline_build(struct pipeline_build *b, const struct doc_value *root)
{
    enum err e = pipeline_read(b, root);
    if (e == ERR_OK) {
        e = pipeline_link(b);
    }
    if (e == ERR_OK) {
        e = pipeline_link_exprs(b);
    }
    if (e == ERR_OK) {
        e = pipeline_write_source(b);
    }
    return e;
}

enum err pipeline_parse(struct bytes text, struct pipeline **ret_pipeline,
                        struct pipeline_fault *ret_fault)
{
    struct pipeline_build b = {.steps_pointer = "", .fault = ret_fault};
    struct doc *doc;
    struct doc_fault doc_fault;
    enum err e = doc_parse(text, &doc, &doc_fault);
    if (e != ERR_OK) {
        return pipeline_fault_top(&b, ERR_INVALID, "", "not valid JSON at line %d, column %d: %s",
                                  doc_fault.line, doc_fault.column, doc_fault.reason);
    }
    struct pipeline_memory *memory = mem_zalloc(sizeof *memory);
    b.p = &memory->pipeline;
    b.p->refs = 1;
    b.arena = &memory->arena;
    e = pipeline_build(&b, doc_root(doc));
    map_free(&b.names);
    free(b.exprs);
    free(b.places);
    arena_free(&b.scratch);
    doc_free(doc);
    if (e != ERR_OK) {
        pipeline_destroy(b.p);
        return e;
    }
    *ret_pipeline = b.p;
    return ERR_OK;
}

struct pipeline *pipeline_as_version(struct pipeline *p, uint32_t version)
{
    struct pipeline_memory *memory = mem_zalloc(sizeof *memory);
    struct pipeline *of = ((struct pipeline_memory *)p)->of;
    memory->pipeline = *p;
    memory->pipeline.refs = 1;
    memory->pipeline.version = version;
    memory->of = pipeline_ref(of != NULL ? of : p);
    return &memory->pipeline;
}

struct pipeline *pipeline_ref(struct pipeline *p)
{
    assert(p->refs > 0);
    p->refs++;
    return p;
}

void pipeline_unref(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    assert(p->refs > 0);
    if (--p->refs == 0) {
        pipeline_destroy(p);
    }
}

/* The index in "step_12", or -1. No sign and no leading zero: each step has exactly one step_id. */
static int64_t step_id_index(struct bytes text)
{
    static const char prefix[] = "step_";
    size_t from = sizeof prefix - 1;
    if (text.len <= from || text.len > from + 9 || memcmp(text.ptr, prefix, from) != 0 ||
        (text.ptr[from] == '0' && text.len > from + 1)) {
        return -1;
    }
    int64_t index = 0;
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        index = index * 10 + (text.ptr[i] - '0');
    }
    return index;
}

bool step_name_valid(struct bytes name)
{
    if (name.len > STEP_NAME_BYTES_MAX) {
        return false;
    }
    size_t from = 0;
    for (size_t i = 0; i <= name.len; i++) {
        if (i == name.len || name.ptr[i] == '/') {
            if (!id_valid(bytes_part(name, from, i - from))) {
                return false;
            }
            from = i + 1;
        }
    }
    return true;
}

int32_t pipeline_find(const struct pipeline *p, struct bytes name_or_step_id)
{
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (bytes_is(name_or_step_id, p->steps[i].name)) {
            return (int32_t)i;
        }
    }
    int64_t index = step_id_index(name_or_step_id);
    return index < (int64_t)p->step_count ? (int32_t)index : -1;
}

#define STEPS_FEW 64u /* up to this many steps need no allocation for a walk */

/* Marks what can be reached over needs (up) or feeds. Does not use flags to remember what was
 * visited: these may have marks from earlier calls, which must not stop the walk. */
static void mark_reached(const struct pipeline *p, uint32_t step, bool up, bool *flags)
{
    bool seen_few[STEPS_FEW] = {false};
    uint32_t open_few[STEPS_FEW];
    bool few = p->step_count <= STEPS_FEW;
    bool *seen = few ? seen_few : mem_zalloc(p->step_count * sizeof *seen);
    uint32_t *open = few ? open_few : mem_alloc(p->step_count * sizeof *open);
    uint32_t open_count = 0;
    open[open_count++] = step;
    seen[step] = true;
    while (open_count > 0) {
        const struct pipeline_step *s = &p->steps[open[--open_count]];
        const uint32_t *next = up ? s->needs : s->feeds;
        uint32_t next_count = up ? s->needs_count : s->feeds_count;
        for (uint32_t i = 0; i < next_count; i++) {
            if (!seen[next[i]]) {
                seen[next[i]] = true;
                flags[next[i]] = true;
                open[open_count++] = next[i];
            }
        }
    }
    if (!few) {
        free(open);
        free(seen);
    }
}

void pipeline_ancestors(const struct pipeline *p, uint32_t step, bool *flags)
{
    assert(step < p->step_count);
    mark_reached(p, step, true, flags);
}

void pipeline_descendants(const struct pipeline *p, uint32_t step, bool *flags)
{
    assert(step < p->step_count);
    mark_reached(p, step, false, flags);
}
