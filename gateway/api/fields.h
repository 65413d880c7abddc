/* Reads the members of a request body into typed variables, driven by a table; collects all faults
 * in one problem. Pure, private to api/. */
#ifndef MARATHON_API_FIELDS_H
#define MARATHON_API_FIELDS_H

#include "api/problem.h"
#include "json/scan.h"

enum field_kind {
    FIELD_ID,     /* struct bytes: a string in the alphabet of ids */
    FIELD_STEP,   /* struct bytes: a step's name or step_id */
    FIELD_TEXT,   /* struct bytes: a string of at most max bytes */
    FIELD_OBJECT, /* struct bytes: the raw value, at most max bytes */
    FIELD_ARRAY,  /* struct bytes: the raw value; [] counts as absent */
    FIELD_ANY,    /* struct bytes: the raw value of any kind but null, at most max bytes */
    FIELD_BOOL,   /* bool */
    FIELD_INT,    /* struct bytes: the raw value, of any kind but null, at most max bytes */
};

struct field {
    const char *name;
    enum field_kind kind;
    int64_t min, max;
    void *target;
};

/* body must be one JSON object. Decodes strings into the arena. False: ret_problem is set (400, 413
 * or 422). */
bool fields_read(struct bytes body, const struct field *fields, size_t count, struct arena *arena,
                 struct problem *ret_problem);
/* A value in the index of a body. */
struct json_place {
    const struct json_index *index;
    uint32_t node;
};
/* The same for a value inside a body that was already checked and indexed. */
bool fields_read_place(struct json_place place, const struct field *fields, size_t count,
                       struct arena *arena, struct problem *ret_problem);
/* Checks a body and indexes it to the given depth. */
bool body_index(struct bytes body, unsigned depth, struct json_index *ret_index,
                struct problem *ret_problem);

#endif
