/* How many descriptors the worker may have open. Main thread, at start. */
#ifndef MARATHON_RUN_FILES_H
#define MARATHON_RUN_FILES_H

#include <stdint.h>
#include <sys/resource.h>

/* Each slot's function has five pipes, and their other ends while it is being started. */
#define FILES_PER_SLOT 6u
#define FILES_OTHER    64u /* connections, libraries, the loop's own */

struct files_limit {
    uint64_t wanted, got;
};

/* Raises the soft limit for so many slots as far as the hard one lets it; never lowers it. */
struct files_limit files_raise(uint32_t slots);
/* Programs are given the limit that the worker was started with: some look through all descriptors
 * that there may be, or cannot have large ones. */
struct rlimit files_of_programs(void);

#endif
