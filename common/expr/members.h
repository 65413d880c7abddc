/* Internal to expr: iterates over the members of lists and maps. Members that were scanned are
 * cached in the scope's `seen`, so that later iterations over the same value (also by other
 * expressions of the scope) reuse them. */
#ifndef MARATHON_EXPR_MEMBERS_H
#define MARATHON_EXPR_MEMBERS_H

#include "base/shared.h"
#include "expr/expr.h"
#include "json/scan.h"

struct member {
    struct bytes key; /* maps: raw, without quotes */
    struct bytes json;
    bool escaped; /* the key contains escapes */
    size_t depth; /* of the value, as json_depth */
};

struct members {
    struct expr_scope *scope;
    struct seen *seen; /* NULL: not cached, or no longer; `rest` goes on from the current place */
    uint32_t next;     /* index of the next cached member */
    struct json_walk rest;
    enum err err; /* ERR_TOO_LARGE: the scope's work is used up */
};

/* json: a list or map that stays valid as long as the scope is used.
 *
 *     for (struct members w = members_of(scope, json); members_next(&w, &member);) ...
 *
 * Ends after the last member, or early with w.err set. */
struct members members_of(struct expr_scope *scope, struct bytes json);
bool members_next(struct members *w, struct member *ret_member);
/* Charges work to the scope; false if it is used up. */
bool work_spend(struct expr_scope *scope, size_t members, size_t bytes);

#endif
