/* A task's history, page by page. */
#ifndef MARATHON_CLI_HISTORY_H
#define MARATHON_CLI_HISTORY_H

#include "cli/cli.h"
#include "json/doc.h"

/* cursor: where the page begins, empty = at the oldest event; then where the next one does, empty =
 * there is none. A failure has been told to the user, as in call.h. Free with doc_free. */
enum cli_exit history_page(struct cli *cli, const char *id, struct buf *cursor,
                           struct doc **ret_page);
/* Says so where events before this page are no longer kept. */
void history_tell_missing(const struct cli *cli, const struct doc *page);

#endif
