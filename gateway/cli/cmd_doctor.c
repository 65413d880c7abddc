/* marathon doctor: queries everything that a deployment reveals, and says what is wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/doctor_tls.h"
#include "cli/table.h"
#include "json/scan.h"

#define TIMEOUT_MS         10000
#define PIPELINES_SEEN_MAX 200 /* each costs a request */

/* NULL if the answer is not there; a finding then says so. */
static struct doc *ask(struct cli *cli, struct doctor *d, const char *path, int *ret_status)
{
    struct http_request request = {.method = "GET", .path = path, .timeout_ms = TIMEOUT_MS};
    struct http_reply reply = {0};
    struct doc *doc = NULL;
    enum err e = http_call(cli->http, &request, &reply);
    if (e != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, "gateway",
                    "start one, or name it with --server or MARATHON_URL", "%s%s: no answer: %s",
                    cli->server, path, http_client_fault(cli->http));
        return NULL;
    }
    *ret_status = reply.status;
    bool read = doc_parse(buf_bytes(&reply.body), &doc, NULL) == ERR_OK;
    if (reply.status == 401 || reply.status == 403) {
        doctor_find(d, DOCTOR_FAULT, "gateway", "set MARATHON_API_KEY to a key that may read",
                    "%s%s: refused with %d", cli->server, path, reply.status);
    } else if (!read) {
        doctor_find(d, DOCTOR_FAULT, "gateway", "is it a Marathon gateway?",
                    "%s%s: the answer (%d) is no JSON", cli->server, path, reply.status);
    } else {
        http_reply_free(&reply);
        return doc;
    }
    doc_free(doc);
    http_reply_free(&reply);
    return NULL;
}

/* The same for a request that either answers 200 or is a finding. */
static struct doc *ask_good(struct cli *cli, struct doctor *d, const char *path)
{
    int status = 0;
    struct doc *doc = ask(cli, d, path, &status);
    if (doc != NULL && status != 200) {
        struct bytes why = doc_string(doc_get(doc_root(doc), "detail"));
        doctor_find(d, DOCTOR_FAULT, "gateway", "fix what else is found, then run it again",
                    "%s: %d: %.*s", path, status, (int)why.len, (const char *)why.ptr);
        doc_free(doc);
        return NULL;
    }
    return doc;
}

static void see_pipelines(struct cli *cli, struct doctor *d, const struct doc_value *workers)
{
    size_t before = d->count;
    struct doc *list = ask_good(cli, d, CLI_API "/pipelines");
    const struct doc_value *items = list != NULL ? doc_get(doc_root(list), "items") : NULL;
    size_t count = doc_count(items);
    for (size_t i = 0; i < count && i < PIPELINES_SEEN_MAX && !cli_stopped(); i++) {
        struct bytes name = doc_string(doc_get(doc_at(items, i), "name"));
        char path[CALL_PATH_BYTES];
        (void)snprintf(path, sizeof path, CLI_API "/pipelines/%.*s", (int)name.len,
                       (const char *)name.ptr);
        struct doc *one = ask_good(cli, d, path);
        if (one != NULL) {
            doctor_pipeline(d, doc_root(one), workers);
        }
        doc_free(one);
    }
    if (list != NULL && d->count == before) {
        doctor_find(d, DOCTOR_GOOD, "pipelines", "",
                    "%zu known, the functions of their steps are offered", count);
    }
    doc_free(list);
}

/* False: there is nobody to ask. */
static bool examine(struct cli *cli, struct doctor *d)
{
    int status = 0;
    doctor_tls(d, clock_now().wall);
    struct doc *ready = ask(cli, d, "/readyz?verbose", &status);
    if (ready == NULL) {
        return status != 0; /* nothing else would answer */
    }
    doctor_ready(d, status, doc_root(ready));
    doc_free(ready);
    struct doc *workers = ask_good(cli, d, CLI_API "/workers");
    if (workers != NULL) {
        doctor_workers(d, doc_root(workers));
        see_pipelines(cli, d, doc_root(workers));
    }
    doc_free(workers);
    struct doc *letters = ask_good(cli, d, CLI_API "/dead-letters?limit=1");
    if (letters != NULL) {
        doctor_dead_letters(d, doc_root(letters));
    }
    doc_free(letters);
    return true;
}

static void put_json(const struct doctor *d, struct buf *out)
{
    buf_addf(out, "{\"status\":\"%s\",\"findings\":[", doctor_level_name(doctor_worst(d)));
    for (size_t i = 0; i < d->count; i++) {
        const struct finding *f = &d->findings[i];
        buf_addf(out, "%s{\"check\":\"%s\",\"level\":\"%s\",\"detail\":", i > 0 ? "," : "",
                 f->check, doctor_level_name(f->level));
        json_put_string(out, f->detail);
        buf_add_str(out, ",\"advice\":");
        json_put_string(out, f->advice);
        buf_add_char(out, '}');
    }
    buf_add_str(out, "]}");
}

/* Does the next finding end with the same advice? Then the advice is printed once, below all of
 * them. */
static bool advised_next(const struct doctor *d, size_t i)
{
    return i + 1 < d->count && bytes_eq(d->findings[i].advice, d->findings[i + 1].advice);
}

static void put_lines(const struct cli *cli, const struct doctor *d, struct buf *out)
{
    static const enum text_colour colours[] = {TEXT_GREEN, TEXT_YELLOW, TEXT_RED};
    for (size_t i = 0; i < d->count; i++) {
        const struct finding *f = &d->findings[i];
        text_put_coloured(out, &cli->out_style, colours[f->level], doctor_level_name(f->level));
        buf_addf(out, "%*s%-12s  ", (int)(9 - strlen(doctor_level_name(f->level))), "", f->check);
        text_put_clean(out, f->detail);
        buf_add_char(out, '\n');
        if (f->advice.len > 0 && !advised_next(d, i)) {
            buf_addf(out, "%*sdo: %.*s\n", 23, "", (int)f->advice.len, (const char *)f->advice.ptr);
        }
    }
}

static enum cli_exit run_doctor(struct cli *cli)
{
    struct doctor *d = mem_zalloc(sizeof *d);
    struct buf text = {0};
    bool reached = examine(cli, d);
    enum doctor_level worst = doctor_worst(d);
    if (cli->json) {
        put_json(d, &text);
        cli_out_json(cli, buf_bytes(&text));
    } else {
        put_lines(cli, d, &text);
        cli_out(&text);
    }
    buf_free(&text);
    doctor_free(d);
    free(d);
    return !reached ? CLI_UNREACHABLE : worst == DOCTOR_FAULT ? CLI_FAILED : CLI_COMPLETED;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "examine a deployment: what is wrong, and what to do",
    .text =
        "Asks the gateway for all that it can be asked: coordinators and their store, workers,\n"
        "pipelines whose functions nobody offers, dead letters. Where MARATHON_TLS_CA_FILE,\n"
        "MARATHON_TLS_CERT_FILE and MARATHON_TLS_KEY_FILE are set, also at that certificate: does\n"
        "it fit, when does it expire, who can read its key. Likewise at what a coordinator would\n"
        "use for TLS to Redis, where REDIS_URL and MARATHON_REDIS_TLS_* are its. Exit code 0:\n"
        "nothing, or warnings only; 1: tasks wait or are refused; 5: no gateway answers.\n",
    .examples = "  marathon doctor --server http://gateway.example:8000\n"
                "  marathon doctor -o json | jq '.findings[] | select(.level != \"ok\")'\n",
    .run = run_doctor,
};
