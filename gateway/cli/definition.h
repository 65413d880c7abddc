/* Definitions of pipelines in files, YAML or JSON, checked here by the same code as in a
 * coordinator. A fault is reported with file, line, column, JSON pointer and a caret. */
#ifndef MARATHON_CLI_DEFINITION_H
#define MARATHON_CLI_DEFINITION_H

#include "cli/cli.h"
#include "cli/yaml.h"
#include "model/pipeline.h"

#define DEFINITIONS_MAX 1000u /* files in one command: as many as a server has pipelines */

struct definition {
    char *path;      /* owned; "-" is standard input */
    struct buf text; /* the file's content */
    struct buf json;
    struct yaml_places places;
    struct pipeline *pipeline; /* NULL: it is invalid */
};

struct definitions {
    struct definition *items;
    size_t count, cap;
};

void definitions_free(struct definitions *d);
/* Reads files and directories (all their *.json, *.yaml and *.yml, except functions.json) and
 * checks each. CLI_USAGE if one cannot be read or is invalid; all faults have been reported
 * then. */
enum cli_exit definitions_read(const struct cli *cli, const char *const *paths, size_t count,
                               struct definitions *ret);
/* Checks definitions that name one another: combined, they must make a pipeline that can run.
 * CLI_USAGE after reporting what is wrong. A name that is not among them is mentioned if `note` is
 * set. */
enum cli_exit definitions_check_together(const struct cli *cli, const struct definitions *d,
                                         bool note);
/* The one of that name, or NULL. */
struct definition *definition_named(const struct definitions *d, struct bytes name);
/* Appends "menu.yaml:4:7: /steps/1/needs/0: there is no step named "x"", the line and a caret under
 * it. */
void definition_put_fault(struct buf *out, const struct definition *d, const char *pointer,
                          struct bytes detail);

#endif
