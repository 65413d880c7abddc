#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const err_texts[ERR_COUNT] = {
    [ERR_OK] = "ok",
    [ERR_INVALID] = "malformed data",
    [ERR_NOT_FOUND] = "not found",
    [ERR_CONFLICT] = "not allowed in this state",
    [ERR_TOO_LARGE] = "over its bound",
    [ERR_FULL] = "full",
    [ERR_UNAVAILABLE] = "unavailable",
    [ERR_UNKNOWN] = "outcome unknown",
    [ERR_TIMEOUT] = "timed out",
    [ERR_DENIED] = "denied",
    [ERR_PROTOCOL] = "protocol violation",
    [ERR_IO] = "input/output error",
};

const char *err_text(enum err e)
{
    if ((unsigned)e >= ERR_COUNT) {
        return "unknown error";
    }
    return err_texts[e];
}

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("fatal: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    (void)fflush(stderr);
    va_end(args);
    abort();
}
