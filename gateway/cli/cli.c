#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "cli/pretty.h"
#include "json/scan.h"

#define SAY_BYTES_MAX 2048 /* one message with the texts that it quotes */

static volatile sig_atomic_t stop_signal;

static void write_all(int fd, struct bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        ssize_t n = write(fd, text.ptr + at, text.len - at);
        if (n >= 0) {
            at += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, -1);
        } else if (errno != EINTR) {
            if (fd == STDOUT_FILENO && errno != EPIPE) {
                perror("marathon: standard output");
            }
            if (fd == STDOUT_FILENO) {
                _exit(CLI_FAILED); /* the reader has gone: nobody can see what we do */
            }
            return;
        }
    }
}

void cli_out(const struct buf *text)
{
    write_all(STDOUT_FILENO, buf_bytes(text));
}

void cli_err(const struct buf *text)
{
    write_all(STDERR_FILENO, buf_bytes(text));
}

void cli_out_json(const struct cli *cli, struct bytes json)
{
    struct buf text = {0};
    struct bytes value = json;
    if (json_check(json, &value, NULL) == ERR_OK && cli->out_terminal) {
        pretty_write(&text, value);
    } else {
        buf_add_bytes(&text, value);
    }
    if (text.len == 0 || text.ptr[text.len - 1] != '\n') {
        buf_add_char(&text, '\n');
    }
    cli_out(&text);
    buf_free(&text);
}

__attribute__((format(printf, 2, 0))) static void say(const char *head, const char *format,
                                                      va_list args)
{
    char text[SAY_BYTES_MAX];
    struct buf line = {0};
    (void)vsnprintf(text, sizeof text, format, args);
    buf_addf(&line, "%s: %s\n", head, text);
    cli_err(&line);
    buf_free(&line);
}

void cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("marathon", format, args);
    va_end(args);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    if (cli->quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    say("marathon", format, args);
    va_end(args);
}

enum cli_exit cli_usage(const struct cli *cli, const char *format, ...)
{
    char head[64];
    (void)snprintf(head, sizeof head, "marathon %s", cli->command->name);
    va_list args;
    va_start(args, format);
    say(head, format, args);
    va_end(args);
    cli_say("see `marathon %s --help`", cli->command->name);
    return CLI_USAGE;
}

bool cli_id_good(const struct cli *cli, const char *id)
{
    if (id_valid(bytes_str(id))) {
        return true;
    }
    (void)cli_usage(
        cli, "\"%.140s\" is not an id: ids are 1 to %d of the characters A-Z a-z 0-9 _ . : -", id,
        ID_BYTES_MAX);
    return false;
}

const char *cli_server_flag(const struct cli *cli)
{
    static char text[256];
    text[0] = '\0';
    if (args_has(&cli->args, "server")) {
        (void)snprintf(text, sizeof text, " --server %s", cli->server);
    }
    return text;
}

static void on_signal(int signo)
{
    stop_signal = signo;
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool cli_stopped(void)
{
    return stop_signal != 0;
}

bool cli_sleep(int64_t ms)
{
    mono_ms end = clock_now().mono + ms;
    while (!cli_stopped()) {
        int64_t left = end - clock_now().mono;
        if (left <= 0) {
            return true;
        }
        (void)poll(NULL, 0, left < 200 ? (int)left : 200); /* notice a signal soon */
    }
    return false;
}
