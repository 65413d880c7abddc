/* The limit on the worker's open descriptors. Main thread, at start. */
#ifndef MARATHON_RUN_FILES_H
#define MARATHON_RUN_FILES_H

#include <stdint.h>
#include <sys/resource.h>

/* The function in each slot has five pipes, and their other ends while it is being started. */
#define FILES_PER_SLOT 6u
#define FILES_OTHER    64u /* connections, libraries, the loop's own */

struct files_limit {
    uint64_t wanted, got;
};

/* Raises the soft limit to what so many slots need, as far as the hard limit permits; never lowers
 * it. */
struct files_limit files_raise(uint32_t slots);
/* The limit that the worker was started with, for functions' programs: some iterate over all
 * possible descriptors, or cannot handle large ones. */
struct rlimit files_of_programs(void);

#endif
