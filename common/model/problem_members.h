/* What every problem says that a client gets, from whichever process and port (RFC 9457): its type,
 * title, status, detail, code and request_id. Pure. */
#ifndef MARATHON_MODEL_PROBLEM_MEMBERS_H
#define MARATHON_MODEL_PROBLEM_MEMBERS_H

#include "model/code.h"

#define PROBLEM_TYPE "application/problem+json"

struct problem_members {
    enum code code;
    int status; /* of HTTP */
    struct bytes detail, request_id;
};

/* Begins the JSON object; further members may follow, and its end must. */
void problem_members_put(struct buf *out, const struct problem_members *members);

#endif
