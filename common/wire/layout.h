/* Layouts: how a struct of model/message.h is encoded as a msgpack array, position by position. One
 * table serves both directions, so that encoder and decoder cannot disagree. The tables are in
 * messages_*.c; PROTOCOL.md has the recipe for extending one.
 *
 * A field's kind follows from the member's C type, except for enums, whose type does not tell their
 * bound. */
#ifndef MARATHON_WIRE_LAYOUT_H
#define MARATHON_WIRE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/slices.h"
#include "model/message.h"

enum field_kind {
    FIELD_BOOL,
    FIELD_U32,
    FIELD_U64,
    FIELD_I32,
    FIELD_I64,
    FIELD_DOUBLE,  /* finite */
    FIELD_BYTES,   /* bin, borrowed from the frame */
    FIELD_PARTS,   /* struct parts, as one bin */
    FIELD_TOKEN,   /* uint8_t[TOKEN_BYTES], as a bin of exactly that length */
    FIELD_ENUM,    /* below `limit` */
    FIELD_INSIDE,  /* an embedded struct, as a nested array */
    FIELD_LIST,    /* pointer and count: an array of at most `limit` arrays */
    FIELD_TEXTS,   /* pointer to struct bytes and count: an array of at most `limit` bins */
    FIELD_RETIRED, /* a removed member: written as nil, skipped when read */
};

struct layout;

struct field {
    enum field_kind kind;
    uint32_t offset;         /* offset of the member */
    uint32_t count_offset;   /* LIST, TEXTS: offset of the uint32_t count */
    uint32_t limit;          /* ENUM: number of values; LIST, TEXTS: most elements */
    const struct layout *of; /* INSIDE, LIST */
};

struct layout {
    const struct field *fields;
    uint32_t count;
    uint32_t size; /* of the struct */
};

#define FIELD_OFFSET(type, member) ((uint32_t)offsetof(type, member))

/* A scalar, a slice or a token; the kind follows from the type. */
#define FIELD(type, member)                                                                          \
    {                                                                                                \
        .kind = _Generic(((type *)0)->member,                                                      \
            bool: FIELD_BOOL,                                                                      \
            uint32_t: FIELD_U32,                                                                   \
            uint64_t: FIELD_U64,                                                                   \
            int32_t: FIELD_I32,                                                                    \
            int64_t: FIELD_I64,                                                                    \
            double: FIELD_DOUBLE,                                                                  \
            struct bytes: FIELD_BYTES,                                                             \
            struct parts: FIELD_PARTS,                                                             \
            uint8_t *: FIELD_TOKEN),                                                               \
        .offset = FIELD_OFFSET(type, member) \
    }
/* An enum with the values 0 .. values - 1. */
#define FIELD_OF_ENUM(type, member, values)                                                        \
    {                                                                                              \
        .kind = FIELD_ENUM, .offset = FIELD_OFFSET(type, member), .limit = (uint32_t)(values)      \
    }
#define FIELD_OF_STRUCT(type, member, layout)                                                      \
    {                                                                                              \
        .kind = FIELD_INSIDE, .offset = FIELD_OFFSET(type, member), .of = &(layout)                \
    }
#define FIELD_OF_LIST(type, member, count_member, layout, max)                                     \
    {                                                                                              \
        .kind = FIELD_LIST, .offset = FIELD_OFFSET(type, member),                                  \
        .count_offset = FIELD_OFFSET(type, count_member), .limit = (max), .of = &(layout)          \
    }
#define FIELD_OF_TEXTS(type, member, count_member, max)                                            \
    {                                                                                              \
        .kind = FIELD_TEXTS, .offset = FIELD_OFFSET(type, member),                                 \
        .count_offset = FIELD_OFFSET(type, count_member), .limit = (max)                           \
    }
/* Keeps the position of a field that is no longer used. */
#define FIELD_OF_NOTHING                                                                           \
    {                                                                                              \
        .kind = FIELD_RETIRED                                                                      \
    }
/* A layout from its array of fields. */
#define LAYOUT(struct_type, field_array)                                                           \
    {                                                                                              \
        .fields = (field_array), .count = sizeof(field_array) / sizeof *(field_array),             \
        .size = sizeof(struct_type)                                                                \
    }

/* Appends the encoded struct. Long slices that lie in one of the lenders are lent. ERR_TOO_LARGE if
 * a list exceeds its limit. An enum out of range is a bug of the caller. */
enum err MUST_CHECK layout_write(const struct layout *l, const void *from, struct lenders *lenders,
                                 struct slices *to);
/* Decodes a body, which must be exactly one value, into the zeroed struct at `to`. ERR_PROTOCOL if
 * a type or bound does not fit, or a declared count or length exceeds the remaining bytes. */
enum err MUST_CHECK layout_read(const struct layout *l, struct bytes body, struct arena *arena,
                                void *to);

/* Adjusts the struct at `base`: slices that lie in `from` are moved to the same offset in its copy
 * at `to`. */
void layout_move(const struct layout *l, struct bytes from, const uint8_t *to, void *base);

#endif
