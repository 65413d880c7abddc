/* JSON given on the command line: as text, as @file, or as - for standard input. */
#ifndef MARATHON_CLI_SOURCE_H
#define MARATHON_CLI_SOURCE_H

#include "cli/cli.h"

/* Reads and checks it. Appends the value without surrounding white space to ret_text, an empty buf
 * that the caller frees. On ERR_INVALID the user has been told, with line and column of the fault;
 * `option` is the option's name, for that message. */
enum err MUST_CHECK source_read(const struct cli *cli, const char *option, const char *value,
                                struct buf *ret_text);
/* Reads a file, or - for standard input, of at most BODY_BYTES_MAX. ERR_IO: errno says why. */
enum err MUST_CHECK source_file(const char *path, struct buf *ret_text);
/* Line and column (from 1, in bytes) of an offset. Pure. */
void source_place(struct bytes text, size_t offset, size_t *ret_line, size_t *ret_column);

#endif
