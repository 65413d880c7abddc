/* Sums of the usage of tasks, grouped by any of day, model and task type. Pure. */
#ifndef MARATHON_MODEL_USAGE_GROUPS_H
#define MARATHON_MODEL_USAGE_GROUPS_H

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "model/usage.h"

/* What to group by: bits. */
enum usage_by { USAGE_BY_MODEL = 1, USAGE_BY_TASK_TYPE = 2, USAGE_BY_DAY = 4, USAGE_BY_ALL = 7 };

#define USAGE_DAY_NONE INT32_MIN

struct usage_request {
    uint32_t by;                 /* bits of enum usage_by */
    int32_t first_day, last_day; /* since 1970-01-01 UTC; at most USAGE_DAYS_MAX */
};

/* One row of the result. Fields that are not grouped by are empty, or USAGE_DAY_NONE. */
struct usage_group {
    int32_t day; /* since 1970-01-01 UTC */
    struct bytes model, task_type;
    struct usage_sum sum;
};

/* Zero-initialise except `by`; usage_groups_free when done. */
struct usage_groups {
    uint32_t by;
    struct usage_group *rows; /* at most USAGE_GROUPS_MAX; their texts are in the arena */
    uint32_t count, cap;
    bool cut; /* there were more groups than rows: the last row is the sum of the others, with model
                 and task type "other" and no day */
    struct map places; /* key -> index of the row + 1 */
    struct arena arena;
};

void usage_groups_add(struct usage_groups *g, const struct usage_group *row);
/* Sorts by day, then task type, then model; the sum of the others comes last. No rows may be added
 * afterwards. */
void usage_groups_sort(struct usage_groups *g);
void usage_groups_free(struct usage_groups *g);

/* "2026-11-27" */
#define DAY_TEXT_BYTES 11
const char *day_format(int32_t day, char text[DAY_TEXT_BYTES]);
enum err MUST_CHECK day_parse(struct bytes text, int32_t *ret_day);

#endif
