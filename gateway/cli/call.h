/* One request to the gateway. Repeats it, telling the user, while the server is away, and reports
 * its failure to the user. */
#ifndef MARATHON_CLI_CALL_H
#define MARATHON_CLI_CALL_H

#include "cli/cli.h"
#include "json/doc.h"

#define CALL_PATH_BYTES 512

struct call {
    const char *doing; /* "start the task": for messages, "cannot start the task: ..." */
    const char *method;
    const char *path;
    struct bytes body;
    const char *idempotency_key;
    int64_t patience_ms; /* how long to repeat while the server is away or busy; 0 = not at all */
    bool repeatable;     /* repeat even if the outcome of the last try is unknown */
    bool keeps_refusal;  /* the caller handles a 4xx: it gets CLI_COMPLETED with that reply */
};

/* CLI_COMPLETED with ret_reply on 2xx (free it with http_reply_free); otherwise the user has been
 * told. */
enum cli_exit call_perform(struct cli *cli, const struct call *call, struct http_reply *ret_reply);
/* A GET that is repeated only as long as --retry-for says. */
enum cli_exit call_get(struct cli *cli, const char *doing, const char *path,
                       struct http_reply *ret_reply);
/* call_get, with the body parsed as a document; reports a body that is not JSON. Free with
 * doc_free. */
enum cli_exit call_get_doc(struct cli *cli, const char *doing, const char *path,
                           struct doc **ret_doc);
/* Reports that nothing answers, and what to do; returns CLI_UNREACHABLE. */
enum cli_exit call_unreachable(const struct cli *cli, const char *doing);

/* How long to wait before try number `tries` + 1: what the server asks for, else 0.5, 1, 2, 4, 5, 5
 * ... seconds. Pure. */
int64_t call_wait_ms(unsigned tries, int retry_after_s);
/* Is this status one that goes away by itself? Pure. */
bool call_status_passes(int http_status);
/* Appends text for use in a query, with all but unreserved characters as %XX. Pure. */
void call_escape(struct buf *out, const char *text);

#endif
