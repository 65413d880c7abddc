/* Views made of JSON, for the tests of what shows them. */
#ifndef MARATHON_TESTS_TASK_VIEW_H
#define MARATHON_TESTS_TASK_VIEW_H

#include "cli/view.h"

#define START_TEXT "2026-02-02T18:30:00Z"
#define START_MS   INT64_C(1770057000000) /* the same moment */

/* A status with the members given and the steps given, both as JSON without their braces. */
struct doc *status_doc(const char *members, const char *steps);
/* A view of it that must be taken. Free with view_free. */
struct view view_of(const char *members, const char *steps);
/* Feeds one message of the stream at a wall clock of ours. */
enum view_news view_feed(struct view *v, const char *message, unix_ms now);
/* A wide pipeline: `count` pending steps. To be freed. */
char *steps_json(size_t count);

#endif
