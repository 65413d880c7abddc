/* What the commands of bench_load share. */
#ifndef MARATHON_BENCH_LOAD_H
#define MARATHON_BENCH_LOAD_H

#include "pool.h"

#define PREFIX "/api/v1/marathon"

struct load_options {
    int port;
    unsigned conns, depth, tasks, batch;
    double seconds;
    const char *prefix; /* of the tasks' ids; a number follows */
    const char *body;   /* start: a JSON object without task_id */
    const char *path;
};

/* Starts tasks, waits for the last of them, asks for the state of each. Prints one JSON line. */
int load_start(const struct load_options *o);
/* The same path again and again. */
int load_get(const struct load_options *o);
/* `conns` WebSockets on one path: "open" is printed when all have their first message; then, at the
 * end of stdin or of all connections, how the messages came in. */
int load_sockets(const struct load_options *o);

int64_t wall_us(void);

#endif
