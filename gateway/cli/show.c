#include "cli/show.h"

#include "cli/call.h"

void show_table(const struct cli *cli, struct table *t)
{
    struct buf text = {0};
    table_write(t, &cli->out_style, &text);
    cli_out(&text);
    buf_free(&text);
    table_free(t);
}

void show_doc(const struct cli *cli, const struct doc *d)
{
    struct buf text = {0};
    doc_write(doc_root(d), &text);
    cli_out_json(cli, buf_bytes(&text));
    buf_free(&text);
}

enum cli_exit show_answer(struct cli *cli, const char *doing, const char *path, show_fn *print)
{
    struct http_reply reply;
    struct doc *d = NULL;
    if (!cli->json) {
        enum cli_exit code = call_get_doc(cli, doing, path, &d);
        if (code == CLI_COMPLETED) {
            print(cli, d);
        }
        doc_free(d);
        return code;
    }
    enum cli_exit code = call_get(cli, doing, path, &reply);
    if (code == CLI_COMPLETED) {
        cli_out_json(cli, buf_bytes(&reply.body));
        http_reply_free(&reply);
    }
    return code;
}
