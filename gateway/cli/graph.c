#include "cli/graph.h"

#include <stdlib.h>

#include "json/scan.h"

/* What a step runs, and how: "menu.bcg, when ..., for each ..., 8 at once". */
static void put_work(struct buf *out, const struct pipeline_step *s)
{
    switch (s->wait.kind) {
    case WAIT_SIGNAL:
        buf_addf(out, "waits for the signal %s", s->wait.signal);
        break;
    case WAIT_SECONDS:
        if (s->wait.end == NULL) {
            buf_addf(out, "waits %g s", (double)s->wait.ms / 1000.0);
        } else {
            buf_addf(out, "waits %.*s s", (int)s->wait.end->text.len,
                     (const char *)s->wait.end->text.ptr);
        }
        break;
    case WAIT_UNTIL:
        buf_add_str(out, "waits until a moment");
        break;
    case WAIT_NONE:
        if (s->joins) {
            buf_addf(out, "pipeline%s%s", s->pipeline[0] != '\0' ? " " : "", s->pipeline);
        } else {
            buf_add_str(out, s->function);
        }
        break;
    }
    if (s->when != NULL) {
        buf_addf(out, ", when %.*s", (int)s->when->text.len, (const char *)s->when->text.ptr);
    }
    if (s->for_each != NULL) {
        buf_addf(out, ", for each of %.*s, %u at once", (int)s->for_each->text.len,
                 (const char *)s->for_each->text.ptr, s->max_parallel);
    }
    if (s->on_failure != ON_FAILURE_FAIL) {
        buf_addf(out, ", on failure %s", s->on_failure == ON_FAILURE_SKIP ? "skip" : "continue");
    }
}

/* ---- tree ---- */

struct tree {
    const struct pipeline *p;
    uint32_t *level;  /* length of the longest path to it */
    uint32_t *parent; /* the need with the highest level, STEP_NONE: a root */
    const struct text_style *style;
    struct buf *out;
    struct buf lead; /* of the lines under a step: "│  " and "   " */
};

/* Steps may precede their needs in the list, so levels are raised until nothing changes. */
static void find_levels(struct tree *t)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < t->p->step_count; i++) {
            const struct pipeline_step *s = &t->p->steps[i];
            for (uint32_t k = 0; k < s->needs_count && !s->finally; k++) {
                uint32_t above = t->level[s->needs[k]] + 1;
                if (above > t->level[i]) {
                    t->level[i] = above;
                    t->parent[i] = s->needs[k];
                    changed = true;
                }
            }
        }
    }
}

static void put_others(struct tree *t, uint32_t step)
{
    const struct pipeline_step *s = &t->p->steps[step];
    const char *between = " (also after ";
    for (uint32_t k = 0; k < s->needs_count && !s->finally; k++) {
        if (s->needs[k] != t->parent[step]) {
            buf_addf(t->out, "%s%s", between, t->p->steps[s->needs[k]].name);
            between = ", ";
        }
    }
    buf_add_str(t->out, between[0] == ',' ? ")" : "");
}

static void put_step(struct tree *t, uint32_t step)
{
    const struct pipeline_step *s = &t->p->steps[step];
    struct buf work = {0};
    put_work(&work, s);
    text_put_coloured(t->out, t->style, TEXT_BOLD, s->name);
    buf_add_str(t->out, "  ");
    text_put_clean(t->out, buf_bytes(&work));
    put_others(t, step);
    buf_add_char(t->out, '\n');
    buf_free(&work);
}

static uint32_t next_child(const struct tree *t, uint32_t parent, uint32_t from)
{
    while (from < t->p->step_count && (t->parent[from] != parent || t->p->steps[from].finally)) {
        from++;
    }
    return from;
}

static const char *branch(const struct tree *t, bool last)
{
    if (t->style->utf8) {
        return last ? "\xe2\x94\x94\xe2\x94\x80 " : "\xe2\x94\x9c\xe2\x94\x80 ";
    }
    return last ? "`- " : "|- ";
}

struct place {
    uint32_t step, next; /* next: the next of its children to show */
    size_t lead;         /* length of the lead of its own line */
};

/* Uses an explicit stack: a plain list of 5,000 steps is 5,000 deep. A chain stays in its column:
 * only a step with several children indents them. */
static void put_under(struct tree *t, uint32_t root)
{
    struct place *stack = mem_alloc((t->p->step_count + 1) * sizeof *stack);
    size_t depth = 0;
    stack[depth++] = (struct place){root, next_child(t, root, 0), t->lead.len};
    put_step(t, root);
    while (depth > 0) {
        struct place *top = &stack[depth - 1];
        t->lead.len = top->lead;
        if (top->next >= t->p->step_count) {
            depth--;
            continue;
        }
        uint32_t child = top->next;
        top->next = next_child(t, top->step, child + 1);
        bool last = top->next >= t->p->step_count;
        buf_add_bytes(t->out, buf_bytes(&t->lead));
        buf_add_str(t->out, branch(t, last));
        put_step(t, child);
        buf_add_str(&t->lead, last ? "   " : t->style->utf8 ? "\xe2\x94\x82  " : "|  ");
        stack[depth++] = (struct place){child, next_child(t, child, 0), t->lead.len};
    }
    free(stack);
}

void graph_put_tree(struct buf *out, const struct pipeline *p, const struct text_style *style)
{
    struct tree t = {.p = p, .style = style, .out = out};
    t.level = mem_zalloc(p->step_count * sizeof *t.level);
    t.parent = mem_alloc(p->step_count * sizeof *t.parent);
    for (uint32_t i = 0; i < p->step_count; i++) {
        t.parent[i] = STEP_NONE;
    }
    find_levels(&t);
    buf_addf(out, "%s%s", p->name, p->version > 0 ? "" : ":");
    if (p->version > 0) {
        buf_addf(out, " version %u:", p->version);
    }
    buf_addf(out, " %u step%s\n\n", p->step_count, p->step_count == 1 ? "" : "s");
    for (uint32_t i = next_child(&t, STEP_NONE, 0); i < p->step_count;
         i = next_child(&t, STEP_NONE, i + 1)) {
        put_under(&t, i);
    }
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (p->steps[i].finally) {
            buf_add_str(out, "finally ");
            put_step(&t, i);
        }
    }
    free(t.level);
    free(t.parent);
    buf_free(&t.lead);
}

/* ---- DOT: JSON's escapes are valid in its quoted strings for all characters that occur ---- */

static void put_quoted(struct buf *out, const char *text)
{
    json_put_string(out, bytes_str(text));
}

static void put_node(struct buf *out, const struct pipeline_step *s)
{
    struct buf label = {0};
    buf_addf(&label, "%s\n", s->name);
    put_work(&label, s);
    buf_add_str(out, "  ");
    put_quoted(out, s->name);
    buf_add_str(out, " [label=");
    json_put_string(out, buf_bytes(&label));
    buf_add_str(out, s->for_each != NULL         ? ",peripheries=2"
                     : s->wait.kind != WAIT_NONE ? ",shape=oval"
                                                 : "");
    buf_add_str(out, s->finally ? ",style=\"rounded,dashed\"];\n" : "];\n");
    buf_free(&label);
}

void graph_put_dot(struct buf *out, const struct pipeline *p)
{
    buf_add_str(out, "digraph ");
    put_quoted(out, p->name);
    buf_add_str(out, " {\n  rankdir=LR;\n  node [shape=box,style=rounded];\n");
    for (uint32_t i = 0; i < p->step_count; i++) {
        put_node(out, &p->steps[i]);
    }
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct pipeline_step *s = &p->steps[i];
        for (uint32_t k = 0; k < s->needs_count && !s->finally; k++) {
            buf_add_str(out, "  ");
            put_quoted(out, p->steps[s->needs[k]].name);
            buf_add_str(out, " -> ");
            put_quoted(out, s->name);
            buf_add_str(out, ";\n");
        }
    }
    buf_add_str(out, "}\n");
}
