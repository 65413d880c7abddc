#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "json/scan.h"
#include "model/limits.h"

#define CHUNK_BYTES 65536

static enum err read_fd(int fd, struct buf *out)
{
    for (;;) {
        buf_reserve(out, CHUNK_BYTES);
        ssize_t n = read(fd, out->ptr + out->len, CHUNK_BYTES);
        if (n == 0) {
            return ERR_OK;
        }
        if (n < 0 && (errno != EINTR || cli_stopped())) {
            return ERR_IO;
        }
        out->len += n > 0 ? (size_t)n : 0;
        if (out->len > BODY_BYTES_MAX) {
            return ERR_TOO_LARGE;
        }
    }
}

static enum err read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_IO;
    }
    enum err e = read_fd(fd, out);
    int error = errno;
    (void)close(fd);
    errno = error;
    return e;
}

static enum err read_text(const char *value, struct buf *out)
{
    if (strcmp(value, "-") == 0) {
        return read_fd(STDIN_FILENO, out);
    }
    if (value[0] == '@') {
        return strcmp(value, "@-") == 0 ? read_fd(STDIN_FILENO, out) : read_file(value + 1, out);
    }
    buf_add_str(out, value);
    return ERR_OK;
}

enum err source_file(const char *path, struct buf *ret_text)
{
    return strcmp(path, "-") == 0 ? read_fd(STDIN_FILENO, ret_text) : read_file(path, ret_text);
}

void source_place(struct bytes text, size_t offset, size_t *ret_line, size_t *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        bool line_end = text.ptr[i] == '\n';
        *ret_line += line_end ? 1 : 0;
        *ret_column = line_end ? 1 : *ret_column + 1;
    }
}

static enum err tell_fault(const struct cli *cli, const char *option, const char *value,
                           struct bytes text, const struct json_fault *fault)
{
    bool is_file = value[0] != '@' && strcmp(value, "-") != 0 && access(value, F_OK) == 0;
    size_t line, column;
    source_place(text, fault->offset, &line, &column);
    (void)cli_usage(cli, "--%s is not JSON: %s at line %zu, column %zu%s", option, fault->reason,
                    line, column, is_file ? " (a file is given as @file)" : "");
    return ERR_INVALID;
}

enum err source_read(const struct cli *cli, const char *option, const char *value,
                     struct buf *ret_text)
{
    struct buf raw = {0};
    struct bytes inner;
    struct json_fault fault;
    enum err e = read_text(value, &raw);
    if (e == ERR_TOO_LARGE) {
        (void)cli_usage(cli,
                        "--%s %s is over %u bytes: put large data into a file and pass its path",
                        option, value, BODY_BYTES_MAX);
        e = ERR_INVALID;
    } else if (e != ERR_OK) {
        (void)cli_usage(cli, "--%s %s cannot be read: %s", option, value, strerror(errno));
        e = ERR_INVALID;
    } else if (json_check(buf_bytes(&raw), &inner, &fault) != ERR_OK) {
        e = tell_fault(cli, option, value, buf_bytes(&raw), &fault);
    } else {
        buf_add_bytes(ret_text, inner);
    }
    buf_free(&raw);
    return e;
}
