/* marathon-worker: runs the steps that coordinators order, with the functions of its
 * configuration. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "base/map.h"
#include "conf/conf.h"
#include "conf/log_settings.h"
#include "crypto/random.h"
#include "main/daemon.h"
#include "model/label.h"
#include "model/limits.h"
#include "monitor/monitor_start.h"
#include "run/files.h"
#include "run/guardian.h"
#include "run/plugin_host.h"
#include "tls/tls_settings.h"

static const struct conf_entry entries[] = {
    {.env = "MARATHON_COORDINATORS",
     .kind = CONF_LIST,
     .fallback = "tcp://127.0.0.1:7400",
     .help = "all coordinators: tls+tcp://host:port, tcp://host:port (all addresses of the name "
             "are used) or ipc:///path; comma separated"},
    {.env = "MARATHON_SLOTS",
     .kind = CONF_INT,
     .fallback = "4",
     .min = 1,
     .max = SLOTS_MAX,
     .help = "steps run at once"},
    {.env = "MARATHON_PREFETCH",
     .kind = CONF_INT,
     .fallback = "2",
     .min = 0,
     .max = PREFETCH_MAX,
     .help = "steps kept waiting in addition to the slots, while steps take less than 0.1 s"},
    {.env = "MARATHON_FUNCTIONS",
     .kind = CONF_LIST,
     .fallback = "",
     .help = "JSON files that name the functions; comma separated (echo, sleep, fail, stamp are "
             "built in)"},
    {.env = "MARATHON_LABELS",
     .kind = CONF_LIST,
     .fallback = "",
     .help = "labels that steps may require: name=value, comma separated (gpu=true)"},
    {.env = "MARATHON_WORK_DIR",
     .kind = CONF_TEXT,
     .fallback = "",
     .help = "folder in which functions without a cwd of their own run; empty: the worker's"},
    {.env = "MARATHON_STOP_GRACE",
     .kind = CONF_INT,
     .fallback = "1",
     .min = 0,
     .max = 600,
     .help = "seconds between asking a function to stop (SIGTERM) and killing it"},
    {.env = "MARATHON_DRAIN_SECONDS",
     .kind = CONF_INT,
     .fallback = "25",
     .min = 0,
     .max = 86400,
     .help = "seconds that running steps get to finish after SIGTERM"},
    CONF_MONITOR_ENTRY,
    {.env = "MARATHON_INSECURE_LISTEN",
     .kind = CONF_BOOL,
     .fallback = "false",
     .help = "allow MARATHON_METRICS_LISTEN on an address that other machines reach: readers are "
             "not authenticated"},
    CONF_TLS_ENTRIES,
    CONF_LOG_ENTRIES,
};

static const struct conf_program program = {
    .name = "marathon-worker",
    .summary =
        "Runs the steps that coordinators send to it, with the functions of its configuration.",
    .usage_tail = "Example: marathon-worker --slots 8 --functions functions.json\n",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

static void log_begin(struct conf *conf)
{
    struct log_options log = conf_log_options(conf, "worker");
    log_init(&log);
    conf_log_slips(conf, environ);
}

/* Exits with 2 if a file is at fault, and says where. */
static void functions_begin(const struct conf *conf, struct functions *out)
{
    const char *const *files = NULL;
    size_t count = conf_list(conf, "MARATHON_FUNCTIONS", &files);
    functions_add_builtins(out);
    for (size_t i = 0; i < count; i++) {
        struct functions_fault fault;
        if (functions_load(out, files[i], &fault) != ERR_OK) {
            (void)fprintf(stderr, "marathon-worker: %s: %s%s%s\n", files[i], fault.pointer,
                          fault.pointer[0] != '\0' ? ": " : "", fault.detail);
            _exit(2);
        }
    }
    for (uint32_t i = 0; i < out->count; i++) {
        const struct function *f = &out->items[i];
        const char *path = f->kind == FUNCTION_PLUGIN ? f->path
                           : f->kind == FUNCTION_EXEC && strchr(f->argv[0], '/') != NULL
                               ? f->argv[0]
                               : NULL;
        if (path != NULL && access(path, f->kind == FUNCTION_EXEC ? X_OK : R_OK) != 0) {
            int why = errno;
            const char *hint = why == EACCES ? "its steps will fail until it can be run: chmod +x"
                                             : "its steps will fail until it is there";
            log_line(LOG_WARN, "function_missing", "function=%s path=%s why=%s hint=%s", f->name,
                     LOG_Q(path), LOG_Q(strerror(why)), LOG_Q(hint));
        }
    }
}

/* Exits with 2 if a label is at fault. */
static void labels_check(const struct conf *conf)
{
    const char *const *labels = NULL;
    size_t count = conf_list(conf, "MARATHON_LABELS", &labels);
    const char *fault = NULL;
    for (size_t i = 0; i < count && fault == NULL; i++) {
        if (i >= LABELS_MAX) {
            fault = "there are more than 32 labels";
        } else if (!label_valid(bytes_str(labels[i]))) {
            fault = "a label must be name=value, each 1 to 64 of A-Z a-z 0-9 _ . : -";
        }
        for (size_t k = 0; k < i && fault == NULL; k++) {
            if (bytes_eq(label_name(bytes_str(labels[k])), label_name(bytes_str(labels[i])))) {
                fault = "a label has one value";
            }
        }
        if (fault != NULL) {
            (void)fprintf(stderr, "marathon-worker: MARATHON_LABELS: \"%s\": %s\n", labels[i],
                          fault);
        }
    }
    if (fault != NULL) {
        _exit(2);
    }
}

/* Opens 0 to 2 if they are closed, since otherwise a socket could get one of these numbers. */
static void standard_fds_open(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    (void)close(fd);
}

static void files_begin(const struct conf *conf)
{
    uint32_t slots = (uint32_t)conf_int(conf, "MARATHON_SLOTS");
    struct files_limit f = files_raise(slots);
    if (f.got < f.wanted) {
        log_line(LOG_WARN, "descriptors_few",
                 "limit=%" PRIu64 " wanted=%" PRIu64 " slots=%" PRIu32 " hint=%s", f.got, f.wanted,
                 slots,
                 LOG_Q("raise the hard limit (ulimit -Hn, LimitNOFILE=), or give it fewer "
                       "slots: steps that it cannot start are handed back"));
    }
}

int main(int argc, char **argv)
{
    static char id[ID_TEXT_BYTES];
    uint8_t random[10];
    standard_fds_open();
    if (argc == 3 && strcmp(argv[1], PLUGIN_HOST_FLAG) == 0) {
        return plugin_host_main(argv[2]);
    }
    map_seed(random_u64());
    struct conf *conf = conf_load(&program, argc, argv, MARATHON_VERSION " (" MARATHON_GIT ")");
    log_begin(conf);
    struct tls_identity *identity =
        tls_settings_start(conf, "MARATHON_COORDINATORS", "marathon-worker");
    files_begin(conf);
    /* the other threads allocate little: one heap keeps the process small */
    (void)mallopt(M_ARENA_MAX, 1);
    struct functions functions = {0};
    functions_begin(conf, &functions);
    labels_check(conf);
    random_bytes(random, sizeof random);
    (void)id_make(clock_now().wall, random, id);
    if (guardian_start(id) != ERR_OK) {
        log_line(LOG_WARN, "no_guardian", "hint=%s",
                 LOG_Q("grandchildren of functions may outlive a killed worker"));
    }
    log_line(LOG_INFO, "starting", "version=%s git=%s worker=%s functions=%u", MARATHON_VERSION,
             MARATHON_GIT, id, functions.count);
    struct daemon_options options = {.conf = conf,
                                     .identity = identity,
                                     .functions = &functions,
                                     .id = id,
                                     .software = MARATHON_VERSION " (" MARATHON_GIT ")"};
    _exit(daemon_run(&options)); /* nng's exit handlers can hang */
}
