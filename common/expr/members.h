/* Inside of expr: going over the members of lists and maps. What was gone over of one is kept in
 * the scope's `seen`: whoever looks into it again, an expression of the same scope too, begins with
 * that. */
#ifndef MARATHON_EXPR_MEMBERS_H
#define MARATHON_EXPR_MEMBERS_H

#include "base/shared.h"
#include "expr/expr.h"
#include "json/scan.h"

struct member {
    struct bytes key; /* of a map: raw, without quotes */
    struct bytes json;
    bool escaped; /* the key is not what it says */
    size_t depth; /* as json_depth */
};

struct members {
    struct expr_scope *scope;
    struct seen *seen; /* NULL: nothing of it is kept, from `rest` on */
    uint32_t next;     /* of those that are */
    struct json_walk rest;
    enum err err; /* ERR_TOO_LARGE: the work is used up */
};

/* json: a list or a map; it stays where it is for as long as the scope is used.
 *     for (struct members w = members_of(scope, json); members_next(&w, &member);) ...
 * ends behind the last one, or with w.err. */
struct members members_of(struct expr_scope *scope, struct bytes json);
bool members_next(struct members *w, struct member *ret_member);
/* Work that may be done: false where it is used up. */
bool work_spend(struct expr_scope *scope, size_t members, size_t bytes);

#endif
