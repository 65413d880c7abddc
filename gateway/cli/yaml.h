/* A text in YAML 1.2 (which JSON is a part of) as JSON, and where its values stand. The only file
 * that knows libfyaml.
 *
 * Plain scalars are null, true, false, numbers or texts as in YAML's core schema; quoted ones are
 * texts. Anchors and aliases are taken. What JSON does not have is refused: other tags, infinity,
 * keys that are no scalars; so are merge keys (<<), a second document, and duplicate keys. */
#ifndef MARATHON_CLI_YAML_H
#define MARATHON_CLI_YAML_H

#include "base/bytes.h"
#include "base/err.h"

struct yaml_place {
    char *pointer;       /* owned */
    size_t line, column; /* from 1, in bytes; of a member: its key's */
};

struct yaml_places {
    struct yaml_place *items;
    size_t count, cap;
};

struct yaml_fault {
    size_t line, column; /* 0: not known */
    char reason[200];
};

/* Appends the JSON, at most bytes_max of it. ERR_INVALID or ERR_TOO_LARGE with ret_fault;
 * ret_places (zeroed by the caller) is to be freed in any case. */
enum err MUST_CHECK yaml_read(struct bytes text, size_t bytes_max, struct buf *ret_json,
                              struct yaml_places *ret_places, struct yaml_fault *ret_fault);
void yaml_places_free(struct yaml_places *places);
/* Of the value at a JSON pointer, or of the innermost one around it that has a place; NULL: none
 * has. */
const struct yaml_place *yaml_place_of(const struct yaml_places *places, const char *pointer);

#endif
