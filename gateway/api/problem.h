/* What went wrong, in the form that clients get: application/problem+json (RFC 9457) with our
 * stable code. Pure.
 *
 * A problem is filled by whoever finds the fault, rendered once. detail is for people, code for
 * programs, faults name the fields. */
#ifndef MARATHON_API_PROBLEM_H
#define MARATHON_API_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "model/message.h"
#include "model/problem_members.h"

#define PROBLEM_FAULTS_MAX   8 /* enough to mend a request in one go; the rest shows up next time */
#define PROBLEM_DETAIL_BYTES 640

struct problem_fault {
    char pointer[200];  /* JSON pointer into the body, "" = the whole of it */
    char parameter[64]; /* instead: the argument of the query, or the header, at fault */
    char detail[600];
};

struct problem {
    enum code code;
    size_t fault_count;
    bool has_state; /* state is told as `task_status` */
    enum task_state state;
    char task_id[ID_BYTES_MAX + 1]; /* TASK_EXISTS: told, with its status URL; empty otherwise */
    uint32_t retry_after_s;         /* 0 = none */
    const char *allow;              /* METHOD_NOT_ALLOWED: value of the Allow header; static text */
    char detail[PROBLEM_DETAIL_BYTES];
    struct problem_fault faults[PROBLEM_FAULTS_MAX]; /* the last, as only those there are are set */
};

/* One without a detail yet, nor faults. */
void problem_begin(struct problem *p, enum code code);

/* Starts a problem anew. The detail is cut at its bound, never in the middle of a character. */
void problem_set(struct problem *p, enum code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a field at fault; beyond PROBLEM_FAULTS_MAX they are dropped. */
void problem_add(struct problem *p, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds an argument of the query, or a header, at fault. */
void problem_add_parameter(struct problem *p, struct bytes name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A pointer to a member by its key, escaped as RFC 6901 says ("/" + key). */
void problem_add_member(struct problem *p, struct bytes key, const char *detail);

/* From a coordinator's MSG_REFUSED; task_id of the request, empty where it was about none. */
void problem_from_refusal(struct problem *p, const struct message *refused, struct bytes task_id);
int problem_status(const struct problem *p);
/* Appends the JSON object. */
void problem_render(const struct problem *p, struct bytes request_id, struct buf *out);

#endif
