#include "base/clock.h"

#include <time.h>

static struct timespec clock_read(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0) {
        die("clock_gettime(%d) failed", (int)id);
    }
    return t;
}

static int64_t millis(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct moment clock_now(void)
{
    return (struct moment){.mono = millis(clock_read(CLOCK_BOOTTIME)),
                           .wall = millis(clock_read(CLOCK_REALTIME))};
}

int64_t clock_mono_us(void)
{
    struct timespec t = clock_read(CLOCK_BOOTTIME);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
