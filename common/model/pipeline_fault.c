#include "model/pipeline_build.h"

#include <stdarg.h>
#include <stdio.h>

enum err pipeline_fault_top(struct pipeline_build *b, enum err e, const char *field,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(b->fault->pointer, sizeof b->fault->pointer, "%s%s", field[0] != '\0' ? "/" : "",
                   field);
    (void)vsnprintf(b->fault->detail, sizeof b->fault->detail, format, args);
    va_end(args);
    return e;
}

enum err pipeline_fault_step(struct pipeline_build *b, uint32_t step, enum err e, const char *field,
                             const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(b->fault->pointer, sizeof b->fault->pointer, "%s%s%s", b->places[step].pointer,
                   field[0] != '\0' ? "/" : "", field);
    (void)vsnprintf(b->fault->detail, sizeof b->fault->detail, format, args);
    va_end(args);
    return e;
}
