/* Converts YAML 1.2 (of which JSON is a subset) to JSON, with the places of all values. The only
 * file that knows libfyaml.
 *
 * Plain scalars are null, true, false, numbers or texts as in YAML's core schema; quoted ones are
 * texts. Anchors and aliases are supported. What JSON lacks is refused: other tags, infinity, keys
 * that are not scalars; so are merge keys (<<), a second document, and duplicate keys. */
#ifndef MARATHON_CLI_YAML_H
#define MARATHON_CLI_YAML_H

#include "base/bytes.h"
#include "base/err.h"

struct yaml_place {
    char *pointer;       /* owned */
    size_t line, column; /* from 1, in bytes; for a member: of its key */
};

struct yaml_places {
    struct yaml_place *items;
    size_t count, cap;
};

struct yaml_fault {
    size_t line, column; /* 0: unknown */
    char reason[200];
};

/* Appends the JSON, at most bytes_max of it. ERR_INVALID or ERR_TOO_LARGE with ret_fault; free
 * ret_places (zeroed by the caller) in any case. */
enum err MUST_CHECK yaml_read(struct bytes text, size_t bytes_max, struct buf *ret_json,
                              struct yaml_places *ret_places, struct yaml_fault *ret_fault);
void yaml_places_free(struct yaml_places *places);
/* The place of the value at a JSON pointer, or of the innermost value around it that has one; NULL:
 * none has. */
const struct yaml_place *yaml_place_of(const struct yaml_places *places, const char *pointer);

#endif
