/* marathon-coordinator: breaks tasks into steps, sends them to workers, checkpoints what they
 * return. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "conf/conf.h"
#include "conf/log_settings.h"
#include "crypto/random.h"
#include "main/daemon.h"
#include "main/redis_settings.h"
#include "monitor/monitor_start.h"
#include "tls/tls_settings.h"

static const struct conf_entry entries[] = {
    {.env = "REDIS_URL",
     .kind = CONF_TEXT,
     .fallback = "redis://localhost:6379",
     .help =
         "redis://[[user]:password@]host[:port][/db], unix:///path, or sentinels and the name of "
         "their master: redis+sentinel://[[user]:password@]host:port[,host:port...]/name[/db], or "
         "nodes of a cluster: redis+cluster://[[user]:password@]host:port[,host:port...]; with "
         "TLS: rediss://, rediss+sentinel://, rediss+cluster://"},
    {.env = "MARATHON_REDIS_PASSWORD",
     .kind = CONF_TEXT,
     .fallback = "",
     .secret = true,
     .help = "password for Redis, instead of one in the URL"},
    {.env = "MARATHON_REDIS_SENTINEL_USER",
     .kind = CONF_TEXT,
     .fallback = "",
     .help = "user for the sentinels, if they have an ACL"},
    {.env = "MARATHON_REDIS_SENTINEL_PASSWORD",
     .kind = CONF_TEXT,
     .fallback = "",
     .secret = true,
     .help = "password for the sentinels, if they need one (the master's password is not sent to "
             "them)"},
    {.env = "MARATHON_REDIS_WAIT",
     .kind = CONF_INT,
     .fallback = "0",
     .min = 0,
     .max = 16,
     .help = "number of Redis replicas that must acknowledge each write before it is confirmed to "
             "anybody, so that a failover to one of them cannot lose it. With fewer replicas "
             "connected, starts get 503"},
    {.env = "MARATHON_STORE",
     .kind = CONF_CHOICE,
     .fallback = "auto",
     .choices = "auto|redis|memory",
     .help = "auto: memory only where a local Redis refuses connections for 2 s at start"},
    {.env = "MARATHON_DURABILITY",
     .kind = CONF_CHOICE,
     .fallback = "always",
     .choices = "always|relaxed",
     .help =
         "relaxed: accept a Redis without appendfsync always (a crash may lose acknowledged work)"},
    {.env = "MARATHON_COORDINATOR_LISTEN",
     .kind = CONF_LIST,
     .fallback = "tcp://127.0.0.1:7400",
     .help =
         "where workers and gateways connect: tls+tcp://host:port, tcp://host:port or ipc:///path; "
         "comma separated"},
    {.env = "MARATHON_ADVERTISE",
     .kind = CONF_TEXT,
     .fallback = "auto",
     .help = "URL at which workers and gateways reach this coordinator; those connected to another "
             "coordinator learn it from there. auto: the address it listens on; for 0.0.0.0 the "
             "machine's address if it has only one, with the first name of its certificate. none: "
             "announce nothing, they have it in their own lists (behind a proxy, for example)"},
    {.env = "MARATHON_PIPELINES",
     .kind = CONF_LIST,
     .fallback = "",
     .help = "directories of pipeline definitions (*.json); comma separated"},
    {.env = "MARATHON_CHECKPOINT_INTERVAL",
     .kind = CONF_INT,
     .fallback = "60",
     .min = 1,
     .max = 86400,
     .help = "seconds between durable progress checkpoints of a running step, at most"},
    {.env = "MARATHON_MAX_RETRIES_PER_STEP",
     .kind = CONF_INT,
     .fallback = "3",
     .min = 0,
     .max = 100,
     .help = "attempts after the first one, if neither the step nor the start sets it"},
    {.env = "MARATHON_MAX_TASK_DURATION",
     .kind = CONF_INT,
     .fallback = "3600",
     .min = 1,
     .max = 31536000,
     .help = "seconds a task may run"},
    {.env = "MARATHON_PRIORITY_SECONDS",
     .kind = CONF_INT,
     .fallback = "60",
     .min = 0,
     .max = 86400,
     .help = "seconds of waiting that one point of priority is worth: a task is never overtaken by "
             "one that comes more than 20 times this later"},
    {.env = "MARATHON_CHECKPOINT_TTL",
     .kind = CONF_INT,
     .fallback = "3600",
     .min = 1,
     .max = 31536000,
     .help = "seconds for which an ended task is kept"},
    {.env = "MARATHON_ENABLE_RECOVERY",
     .kind = CONF_BOOL,
     .fallback = "true",
     .help = "false: tasks found after a coordinator's death fail, and recover is refused"},
    {.env = "MARATHON_ENABLE_CHECKPOINTS",
     .kind = CONF_BOOL,
     .fallback = "true",
     .help = "false: after a coordinator's death tasks start again at their first step"},
    {.env = "MARATHON_TASKS_MAX",
     .kind = CONF_INT,
     .fallback = "1000000",
     .min = 1,
     .max = 100000000,
     .help = "limit of this coordinator's live tasks; beyond it starts get 429"},
    {.env = "MARATHON_STANDBY",
     .kind = CONF_BOOL,
     .fallback = "false",
     .help =
         "true: only take over from dead coordinators, do not ask for a share of the partitions"},
    {.env = "MARATHON_INSECURE_LISTEN",
     .kind = CONF_BOOL,
     .fallback = "false",
     .help = "allow listeners that other machines reach in plain text: neither peers nor readers "
             "of metrics are authenticated"},
    CONF_TLS_ENTRIES,
    CONF_REDIS_TLS_ENTRIES,
    CONF_MONITOR_ENTRY,
    CONF_LOG_ENTRIES,
};

static const struct conf_program program = {
    .name = "marathon-coordinator",
    .summary =
        "Breaks tasks into steps, sends them to workers, checkpoints each completed step in Redis.",
    .usage_tail = "Example: REDIS_URL=unix:///run/redis.sock marathon-coordinator --pipelines "
                  "deploy/pipelines\n",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

int main(int argc, char **argv)
{
    map_seed(random_u64());
    struct conf *conf = conf_load(&program, argc, argv, MARATHON_VERSION " (" MARATHON_GIT ")");
    struct log_options log = conf_log_options(conf, "coordinator");
    log_init(&log);
    conf_log_slips(conf, environ);
    log_line(LOG_INFO, "starting", "version=%s git=%s", MARATHON_VERSION, MARATHON_GIT);
    return daemon_run(daemon_create(conf));
}
