/* pipelines validate and apply: definitions in files. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/definition.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "json/scan.h"

#define APPLY_PATIENCE_MS 30000

static enum cli_exit read_all(struct cli *cli, bool note, struct definitions *d)
{
    const struct args *a = &cli->args;
    if (a->operand_count < 2) {
        return cli_usage(cli, "%s takes files or directories", a->operands[0]);
    }
    enum cli_exit code = definitions_read(cli, a->operands + 1, a->operand_count - 1, d);
    return code == CLI_COMPLETED ? definitions_check_together(cli, d, note) : code;
}

/* Shows the server's fault at its place in the file; false if it concerns no place. */
static bool tell_refusal(const struct definition *d, struct bytes body)
{
    struct doc *problem = NULL;
    struct doc_fault fault;
    struct buf text = {0};
    if (doc_parse(body, &problem, &fault) != ERR_OK) {
        return false;
    }
    const struct doc_value *first = doc_at(doc_get(doc_root(problem), "errors"), 0);
    struct bytes pointer = doc_string(doc_get(first, "pointer"));
    bool about = first != NULL && pointer.len < 200;
    if (about) {
        char at[200];
        (void)snprintf(at, sizeof at, "%.*s", (int)pointer.len, (const char *)pointer.ptr);
        definition_put_fault(&text, d, at, doc_string(doc_get(first, "detail")));
        cli_err(&text);
    }
    buf_free(&text);
    doc_free(problem);
    return about;
}

/* Sends one definition to the server. CLI_COMPLETED: *ret_reply is to be freed. */
static enum cli_exit send(struct cli *cli, const struct definition *d, bool store,
                          struct http_reply *ret_reply)
{
    char path[CALL_PATH_BYTES] = CLI_API "/pipelines/validate";
    if (store) {
        (void)snprintf(path, sizeof path, CLI_API "/pipelines/%s", d->pipeline->name);
    }
    struct call call = {.doing = store ? "store the pipeline" : "check the pipeline",
                        .method = store ? "PUT" : "POST",
                        .path = path,
                        .body = buf_bytes(&d->json),
                        .patience_ms = store ? APPLY_PATIENCE_MS : 0,
                        .repeatable = true,
                        .keeps_refusal = true};
    enum cli_exit code = call_perform(cli, &call, ret_reply);
    if (code != CLI_COMPLETED || ret_reply->status < 400) {
        return code;
    }
    struct problem problem = {call.doing, ret_reply->status, buf_bytes(&ret_reply->body)};
    if (ret_reply->status != 422 || !tell_refusal(d, problem.body)) {
        struct buf text = {0};
        problem_write(&text, &problem);
        cli_err(&text);
        buf_free(&text);
    }
    code = problem_exit(ret_reply->status, problem_code(problem.body));
    http_reply_free(ret_reply);
    return code;
}

/* ---- validate ---- */

static void say_good(struct cli *cli, const struct definition *d)
{
    const struct pipeline *p = d->pipeline;
    struct buf line = {0};
    if (cli->json) {
        buf_add_str(&line, "{\"file\":");
        json_put_string(&line, bytes_str(d->path));
        buf_add_str(&line, ",\"name\":");
        json_put_string(&line, bytes_str(p->name));
        buf_addf(&line, ",\"step_count\":%u,\"valid\":true}", p->step_count);
        cli_out_json(cli, buf_bytes(&line));
    } else {
        buf_addf(&line, "%s: %s, %u step%s: good\n", d->path, p->name, p->step_count,
                 p->step_count == 1 ? "" : "s");
        cli_out(&line);
    }
    buf_free(&line);
}

enum cli_exit definitions_validate(struct cli *cli)
{
    struct definitions d = {0};
    bool ask = args_has(&cli->args, "server");
    enum cli_exit code = read_all(cli, !ask, &d);
    for (size_t i = 0; i < d.count && code == CLI_COMPLETED; i++) {
        struct http_reply reply;
        if (ask) {
            code = send(cli, &d.items[i], false, &reply);
        }
        if (ask && code == CLI_COMPLETED) {
            http_reply_free(&reply);
        }
        if (code == CLI_COMPLETED) {
            say_good(cli, &d.items[i]);
        }
    }
    definitions_free(&d);
    return code;
}

/* ---- apply ---- */

static void add_row(struct table *t, const struct definition *d, const struct http_reply *reply)
{
    struct doc *answer = NULL;
    struct doc_fault fault;
    if (doc_parse(buf_bytes(&reply->body), &answer, &fault) != ERR_OK) {
        return;
    }
    table_add(t, bytes_str(d->pipeline->name));
    table_addf(t, "%" PRId64, doc_int(doc_get(doc_root(answer), "version")));
    table_add(t, doc_bool(doc_get(doc_root(answer), "created")) ? BYTES_LIT("stored")
                                                                : BYTES_LIT("unchanged"));
    table_add(t, bytes_str(d->path));
    doc_free(answer);
}

/* Are all pipelines that it names stored, as far as they are among these? */
static bool ready(const struct definitions *d, const bool *stored, size_t i)
{
    const struct pipeline *p = d->items[i].pipeline;
    for (uint32_t s = 0; s < p->step_count; s++) {
        const struct pipeline_step *step = &p->steps[s];
        const struct definition *named =
            step->joins && step->first == s ? definition_named(d, bytes_str(step->pipeline)) : NULL;
        if (named != NULL && !stored[named - d->items]) {
            return false;
        }
    }
    return true;
}

static enum cli_exit store_all(struct cli *cli, const struct definitions *d, struct table *t)
{
    bool *stored = mem_zalloc(d->count * sizeof *stored);
    enum cli_exit code = CLI_COMPLETED;
    /* Stores first those that others name. They were checked together and contain no cycle, so each
     * round stores at least one. */
    for (size_t left = d->count; left > 0 && code == CLI_COMPLETED;) {
        for (size_t i = 0; i < d->count && code == CLI_COMPLETED; i++) {
            struct http_reply reply;
            if (stored[i] || !ready(d, stored, i)) {
                continue;
            }
            code = send(cli, &d->items[i], true, &reply);
            if (code == CLI_COMPLETED) {
                stored[i] = true;
                left--;
                if (cli->json) {
                    cli_out_json(cli, buf_bytes(&reply.body));
                } else {
                    add_row(t, &d->items[i], &reply);
                }
                http_reply_free(&reply);
            }
        }
    }
    free(stored);
    return code;
}

enum cli_exit definitions_apply(struct cli *cli)
{
    static const char *const headings[] = {"PIPELINE", "VERSION", "WHAT", "FILE"};
    struct definitions d = {0};
    enum cli_exit code = read_all(cli, false, &d);
    if (code == CLI_COMPLETED) {
        struct table t;
        struct buf text = {0};
        table_init(&t, headings, 4);
        code = store_all(cli, &d, &t);
        if (!cli->json) {
            table_write(&t, &cli->out_style, &text);
            cli_out(&text);
        }
        buf_free(&text);
        table_free(&t);
    }
    definitions_free(&d);
    return code;
}
