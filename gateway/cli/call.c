#include "cli/call.h"

#include "base/clock.h"
#include "cli/duration.h"
#include "cli/problem.h"

#define CALL_TIMEOUT_MS 15000 /* limit of one try; the server itself answers 504 before that */

int64_t call_wait_ms(unsigned tries, int retry_after_s)
{
    if (retry_after_s > 0) {
        return (int64_t)retry_after_s * 1000;
    }
    return tries >= 5 ? 5000 : 250 << tries;
}

bool call_status_passes(int http_status)
{
    return http_status == 429 || http_status == 502 || http_status == 503;
}

void call_escape(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-_.~", *c) != NULL;
        if (plain) {
            buf_add_char(out, *c);
        } else {
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

enum cli_exit call_unreachable(const struct cli *cli, const char *doing)
{
    cli_say("cannot %s: no answer from %s\n   why: %s\n    do: start a cluster with `marathon "
            "dev`, or name "
            "a server with --server or MARATHON_URL",
            doing, cli->server, http_client_fault(cli->http));
    return CLI_UNREACHABLE;
}

static enum cli_exit give_up(const struct cli *cli, const struct call *call, enum err e)
{
    switch (e) {
    case ERR_CONFLICT:
        cli_say("stopped before the server answered: whether it did %s is not known", call->doing);
        return CLI_DETACHED;
    case ERR_INVALID:
        return cli_usage(cli, "\"%s\" is not the address of a server: %s", cli->server,
                         http_client_fault(cli->http));
    case ERR_UNAVAILABLE:
        return call_unreachable(cli, call->doing);
    case ERR_TOO_LARGE:
        cli_say("cannot %s: the answer is larger than %u bytes", call->doing, HTTP_REPLY_BYTES_MAX);
        return CLI_FAILED;
    case ERR_OK:
    case ERR_NOT_FOUND:
    case ERR_FULL:
    case ERR_UNKNOWN:
    case ERR_TIMEOUT:
    case ERR_DENIED:
    case ERR_PROTOCOL:
    case ERR_IO:
    case ERR_COUNT:
        break;
    }
    cli_say("cannot say whether it did %s: the answer was lost\n   why: %s\n    do: look with "
            "`marathon "
            "list`, then repeat",
            call->doing, http_client_fault(cli->http));
    return CLI_UNREACHABLE;
}

static bool worth_repeating(const struct call *call, enum err e, const struct http_reply *reply)
{
    if (e == ERR_OK) {
        return call_status_passes(reply->status) || (reply->status == 504 && call->repeatable);
    }
    return e == ERR_UNAVAILABLE || ((e == ERR_UNKNOWN || e == ERR_TIMEOUT) && call->repeatable);
}

static void note_wait(const struct cli *cli, enum err e, const struct http_reply *reply,
                      int64_t wait_ms)
{
    char text[DURATION_TEXT_BYTES];
    if (e == ERR_OK) {
        cli_note(cli, "%s is busy (HTTP %d), trying again in %s", cli->server, reply->status,
                 duration_text(wait_ms, text));
    } else {
        cli_note(cli, "no answer from %s (%s), trying again in %s", cli->server,
                 http_client_fault(cli->http), duration_text(wait_ms, text));
    }
}

static enum cli_exit judge(const struct cli *cli, const struct call *call, enum err e,
                           struct http_reply *reply)
{
    if (e != ERR_OK) {
        return give_up(cli, call, e);
    }
    if ((reply->status >= 200 && reply->status < 300) ||
        (call->keeps_refusal && reply->status >= 400 && reply->status < 500)) {
        return CLI_COMPLETED;
    }
    struct problem problem = {call->doing, reply->status, buf_bytes(&reply->body)};
    struct buf text = {0};
    problem_write(&text, &problem);
    cli_err(&text);
    buf_free(&text);
    enum cli_exit code = problem_exit(reply->status, problem_code(buf_bytes(&reply->body)));
    http_reply_free(reply);
    return code;
}

enum cli_exit call_perform(struct cli *cli, const struct call *call, struct http_reply *ret_reply)
{
    int64_t patience = cli->retry_for_ms >= 0 ? cli->retry_for_ms : call->patience_ms;
    mono_ms end = clock_now().mono + patience;
    struct http_request request = {
        .method = call->method,
        .path = call->path,
        .body = call->body,
        .idempotency_key = call->idempotency_key,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    for (unsigned tries = 1;; tries++) {
        struct http_reply reply = {0};
        enum err e = http_call(cli->http, &request, &reply);
        int64_t wait_ms = call_wait_ms(tries, reply.retry_after_s);
        if (!worth_repeating(call, e, &reply) || clock_now().mono + wait_ms > end) {
            enum cli_exit code = judge(cli, call, e, &reply);
            if (code == CLI_COMPLETED) {
                *ret_reply = reply;
            }
            return code;
        }
        note_wait(cli, e, &reply, wait_ms);
        http_reply_free(&reply);
        if (!cli_sleep(wait_ms)) {
            return give_up(cli, call, ERR_CONFLICT);
        }
    }
}

enum cli_exit call_get(struct cli *cli, const char *doing, const char *path,
                       struct http_reply *ret_reply)
{
    struct call call = {.doing = doing, .method = "GET", .path = path, .repeatable = true};
    return call_perform(cli, &call, ret_reply);
}

enum cli_exit call_get_doc(struct cli *cli, const char *doing, const char *path,
                           struct doc **ret_doc)
{
    struct http_reply reply;
    struct doc_fault fault;
    enum cli_exit code = call_get(cli, doing, path, &reply);
    if (code != CLI_COMPLETED) {
        return code;
    }
    if (doc_parse(buf_bytes(&reply.body), ret_doc, &fault) != ERR_OK) {
        cli_say("cannot %s: the answer is not JSON (%s)\n    do: is %s a Marathon gateway?", doing,
                fault.reason, cli->server);
        code = CLI_FAILED;
    }
    http_reply_free(&reply);
    return code;
}
