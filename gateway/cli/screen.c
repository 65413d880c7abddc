#include "cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

void screen_size(size_t *ret_columns, size_t *ret_rows)
{
    struct winsize w = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0;
    *ret_columns = known && w.ws_col > 0 ? w.ws_col : 80;
    *ret_rows = known && w.ws_row > 0 ? w.ws_row : 24;
}

static void put_home(const struct screen *s, struct buf *out)
{
    if (s->lines > 0) {
        buf_addf(out, "\x1b[%zuA\r\x1b[J", s->lines);
    }
}

void screen_draw(struct screen *s, struct bytes text, size_t lines)
{
    struct buf out = {0};
    size_t columns, rows;
    screen_size(&columns, &rows);
    if (s->columns != columns) {
        /* previous lines may have wrapped: it is unknown how many rows they take */
        screen_leave(s);
        s->columns = columns;
    }
    put_home(s, &out);
    buf_add_bytes(&out, text);
    cli_err(&out);
    s->lines = lines;
    buf_free(&out);
}

void screen_wipe(struct screen *s)
{
    struct buf out = {0};
    put_home(s, &out);
    if (out.len > 0) {
        cli_err(&out);
    }
    s->lines = 0;
    buf_free(&out);
}

void screen_leave(struct screen *s)
{
    s->lines = 0;
}
