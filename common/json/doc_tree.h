/* Inside of doc.c: its tree, and the one function that knows jansson. Apart from doc.c because
 * jansson's names of kinds (JSON_OBJECT, ...) are ours too. */
#ifndef MARATHON_JSON_DOC_TREE_H
#define MARATHON_JSON_DOC_TREE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

enum node_kind {
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_STRING,
    NODE_INT,
    NODE_REAL,
    NODE_TRUE,
    NODE_FALSE,
    NODE_NULL
};

struct doc_value {
    const char *key; /* of a member; NULL for elements and the root */
    enum node_kind kind;
    union {
        struct {
            struct doc_value *items; /* members or elements, in the order of the text */
            size_t count;
        } many;
        struct bytes text; /* with a NUL behind it */
        int64_t integer;
        double real;
    };
};

/* Reads a text that json_check accepted (so its depth is bounded) into *root, all in the arena.
 * What jansson refuses (duplicate keys, numbers that neither int64 nor double can hold) is
 * ERR_INVALID with reason and offset. */
enum err MUST_CHECK doc_tree_read(struct bytes text, struct arena *arena,
                                  struct doc_value *ret_root, char ret_reason[160],
                                  size_t *ret_offset);

#endif
