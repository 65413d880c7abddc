#include "cli/problem.h"

#include <stdbool.h>

#include "cli/text.h"
#include "json/doc.h"

#define PLAIN_BODY_COLUMNS 200 /* of an answer that is not problem+json (a proxy's page) */

static const char *code_advice(enum code c)
{
    static const struct {
        enum code code;
        const char *advice;
    } table[] = {
        {CODE_UNKNOWN_PIPELINE, "`marathon pipelines` lists the names there are"},
        {CODE_PIPELINE_NOT_FOUND, "`marathon pipelines` lists the names there are"},
        {CODE_TASK_NOT_FOUND,
         "`marathon list` shows the tasks there are; an ended one goes after its TTL"},
        {CODE_INVALID_ID, "ids are 1 to 128 of A-Z a-z 0-9 _ . : -"},
        {CODE_TASK_EXISTS,
         "`marathon watch ID` follows it, `marathon cancel ID` ends it; or give another --id"},
        {CODE_TASK_ENDED,
         "nothing: it is not running any more; `marathon status ID` shows how it ended"},
        {CODE_NOT_A_DEAD_LETTER, "`marathon dead-letters` lists those there are"},
        {CODE_NOTHING_TO_RECOVER, "only a failed or cancelled task can be recovered, or what is "
                                  "not done of a step with items "
                                  "(--from-step STEP --only-failed); see `marathon status ID`"},
        {CODE_NOT_PAUSED,
         "nothing: it is not paused; `marathon status ID` shows what it waits for"},
        {CODE_BUDGET_EXCEEDED,
         "`marathon resume ID --budget '{\"cost_usd\":N}'` with more than it has spent"},
        {CODE_SIGNAL_TAKEN,
         "nothing: the first signal counts; `marathon result ID --step NAME` shows what it was"},
        {CODE_UNKNOWN_SIGNAL, "`marathon status ID` shows what its steps wait for"},
        {CODE_RESULT_NOT_READY,
         "`marathon watch ID` waits for its end; one that failed: `marathon recover ID`"},
        {CODE_IDEMPOTENCY_MISMATCH, "give another --key, or the same request as before"},
        {CODE_TOO_LARGE, "put large data into a file or object store and pass its path"},
        {CODE_INVALID_JSON, "check the JSON given with --input or --steps"},
        {CODE_INVALID_FIELD, "correct the field named above"},
        {CODE_INVALID_PIPELINE, "correct the spot named above"},
        {CODE_TOO_MANY_REQUESTS, "try again later, or with fewer at once"},
        {CODE_STORE_FULL, "give Redis more memory, or wait until tasks have ended"},
        {CODE_UNAVAILABLE, "try again in a moment; `marathon doctor` says what is away"},
        {CODE_OVERLOADED, "try again in a moment, or add workers"},
        {CODE_TIMEOUT,
         "the outcome is not known: repeat with the same --key, or look with `marathon list`"},
        {CODE_UNAUTHORIZED,
         "put a valid key into MARATHON_API_KEY, or a file's name into MARATHON_API_KEY_FILE"},
        {CODE_FORBIDDEN, "use a key that may do this: `marathon keys new` makes one"},
        {CODE_RECOVERY_DISABLED, "MARATHON_ENABLE_RECOVERY=true on the coordinators allows it"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == c) {
            return table[i].advice;
        }
    }
    return NULL;
}

enum code problem_code(struct bytes body)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    enum code c = CODE_NONE;
    if (doc_parse(body, &d, &fault) == ERR_OK) {
        c = code_parse(doc_string(doc_get(doc_root(d), "code")));
        doc_free(d);
    }
    return c;
}

enum cli_exit problem_exit(int http_status, enum code code)
{
    if (http_status == 404 || code == CODE_UNKNOWN_PIPELINE) {
        return CLI_NOT_FOUND;
    }
    if (http_status == 400 || http_status == 413 || http_status == 422) {
        return CLI_USAGE;
    }
    if (http_status == 429 || http_status == 502 || http_status == 503 || http_status == 504) {
        return CLI_UNREACHABLE;
    }
    return CLI_FAILED;
}

static void put_line(struct buf *out, const char *label, struct bytes text)
{
    buf_addf(out, "  %4s: ", label);
    text_put_clean(out, text);
    buf_add_char(out, '\n');
}

/* Omits a detail that only repeats that of the whole problem: the place is what is new. */
static void put_errors(struct buf *out, const struct doc_value *errors, struct bytes whole)
{
    struct buf text = {0};
    for (size_t i = 0; i < doc_count(errors); i++) {
        const struct doc_value *e = doc_at(errors, i);
        struct bytes pointer = doc_string(doc_get(e, "pointer"));
        struct bytes parameter = doc_string(doc_get(e, "parameter"));
        pointer = parameter.len > 0 ? parameter : pointer;
        struct bytes detail = doc_string(doc_get(e, "detail"));
        bool repeats = pointer.len > 0 && bytes_eq(detail, whole);
        buf_clear(&text);
        buf_add_bytes(&text, pointer);
        if (!repeats) {
            buf_add_str(&text, pointer.len > 0 ? ": " : "");
            buf_add_bytes(&text, detail);
        }
        put_line(out, "at", buf_bytes(&text));
    }
    buf_free(&text);
}

static void put_document(struct buf *out, const struct problem *p, const struct doc_value *root)
{
    struct bytes title = doc_string(doc_get(root, "title"));
    struct bytes code = doc_string(doc_get(root, "code"));
    struct bytes detail = doc_string(doc_get(root, "detail"));
    struct bytes request = doc_string(doc_get(root, "request_id"));
    const char *advice = code_advice(code_parse(code));
    text_put_clean(out, title.len > 0 ? title : BYTES_LIT("the server refused"));
    buf_add_str(out, " (");
    if (code.len > 0) {
        text_put_clean(out, code);
        buf_add_str(out, ", ");
    }
    buf_addf(out, "HTTP %d)\n", p->http_status);
    if (detail.len > 0) {
        put_line(out, "why", detail);
    }
    put_errors(out, doc_get(root, "errors"), detail);
    if (advice != NULL) {
        put_line(out, "do", bytes_str(advice));
    } else if (request.len >
               0) { /* no advice of ours: show what the operator needs to find it in the log */
        put_line(out, "id", request);
    }
}

void problem_write(struct buf *out, const struct problem *p)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    buf_addf(out, "marathon: cannot %s: ", p->doing);
    if (doc_parse(p->body, &d, &fault) == ERR_OK && doc_kind(doc_root(d)) == JSON_OBJECT) {
        put_document(out, p, doc_root(d));
    } else {
        buf_addf(out, "the server answered HTTP %d\n", p->http_status);
        if (p->body.len > 0) {
            buf_add_str(out, "   why: ");
            text_put_fit(out, p->body, PLAIN_BODY_COLUMNS, false);
            buf_add_char(out, '\n');
        }
        put_line(out, "do",
                 BYTES_LIT("is --server (or MARATHON_URL) the address of a Marathon gateway?"));
    }
    doc_free(d);
}
