/* Any text is an expression or a fault; what is an expression has a value or a fault, the same one
 * each time, whatever was seen before, and never more work than it may have. The text before the
 * first line feed is the input that it sees, where it is JSON. */
#include <assert.h>
#include <stdlib.h>

#include "expr/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    const struct bytes *input = context;
    return ref->root == EXPR_TASK ? BYTES_NONE : ref->root == EXPR_INDEX ? BYTES_LIT("3") : *input;
}

static void check_fault(const struct expr_fault *fault)
{
    assert(fault->detail[0] != '\0');
    assert(memchr(fault->detail, 0, sizeof fault->detail) != NULL);
}

static void check_eval(const struct expr *e, struct bytes input)
{
    struct arena arena = {0};
    struct bytes first = BYTES_NONE, value;
    struct expr_fault fault = {.detail = ""};
    struct expr_seen seen = {0};
    struct expr_scope scope = {.read = read_root, .context = &input, .arena = &arena};
    enum err err = expr_eval(e, &scope, &first, &fault);
    assert(scope.work <= EXPR_WORK_MAX && e->term_count <= EXPR_TERMS_MAX);
    if (err != ERR_OK) {
        check_fault(&fault);
    } else {
        assert(first.len > 0);
        struct json_fault json_fault;
        if (json_check(first, &value, &json_fault) != ERR_OK) {
            assert(strstr(json_fault.reason, "deep") != NULL); /* one in the other may be */
        }
    }
    for (int i = 0; i < 2 && err != ERR_TOO_LARGE; i++) {
        struct bytes again = BYTES_NONE;
        scope.work = 0;
        scope.seen = &seen;
        assert(expr_eval(e, &scope, &again, &fault) == err);
        assert(bytes_eq(first, again));
    }
    arena_free(&arena);
}

static void check_template(struct bytes json, struct bytes input)
{
    struct doc *doc;
    struct doc_fault doc_fault;
    struct template_fault fault = {.fault = {.detail = ""}};
    struct arena arena = {0};
    struct template *t = NULL;
    if (doc_parse(json, &doc, &doc_fault) != ERR_OK) {
        return;
    }
    struct parts out;
    if (template_parse(&arena, doc_root(doc), EXPR_ROOTS_ALL, &t, &fault) != ERR_OK) {
        check_fault(&fault.fault);
    } else if (t != NULL) {
        struct expr_seen seen = {0};
        struct expr_scope scope = {
            .read = read_root, .context = &input, .arena = &arena, .seen = &seen};
        if (template_render(t, &scope, 1u << 20, &out, &fault) != ERR_OK) {
            check_fault(&fault.fault);
        } else {
            assert(parts_len(&out) <= 1u << 20);
            assert(json_check(parts_join(&out, &arena), NULL, NULL) == ERR_OK);
        }
    }
    arena_free(&arena);
    doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size), input = BYTES_LIT("{\"a\":[1,2.5,\"x\"],\"b\":null}");
    struct bytes value;
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (line != NULL && json_check(bytes_of(data, (size_t)(line - data)), &value, NULL) == ERR_OK) {
        input = value;
        text = bytes_of(line + 1, size - (size_t)(line + 1 - data));
    }
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault = {.detail = ""};
    if (expr_parse(&arena, text, EXPR_ROOTS_ALL, &e, &fault) == ERR_OK) {
        check_eval(e, input);
    } else {
        check_fault(&fault);
    }
    arena_free(&arena);
    check_template(text, input);
    return 0;
}
