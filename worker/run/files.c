#include "run/files.h"

#include <stdbool.h>

static struct rlimit before; /* the limit before files_raise changed it */
static bool raised;

struct files_limit files_raise(uint32_t slots)
{
    struct rlimit limit;
    struct files_limit ret = {.wanted = (uint64_t)slots * FILES_PER_SLOT + FILES_OTHER};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return ret;
    }
    ret.got = limit.rlim_cur;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= ret.wanted) {
        return ret;
    }
    struct rlimit more = limit;
    more.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= ret.wanted
                        ? ret.wanted
                        : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
        before = limit;
        raised = true;
        ret.got = more.rlim_cur;
    }
    return ret;
}

struct rlimit files_of_programs(void)
{
    struct rlimit now = {RLIM_INFINITY, RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NOFILE, &now);
    if (raised) {
        now.rlim_cur = before.rlim_cur;
    }
    return now;
}
