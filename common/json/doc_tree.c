#include "json/doc_tree.h"

#include <stdio.h>

#include <jansson.h>

static void copy(struct arena *arena, struct doc_value *v, json_t *json);

static struct doc_value *items_create(struct arena *arena, struct doc_value *v, size_t count)
{
    v->many.count = count;
    v->many.items = arena_alloc(arena, count * sizeof *v->many.items);
    return v->many.items;
}

static void copy_object(struct arena *arena, struct doc_value *v, json_t *json)
{
    struct doc_value *item = items_create(arena, v, json_object_size(json));
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        item->key = arena_str(arena, json_object_iter_key(at));
        copy(arena, item++, json_object_iter_value(at));
    }
}

static void copy_array(struct arena *arena, struct doc_value *v, json_t *json)
{
    struct doc_value *items = items_create(arena, v, json_array_size(json));
    for (size_t i = 0; i < v->many.count; i++) {
        copy(arena, &items[i], json_array_get(json, i));
    }
}

/* Recursion is at most 64 deep, since json_check bounded the depth. */
static void copy(struct arena *arena, struct doc_value *v, json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        v->kind = NODE_OBJECT;
        copy_object(arena, v, json);
        break;
    case JSON_ARRAY:
        v->kind = NODE_ARRAY;
        copy_array(arena, v, json);
        break;
    case JSON_STRING:
        v->kind = NODE_STRING;
        v->text = arena_bytes(arena, bytes_of(json_string_value(json), json_string_length(json)));
        break;
    case JSON_INTEGER:
        v->kind = NODE_INT;
        v->integer = json_integer_value(json);
        break;
    case JSON_REAL:
        v->kind = NODE_REAL;
        v->real = json_real_value(json);
        break;
    case JSON_TRUE:
        v->kind = NODE_TRUE;
        break;
    case JSON_FALSE:
        v->kind = NODE_FALSE;
        break;
    case JSON_NULL:
        v->kind = NODE_NULL;
        break;
    }
}

enum err doc_tree_read(struct bytes text, struct arena *arena, struct doc_value *ret_root,
                       char ret_reason[160], size_t *ret_offset)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.ptr, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        (void)snprintf(ret_reason, 160, "%.159s", error.text);
        *ret_offset = error.position > 0 ? (size_t)error.position : 0;
        return ERR_INVALID;
    }
    struct doc_value root = {0};
    copy(arena, &root, json);
    json_decref(json);
    *ret_root = root;
    return ERR_OK;
}
