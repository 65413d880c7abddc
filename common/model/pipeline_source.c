/* Writes the canonical text: compact, with a fixed order of fields, and with defaults and needs
 * spelled out, so that equal pipelines have equal hashes. */
#include "model/pipeline_build.h"

#include "model/limits.h"

static void put_field(struct buf *out, const char *name, const char *text)
{
    buf_addf(out, "\"%s\":", name);
    json_put_string(out, bytes_str(text));
}

static void put_needs(struct buf *out, const struct pipeline *p, const struct pipeline_step *s)
{
    const uint32_t *needs = s->outer_needs != NULL ? s->outer_needs : s->needs;
    uint32_t count = s->outer_needs != NULL ? s->outer_needs_count : s->needs_count;
    const char *comma = "";
    buf_add_str(out, ",\"needs\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (p->steps[needs[i]].parent == s->parent) { /* not those inherited from its pipeline */
            buf_add_str(out, comma);
            json_put_string(out, bytes_str(p->steps[needs[i]].own_name));
            comma = ",";
        }
    }
    buf_add_char(out, ']');
}

static void put_steps(struct buf *out, const struct pipeline *p, uint32_t parent, size_t *ends);

/* The pipeline of a join: its name, or all of it. */
static void put_joint(struct buf *out, const struct pipeline *p, const struct pipeline_step *s,
                      size_t *ends)
{
    uint32_t index = (uint32_t)(s - p->steps);
    if (s->first == index) {
        put_field(out, "pipeline", s->pipeline);
        return;
    }
    buf_add_str(out, "\"pipeline\":{");
    if (s->pipeline[0] != '\0') {
        put_field(out, "name", s->pipeline);
        buf_addf(out, ",\"version\":%u,", s->pipeline_version);
    }
    buf_add_str(out, "\"steps\":");
    put_steps(out, p, index, ends);
    buf_add_char(out, '}');
}

static void put_step(struct buf *out, const struct pipeline *p, const struct pipeline_step *s,
                     size_t *ends)
{
    buf_add_char(out, '{');
    put_field(out, "name", s->own_name);
    buf_add_char(out, ',');
    if (s->joins) {
        put_joint(out, p, s, ends);
    } else if (s->wait.kind == WAIT_NONE) {
        put_field(out, "function", s->function);
    } else {
        pipeline_put_wait(out, &s->wait);
    }
    if (s->description[0] != '\0') {
        buf_add_char(out, ',');
        put_field(out, "description", s->description);
    }
    if (s->wait.kind == WAIT_NONE && !s->joins) {
        buf_add_str(out, ",\"timeout\":");
        json_put_number(out, s->timeout_ms / 1000.0);
        buf_addf(out, ",\"retryable\":%s", s->retryable ? "true" : "false");
    }
    pipeline_put_retry(out, s);
    pipeline_put_cost(out, s);
    pipeline_put_failure(out, s);
    pipeline_put_order(out, s);
    pipeline_put_shared(out, s);
    if (!s->finally) { /* their needs are implied */
        put_needs(out, p, s);
    }
    if (s->when != NULL) {
        buf_add_str(out, ",\"when\":");
        json_put_string(out, s->when->text);
    }
    if (s->for_each != NULL) {
        buf_add_str(out, ",\"for_each\":");
        json_put_string(out, s->for_each->text);
        buf_addf(out, ",\"max_parallel\":%u", s->max_parallel);
        if (s->tolerate_percent) {
            buf_addf(out, ",\"tolerate\":\"%u%%\"", s->tolerate);
        } else if (s->tolerate > 0) {
            buf_addf(out, ",\"tolerate\":%u", s->tolerate);
        }
    }
    if (s->input.len >
        /* must be the last field, right before the brace: see move_inputs */
        0) {
        buf_add_str(out, ",\"input\":");
        buf_add_bytes(out, s->input);
    }
    buf_add_char(out, '}');
}

/* The recursion is bounded by the nesting of pipelines. ends[i]: where the text of step i ends. */
static void put_steps(struct buf *out, const struct pipeline *p, uint32_t parent, size_t *ends)
{
    uint32_t from = parent == STEP_NONE ? 0 : p->steps[parent].first;
    uint32_t to = parent == STEP_NONE ? p->step_count : parent;
    const char *comma = "";
    buf_add_char(out, '[');
    for (uint32_t i = from; i < to; i++) {
        if (p->steps[i].parent == parent) {
            buf_add_str(out, comma);
            put_step(out, p, &p->steps[i], ends);
            ends[i] = out->len;
            comma = ",";
        }
    }
    buf_add_char(out, ']');
}

/* Makes the inputs slices of the source instead of keeping them twice. ends[i]: where the text of
 * step i ends. */
static void move_inputs(struct pipeline *p, const size_t *ends)
{
    for (uint32_t i = 0; i < p->step_count; i++) {
        struct bytes *input = &p->steps[i].input;
        if (input->len > 0) {
            *input = bytes_part(p->source, ends[i] - 1 - input->len, input->len);
        }
    }
}

enum err pipeline_write_source(struct pipeline_build *b)
{
    struct pipeline *p = b->p;
    struct buf out = {0};
    size_t *ends = arena_alloc(&b->scratch, p->step_count * sizeof *ends);
    if (p->name[0] != '\0') {
        buf_add_char(&out, '{');
        put_field(&out, "name", p->name);
        if (p->description[0] != '\0') {
            buf_add_char(&out, ',');
            put_field(&out, "description", p->description);
        }
        if (p->priority != 0) {
            buf_addf(&out, ",\"priority\":%d", (int)p->priority);
        }
        if (!budget_none(&p->budget)) {
            buf_add_str(&out, ",\"budget\":");
            budget_put(&out, &p->budget);
        }
        buf_add_str(&out, ",\"steps\":");
    }
    put_steps(&out, p, STEP_NONE, ends);
    buf_add_str(&out, p->name[0] != '\0' ? "}" : "");
    if (out.len > PIPELINE_BYTES_MAX) {
        buf_free(&out);
        return pipeline_fault_top(b, ERR_TOO_LARGE, "", "the definition is larger than %u bytes",
                                  PIPELINE_BYTES_MAX);
    }
    p->source = arena_bytes(b->arena, buf_bytes(&out));
    buf_free(&out);
    move_inputs(p, ends);
    p->hash = sha256_of(p->source);
    return ERR_OK;
}
