/* Definitions that must be refused, each with the pointer to the spot and the text that says what
 * would be right. */
#ifndef MARATHON_TESTS_MODEL_REFUSED_H
#define MARATHON_TESTS_MODEL_REFUSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/pipeline.h"

struct refused {
    const char *text, *pointer, *detail;
};

static inline void assert_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pipeline *p = NULL;
        struct pipeline_fault fault;
        if (pipeline_parse(bytes_str(cases[i].text), &p, &fault) != ERR_INVALID) {
            fail_msg("accepted: %s", cases[i].text);
        }
        if (strcmp(fault.pointer, cases[i].pointer) != 0 ||
            strcmp(fault.detail, cases[i].detail) != 0) {
            fail_msg("%s: told %s %s", cases[i].text, fault.pointer, fault.detail);
        }
    }
}

#endif
