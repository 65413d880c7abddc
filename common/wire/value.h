/* MessagePack, as far as we use it: values written behind each other into a buffer, and read one
 * after the other out of a body, without a copy and without reserving anything.
 *
 * The reader survives any bytes: each value must lie within the body, containers are nested at most
 * NESTING_MAX deep, no count passes the bytes that are left, and there are at most ELEMENTS_MAX
 * values in all. */
#ifndef MARATHON_WIRE_VALUE_H
#define MARATHON_WIRE_VALUE_H

#include "base/bytes.h"

#define NESTING_MAX 16u
/* Values in one body, all levels together: the largest status (STEPS_MAX steps) has about half of
 * it. */
#define ELEMENTS_MAX (1u << 18)

/* ---- writing: the shortest form of each ---- */

void put_uint(struct buf *out, uint64_t v);
void put_int(struct buf *out, int64_t v);
void put_double(struct buf *out, double v);
void put_bool(struct buf *out, bool v);
/* The head of a bin: its bytes are to follow. */
void put_bin_head(struct buf *out, size_t len);
void put_bin(struct buf *out, struct bytes b);
/* The head of an array: its elements are to follow. */
void put_array(struct buf *out, uint32_t count);

/* ---- reading ---- */

enum value_kind {
    VALUE_NIL,
    VALUE_BOOL,
    VALUE_UINT,     /* whatever form it was written in */
    VALUE_NEGATIVE, /* below 0 */
    VALUE_DOUBLE,
    VALUE_BIN,
    VALUE_ARRAY, /* `count` values follow */
    VALUE_OTHER, /* nothing that we use: a text, a map, an extension; `count` values follow */
};

struct value {
    enum value_kind kind;
    uint32_t count; /* ARRAY, OTHER */
    union {
        bool truth;
        uint64_t number; /* UINT */
        int64_t negative;
        double fraction;
        struct bytes bin; /* borrowed from the body */
    } as;
};

struct values {
    const uint8_t *at, *end;
    uint32_t seen;  /* values so far */
    uint32_t depth; /* containers with elements that are open */
};

/* The next value, without those in it. False where there is no good one. */
bool value_next(struct values *r, struct value *ret_value);
/* What follows are the values in v, until values_leave. False where it is nested too deep. */
bool values_enter(struct values *r, const struct value *v);
void values_leave(struct values *r, const struct value *v);
/* Passes over all that is in v. False where something in it is not good. */
bool values_pass(struct values *r, const struct value *v);

#endif
