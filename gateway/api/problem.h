/* What went wrong, in the form that clients get: application/problem+json (RFC 9457) with our
 * stable code. Pure.
 *
 * Whoever finds the fault fills the problem; it is rendered once. detail is for people, code for
 * programs, and faults name the fields. */
#ifndef MARATHON_API_PROBLEM_H
#define MARATHON_API_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "model/message.h"
#include "model/problem_members.h"

/* enough to fix a request in one go; further faults show up next time */
#define PROBLEM_FAULTS_MAX   8
#define PROBLEM_DETAIL_BYTES 640

struct problem_fault {
    char pointer[200];  /* JSON pointer into the body, "" = the whole body */
    char parameter[64]; /* instead: the query argument or header at fault */
    char detail[600];
};

struct problem {
    enum code code;
    size_t fault_count;
    bool has_state; /* render state as `task_status` */
    enum task_state state;
    /* TASK_EXISTS: rendered, with its status URL; otherwise empty */
    char task_id[ID_BYTES_MAX + 1];
    uint32_t retry_after_s; /* 0 = none */
    const char *allow;      /* METHOD_NOT_ALLOWED: value of the Allow header; static text */
    char detail[PROBLEM_DETAIL_BYTES];
    /* last, since only the entries in use are initialised */
    struct problem_fault faults[PROBLEM_FAULTS_MAX];
};

/* Begins a problem without detail and faults. */
void problem_begin(struct problem *p, enum code code);

/* Resets a problem and sets its detail, which is cut at its bound, never in the middle of a
 * character. */
void problem_set(struct problem *p, enum code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a field at fault; those beyond PROBLEM_FAULTS_MAX are dropped. */
void problem_add(struct problem *p, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a query argument, or a header, at fault. */
void problem_add_parameter(struct problem *p, struct bytes name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a member at fault, by its key; escapes it for the pointer as in RFC 6901 ("/" + key). */
void problem_add_member(struct problem *p, struct bytes key, const char *detail);

/* From a coordinator's MSG_REFUSED. task_id: the request's, empty if it was about no task. */
void problem_from_refusal(struct problem *p, const struct message *refused, struct bytes task_id);
int problem_status(const struct problem *p);
/* Appends the JSON object. */
void problem_render(const struct problem *p, struct bytes request_id, struct buf *out);

#endif
