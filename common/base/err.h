/* The project's only error type. Foreign codes (errno, nng, hiredis, curl) stop at their adapter
 * and become one of these.
 *
 * Expected conditions are returned as enum err; bugs are asserts, which release builds keep; if the
 * process cannot go on, it calls die(). The codes that users see (problem+json, errors of steps)
 * are a separate set: model/code.h. */
#ifndef MARATHON_BASE_ERR_H
#define MARATHON_BASE_ERR_H

enum err {
    ERR_OK = 0,
    ERR_INVALID,     /* the caller's data is malformed */
    ERR_NOT_FOUND,   /* it does not exist */
    ERR_CONFLICT,    /* it exists, but its state does not allow this */
    ERR_TOO_LARGE,   /* exceeds a named bound */
    ERR_FULL,        /* a bounded queue or table is full; may succeed later */
    ERR_UNAVAILABLE, /* the other side is away; nothing was done */
    ERR_UNKNOWN,     /* outcome unknown: it may or may not have been done */
    ERR_TIMEOUT,     /* our own time limit expired */
    ERR_DENIED,      /* refused by the other side (password, permission) */
    ERR_PROTOCOL,    /* the peer broke the protocol */
    ERR_IO,          /* the operating system refused; errno was logged at the adapter */
    ERR_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* A short English phrase, for logs. Never NULL. */
const char *err_text(enum err e);

/* Prints "fatal: ..." to stderr and aborts. For conditions after which the process cannot go on
 * (out of memory, a broken invariant). */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
