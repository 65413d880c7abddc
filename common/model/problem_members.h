/* The members that every problem (RFC 9457) has, whichever process and port sends it: type, title,
 * status, detail, code and request_id. Pure. */
#ifndef MARATHON_MODEL_PROBLEM_MEMBERS_H
#define MARATHON_MODEL_PROBLEM_MEMBERS_H

#include "model/code.h"

#define PROBLEM_TYPE "application/problem+json"

struct problem_members {
    enum code code;
    int status; /* HTTP status */
    struct bytes detail, request_id;
};

/* Appends the beginning of the JSON object; the caller may add members, and must close it. */
void problem_members_put(struct buf *out, const struct problem_members *members);

#endif
