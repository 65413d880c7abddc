/* A task's history, page by page. */
#ifndef MARATHON_CLI_HISTORY_H
#define MARATHON_CLI_HISTORY_H

#include "cli/cli.h"
#include "json/doc.h"

/* cursor: in: where the page begins, empty = at the oldest event; out: where the next page begins,
 * empty = there is none. A failure has been reported to the user, as in call.h. Free with
 * doc_free. */
enum cli_exit history_page(struct cli *cli, const char *id, struct buf *cursor,
                           struct doc **ret_page);
/* Tells the user if events before this page are no longer kept. */
void history_tell_missing(const struct cli *cli, const struct doc *page);

#endif
