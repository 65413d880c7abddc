#include "cli/yaml.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/scan.h"

#define DEPTH_MAX 100 /* deeper than any definition: bounds the recursion */

struct reading {
    size_t bytes_max;
    struct buf *json;
    struct buf pointer; /* of the node being written */
    struct yaml_places *places;
    struct yaml_fault *fault;
};

static enum err write_node(struct reading *r, struct fy_node *node, uint32_t depth);

/* ---- places and faults ---- */

/* The place of the first scalar in it. */
static const struct fy_mark *mark_of(struct fy_node *node, uint32_t depth)
{
    void *at = NULL;
    if (node == NULL || depth > DEPTH_MAX) {
        return NULL;
    }
    if (fy_node_is_mapping(node)) {
        struct fy_node_pair *first = fy_node_mapping_iterate(node, &at);
        return first != NULL ? mark_of(fy_node_pair_key(first), depth + 1) : NULL;
    }
    if (fy_node_is_sequence(node)) {
        return mark_of(fy_node_sequence_iterate(node, &at), depth + 1);
    }
    struct fy_token *token = fy_node_get_scalar_token(node);
    return token != NULL ? fy_token_start_mark(token) : NULL;
}

static enum err fail(struct reading *r, struct fy_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum err fail(struct reading *r, struct fy_node *node, const char *format, ...)
{
    const struct fy_mark *mark = mark_of(node, 0);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->fault->reason, sizeof r->fault->reason, format, args);
    va_end(args);
    r->fault->line = mark != NULL ? (size_t)mark->line + 1 : 0;
    r->fault->column = mark != NULL ? (size_t)mark->column + 1 : 0;
    return ERR_INVALID;
}

static void keep_place(struct reading *r, struct fy_node *node)
{
    const struct fy_mark *mark = mark_of(node, 0);
    if (mark == NULL) {
        return;
    }
    MEM_GROW(r->places->items, r->places->count, r->places->cap);
    r->places->items[r->places->count++] = (struct yaml_place){
        mem_str_bytes(buf_bytes(&r->pointer)), (size_t)mark->line + 1, (size_t)mark->column + 1};
}

/* ---- scalars ---- */

static bool is_one_of(struct bytes text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (bytes_is(text, *words)) {
            return true;
        }
    }
    return false;
}

static size_t digits(struct bytes text, size_t at)
{
    size_t from = at;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
    }
    return at - from;
}

/* Appends text as a JSON number if it is one in YAML's core schema: "+1", ".5", "1.", "007" and
 * "1e3" all have JSON forms. False, with nothing appended: it is none. */
static bool put_number(struct buf *out, struct bytes text)
{
    size_t at = text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-') ? 1 : 0;
    size_t whole = digits(text, at), from = at, part = 0, exponent_at;
    at += whole;
    bool point = at < text.len && text.ptr[at] == '.';
    at += point;
    size_t part_at = at;
    part = point ? digits(text, at) : 0;
    at += part;
    exponent_at = at;
    if (whole + part > 0 && at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        at += at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-');
        size_t power = digits(text, at);
        at = power > 0 ? at + power : text.len + 1;
    }
    if (whole + part == 0 || at != text.len) {
        return false;
    }
    while (whole > 1 && text.ptr[from] == '0') {
        from++;
        whole--;
    }
    buf_add_str(out, text.ptr[0] == '-' ? "-" : "");
    buf_add_bytes(out, whole > 0 ? bytes_part(text, from, whole) : BYTES_LIT("0"));
    if (part > 0) {
        buf_add_char(out, '.');
        buf_add_bytes(out, bytes_part(text, part_at, part));
    }
    buf_add_bytes(out, bytes_part(text, exponent_at, text.len - exponent_at));
    return true;
}

static enum err write_plain(struct reading *r, struct fy_node *node, struct bytes text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const endless[] = {".inf",  "-.inf", "+.inf", ".Inf",  "-.Inf",
                                          "+.Inf", ".INF",  "-.INF", "+.INF", ".nan",
                                          ".NaN",  ".NAN",  NULL};
    if (is_one_of(text, nulls)) {
        buf_add_str(r->json, "null");
    } else if (is_one_of(text, trues)) {
        buf_add_str(r->json, "true");
    } else if (is_one_of(text, falses)) {
        buf_add_str(r->json, "false");
    } else if (is_one_of(text, endless)) {
        return fail(r, node, "%.*s does not exist in JSON", (int)text.len, (const char *)text.ptr);
    } else if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] == 'x' || text.ptr[1] == 'o')) {
        return fail(r, node, "write the number %.*s with digits from 0 to 9, or in quotes",
                    (int)text.len, (const char *)text.ptr);
    } else if (!put_number(r->json, text)) {
        json_put_string(r->json, text);
    }
    return ERR_OK;
}

static struct bytes scalar_of(struct fy_node *node)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(node, &len);
    return text != NULL ? bytes_of(text, len) : BYTES_NONE;
}

static enum err write_scalar(struct reading *r, struct fy_node *node)
{
    size_t len = 0;
    const char *tag = fy_node_get_tag(node, &len);
    struct bytes text = scalar_of(node);
    bool text_tag = tag != NULL && bytes_is(bytes_of(tag, len), "tag:yaml.org,2002:str");
    enum fy_node_style style = fy_node_get_style(node);
    if (tag != NULL && len > 0 && !text_tag) {
        return fail(r, node, "the tag %.*s is not supported", (int)(len < 100 ? len : 100), tag);
    }
    if (text_tag || (style != FYNS_PLAIN && style != FYNS_ANY)) {
        json_put_string(r->json, text);
        return ERR_OK;
    }
    return write_plain(r, node, text);
}

/* ---- collections ---- */

static void pointer_add(struct buf *pointer, struct bytes part)
{
    buf_add_char(pointer, '/');
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '~' || part.ptr[i] == '/') {
            buf_add_str(pointer, part.ptr[i] == '~' ? "~0" : "~1");
        } else {
            buf_add_char(pointer, (char)part.ptr[i]);
        }
    }
}

static enum err write_pair(struct reading *r, struct fy_node_pair *pair, uint32_t depth)
{
    struct fy_node *key = fy_node_pair_key(pair);
    struct bytes name = scalar_of(key);
    size_t outer = r->pointer.len;
    if (key == NULL || !fy_node_is_scalar(key) || fy_node_is_alias(key)) {
        return fail(r, key, "a key must be a string");
    }
    if (bytes_is(name, "<<") && fy_node_get_style(key) == FYNS_PLAIN) {
        return fail(r, key,
                    "merge keys (<<) are not supported: an alias can only stand for a whole value");
    }
    pointer_add(&r->pointer, name);
    keep_place(r, key);
    json_put_string(r->json, name);
    buf_add_char(r->json, ':');
    enum err e = write_node(r, fy_node_pair_value(pair), depth);
    r->pointer.len = outer;
    return e;
}

static enum err write_mapping(struct reading *r, struct fy_node *node, uint32_t depth)
{
    void *at = NULL;
    const char *comma = "";
    enum err e = ERR_OK;
    struct fy_node_pair *pair;
    buf_add_char(r->json, '{');
    while (e == ERR_OK && (pair = fy_node_mapping_iterate(node, &at)) != NULL) {
        buf_add_str(r->json, comma);
        e = write_pair(r, pair, depth);
        comma = ",";
    }
    buf_add_char(r->json, '}');
    return e;
}

static enum err write_sequence(struct reading *r, struct fy_node *node, uint32_t depth)
{
    void *at = NULL;
    size_t index = 0, outer = r->pointer.len;
    enum err e = ERR_OK;
    struct fy_node *item;
    buf_add_char(r->json, '[');
    while (e == ERR_OK && (item = fy_node_sequence_iterate(node, &at)) != NULL) {
        buf_addf(&r->pointer, "/%zu", index);
        keep_place(r, item);
        buf_add_str(r->json, index++ > 0 ? "," : "");
        e = write_node(r, item, depth);
        r->pointer.len = outer;
    }
    buf_add_char(r->json, ']');
    return e;
}

/* Recurses to DEPTH_MAX at most, which also stops an alias that contains itself. */
static enum err write_node(struct reading *r, struct fy_node *node, uint32_t depth)
{
    if (depth == DEPTH_MAX) {
        return fail(r, node, "nested more than %d deep", DEPTH_MAX);
    }
    if (r->json->len > r->bytes_max) {
        (void)fail(r, NULL, "larger than %zu bytes; put larger data in files", r->bytes_max);
        return ERR_TOO_LARGE;
    }
    if (node == NULL) {
        buf_add_str(r->json, "null");
        return ERR_OK;
    }
    if (fy_node_is_alias(node)) {
        struct fy_node *target = fy_node_resolve_alias(node);
        return target != NULL ? write_node(r, target, depth + 1)
                              : fail(r, node, "there is no anchor with this name");
    }
    if (fy_node_is_mapping(node)) {
        return write_mapping(r, node, depth + 1);
    }
    return fy_node_is_sequence(node) ? write_sequence(r, node, depth + 1) : write_scalar(r, node);
}

/* ---- documents ---- */

static void take_diagnosis(struct fy_diag *diag, struct yaml_fault *fault)
{
    void *at = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &at);
    (void)snprintf(fault->reason, sizeof fault->reason, "%s",
                   first != NULL && first->msg != NULL ? first->msg : "not valid YAML");
    if (first != NULL && first->line > 0 && first->column > 0) { /* counted from 1, unlike marks */
        fault->line = (size_t)first->line;
        fault->column = (size_t)first->column;
    }
}

static enum err read_documents(struct reading *r, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_document *document = fy_parse_load_document(parser);
    if (document == NULL) {
        take_diagnosis(diag, r->fault);
        if (!fy_diag_got_error(diag)) {
            (void)snprintf(r->fault->reason, sizeof r->fault->reason, "the file is empty");
        }
        return ERR_INVALID;
    }
    enum err e = write_node(r, fy_document_root(document), 0);
    struct fy_document *second = e == ERR_OK ? fy_parse_load_document(parser) : NULL;
    if (second != NULL) {
        e = fail(r, fy_document_root(second),
                 "a second document begins here: a file must hold one definition only");
        fy_parse_document_destroy(parser, second);
    } else if (e == ERR_OK && fy_diag_got_error(diag)) {
        take_diagnosis(diag, r->fault);
        e = ERR_INVALID;
    }
    fy_parse_document_destroy(parser, document);
    return e;
}

enum err yaml_read(struct bytes text, size_t bytes_max, struct buf *ret_json,
                   struct yaml_places *ret_places, struct yaml_fault *ret_fault)
{
    struct reading r = {
        .bytes_max = bytes_max, .json = ret_json, .places = ret_places, .fault = ret_fault};
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    *ret_fault = (struct yaml_fault){0};
    if (parser == NULL || fy_parser_set_string(parser, (const char *)text.ptr, text.len) != 0) {
        die("libfyaml cannot be used");
    }
    enum err e = read_documents(&r, parser, diag);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    buf_free(&r.pointer);
    return e;
}

void yaml_places_free(struct yaml_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->items[i].pointer);
    }
    free(places->items);
    *places = (struct yaml_places){0};
}

const struct yaml_place *yaml_place_of(const struct yaml_places *places, const char *pointer)
{
    const struct yaml_place *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < places->count; i++) {
        const char *candidate = places->items[i].pointer;
        size_t n = strlen(candidate);
        bool around =
            strncmp(pointer, candidate, n) == 0 && (pointer[n] == '\0' || pointer[n] == '/');
        if (around && (best == NULL || n > best_len)) {
            best = &places->items[i];
            best_len = n;
        }
    }
    return best;
}
