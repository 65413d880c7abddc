#include "cli/dev_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/un.h>

#include "cli/dev_redis_conf.h"

#define COORDINATOR_SOCKET "coordinator.sock"
#define REDIS_SOCKET       "redis.sock"

static struct dev_program *program_add(struct dev_plan *p, enum dev_role role, const char *label)
{
    struct dev_program *program = &p->programs[p->count++];
    *program = (struct dev_program){.role = role};
    (void)snprintf(program->label, sizeof program->label, "%s", label);
    return program;
}

static void add_redis(struct dev_plan *p, const struct dev_options *o)
{
    struct dev_program *program = program_add(p, DEV_REDIS, "redis");
    p->redis_socket = arena_printf(&p->arena, "%s/" REDIS_SOCKET, o->run_dir);
    p->redis_conf_path = arena_printf(&p->arena, "%s/redis.conf", o->run_dir);
    program->argv[0] = o->redis_server;
    program->argv[1] = p->redis_conf_path;
}

static const char *binary(struct dev_plan *p, const struct dev_options *o, const char *name)
{
    return arena_printf(&p->arena, "%s/%s", o->bin_dir, name);
}

static void add_coordinator(struct dev_plan *p, const struct dev_options *o)
{
    struct dev_program *program = program_add(p, DEV_COORDINATOR, "coordinator");
    size_t n = 0;
    program->argv[0] = binary(p, o, "marathon-coordinator");
    program->env[n++] = arena_printf(&p->arena, "REDIS_URL=unix://%s/" REDIS_SOCKET, o->run_dir);
    program->env[n++] = "MARATHON_STORE=redis";
    program->env[n++] = arena_printf(
        &p->arena, "MARATHON_COORDINATOR_LISTEN=ipc://%s/" COORDINATOR_SOCKET, o->run_dir);
    if (o->pipelines != NULL) {
        program->env[n++] = arena_printf(&p->arena, "MARATHON_PIPELINES=%s", o->pipelines);
    }
}

static const char *functions_setting(struct dev_plan *p, const struct dev_options *o)
{
    const char *list = "";
    for (size_t i = 0; i < o->function_count; i++) {
        list = arena_printf(&p->arena, "%s%s%s", list, i > 0 ? "," : "", o->functions[i]);
    }
    return arena_printf(&p->arena, "MARATHON_FUNCTIONS=%s", list);
}

static void add_worker(struct dev_plan *p, const struct dev_options *o, uint8_t number)
{
    char label[DEV_LABEL_BYTES];
    (void)snprintf(label, sizeof label, "worker-%u", number);
    struct dev_program *program = program_add(p, DEV_WORKER, label);
    size_t n = 0;
    program->argv[0] = binary(p, o, "marathon-worker");
    program->env[n++] =
        arena_printf(&p->arena, "MARATHON_COORDINATORS=ipc://%s/" COORDINATOR_SOCKET, o->run_dir);
    /* at a terminal nobody wants to wait as long as an operator would */
    program->env[n++] = "MARATHON_DRAIN_SECONDS=3";
    if (o->function_count > 0) {
        program->env[n++] = functions_setting(p, o);
    }
    if (o->slots > 0) {
        program->env[n++] = arena_printf(&p->arena, "MARATHON_SLOTS=%" PRId64, o->slots);
    }
}

static void add_gateway(struct dev_plan *p, const struct dev_options *o)
{
    struct dev_program *program = program_add(p, DEV_GATEWAY, "gateway");
    program->argv[0] = binary(p, o, "marathon-gateway");
    program->env[0] =
        arena_printf(&p->arena, "MARATHON_COORDINATORS=ipc://%s/" COORDINATOR_SOCKET, o->run_dir);
    program->env[1] = "MARATHON_DRAIN_TIMEOUT=2";
    program->env[2] = arena_printf(&p->arena, "MARATHON_LISTEN=127.0.0.1:%" PRId64, o->port);
}

void dev_plan_make(const struct dev_options *options, struct dev_plan *ret_plan)
{
    *ret_plan = (struct dev_plan){.count = 0};
    add_redis(ret_plan, options);
    add_coordinator(ret_plan, options);
    for (uint8_t i = 1; i <= options->workers; i++) {
        add_worker(ret_plan, options, i);
    }
    add_gateway(ret_plan, options);
    ret_plan->url = arena_printf(&ret_plan->arena, "http://127.0.0.1:%" PRId64, options->port);
}

void dev_plan_free(struct dev_plan *plan)
{
    arena_free(&plan->arena);
}

/* Redis's own quoting: backslash escapes within double quotes. */
static void put_directive(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s \"", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *c);
    }
    buf_add_str(out, "\"\n");
}

void dev_redis_conf(const char *run_dir, const char *data_dir, struct buf *out)
{
    char socket[sizeof(struct sockaddr_un)];
    (void)snprintf(socket, sizeof socket, "%s/" REDIS_SOCKET, run_dir);
    buf_add_str(out, dev_redis_conf_text);
    buf_add_str(out, "\n# of `marathon dev`: reached through its private socket alone\n"
                     "bind 127.0.0.1\nport 0\nunixsocketperm 700\ndaemonize no\nsupervised no\n"
                     "logfile \"\"\nloglevel warning\nalways-show-logo no\nset-proc-title no\n");
    put_directive(out, "unixsocket", socket);
    put_directive(out, "dir", data_dir);
}

bool dev_run_dir_fits(const char *run_dir)
{
    struct sockaddr_un address;
    return strlen(run_dir) + sizeof "/" COORDINATOR_SOCKET <= sizeof address.sun_path;
}
