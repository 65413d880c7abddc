#include "json/doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/doc_tree.h"

struct doc {
    struct arena arena;
    struct doc_value root;
};

/* Sets line and column of the byte at offset; columns count characters, not bytes. */
static void fault_at(struct doc_fault *fault, struct bytes text, size_t offset)
{
    fault->line = 1;
    fault->column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            fault->line++;
            fault->column = 1;
        } else if ((text.ptr[i] & 0xc0) != 0x80) {
            fault->column++;
        }
    }
}

enum err doc_parse(struct bytes text, struct doc **ret_doc, struct doc_fault *ret_fault)
{
    struct doc_fault fault = {0};
    struct json_fault scan_fault;
    struct bytes value;
    /* Our own check comes first: it bounds the depth, and words errors as everywhere else. */
    enum err e = json_check(text, &value, &scan_fault);
    if (e != ERR_OK) {
        fault_at(&fault, text, scan_fault.offset);
        (void)snprintf(fault.reason, sizeof fault.reason, "%s", scan_fault.reason);
        *ret_fault = fault;
        return e;
    }
    struct doc *d = mem_zalloc(sizeof *d);
    size_t offset;
    e = doc_tree_read(value, &d->arena, &d->root, fault.reason, &offset);
    if (e != ERR_OK) {
        fault_at(&fault, text, (size_t)(value.ptr - text.ptr) + offset);
        *ret_fault = fault;
        doc_free(d);
        return e;
    }
    *ret_doc = d;
    return ERR_OK;
}

void doc_free(struct doc *d)
{
    if (d != NULL) {
        arena_free(&d->arena);
        free(d);
    }
}

const struct doc_value *doc_root(const struct doc *d)
{
    return &d->root;
}

enum json_kind doc_kind(const struct doc_value *v)
{
    static const enum json_kind kinds[] = {
        [NODE_OBJECT] = JSON_OBJECT, [NODE_ARRAY] = JSON_ARRAY, [NODE_STRING] = JSON_STRING,
        [NODE_INT] = JSON_NUMBER,    [NODE_REAL] = JSON_NUMBER, [NODE_TRUE] = JSON_TRUE,
        [NODE_FALSE] = JSON_FALSE,   [NODE_NULL] = JSON_NULL,
    };
    return v != NULL ? kinds[v->kind] : JSON_NULL;
}

static bool is(const struct doc_value *v, enum node_kind kind)
{
    return v != NULL && v->kind == kind;
}

const struct doc_value *doc_get(const struct doc_value *object, const char *key)
{
    for (size_t i = 0; is(object, NODE_OBJECT) && i < object->many.count; i++) {
        if (strcmp(object->many.items[i].key, key) == 0) {
            return &object->many.items[i];
        }
    }
    return NULL;
}

size_t doc_count(const struct doc_value *array_or_object)
{
    const struct doc_value *v = array_or_object;
    return is(v, NODE_ARRAY) || is(v, NODE_OBJECT) ? v->many.count : 0;
}

const struct doc_value *doc_at(const struct doc_value *array, size_t index)
{
    if (!is(array, NODE_ARRAY) || index >= array->many.count) {
        return NULL;
    }
    return &array->many.items[index];
}

const struct doc_value *doc_member(const struct doc_value *object, size_t index,
                                   const char **ret_key)
{
    if (!is(object, NODE_OBJECT) || index >= object->many.count) {
        return NULL;
    }
    *ret_key = object->many.items[index].key;
    return &object->many.items[index];
}

bool doc_is_int(const struct doc_value *v)
{
    return is(v, NODE_INT);
}

int64_t doc_int(const struct doc_value *v)
{
    return is(v, NODE_INT) ? v->integer : 0;
}

double doc_number(const struct doc_value *v)
{
    if (is(v, NODE_INT)) {
        return (double)v->integer;
    }
    return is(v, NODE_REAL) ? v->real : 0;
}

bool doc_bool(const struct doc_value *v)
{
    return is(v, NODE_TRUE);
}

struct bytes doc_string(const struct doc_value *v)
{
    return is(v, NODE_STRING) ? v->text : BYTES_LIT("");
}

/* Recursion is at most JSON_DEPTH_MAX deep, since json_check bounded the depth. */
static void write_many(const struct doc_value *v, struct buf *out)
{
    bool object = v->kind == NODE_OBJECT;
    buf_add_char(out, object ? '{' : '[');
    for (size_t i = 0; i < v->many.count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        if (object) {
            json_put_string(out, bytes_str(v->many.items[i].key));
            buf_add_char(out, ':');
        }
        doc_write(&v->many.items[i], out);
    }
    buf_add_char(out, object ? '}' : ']');
}

void doc_write(const struct doc_value *v, struct buf *out)
{
    switch (v != NULL ? v->kind : NODE_NULL) {
    case NODE_OBJECT:
    case NODE_ARRAY:
        write_many(v, out);
        break;
    case NODE_STRING:
        json_put_string(out, v->text);
        break;
    case NODE_INT:
        buf_addf(out, "%" PRId64, v->integer);
        break;
    case NODE_REAL:
        json_put_number(out, v->real);
        break;
    case NODE_TRUE:
        buf_add_str(out, "true");
        break;
    case NODE_FALSE:
        buf_add_str(out, "false");
        break;
    case NODE_NULL:
        buf_add_str(out, "null");
        break;
    }
}
