/* pipelines: lists them, shows one, its versions and its graph. Verbs for files are in
 * cmd_definitions.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/definition.h"
#include "cli/graph.h"
#include "cli/show.h"
#include "model/limits.h"

static void add_pipeline(struct table *t, const struct doc_value *p, unix_ms now)
{
    (void)now;
    table_add(t, doc_string(doc_get(p, "name")));
    table_addf(t, "%" PRId64, doc_int(doc_get(p, "version")));
    table_addf(t, "%" PRId64, doc_int(doc_get(p, "step_count")));
    table_add(t, doc_string(doc_get(p, "description")));
}

static void print_pipelines(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"PIPELINE", "VERSION", "STEPS", "DESCRIPTION"};
    static const struct show_columns columns = {headings, 4, add_pipeline};
    (void)show_items(cli, d, &columns);
}

static enum cli_exit list(struct cli *cli)
{
    return show_answer(cli, "list the pipelines", CLI_API "/pipelines", print_pipelines);
}

/* Fetches the definition from the server, in the version of --version if given. Free with
 * doc_free. */
static enum cli_exit fetch(struct cli *cli, const char *name, struct doc **ret_doc)
{
    char path[CALL_PATH_BYTES];
    struct buf message = {0};
    int64_t version = 0;
    if (!cli_id_good(cli, name)) {
        return CLI_USAGE;
    }
    if (args_number(&cli->args, "version", (struct arg_range){1, PIPELINE_VERSIONS_MAX}, &version,
                    &message) != ERR_OK) {
        (void)cli_usage(cli, "%s", buf_cstr(&message));
        buf_free(&message);
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof path, CLI_API "/pipelines/%s", name);
    if (version > 0) {
        size_t len = strlen(path);
        (void)snprintf(path + len, sizeof path - len, "?version=%" PRId64, version);
    }
    return call_get_doc(cli, "get the pipeline", path, ret_doc);
}

static enum cli_exit show(struct cli *cli, const char *name)
{
    struct doc *d = NULL;
    enum cli_exit code = fetch(cli, name, &d);
    if (code == CLI_COMPLETED) {
        show_doc(cli, d);
        doc_free(d);
    }
    return code;
}

static void add_version(struct table *t, const struct doc_value *v, unix_ms now)
{
    (void)now;
    table_addf(t, "%" PRId64, doc_int(doc_get(v, "version")));
    table_add(t, doc_string(doc_get(v, "published_at")));
    table_add(t, doc_string(doc_get(v, "published_by")));
    table_add(t, bytes_part(doc_string(doc_get(v, "hash")), 0, 12));
}

static void print_versions(const struct cli *cli, const struct doc *d)
{
    static const char *const headings[] = {"VERSION", "PUBLISHED", "BY", "HASH"};
    static const struct show_columns columns = {headings, 4, add_version};
    struct buf command = {0};
    (void)show_items(cli, d, &columns);
    buf_addf(&command, "marathon pipelines versions %s", cli->args.operands[1]);
    (void)show_more(cli, d, buf_cstr(&command));
    buf_free(&command);
}

static enum cli_exit versions(struct cli *cli, const char *name)
{
    const char *cursor = args_value(&cli->args, "cursor");
    struct buf path = {0};
    if (!cli_id_good(cli, name)) {
        return CLI_USAGE;
    }
    buf_addf(&path, CLI_API "/pipelines/%s/versions%s", name, cursor != NULL ? "?cursor=" : "");
    if (cursor != NULL) {
        call_escape(&path, cursor);
    }
    enum cli_exit code = show_answer(cli, "list the versions", buf_cstr(&path), print_versions);
    buf_free(&path);
    return code;
}

/* ---- graph ---- */

static void print_graph(const struct cli *cli, const struct pipeline *p)
{
    struct buf text = {0};
    if (args_has(&cli->args, "dot")) {
        graph_put_dot(&text, p);
    } else {
        graph_put_tree(&text, p, &cli->out_style);
    }
    cli_out(&text);
    buf_free(&text);
}

static enum cli_exit graph_of_file(struct cli *cli, const char *path)
{
    struct definitions d = {0};
    enum cli_exit code = definitions_read(cli, &path, 1, &d);
    for (size_t i = 0; i < d.count && code == CLI_COMPLETED; i++) {
        print_graph(cli, d.items[i].pipeline);
    }
    definitions_free(&d);
    return code;
}

static enum cli_exit graph_of_stored(struct cli *cli, const char *name)
{
    struct doc *d = NULL;
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    struct buf text = {0};
    enum cli_exit code = fetch(cli, name, &d);
    if (code != CLI_COMPLETED) {
        return code;
    }
    buf_addf(&text, "{\"name\":\"%s\",\"steps\":", name);
    doc_write(doc_get(doc_root(d), "steps"), &text);
    buf_add_char(&text, '}');
    if (pipeline_parse(buf_bytes(&text), &p, &fault) == ERR_OK) {
        p->version = (uint32_t)doc_int(doc_get(doc_root(d), "version"));
        print_graph(cli, p);
        pipeline_unref(p);
    } else {
        cli_say("cannot read the pipeline: %s: %s\n    do: is this program as new as the server?",
                fault.pointer, fault.detail);
        code = CLI_FAILED;
    }
    buf_free(&text);
    doc_free(d);
    return code;
}

/* `what` is a file if there is one of that name, or if it looks like a path. */
static enum cli_exit graph(struct cli *cli, const char *what)
{
    if (cli->json) {
        return cli_usage(cli, "a graph is text, or DOT with --dot; `pipelines show` prints JSON");
    }
    bool file = strcmp(what, "-") == 0 || strchr(what, '/') != NULL || access(what, F_OK) == 0;
    return file ? graph_of_file(cli, what) : graph_of_stored(cli, what);
}

/* ---- verbs ---- */

static enum cli_exit one_operand(struct cli *cli, const char *what,
                                 enum cli_exit (*fn)(struct cli *cli, const char *operand))
{
    if (cli->args.operand_count != 2) {
        return cli_usage(cli, "%s takes one %s", cli->args.operands[0], what);
    }
    return fn(cli, cli->args.operands[1]);
}

static enum cli_exit run_pipelines(struct cli *cli)
{
    const struct args *a = &cli->args;
    const char *verb = a->operand_count > 0 ? a->operands[0] : "list";
    if (strcmp(verb, "apply") == 0) {
        return definitions_apply(cli);
    }
    if (strcmp(verb, "validate") == 0) {
        return definitions_validate(cli);
    }
    if (strcmp(verb, "graph") == 0) {
        return one_operand(cli, "PIPELINE or FILE", graph);
    }
    if (strcmp(verb, "show") == 0) {
        return one_operand(cli, "PIPELINE", show);
    }
    if (strcmp(verb, "versions") == 0) {
        return one_operand(cli, "PIPELINE", versions);
    }
    if (a->operand_count > 1) {
        return cli_usage(cli, "\"%s\" is one argument too many", a->operands[1]);
    }
    return strcmp(verb, "list") == 0 ? list(cli) : show(cli, verb);
}

static const struct arg_option pipelines_options[] = {
    {"version", 0, "N", "show, graph: this version (default: the newest)"},
    {"dot", 0, NULL, "graph: as DOT, for Graphviz"},
    {"cursor", 0, "CURSOR",
     "versions: continue after an earlier list, with the cursor that it printed"},
};

const struct command command_pipelines = {
    .name = "pipelines",
    .operands = "[list | show NAME | versions NAME | graph NAME|FILE | validate FILE... | apply "
                "FILE|DIR...]",
    .summary = "list, show, draw, check and store pipelines",
    .text = "validate checks files (JSON, or YAML by the ending .yaml or .yml) here; with --server "
            "the server\nchecks them too, with the pipelines that it has. apply checks all of them "
            "first, then stores a new\nversion of each that has changed. In a directory *.json, "
            "*.yaml and *.yml are taken. What is wrong\nis told with file, line and column; exit "
            "code 2. PIPELINE alone is the same as show PIPELINE.\n",
    .examples = "  marathon pipelines validate menu.yaml\n"
                "  marathon pipelines apply pipelines/ && marathon pipelines versions menu\n"
                "  marathon pipelines show menu --version 3\n"
                "  marathon pipelines graph menu --dot | dot -Tsvg >menu.svg\n",
    .options = pipelines_options,
    .option_count = 3,
    .operands_max = ARGS_OPERANDS_MAX,
    .run = run_pipelines,
};
