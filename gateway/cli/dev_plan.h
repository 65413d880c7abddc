/* What `marathon dev` starts: programs, arguments and settings, and the configuration of its Redis.
 * Pure. */
#ifndef MARATHON_CLI_DEV_PLAN_H
#define MARATHON_CLI_DEV_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define DEV_WORKERS_MAX   64 /* on one machine; use more slots instead */
#define DEV_FUNCTIONS_MAX 16
#define DEV_PROGRAMS_MAX  (DEV_WORKERS_MAX + 3)
#define DEV_ARGS_MAX      4
#define DEV_ENV_MAX       8
#define DEV_LABEL_BYTES   16 /* "coordinator", "worker-64" */

/* In starting order; stopping goes the other way. */
enum dev_role { DEV_REDIS, DEV_COORDINATOR, DEV_WORKER, DEV_GATEWAY, DEV_ROLE_COUNT };

struct dev_options {
    int64_t port, workers, slots; /* slots 0 = the worker's own default */
    const char *redis_server;     /* path of the executable */
    const char *bin_dir;          /* of our own programs */
    const char *run_dir;          /* private: sockets, and Redis's configuration */
    const char *pipelines;        /* directory, NULL = none */
    const char *functions[DEV_FUNCTIONS_MAX];
    size_t function_count;
};

struct dev_program {
    enum dev_role role;
    char label[DEV_LABEL_BYTES];
    const char *argv[DEV_ARGS_MAX + 1]; /* ends with NULL */
    const char *env[DEV_ENV_MAX + 1];   /* "NAME=value", added to our own environment */
};

struct dev_plan {
    struct arena arena;
    struct dev_program programs[DEV_PROGRAMS_MAX];
    size_t count;
    const char *redis_conf_path; /* where dev_redis_conf's text has to be written first */
    const char *redis_socket;
    const char *url; /* of the gateway */
};

/* Borrows the options' texts. Free with dev_plan_free. */
void dev_plan_make(const struct dev_options *options, struct dev_plan *ret_plan);
void dev_plan_free(struct dev_plan *plan);
/* deploy/redis.conf (built in), followed by what differs for dev: the private socket, no port, the
 * data directory. */
void dev_redis_conf(const char *run_dir, const char *data_dir, struct buf *out);
/* Does the longest path of our unix sockets in run_dir fit into sockaddr_un? */
bool dev_run_dir_fits(const char *run_dir);

#endif
