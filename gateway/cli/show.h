/* Prints what exists: a table for people, or JSON as it was received for programs (-o json). */
#ifndef MARATHON_CLI_SHOW_H
#define MARATHON_CLI_SHOW_H

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "json/doc.h"

/* On standard output; frees the table. */
void show_table(const struct cli *cli, struct table *t);
void show_doc(const struct cli *cli, const struct doc *d);

/* How a page of a list is shown. */
struct show_columns {
    const char *const *headings;
    size_t count;
    void (*add)(struct table *t, const struct doc_value *item, unix_ms now); /* adds a row */
};

/* Prints the answer's `items` as a table; returns how many there are. */
size_t show_items(const struct cli *cli, const struct doc *d, const struct show_columns *columns);
/* Tells the user how to get the next page: by this command, with the answer's next_cursor. False if
 * there is none. */
bool show_more(const struct cli *cli, const struct doc *d, const char *command);

typedef void show_fn(const struct cli *cli, const struct doc *d);
/* GETs path and shows the answer: by `print`, or with -o json as it is. A failure has been reported
 * to the user, as in call.h. */
enum cli_exit show_answer(struct cli *cli, const char *doing, const char *path, show_fn *print);

#endif
