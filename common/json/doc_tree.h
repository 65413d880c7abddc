/* Internal to doc.c: its tree, and the only function that uses jansson. A file of its own because
 * jansson's names (JSON_OBJECT, ...) clash with ours. */
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
            struct doc_value *items; /* members or elements, in source order */
            size_t count;
        } many;
        struct bytes text; /* followed by a NUL */
        int64_t integer;
        double real;
    };
};

/* Parses a text that json_check accepted (so that its depth is bounded) into *ret_root, all in the
 * arena. What jansson refuses (duplicate keys, numbers that neither int64 nor double can hold) is
 * ERR_INVALID with reason and offset. */
enum err MUST_CHECK doc_tree_read(struct bytes text, struct arena *arena,
                                  struct doc_value *ret_root, char ret_reason[160],
                                  size_t *ret_offset);

#endif
