#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FILES_MAX 8

static const struct conf_entry entries[] = {
    {.env = NULL, .help = "Network"},
    {.env = "MARATHON_LISTEN",
     .kind = CONF_TEXT,
     .fallback = "127.0.0.1:8000",
     .help = "where to listen"},
    {.env = "MARATHON_PORT",
     .kind = CONF_INT,
     .fallback = "8000",
     .min = 1,
     .max = 65535,
     .help = "the port"},
    {.env = "MARATHON_FAST", .kind = CONF_BOOL, .fallback = "false", .help = "hurry"},
    {.env = "MARATHON_STORE",
     .kind = CONF_CHOICE,
     .fallback = "auto",
     .choices = "auto|redis|memory",
     .help = "where tasks are kept"},
    {.env = "MARATHON_FUNCTION",
     .flag = "function",
     .kind = CONF_LIST,
     .fallback = "",
     .help = "functions"},
    {.env = NULL, .help = "Secrets"},
    {.env = "REDIS_URL", .kind = CONF_TEXT, .secret = true, .help = "the store"},
    {.env = "MARATHON_KEY_BYTES",
     .flag = "key-size",
     .kind = CONF_INT,
     .min = 16,
     .max = 64,
     .secret = true,
     .help = "size of keys, bytes"},
    {.env = "MARATHON_LOG_FILE", .kind = CONF_TEXT, .help = "a file"},
    {.env = "MARATHON_LOG", .kind = CONF_TEXT, .help = "not the file"},
    {.env = "MARATHON_OFFSET", .kind = CONF_INT, .help = "any number"},
};

const struct conf_program program = {
    .name = "marathon-test",
    .summary = "a program for tests",
    .usage_tail = "Examples:\n  marathon-test --fast",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

static char *created[FILES_MAX];
static size_t created_count;

static enum err parse(const struct given *given, struct conf **ret_conf, const char **ret_message)
{
    char *argv[WORDS_MAX + 2] = {mem_str("marathon-test")};
    char *envp[WORDS_MAX + 1] = {NULL};
    int argc = 1;
    int env_count = 0;
    for (; given->args[argc - 1] != NULL; argc++) {
        argv[argc] = mem_str(given->args[argc - 1]);
    }
    for (; given->env[env_count] != NULL; env_count++) {
        envp[env_count] = mem_str(given->env[env_count]);
    }
    enum err e = conf_parse(&program, argc, argv, envp, ret_conf, ret_message);
    for (int i = 0; i < argc; i++) { /* the settings must not point into these */
        free(argv[i]);
    }
    for (int i = 0; i < env_count; i++) {
        free(envp[i]);
    }
    return e;
}

struct conf *load(const struct given *given)
{
    struct conf *c = NULL;
    const char *message = "";
    if (parse(given, &c, &message) != ERR_OK) {
        fail_msg("%s", message);
    }
    return c;
}

const char *load_fault(const struct given *given)
{
    struct conf *c = NULL;
    const char *message = "accepted";
    assert_int_equal(parse(given, &c, &message), ERR_INVALID);
    assert_null(c);
    return message;
}

const char *file_create(const char *content)
{
    assert_true(created_count < FILES_MAX);
    const char *folder = getenv("TMPDIR");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/marathon-conf-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t len = strlen(content);
    assert_int_equal(write(fd, content, len), len);
    (void)close(fd);
    created[created_count] = mem_str(path);
    return created[created_count++];
}

void files_remove(void)
{
    while (created_count > 0) {
        (void)unlink(created[--created_count]);
        free(created[created_count]);
    }
}
