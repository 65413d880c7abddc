/* `marathon dev`: finds the programs it needs, makes the private directory, and hands over to
 * dev.c. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/dev.h"
#include "model/limits.h"

#define PORT_DEFAULT    8000
#define WORKERS_DEFAULT 2

static const struct arg_option options[] = {
    {"port", 'p', "PORT", "of the gateway, on 127.0.0.1 (default 8000)"},
    {"data", 'd', "DIR",
     "keep Redis's data here (default: a private directory, removed at the end)"},
    {"workers", 'w', "N", "worker processes, 1 to 64 (default 2)"},
    {"slots", 0, "N", "steps that each worker runs at the same time"},
    {"pipelines", 0, "DIR", "pipeline definitions (*.json)"},
    {"functions", 'f', "FILE", "functions that the workers offer; may be repeated"},
};

/* The paths on disk. */
struct places {
    char run_dir[PATH_MAX];
    char data_dir[PATH_MAX];
    char bin_dir[PATH_MAX];
    char redis_server[PATH_MAX];
    int lock; /* on data_dir; -1 = none */
};

static enum cli_exit find_own_programs(struct places *p)
{
    static const char *const names[] = {"marathon-coordinator", "marathon-worker",
                                        "marathon-gateway"};
    ssize_t n = readlink("/proc/self/exe", p->bin_dir, sizeof p->bin_dir - 1);
    if (n <= 0) {
        cli_say("cannot find out where this program is: %s\n    do: mount /proc", strerror(errno));
        return CLI_FAILED;
    }
    p->bin_dir[n] = '\0';
    char *slash = strrchr(p->bin_dir, '/');
    *(slash == p->bin_dir ? slash + 1 : slash) = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buf path = {0};
        buf_addf(&path, "%s/%s", p->bin_dir, names[i]);
        bool there = access(buf_cstr(&path), X_OK) == 0;
        buf_free(&path);
        if (!there) {
            cli_say("there is no %s beside this program, in %s\n    do: build all of it: cmake "
                    "--build --preset "
                    "release",
                    names[i], p->bin_dir);
            return CLI_FAILED;
        }
    }
    return CLI_COMPLETED;
}

static enum cli_exit find_redis(struct places *p)
{
    const char *path = getenv("PATH");
    char *copy = mem_str(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    bool found = false;
    char *save = NULL;
    for (char *dir = strtok_r(copy, ":", &save); dir != NULL && !found;
         dir = strtok_r(NULL, ":", &save)) {
        int n = snprintf(p->redis_server, sizeof p->redis_server, "%s/redis-server", dir);
        found = n > 0 && (size_t)n < sizeof p->redis_server && access(p->redis_server, X_OK) == 0;
    }
    free(copy);
    if (!found) {
        cli_say("there is no redis-server in the PATH\n    do: apt-get install redis-server");
        return CLI_FAILED;
    }
    return CLI_COMPLETED;
}

static enum cli_exit check_port(int64_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool free_port = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                     bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                     listen(fd, 1) == 0;
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!free_port) {
        cli_say("cannot listen on port %d: %s\n    do: choose another one with --port", (int)port,
                strerror(error));
        return CLI_FAILED;
    }
    return CLI_COMPLETED;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_run_dir(const struct places *p)
{
    if (nftw(p->run_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0) {
        cli_say("cannot remove %s: %s", p->run_dir, strerror(errno));
    }
}

static enum cli_exit make_run_dir(struct places *p)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(p->run_dir, sizeof p->run_dir, "%s/marathon-XXXXXX",
                   tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (!dev_run_dir_fits(p->run_dir)) {
        cli_say("TMPDIR is too long for the path of a socket: %s\n    do: TMPDIR=/tmp marathon dev",
                tmp);
        return CLI_FAILED;
    }
    if (mkdtemp(p->run_dir) == NULL) {
        cli_say("cannot make the directory %s: %s", p->run_dir, strerror(errno));
        return CLI_FAILED;
    }
    return CLI_COMPLETED;
}

/* Two Redis servers on one AOF would destroy it. */
static enum cli_exit lock_data_dir(struct places *p)
{
    struct buf path = {0};
    buf_addf(&path, "%s/marathon-dev.lock", p->data_dir);
    p->lock = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    buf_free(&path);
    if (p->lock >= 0 && flock(p->lock, LOCK_EX | LOCK_NB) == 0) {
        return CLI_COMPLETED;
    }
    cli_say("cannot use %s: %s", p->data_dir,
            errno == EWOULDBLOCK ? "another `marathon dev` uses it" : strerror(errno));
    return CLI_FAILED;
}

static enum cli_exit make_data_dir(const struct cli *cli, struct places *p)
{
    const char *given = args_value(&cli->args, "data");
    if (given == NULL) {
        int n = snprintf(p->data_dir, sizeof p->data_dir, "%s/redis", p->run_dir);
        if (n < 0 || (size_t)n >= sizeof p->data_dir || mkdir(p->data_dir, 0700) != 0) {
            cli_say("cannot make the directory %s: %s", p->data_dir, strerror(errno));
            return CLI_FAILED;
        }
        return CLI_COMPLETED;
    }
    if ((mkdir(given, 0700) != 0 && errno != EEXIST) || realpath(given, p->data_dir) == NULL) {
        cli_say("cannot use %s for data: %s", given, strerror(errno));
        return CLI_FAILED;
    }
    return lock_data_dir(p);
}

static enum cli_exit write_redis_conf(const struct dev_plan *plan, const struct places *p)
{
    struct buf text = {0};
    dev_redis_conf(p->run_dir, p->data_dir, &text);
    FILE *f = fopen(plan->redis_conf_path, "we");
    bool good = f != NULL && fwrite(text.ptr, 1, text.len, f) == text.len;
    if (f != NULL) {
        good = fclose(f) == 0 && good;
    }
    buf_free(&text);
    if (!good) {
        cli_say("cannot write %s: %s", plan->redis_conf_path, strerror(errno));
        return CLI_FAILED;
    }
    return CLI_COMPLETED;
}

static enum cli_exit take_options(const struct cli *cli, struct dev_options *o)
{
    struct buf message = {0};
    o->port = PORT_DEFAULT;
    o->workers = WORKERS_DEFAULT;
    enum cli_exit code = CLI_COMPLETED;
    if (args_number(&cli->args, "port", (struct arg_range){0, 65535}, &o->port, &message) !=
            ERR_OK ||
        args_number(&cli->args, "workers", (struct arg_range){0, DEV_WORKERS_MAX}, &o->workers,
                    &message) != ERR_OK ||
        args_number(&cli->args, "slots", (struct arg_range){0, SLOTS_MAX}, &o->slots, &message) !=
            ERR_OK) {
        code = cli_usage(cli, "%s", buf_cstr(&message));
    } else if (o->port == 0 || o->workers == 0) {
        code = cli_usage(cli, "--port and --workers cannot be 0");
    }
    buf_free(&message);
    o->pipelines = args_value(&cli->args, "pipelines");
    for (const char *f; code == CLI_COMPLETED &&
                        (f = args_value_at(&cli->args, "functions", o->function_count)) != NULL;) {
        if (o->function_count == DEV_FUNCTIONS_MAX) {
            return cli_usage(cli, "more than %d files of functions", DEV_FUNCTIONS_MAX);
        }
        o->functions[o->function_count++] = f;
    }
    return code;
}

static enum cli_exit check_given_paths(const struct cli *cli, const struct dev_options *o)
{
    struct stat info;
    if (o->pipelines != NULL && (stat(o->pipelines, &info) != 0 || !S_ISDIR(info.st_mode))) {
        return cli_usage(cli, "--pipelines %s is not a directory", o->pipelines);
    }
    for (size_t i = 0; i < o->function_count; i++) {
        if (access(o->functions[i], R_OK) != 0) {
            return cli_usage(cli, "--functions %s: %s", o->functions[i], strerror(errno));
        }
        if (strchr(o->functions[i], ',') != NULL) {
            return cli_usage(cli, "--functions %s: a path with a comma cannot be passed on",
                             o->functions[i]);
        }
    }
    return CLI_COMPLETED;
}

static enum cli_exit run_plan(struct cli *cli, struct dev_options *o, struct places *p)
{
    struct dev_plan plan;
    struct buf hint = {0};
    o->run_dir = p->run_dir;
    o->bin_dir = p->bin_dir;
    o->redis_server = p->redis_server;
    dev_plan_make(o, &plan);
    buf_addf(&hint,
             "%s/marathon run --steps '[{\"name\":\"nap\",\"function\":\"sleep\"}]' --input "
             "'{\"seconds\":3}'",
             p->bin_dir);
    if (o->port != PORT_DEFAULT) {
        buf_addf(&hint, " --server %s", plan.url);
    }
    enum cli_exit code = write_redis_conf(&plan, p);
    if (code == CLI_COMPLETED && http_client_create(plan.url, cli_stopped, &cli->http) == ERR_OK) {
        code = dev_run(cli, &plan, buf_cstr(&hint));
        http_client_destroy(cli->http);
    }
    buf_free(&hint);
    dev_plan_free(&plan);
    return code;
}

/* The cluster's processes use unix sockets in a directory that nobody else can read: TLS settings
 * that were exported for a cluster on the network do not apply. */
static void drop_tls(const struct cli *cli)
{
    static const char prefix[] = "MARATHON_TLS_";
    bool told = false;
    for (size_t i = 0; environ[i] != NULL;) {
        const char *equals = strchr(environ[i], '=');
        if (equals == NULL || strncmp(environ[i], prefix, sizeof prefix - 1) != 0) {
            i++;
            continue;
        }
        char *name = mem_str_bytes(bytes_of(environ[i], (size_t)(equals - environ[i])));
        if (!told) {
            cli_note(cli,
                     "%s and similar settings are ignored: these processes use private sockets",
                     name);
        }
        told = true;
        i = unsetenv(name) == 0 ? 0 : i + 1;
        free(name);
    }
}

static enum cli_exit run_dev(struct cli *cli)
{
    struct dev_options o = {.port = PORT_DEFAULT};
    struct places *p = mem_zalloc(sizeof *p);
    p->lock = -1;
    drop_tls(cli);
    enum cli_exit code = take_options(cli, &o);
    code = code == CLI_COMPLETED ? check_given_paths(cli, &o) : code;
    code = code == CLI_COMPLETED ? find_own_programs(p) : code;
    code = code == CLI_COMPLETED ? find_redis(p) : code;
    code = code == CLI_COMPLETED ? check_port(o.port) : code;
    code = code == CLI_COMPLETED ? make_run_dir(p) : code;
    if (code == CLI_COMPLETED) {
        code = make_data_dir(cli, p);
        code = code == CLI_COMPLETED ? run_plan(cli, &o, p) : code;
        remove_run_dir(p);
    }
    if (p->lock >= 0) {
        (void)close(p->lock);
    }
    free(p);
    return code;
}

const struct command command_dev = {
    .name = "dev",
    .operands = "",
    .summary = "run a whole cluster in this terminal, for trials and development",
    .text = "Starts a redis-server of its own (private socket, no port, every write synced), a "
            "coordinator,\n"
            "workers and a gateway; shows their logs, restarts what dies, stops all on Ctrl-C. "
            "Without --data\n"
            "nothing is left behind; with it the tasks are there again at the next start.\n"
            "The address goes to standard output once the cluster is ready, the logs to standard "
            "error.\n",
    .examples = "  marathon dev\n"
                "  marathon dev --port 9000 --workers 4 --data ./marathon-data\n"
                "  marathon dev --pipelines deploy/pipelines --functions "
                "build/release/pipelines/functions.json\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .local = true,
    .run = run_dev,
};
