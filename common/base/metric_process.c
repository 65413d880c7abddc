#include "base/metric_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/metric_text.h"

/* Fields of /proc/self/stat, numbered from 1 as in proc(5). */
enum { STAT_UTIME = 14, STAT_STIME = 15, STAT_THREADS = 20, STAT_START = 22, STAT_VSIZE = 23 };
enum { STAT_RSS = 24, STAT_FIELDS = 25 };

static void put(struct buf *out, const char *name, const char *type, const char *help,
                const char *value)
{
    buf_addf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %s\n", name, help, name,
             type, name, value);
}

static void put_seconds(struct buf *out, const char *name, const char *type, const char *help,
                        double seconds)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.2f", seconds);
    put(out, name, type, help, text);
}

static void put_count(struct buf *out, const char *name, const char *help, uint64_t count)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, count);
    put(out, name, "gauge", help, text);
}

/* The program's name may contain anything, spaces and brackets included: fields are counted from
 * its last bracket. */
static bool stat_read(uint64_t *ret_fields)
{
    char text[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t len = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f != NULL) {
        (void)fclose(f);
    }
    text[len] = '\0';
    char *at = strrchr(text, ')');
    if (at == NULL) {
        return false;
    }
    char *rest = NULL;
    char *word = strtok_r(at + 1, " ", &rest);
    for (int field = 3; field < STAT_FIELDS; field++) {
        if (word == NULL) {
            return false;
        }
        ret_fields[field] = strtoull(word, NULL, 10);
        word = strtok_r(NULL, " ", &rest);
    }
    return true;
}

/* The system's boot time in seconds since 1970; 0 = unknown. */
static uint64_t boot_time(void)
{
    char line[256];
    unsigned long long at = 0;
    FILE *f = fopen("/proc/stat", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL && at == 0) {
        if (strncmp(line, "btime ", 6) == 0) {
            at = strtoull(line + 6, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return at;
}

static void put_descriptors(struct buf *out)
{
    uint64_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        count += e->d_name[0] != '.';
    }
    (void)closedir(d);
    /* without the one of opendir */
    put_count(out, "open_fds", "Open file descriptors.", count - 1);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        put_count(out, "max_fds", "File descriptors that may be open.", limit.rlim_cur);
    }
}

void metric_process(struct buf *out)
{
    uint64_t stat[STAT_FIELDS];
    if (stat_read(stat)) {
        double ticks = (double)sysconf(_SC_CLK_TCK);
        uint64_t booted = boot_time();
        put_seconds(out, "cpu_seconds_total", "counter", "CPU time used, user and system.",
                    (double)(stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
        put_count(out, "resident_memory_bytes", "Memory in RAM.",
                  stat[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE));
        put_count(out, "virtual_memory_bytes", "Address space.", stat[STAT_VSIZE]);
        put_count(out, "threads", "Threads.", stat[STAT_THREADS]);
        if (booted > 0) {
            put_seconds(out, "start_time_seconds", "gauge", "When it was started, since 1970.",
                        (double)booted + (double)stat[STAT_START] / ticks);
        }
    }
    put_descriptors(out);
}
