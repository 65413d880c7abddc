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

size_t show_items(const struct cli *cli, const struct doc *d, const struct show_columns *columns)
{
    const struct doc_value *items = doc_get(doc_root(d), "items");
    unix_ms now = clock_now().wall;
    struct table t;
    table_init(&t, columns->headings, columns->count);
    for (size_t i = 0; i < doc_count(items); i++) {
        columns->add(&t, doc_at(items, i), now);
    }
    show_table(cli, &t);
    return doc_count(items);
}

bool show_more(const struct cli *cli, const struct doc *d, const char *command)
{
    struct bytes cursor = doc_string(doc_get(doc_root(d), "next_cursor"));
    if (cursor.len > 0) {
        cli_note(cli, "there are more: %s --cursor %.*s%s", command, (int)cursor.len,
                 (const char *)cursor.ptr, cli_server_flag(cli));
    }
    return cursor.len > 0;
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
