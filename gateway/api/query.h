/* The query of a URL: arguments as "name=value", already decoded. A bad value is answered with a
 * 422 that names it. Pure. */
#ifndef MARATHON_API_QUERY_H
#define MARATHON_API_QUERY_H

#include "api/problem.h"
#include "api/route.h"

/* the longest long poll: below the idle time-out of common proxies */
#define QUERY_WAIT_MS_MAX 60000

struct query {
    const struct bytes *args;
    size_t count;
};

/* Does the call know all arguments of the query, and is each given only once? If not, a 422 names
 * those that the call has. Calls that tolerate others accept them (query_known.c). */
bool query_check(const struct query *q, enum call call, struct problem *ret_problem);

/* The value of the first argument of that name; false if there is none. "?verbose" has an empty
 * value. */
bool query_get(const struct query *q, const char *name, struct bytes *ret_value);

/* Each of these returns false and sets ret_problem if the value is bad, and leaves *ret_value
 * unchanged if the argument is absent. */
bool query_wait(const struct query *q, mono_ms *ret_wait,
                struct problem *ret_problem); /* 30, 30s, 500ms */
bool query_flag(const struct query *q, const char *name, bool *ret_value,
                struct problem *ret_problem);
/* The size of a page: 1 to max. */
bool query_limit(const struct query *q, uint64_t max, uint64_t *ret_value,
                 struct problem *ret_problem);
bool query_number(const struct query *q, const char *name, uint64_t max, uint64_t *ret_value,
                  struct problem *ret_problem);
/* Sets a 422 that says what the argument must be, and returns false. */
bool query_fault(struct problem *p, const char *name, const char *wanted);
/* Decimal digits only. */
bool number_parse(struct bytes text, uint64_t max, uint64_t *ret_value);

#endif
