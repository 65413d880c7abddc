#include "expr/template.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "expr/eval.h"

struct build {
    struct arena *arena;
    uint32_t roots;
    struct buf text; /* JSON text since the last expression */
    struct buf pointer;
    struct template_piece *pieces;
    uint32_t count, cap;
    unsigned depth; /* open containers */
    bool found;     /* there was an expression, or $${ */
    struct template_fault *fault;
};

/* Offset of the next "${" or "$${", or the end. */
static size_t next_mark(struct bytes s, size_t from)
{
    for (size_t i = from; i + 1 < s.len; i++) {
        if (s.ptr[i] == '$' && s.ptr[i + 1] == '{') {
            return i > from && s.ptr[i - 1] == '$' ? i - 1 : i;
        }
    }
    return s.len;
}

static enum err fail(struct build *b, enum err e)
{
    b->fault->pointer = arena_bytes(b->arena, buf_bytes(&b->pointer));
    return e;
}

static struct template_piece *add_piece(struct build *b)
{
    MEM_GROW(b->pieces, b->count, b->cap);
    struct template_piece *piece = &b->pieces[b->count++];
    *piece = (struct template_piece){.text = arena_bytes(b->arena, buf_bytes(&b->text))};
    buf_clear(&b->text);
    return piece;
}

/* Adds the expression whose "${" is at `at`; ret_end: offset after its brace. */
static enum err add_expr(struct build *b, struct bytes s, size_t at, size_t *ret_end)
{
    struct expr *e;
    uint32_t end;
    struct bytes rest = bytes_part(s, at + 2, s.len);
    if (b->count == TEMPLATE_EXPRS_MAX) {
        (void)snprintf(b->fault->fault.detail, sizeof b->fault->fault.detail,
                       "more than %u expressions", TEMPLATE_EXPRS_MAX);
        return fail(b, ERR_TOO_LARGE);
    }
    enum err err = expr_parse_braced(b->arena, rest, b->roots, &e, &end, &b->fault->fault);
    if (err != ERR_OK) {
        return fail(b, err);
    }
    *ret_end = at + 2 + end + 1;
    bool whole = at == 0 && *ret_end == s.len;
    if (whole) {
        b->text.len--; /* drops the quote: the value has its own, if any */
    }
    struct template_piece *piece = add_piece(b);
    piece->expr = e;
    piece->inside = !whole;
    piece->depth = b->depth;
    piece->pointer = arena_bytes(b->arena, buf_bytes(&b->pointer));
    b->found = true;
    return ERR_OK;
}

static enum err add_string(struct build *b, struct bytes s)
{
    size_t at = 0;
    bool whole = false;
    buf_add_char(&b->text, '"');
    while (at < s.len) {
        size_t mark = next_mark(s, at);
        json_put_text(&b->text, bytes_part(s, at, mark - at));
        at = mark;
        if (at < s.len && s.ptr[at + 1] == '$') { /* $${ */
            buf_add_str(&b->text, "${");
            at += 3;
            b->found = true;
        } else if (at < s.len) {
            size_t end = 0;
            enum err e = add_expr(b, s, at, &end);
            if (e != ERR_OK) {
                return e;
            }
            whole = !b->pieces[b->count - 1].inside;
            at = end;
        }
    }
    buf_add_str(&b->text, whole ? "" : "\"");
    return ERR_OK;
}

static void add_pointer_part(struct buf *pointer, const char *key)
{
    buf_add_char(pointer, '/');
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            buf_add_str(pointer, *key == '~' ? "~0" : "~1");
        } else {
            buf_add_char(pointer, *key);
        }
    }
}

static enum err add_value(struct build *b, const struct doc_value *v);

static enum err add_member(struct build *b, const struct doc_value *member, const char *key)
{
    add_pointer_part(&b->pointer, key);
    if (strstr(key, "${") != NULL) {
        (void)snprintf(b->fault->fault.detail, sizeof b->fault->fault.detail,
                       "a key contains ${, but only values may contain expressions");
        return fail(b, ERR_INVALID);
    }
    json_put_string(&b->text, bytes_str(key));
    buf_add_char(&b->text, ':');
    return add_value(b, member);
}

/* Recursion is bounded: documents are at most 64 deep. */
static enum err add_many(struct build *b, const struct doc_value *v)
{
    bool object = doc_kind(v) == JSON_OBJECT;
    size_t len = b->pointer.len;
    enum err e = ERR_OK;
    buf_add_char(&b->text, object ? '{' : '[');
    b->depth++;
    for (size_t i = 0; i < doc_count(v) && e == ERR_OK; i++) {
        const char *key;
        buf_add_str(&b->text, i > 0 ? "," : "");
        if (object) {
            const struct doc_value *member = doc_member(v, i, &key);
            e = add_member(b, member, key);
        } else {
            buf_addf(&b->pointer, "/%zu", i);
            e = add_value(b, doc_at(v, i));
        }
        b->pointer.len = len;
    }
    buf_add_char(&b->text, object ? '}' : ']');
    b->depth--;
    return e;
}

static enum err add_value(struct build *b, const struct doc_value *v)
{
    switch (doc_kind(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return add_many(b, v);
    case JSON_STRING:
        return add_string(b, doc_string(v));
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    doc_write(v, &b->text);
    return ERR_OK;
}

enum err template_parse(struct arena *arena, const struct doc_value *value, uint32_t roots,
                        struct template **ret_template, struct template_fault *ret_fault)
{
    struct build b = {.arena = arena, .roots = roots, .fault = ret_fault};
    enum err e = add_value(&b, value);
    struct template *t = NULL;
    if (e == ERR_OK && b.found) {
        (void)add_piece(&b);
        t = arena_alloc(arena, sizeof *t);
        t->piece_count = b.count;
        t->pieces = arena_alloc(arena, b.count * sizeof *t->pieces);
        memcpy(t->pieces, b.pieces, b.count * sizeof *t->pieces);
    }
    if (e == ERR_OK) {
        *ret_template = t;
    }
    free(b.pieces);
    buf_free(&b.text);
    buf_free(&b.pointer);
    return e;
}

/* The rendered parts so far. */
struct render {
    struct expr_scope *scope;
    struct bytes *parts;
    uint32_t count;
    size_t bytes;
};

static void add_part(struct render *r, struct bytes part)
{
    if (part.len > 0) {
        r->parts[r->count++] = part;
        r->bytes += part.len;
    }
}

/* The JSON text of a value inside a string. */
static struct bytes text_inside(const struct value *value, struct bytes json, struct arena *arena)
{
    if (value->kind == VALUE_STRING) {
        return bytes_part(json, 1, json.len - 2); /* already escaped */
    }
    struct buf text = {0};
    buf_reserve(&text, 2 * json.len); /* JSON has no byte whose escape is longer than two */
    json_put_text(&text, json);
    return arena_take(arena, &text);
}

/* Uses the known depth if there is one. */
static size_t depth_of(const struct value *value, struct bytes json)
{
    return value->depth > 0 ? value->depth : json_depth(json);
}

static enum err add_value_of(struct render *r, const struct template_piece *piece,
                             struct template_fault *fault)
{
    struct eval v = {.expr = piece->expr, .scope = r->scope, .fault = &fault->fault};
    const struct expr_term *root = &piece->expr->terms[piece->expr->root_term];
    struct value value;
    struct bytes json;
    if (!eval_expr(&v, &value)) {
        return v.err;
    }
    if (value_json(&value, r->scope->arena, &json) != ERR_OK) {
        (void)eval_fault(&v, root, "the value is not a number that JSON can hold");
    } else if (piece->inside) {
        add_part(r, text_inside(&value, json, r->scope->arena));
    } else if (piece->depth + json.len / 2 > JSON_DEPTH_MAX && /* two bytes per level */
               piece->depth + depth_of(&value, json) > JSON_DEPTH_MAX) {
        (void)eval_fault(&v, root,
                         "with this value the whole input is nested more than %d levels deep",
                         JSON_DEPTH_MAX);
    } else {
        add_part(r, json);
    }
    return v.err;
}

/* In sanitizer builds: checks that the result is valid JSON. */
static void check_rendered(const struct parts *json)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    struct arena arena = {0};
    enum err e = json_check(parts_join(json, &arena), NULL, NULL);
    assert(e == ERR_OK);
    arena_free(&arena);
#else
    (void)json;
#endif
}

enum err template_render(const struct template *t, struct expr_scope *scope, size_t bytes_max,
                         struct parts *ret_json, struct template_fault *ret_fault)
{
    struct render r = {.scope = scope};
    r.parts = arena_alloc(scope->arena, 2u * t->piece_count * sizeof *r.parts);
    for (uint32_t i = 0; i < t->piece_count; i++) {
        const struct template_piece *piece = &t->pieces[i];
        add_part(&r, piece->text);
        if (piece->expr == NULL) {
            continue;
        }
        ret_fault->pointer = piece->pointer;
        ret_fault->text = piece->expr->text;
        enum err e = add_value_of(&r, piece, ret_fault);
        if (e != ERR_OK) {
            return e;
        }
        if (r.bytes > bytes_max) {
            (void)snprintf(ret_fault->fault.detail, sizeof ret_fault->fault.detail,
                           "with this value the whole input is larger than %zu bytes", bytes_max);
            return ERR_TOO_LARGE;
        }
    }
    *ret_json = (struct parts){.items = r.parts, .count = r.count};
    check_rendered(ret_json);
    return ERR_OK;
}
