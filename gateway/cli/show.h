/* What there is, shown: a table for people, JSON as it was received for programs (-o json). */
#ifndef MARATHON_CLI_SHOW_H
#define MARATHON_CLI_SHOW_H

#include "cli/cli.h"
#include "cli/table.h"
#include "json/doc.h"

/* On standard output; the table is freed. */
void show_table(const struct cli *cli, struct table *t);
void show_doc(const struct cli *cli, const struct doc *d);

typedef void show_fn(const struct cli *cli, const struct doc *d);
/* GETs path and shows the answer: by `print`, or with -o json as it is. A failure has been told to
 * the user, as in call.h. */
enum cli_exit show_answer(struct cli *cli, const char *doing, const char *path, show_fn *print);

#endif
