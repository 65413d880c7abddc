#include <stdio.h>

#include "cli/commands.h"

static void put_option(struct buf *out, const struct arg_option *o)
{
    char text[64];
    char letter[8] = "";
    if (o->letter != 0) {
        (void)snprintf(letter, sizeof letter, "-%c, ", o->letter);
    }
    (void)snprintf(text, sizeof text, "%4s--%s%s%s", letter, o->name, o->value != NULL ? " " : "",
                   o->value != NULL ? o->value : "");
    buf_addf(out, "  %-26s %s\n", text, o->help);
}

void help_overview(struct buf *out)
{
    buf_add_str(out, "Usage: marathon COMMAND [OPTIONS] ...\n\n"
                     "Runs tasks that take minutes to days so that they finish.\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_addf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    buf_add_str(out, "\nOptions of every command:\n");
    for (size_t i = 0; i < shared_option_count; i++) {
        put_option(out, &shared_options[i]);
    }
    buf_add_str(out,
                "\n`marathon COMMAND --help` has the options of one command, with examples.\n"
                "Start here: `marathon dev` in one terminal, then in another what it proposes.\n");
}

void help_command(struct buf *out, const struct command *c)
{
    buf_addf(out, "Usage: marathon %s [OPTIONS]%s%s\n\n%s\n", c->name,
             c->operands[0] != '\0' ? " " : "", c->operands, c->summary);
    if (c->text != NULL) {
        buf_addf(out, "\n%s", c->text);
    }
    if (c->option_count > 0) {
        buf_add_str(out, "\nOptions:\n");
        for (size_t i = 0; i < c->option_count; i++) {
            put_option(out, &c->options[i]);
        }
    }
    buf_add_str(out, "\nOptions of every command:\n");
    for (size_t i = 0; i < shared_option_count; i++) {
        put_option(out, &shared_options[i]);
    }
    buf_addf(out, "\nExamples:\n%s", c->examples);
}
