/* The one error type of the project. Foreign codes (errno, nng, hiredis, curl) stop at their
 * adapter and become one of these.
 *
 * Expected conditions are returned as enum err; bugs are asserts, kept in release; what cannot go
 * on calls die(). The codes that users see (problem+json, errors of steps) are another set:
 * model/code.h. */
#ifndef MARATHON_BASE_ERR_H
#define MARATHON_BASE_ERR_H

enum err {
    ERR_OK = 0,
    ERR_INVALID,     /* the caller's data is malformed */
    ERR_NOT_FOUND,   /* no such thing */
    ERR_CONFLICT,    /* it is there, but in a state that forbids this */
    ERR_TOO_LARGE,   /* over a named bound */
    ERR_FULL,        /* a bounded queue or table is full; later it may not be */
    ERR_UNAVAILABLE, /* the other side is away; nothing was done */
    ERR_UNKNOWN,     /* outcome unknown: it may or may not have been done */
    ERR_TIMEOUT,     /* our own patience ended */
    ERR_DENIED,      /* refused by the other side's rules (password, permission) */
    ERR_PROTOCOL,    /* the peer broke the protocol */
    ERR_IO,          /* the operating system refused; errno was logged at the adapter */
    ERR_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* A short English phrase, for logs. Never NULL. */
const char *err_text(enum err e);

/* Prints "fatal: ..." to stderr and aborts. For what cannot go on (out of memory, a broken
 * invariant of the process). */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
