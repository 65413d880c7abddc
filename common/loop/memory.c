/* After a burst the heap still holds free pages between allocations that are in use, several times
 * the size of those. A process that was busy and is now quiet returns them to the system; while it
 * is busy it would need them again at once, so returning them would only cost time. */
#include "loop/loop_impl.h"

#include <malloc.h>
#include <time.h>

#include "base/bytes.h"

#define LOOK_MS 500 /* memory of a burst is returned within a second of its end */
/* of CPU time since the last return; less leaves too little to justify walking the heap */
#define BUSY_US    50000
#define QUIET_PART 20 /* quiet: uses less than 1/20 of one core */

static int64_t cpu_us(void)
{
    return (int64_t)clock() * (1000000 / CLOCKS_PER_SEC);
}

void memory_look(struct memory *m, mono_ms now)
{
    mono_ms passed = now - m->looked_at;
    if (passed < LOOK_MS) {
        return;
    }
    int64_t used = cpu_us() - m->cpu_us;
    m->looked_at = now;
    m->cpu_us += used;
    m->busy_us += used;
    if (m->busy_us >= BUSY_US && used * QUIET_PART <= passed * 1000) {
        arena_drop_spare();
        malloc_trim(0);
        m->cpu_us = cpu_us();
        m->busy_us = 0;
        m->given_back++;
    }
}
