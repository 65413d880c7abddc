#include "cli/bars.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/duration.h"

#define COLUMNS_MIN 20 /* nothing useful fits a narrower screen; lines are cut there */
/* of a step's name: longer ones are cut, so that the bars stay in one column */
#define NAME_COLUMNS 32
#define STEP_BAR     20
#define FRAME_ROWS   4 /* heading, overall bar, error, and the cursor's row */
#define OVERALL_BAR  28

struct mark {
    const char *utf8, *ascii;
    enum text_colour colour;
};

static const struct mark step_marks[STEP_STATE_COUNT] = {
    [STEP_PENDING] = {"·", ".", TEXT_DIM},     [STEP_RUNNING] = {"▶", ">", TEXT_BLUE},
    [STEP_COMPLETED] = {"✔", "+", TEXT_GREEN}, [STEP_FAILED] = {"✘", "x", TEXT_RED},
    [STEP_SKIPPED] = {"-", "-", TEXT_DIM},     [STEP_CANCELLED] = {"■", "c", TEXT_YELLOW},
};
static const struct mark retry_mark = {"↻", "~", TEXT_YELLOW};
static const char *const spin_utf8[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"};
static const char *const spin_ascii[] = {"|", "/", "-", "\\", "|", "/", "-", "\\"};

/* The line being built. Plain text is cut to the screen first, so that colour codes never count as
 * columns. */
struct line {
    struct buf *out;
    const struct bars_screen *screen;
    size_t used, limit;
};

static void line_put(struct line *l, enum text_colour colour, const char *text)
{
    size_t room = l->limit - l->used;
    struct bytes s = bytes_str(text);
    size_t columns = text_columns(s);
    if (room == 0 || s.len == 0) {
        return;
    }
    text_colour_begin(l->out, &l->screen->style, colour);
    text_put_fit(l->out, s, room, false);
    if (colour != TEXT_PLAIN) {
        text_colour_end(l->out, &l->screen->style);
    }
    l->used += columns < room ? columns : room;
}

static struct line line_begin(struct buf *out, const struct bars_screen *screen)
{
    size_t columns = screen->columns < COLUMNS_MIN ? COLUMNS_MIN : screen->columns;
    return (struct line){.out = out, .screen = screen, .limit = columns - 1};
}

static void line_end(struct line *l)
{
    buf_add_char(l->out, '\n');
}

static void put_bar(struct line *l, double fraction, size_t width, enum text_colour colour)
{
    bool utf8 = l->screen->style.utf8;
    size_t full = (size_t)(fraction * (double)width + 0.0001);
    struct buf text = {0};
    for (size_t i = 0; i < full; i++) {
        buf_add_str(&text, utf8 ? "━" : "#");
    }
    line_put(l, colour, buf_cstr(&text));
    buf_clear(&text);
    for (size_t i = full; i < width; i++) {
        buf_add_str(&text, utf8 ? "─" : "-");
    }
    line_put(l, TEXT_DIM, buf_cstr(&text));
    buf_free(&text);
}

static void put_percent(struct line *l, double fraction)
{
    char text[16];
    (void)snprintf(text, sizeof text, " %3d%%", (int)(fraction * 100));
    line_put(l, TEXT_PLAIN, text);
}

static void put_mark(struct line *l, const struct view_step *s)
{
    const struct text_style *style = &l->screen->style;
    const struct mark *m = &step_marks[s->state];
    const char *text = style->utf8 ? m->utf8 : m->ascii;
    if (s->state == STEP_PENDING && s->retry_at != 0) {
        m = &retry_mark;
        text = style->utf8 ? m->utf8 : m->ascii;
    } else if (s->state == STEP_RUNNING) {
        text = style->utf8 ? spin_utf8[l->screen->tick % 8] : spin_ascii[l->screen->tick % 8];
    }
    line_put(l, TEXT_PLAIN, " ");
    line_put(l, m->colour, text);
    line_put(l, TEXT_PLAIN, " ");
}

static void put_running(struct line *l, const struct view_step *s, unix_ms server_now)
{
    char text[DURATION_TEXT_BYTES];
    put_bar(l, s->progress, STEP_BAR, TEXT_BLUE);
    put_percent(l, s->progress);
    if (s->started_at != 0) {
        line_put(l, TEXT_PLAIN, "  ");
        line_put(l, TEXT_DIM, duration_clock(server_now - s->started_at, text));
    }
    if (s->retry_count > 0) {
        char tries[40];
        (void)snprintf(tries, sizeof tries, "  attempt %" PRIu32, s->retry_count + 1);
        line_put(l, TEXT_YELLOW, tries);
    }
}

/* "12/50 items, 3 failed" */
static void put_items(struct line *l, const struct view_step *s)
{
    char text[80];
    if (s->items == 0) {
        return;
    }
    (void)snprintf(text, sizeof text, "  %" PRId64 "/%" PRId64 " items", s->items_done, s->items);
    line_put(l, TEXT_PLAIN, text);
    if (s->items_failed > 0) {
        (void)snprintf(text, sizeof text, ", %" PRId64 " failed", s->items_failed);
        line_put(l, TEXT_YELLOW, text);
    }
}

static void put_retry(struct line *l, const struct view_step *s, unix_ms server_now)
{
    char wait[DURATION_TEXT_BYTES];
    char text[80];
    (void)snprintf(text, sizeof text, "retry %" PRIu32 " of %" PRIu32 " in %s", s->retry_count,
                   s->max_retries, duration_clock(s->retry_at - server_now, wait));
    line_put(l, TEXT_YELLOW, text);
    if (s->error != NULL) {
        line_put(l, TEXT_DIM, ": ");
        line_put(l, TEXT_DIM, s->error);
    }
}

static void put_step_news(struct line *l, const struct view_step *s, unix_ms server_now)
{
    char text[DURATION_TEXT_BYTES];
    if (s->state == STEP_RUNNING) {
        put_running(l, s, server_now);
        put_items(l, s);
        return;
    }
    if (s->state == STEP_PENDING) {
        if (s->retry_at != 0) {
            put_retry(l, s, server_now);
        } else {
            line_put(l, s->waiting_for != NULL ? TEXT_YELLOW : TEXT_DIM,
                     s->waiting_for != NULL ? s->waiting_for : "waiting");
        }
        return;
    }
    line_put(l, step_marks[s->state].colour, step_state_name(s->state));
    if (s->state == STEP_COMPLETED && s->duration_ms > 0) {
        line_put(l, TEXT_PLAIN, "  ");
        line_put(l, TEXT_DIM, duration_text(s->duration_ms, text));
    }
    put_items(l, s);
    if (s->state == STEP_FAILED && s->error != NULL) {
        line_put(l, TEXT_PLAIN, "  ");
        line_put(l, TEXT_PLAIN, s->error);
    }
}

static size_t name_columns(const struct view *v)
{
    size_t widest = 0;
    for (size_t i = 0; i < v->step_count; i++) {
        size_t n = strlen(v->steps[i].name);
        widest = n > widest ? n : widest;
    }
    return widest < NAME_COLUMNS ? widest : NAME_COLUMNS;
}

static size_t put_steps(struct buf *out, const struct view *v, const struct bars_screen *screen,
                        unix_ms server_now)
{
    size_t columns = name_columns(v);
    struct buf name = {0};
    for (size_t i = 0; i < v->step_count; i++) {
        struct line l = line_begin(out, screen);
        put_mark(&l, &v->steps[i]);
        buf_clear(&name);
        text_put_fit(&name, bytes_str(v->steps[i].name), columns, true);
        line_put(&l, TEXT_PLAIN, buf_cstr(&name));
        line_put(&l, TEXT_PLAIN, "  ");
        put_step_news(&l, &v->steps[i], server_now);
        line_end(&l);
    }
    buf_free(&name);
    return v->step_count;
}

static void put_count(struct line *l, size_t count, enum text_colour colour, const char *what)
{
    char text[48];
    if (count > 0) {
        (void)snprintf(text, sizeof text, "  %zu %s", count, what);
        line_put(l, colour, text);
    }
}

static size_t put_counts(struct buf *out, const struct view *v, const struct bars_screen *screen)
{
    struct line l = line_begin(out, screen);
    char text[32];
    size_t retrying = view_count_retrying(v);
    (void)snprintf(text, sizeof text, " %zu steps:", v->step_count);
    line_put(&l, TEXT_PLAIN, text);
    put_count(&l, view_count(v, STEP_COMPLETED), TEXT_GREEN, "completed");
    put_count(&l, view_count(v, STEP_RUNNING), TEXT_BLUE, "running");
    put_count(&l, retrying, TEXT_YELLOW, "retrying");
    put_count(&l, view_count(v, STEP_FAILED), TEXT_RED, "failed");
    put_count(&l, view_count(v, STEP_CANCELLED), TEXT_YELLOW, "cancelled");
    put_count(&l, view_count(v, STEP_SKIPPED), TEXT_DIM, "skipped");
    put_count(&l, view_count(v, STEP_PENDING) - retrying, TEXT_DIM, "waiting");
    line_end(&l);
    return 1;
}

static enum text_colour state_colour(const struct view *v)
{
    if (!v->ended) {
        return TEXT_BLUE;
    }
    return v->end == TASK_COMPLETED ? TEXT_GREEN : v->end == TASK_FAILED ? TEXT_RED : TEXT_YELLOW;
}

static size_t put_heading(struct buf *out, const struct view *v, const struct bars_screen *screen)
{
    struct line l = line_begin(out, screen);
    line_put(&l, TEXT_BOLD, v->task_id);
    if (v->task_type != NULL) {
        line_put(&l, TEXT_PLAIN, "  ");
        line_put(&l, TEXT_PLAIN, v->task_type);
    }
    line_put(&l, TEXT_PLAIN, "  ");
    line_put(&l, state_colour(v), v->state_text);
    if (v->message != NULL && !v->ended) {
        line_put(&l, TEXT_PLAIN, "  ");
        line_put(&l, TEXT_DIM, v->message);
    }
    line_end(&l);
    return 1;
}

static size_t put_overall(struct buf *out, const struct view *v, const struct bars_screen *screen,
                          unix_ms now)
{
    struct line l = line_begin(out, screen);
    char text[64];
    char time[DURATION_TEXT_BYTES];
    size_t width = l.limit > OVERALL_BAR * 2 ? OVERALL_BAR : l.limit / 3;
    int64_t left = view_remaining_ms(v, now);
    put_bar(&l, v->progress, width, state_colour(v));
    put_percent(&l, v->progress);
    (void)snprintf(text, sizeof text, "  %zu/%zu steps  %s", view_count(v, STEP_COMPLETED),
                   v->step_count,
                   v->ended ? duration_text(view_elapsed_ms(v, now), time)
                            : duration_clock(view_elapsed_ms(v, now), time));
    line_put(&l, TEXT_PLAIN, text);
    if (!v->ended) {
        line_put(&l, TEXT_PLAIN, " elapsed");
    }
    if (left >= 0) {
        (void)snprintf(text, sizeof text, ", about %s left", duration_clock(left, time));
        line_put(&l, TEXT_PLAIN, text);
    }
    line_end(&l);
    return 1;
}

size_t bars_render(struct buf *out, const struct view *v, const struct bars_screen *screen,
                   unix_ms now)
{
    size_t lines = put_heading(out, v, screen);
    if (v->step_count + FRAME_ROWS <= screen->rows) {
        lines += put_steps(out, v, screen, now + v->clock_ahead_ms);
    } else {
        lines += put_counts(out, v, screen);
    }
    lines += put_overall(out, v, screen, now);
    if (v->ended && v->error != NULL) {
        struct line l = line_begin(out, screen);
        line_put(&l, TEXT_RED, "error: ");
        line_put(&l, TEXT_PLAIN, v->error);
        line_end(&l);
        lines++;
    }
    return lines;
}
