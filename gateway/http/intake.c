#undef _FORTIFY_SOURCE /* its recv is a macro */
#include "http/intake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/shown.h"

/* One read of a head and what comes with it. Small, since what follows a request is kept on each
 * connection for as long as that waits for its answer. */
#define READ_BYTES 4096
/* The rest of a body that is already there is read at once up to this size, not gathered. */
#define WHOLE_BYTES (32u << 10)
/* Discarded at once, by the kernel. */
#define THROWN_BYTES (64u << 10)
/* After a chunk's content: the line before the next chunk, or the end. */
#define LINE_BYTES 32u

static struct {
    struct intake **of; /* by descriptor */
    size_t count;
    size_t heads; /* bytes of heads, and of input after requests */
    uint64_t body_bytes_max;
    struct intake_hooks hooks;
} intakes;

static _Thread_local bool is_served; /* this thread has connections */

/* The last complete head. Valid until its hook, or libwebsockets' callback, which comes before the
 * next read. */
static struct {
    const struct intake *of;
    struct head head;
    struct arena texts;
    struct bytes body; /* if it came with the head */
    /* what the head was read to; kept until libwebsockets has called back, even if the body has
     * taken it over and this is a new one */
    struct page *page;
} latest;

_Static_assert(HEAD_BYTES_MAX + READ_BYTES + WHOLE_BYTES <= PAGE_BYTES, "a head and a read");

void intake_setup(uint64_t body_bytes_max, const struct intake_hooks *hooks)
{
    intakes.body_bytes_max = body_bytes_max;
    intakes.hooks = *hooks;
    latest.page = page_take();
    is_served = true;
}

void intake_begin(struct intake *in, int fd, void *user)
{
    size_t at = (size_t)fd;
    if (at >= intakes.count) {
        size_t count = (at + 1) * 2;
        intakes.of = mem_resize(intakes.of, count * sizeof *intakes.of);
        memset(intakes.of + intakes.count, 0, (count - intakes.count) * sizeof *intakes.of);
        intakes.count = count;
    }
    *in = (struct intake){.fd = fd, .user = user};
    intakes.of[at] = in;
}

static void heads_count(struct intake *in)
{
    size_t bytes = in->kept.cap + in->held;
    intakes.heads += bytes;
    intakes.heads -= in->counted;
    in->counted = bytes;
}

static bool heads_full(void)
{
    return intakes.heads > INTAKE_HEADS_BYTES_MAX;
}

static void heads_drop(struct intake *in)
{
    buf_free(&in->kept);
    in->held = 0;
    heads_count(in);
}

bool intake_hold(struct intake *in, size_t bytes)
{
    in->held = bytes;
    heads_count(in);
    return bytes == 0 || !heads_full();
}

static size_t bodies_room(void)
{
    size_t memory = gatherings_memory();
    return memory < INTAKE_BODIES_BYTES_MAX ? INTAKE_BODIES_BYTES_MAX - memory : 0;
}

void intake_end(struct intake *in)
{
    if (intakes.of[in->fd] == in) {
        intakes.of[in->fd] = NULL;
    }
    if (latest.of == in) {
        latest.of = NULL;
    }
    gathering_drop(&in->body);
    heads_drop(in);
}

const struct head *intake_head(const struct intake *in)
{
    assert(latest.of == in);
    return &latest.head;
}

struct bytes intake_body(struct intake *in, struct shared **ret_lender)
{
    *ret_lender = NULL;
    if (in->body.body.len == 0) {
        assert(latest.of == in || in->is_chunked);
        return latest.of == in ? latest.body : BYTES_NONE;
    }
    struct bytes body;
    *ret_lender = gathering_take(&in->body, &body); /* whoever holds it counts its memory */
    return body;
}

struct intake_room intake_room(void)
{
    return (struct intake_room){.body_bytes = gatherings_memory(), .head_bytes = intakes.heads};
}

enum code intake_fault(const struct intake *in, const char **ret_why)
{
    *ret_why = in->chunks.why;
    return in->chunks.fault;
}

bool intake_holds(const struct intake *in)
{
    return in->kept.len > 0 || in->dropped;
}

bool intake_is_ready(const struct intake *in)
{
    switch (in->at) {
    case INTAKE_HEAD:
        return in->kept.len > in->looked;
    case INTAKE_SOCKET:
        return in->kept.len > 0;
    case INTAKE_BODY:
    case INTAKE_ANSWER:
    case INTAKE_REFUSED:
        break;
    }
    return false;
}

void intake_next(struct intake *in)
{
    in->at = INTAKE_HEAD;
    in->looked = 0;
    in->held = 0;
    heads_count(in);
    gathering_drop(&in->body);
}

void intake_refuse(struct intake *in)
{
    in->at = INTAKE_REFUSED;
    gathering_drop(&in->body);
    heads_drop(in);
}

void intake_socket(struct intake *in)
{
    in->at = INTAKE_SOCKET;
}

static ssize_t nothing_yet(void)
{
    errno = EAGAIN;
    return -1;
}

/* Reports an end of file, as if the client had closed; libwebsockets may read on for a while before
 * it closes. */
static ssize_t no_room(struct intake *in)
{
    intake_refuse(in);
    return 0;
}

/* False: there is no room for it in the share, but it is kept. */
static bool keep(struct intake *in, const uint8_t *bytes, size_t len)
{
    buf_clear(&in->kept);
    if (len > 0) {
        buf_add(&in->kept, bytes, len);
    } else {
        buf_free(&in->kept); /* most connections hold nothing most of the time */
    }
    heads_count(in);
    return len == 0 || !heads_full();
}

/* Keeps input that came after the current request. If there is no room it is dropped: the client
 * asks again after the last answer (RFC 9112, 9.3.2). */
static void behind_keep(struct intake *in, const uint8_t *bytes, size_t len)
{
    if (!keep(in, bytes, len)) {
        heads_drop(in);
        in->dropped = true;
    }
}

/* Takes what came with the handshake first. */
static ssize_t take(struct intake *in, uint8_t *bytes, size_t len)
{
    if (in->kept.len == 0) {
        return recvfrom(in->fd, bytes, len, 0, NULL, NULL);
    }
    size_t n = in->kept.len < len ? in->kept.len : len;
    memcpy(bytes, in->kept.ptr, n);
    buf_drop_front(&in->kept, n);
    if (in->kept.len == 0) {
        heads_drop(in);
    }
    return (ssize_t)n;
}

static ssize_t frames_read(struct intake *in, uint8_t *bytes, size_t len)
{
    ssize_t got = take(in, bytes, len);
    if (got <= 0) {
        return got;
    }
    unsigned code = 0;
    size_t good = frames_look(&in->frames, bytes, (size_t)got, &code);
    if (code != 0) {
        intake_refuse(in);
        intakes.hooks.broken(in->user, code);
    }
    return good > 0 ? (ssize_t)good : nothing_yet();
}

static ssize_t body_done(struct intake *in)
{
    in->at = INTAKE_ANSWER;
    intakes.hooks.whole(in->user);
    return nothing_yet();
}

/* Begins a body with the part that came with its head. False: there is no room for it. */
static bool body_begin(struct intake *in, struct bytes part)
{
    if (gathering_wants(latest.page, part, in->body_bytes) > bodies_room()) {
        return false;
    }
    gathering_begin(&in->body, &latest.page, part, in->body_bytes);
    return true;
}

/* Reads to where the body is gathered. */
static ssize_t body_read(struct intake *in)
{
    struct buf *body = &in->body.body;
    size_t left = in->body_bytes - body->len, room = bodies_room();
    if (room == 0) {
        return no_room(in);
    }
    gathering_reserve(&in->body, left);
    ssize_t got = recvfrom(in->fd, body->ptr + body->len, left < room ? left : room, 0, NULL, NULL);
    if (got <= 0) {
        return got;
    }
    gathering_grow(&in->body, (size_t)got);
    return body->len < in->body_bytes ? nothing_yet() : body_done(in);
}

static bool chunks_done(const struct intake *in)
{
    return in->chunks.at == CHUNKS_END || in->chunks.at == CHUNKS_FAULT;
}

/* How much to read. A long chunk is read to its final place, with no more after it than its end
 * line, since bytes of the next chunk would have to be moved over that line. Of short ones, as many
 * at once as a usual read takes. */
static size_t chunks_wanted(const struct chunks *c)
{
    size_t line = c->at == CHUNKS_DATA ? (size_t)c->left + LINE_BYTES : 0;
    return line > READ_BYTES ? line : READ_BYTES;
}

/* Decodes as far as the body goes; what follows it is kept. */
static ssize_t chunks_gather(struct intake *in)
{
    size_t wanted = 0, got = 0;
    while (!chunks_done(in)) {
        size_t room = bodies_room(), len;
        if (got < wanted) {
            return nothing_yet();
        }
        if (room < READ_BYTES) {
            return no_room(in);
        }
        wanted = chunks_wanted(&in->chunks);
        wanted = wanted < room ? wanted : room;
        gathering_reserve(&in->body, wanted);
        uint8_t *to = in->body.body.ptr + in->body.body.len;
        ssize_t n = recvfrom(in->fd, to, wanted, 0, NULL, NULL);
        if (n <= 0) {
            return n;
        }
        got = (size_t)n;
        size_t taken = 0;
        if (in->body.body.len == 0) { /* the first content stays where it was read to */
            taken = chunks_lead(&in->chunks, bytes_of(to, got));
            gathering_skip(&in->body, taken);
        }
        taken += chunks_read(&in->chunks, bytes_of(to + taken, got - taken), to + taken, &len);
        gathering_grow(&in->body, len);
        behind_keep(in, to + taken, got - taken);
    }
    return body_done(in);
}

/* Reads the rest of a body if it is already there, so that nothing has to be gathered. */
static size_t rest_read(const struct intake *in, uint8_t *bytes, size_t rest)
{
    int there = 0;
    if (rest > WHOLE_BYTES || ioctl(in->fd, FIONREAD, &there) != 0 || (size_t)there < rest) {
        return 0;
    }
    ssize_t got = recvfrom(in->fd, bytes, rest, 0, NULL, NULL);
    return got > 0 ? (size_t)got : 0;
}

/* A handshake after a request: it is read again once libwebsockets may be shown it. */
static ssize_t handshake_wait(struct intake *in, size_t have)
{
    in->looked = 0;
    in->is_shown = false;
    if (!keep(in, latest.page->bytes, have)) {
        return no_room(in);
    }
    intakes.hooks.handshake(in->user);
    return nothing_yet();
}

/* The page has a head, followed by other bytes. */
static ssize_t head_give(struct intake *in, size_t head_len, size_t have, uint8_t *bytes,
                         size_t len)
{
    uint8_t *behind = latest.page->bytes + head_len;
    size_t count = have - head_len;
    const struct head *h = &latest.head;
    arena_reset(&latest.texts);
    latest.of = in;
    head_parse(bytes_of(latest.page->bytes, head_len), intakes.body_bytes_max, &latest.texts,
               &latest.head);
    if (h->wants_socket && in->is_shown) {
        return handshake_wait(in, have);
    }
    in->is_chunked = h->is_chunked && h->fault == CODE_NONE;
    in->body_bytes = h->fault == CODE_NONE ? (size_t)h->length : 0;
    in->chunks = (struct chunks){.content_max = intakes.body_bytes_max};
    if (count < in->body_bytes) {
        count += rest_read(in, behind + count, in->body_bytes - count);
    }
    page_touch(latest.page, head_len + count);
    bool is_whole = count >= in->body_bytes;
    size_t taken = is_whole ? in->body_bytes : count, content = taken;
    if (in->is_chunked) {
        size_t lead = chunks_lead(&in->chunks, bytes_of(behind, count));
        behind += lead;
        count -= lead;
        taken = chunks_read(&in->chunks, bytes_of(behind, count), behind, &content);
        is_whole = chunks_done(in);
    }
    in->at = is_whole ? INTAKE_ANSWER : INTAKE_BODY;
    if (!is_whole && !body_begin(in, bytes_of(behind, content))) {
        return no_room(in);
    }
    latest.body = bytes_of(behind, content);
    behind_keep(in, behind + taken, count - taken);
    if (in->dropped && h->wants_socket) {
        return no_room(in);
    }
    if (in->is_shown) {
        intakes.hooks.request(in->user);
        return nothing_yet();
    }
    if (h->wants_socket) {
        return (ssize_t)shown_handshake(h, bytes, len);
    }
    in->is_shown = true; /* its hook is called once libwebsockets has read this, and calls back */
    return (ssize_t)shown_request(bytes, len);
}

/* Of the first `have` bytes of the page: how many are a head, or can never become one; 0 =
 * incomplete. Skips empty lines before it. */
static size_t head_look(struct intake *in, size_t *have)
{
    uint8_t *page = latest.page->bytes;
    size_t skip = 0;
    while (skip < *have && (page[skip] == '\r' || page[skip] == '\n')) {
        skip++;
    }
    if (skip > 0) {
        *have -= skip;
        in->looked = 0;
        memmove(page, page + skip, *have);
    }
    struct bytes text = bytes_of(page, *have);
    size_t len = head_end(text, in->looked);
    if (len == 0 && (*have > HEAD_BYTES_MAX || head_is_none(text))) {
        len = *have;
    }
    in->looked = *have;
    return len;
}

static ssize_t head_read(struct intake *in, uint8_t *bytes, size_t len)
{
    uint8_t *page = latest.page->bytes;
    size_t have = in->kept.len, head = 0;
    if (have > 0) {
        memcpy(page, in->kept.ptr, have);
        if (have > in->looked && (head = head_look(in, &have)) == 0) {
            (void)keep(in, page, have);
        }
    }
    if (head == 0) {
        ssize_t got = recvfrom(in->fd, page + have, READ_BYTES, 0, NULL, NULL);
        if (got <= 0) {
            return got;
        }
        have += (size_t)got;
        page_touch(latest.page, have);
        head = head_look(in, &have);
    }
    if (head == 0) {
        return keep(in, page, have) ? nothing_yet() : no_room(in);
    }
    return head_give(in, head, have, bytes, len);
}

bool intake_read(struct intake *in)
{
    assert(in->at == INTAKE_HEAD && in->is_shown);
    ssize_t got = head_read(in, NULL, 0);
    return got != 0 && errno == EAGAIN;
}

/* The client has gone, or has sent more. */
static ssize_t answer_wait(struct intake *in)
{
    uint8_t byte;
    if (recvfrom(in->fd, &byte, 1, MSG_PEEK, NULL, NULL) < 0) {
        return -1;
    }
    intakes.hooks.more(in->user);
    return nothing_yet();
}

static ssize_t throw_away(struct intake *in)
{
    ssize_t got = recvfrom(in->fd, NULL, THROWN_BYTES, MSG_TRUNC, NULL, NULL);
    return got > 0 ? nothing_yet() : got;
}

static struct intake *intake_of(int fd)
{
    return is_served && fd >= 0 && (size_t)fd < intakes.count ? intakes.of[fd] : NULL;
}

__attribute__((visibility("default"))) ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    struct intake *in = flags == 0 ? intake_of(fd) : NULL;
    if (in == NULL) {
        return recvfrom(fd, buf, len, flags, NULL, NULL);
    }
    switch (in->at) {
    case INTAKE_HEAD:
        return head_read(in, buf, len);
    case INTAKE_BODY:
        return in->is_chunked ? chunks_gather(in) : body_read(in);
    case INTAKE_ANSWER:
        return answer_wait(in);
    case INTAKE_SOCKET:
        return frames_read(in, buf, len);
    case INTAKE_REFUSED:
        return throw_away(in);
    }
    return nothing_yet();
}
