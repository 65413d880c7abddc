/* Preloaded into redis-server: each fdatasync takes SLOW_DISK_US longer, as on a disk that is far
 * away. The disk of this machine is too near to show what several nodes share among them. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int fdatasync(int fd);

int fdatasync(int fd)
{
    static int (*real)(int);
    static long us;
    if (real == NULL) {
        const char *text = getenv("SLOW_DISK_US");
        us = text != NULL ? strtol(text, NULL, 10) : 0;
        union {
            void *found;
            int (*fn)(int);
        } cast = {.found = dlsym(RTLD_NEXT, "fdatasync")};
        real = cast.fn;
    }
    struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&wait, NULL);
    return real(fd);
}
