/* The diagnosis of `marathon doctor`: what a deployment's own answers say is wrong with it, and
 * what to do. Pure: answers in, findings out. */
#ifndef MARATHON_CLI_DOCTOR_H
#define MARATHON_CLI_DOCTOR_H

#include "json/doc.h"

#define DOCTOR_FINDINGS_MAX 200 /* with more than that, fix the first ones first */

enum doctor_level {
    DOCTOR_GOOD,
    DOCTOR_WARNING, /* works, but not as it should, or not for long */
    DOCTOR_FAULT,   /* tasks wait, or are refused */
};
const char *doctor_level_name(enum doctor_level l); /* "ok", "warning", "fault" */

struct finding {
    enum doctor_level level;
    const char *check; /* "store" */
    struct bytes detail;
    struct bytes advice; /* empty if all is well */
};

struct doctor {
    struct arena arena; /* holds the findings' texts */
    struct finding findings[DOCTOR_FINDINGS_MAX];
    size_t count;
};

void doctor_free(struct doctor *d);
enum doctor_level doctor_worst(const struct doctor *d);
void doctor_find(struct doctor *d, enum doctor_level level, const char *check, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Takes the answer of /readyz?verbose, whatever its status was. */
void doctor_ready(struct doctor *d, int status, const struct doc_value *body);
/* Take the answers of /workers, and of /dead-letters?limit=1. */
void doctor_workers(struct doctor *d, const struct doc_value *workers);
void doctor_dead_letters(struct doctor *d, const struct doc_value *letters);
/* Compares a pipeline's definition with what the workers offer. */
void doctor_pipeline(struct doctor *d, const struct doc_value *pipeline,
                     const struct doc_value *workers);

#endif
