#include "cli/history.h"

#include <inttypes.h>

#include "cli/call.h"

enum cli_exit history_page(struct cli *cli, const char *id, struct buf *cursor,
                           struct doc **ret_page)
{
    struct buf path = {0};
    buf_addf(&path, CLI_API "/history/%s?limit=512", id);
    if (cursor->len > 0) {
        buf_add_str(&path, "&cursor=");
        call_escape(&path, buf_cstr(cursor));
    }
    enum cli_exit code = call_get_doc(cli, "read the history", buf_cstr(&path), ret_page);
    buf_free(&path);
    if (code == CLI_COMPLETED) {
        buf_clear(cursor);
        buf_add_bytes(cursor, doc_string(doc_get(doc_root(*ret_page), "next_cursor")));
    }
    return code;
}

void history_tell_missing(const struct cli *cli, const struct doc *page)
{
    int64_t missing = doc_int(doc_get(doc_root(page), "missing"));
    if (missing > 0) {
        cli_note(cli, "%" PRId64 " older events are no longer kept", missing);
    }
}
