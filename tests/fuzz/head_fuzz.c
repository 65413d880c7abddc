/* A head of any bytes: its end is the same in whatever pieces it comes; what is found in it lies
 * inside of it, and is what a client may say; where it is refused it says why. */
#include <assert.h>

#include "http/head.h"
#include "http/origin.h"
#include "http/target.h"

#define BODY_BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t end_in_pieces(struct bytes text, size_t piece)
{
    size_t looked = 0, have = 0;
    while (have < text.len) {
        have = have + piece < text.len ? have + piece : text.len;
        size_t end = head_end(bytes_part(text, 0, have), looked);
        if (end > 0) {
            return end;
        }
        looked = have;
    }
    return 0;
}

static void target_check(struct bytes text, struct arena *arena)
{
    struct target t;
    enum code code = target_read(text, arena, &t);
    if (code != CODE_NONE) {
        assert(code == CODE_BAD_REQUEST || code == CODE_URI_TOO_LONG);
        return;
    }
    assert(t.path.len > 0 && t.path.len <= TARGET_PATH_BYTES_MAX);
    assert(memchr(t.path.ptr, '\0', t.path.len) == NULL);
    assert(t.arg_count <= TARGET_ARGS_MAX);
    for (size_t i = 0; i < t.arg_count; i++) {
        assert(t.args[i].len > 0 && t.args[i].len <= TARGET_ARG_BYTES_MAX);
        assert(memchr(t.args[i].ptr, '\0', t.args[i].len) == NULL);
    }
}

/* A page that is allowed nothing may watch only where its Origin ends with the Host. */
static void page_check(struct bytes origin, struct bytes host)
{
    static const char *const allowed[] = {"https://pages.example:8"};
    const struct origins none = {0}, one = {allowed, 1};
    bool watches = origin_may_watch(&none, origin, host);
    assert(!watches || origin.len == 0 || origin.len > host.len);
    assert(!watches || origin_may_watch(&one, origin, host));
    assert(!origin_may_change(&none, origin, host) || origin_may_change(&one, origin, host));
    assert(!origin_host_is_ours(&none, host) || origin_host_is_ours(&one, host));
}

static void head_check(struct bytes text)
{
    struct arena texts = {0};
    struct head h;
    head_parse(text, BODY_BYTES_MAX, &texts, &h);
    assert((h.fault != CODE_NONE) == (h.why != NULL));
    assert(h.fault == CODE_NONE || !h.wants_socket);
    if (h.fault == CODE_NONE) {
        assert(h.method.len > 0 && h.target.len > 0 && h.length <= BODY_BYTES_MAX);
        assert(memchr(h.target.ptr, ' ', h.target.len) == NULL);
        for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
            struct bytes value = h.fields[i];
            assert(value.len == 0 || (value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' '));
            assert(value.len == 0 || memchr(value.ptr, '\n', value.len) == NULL);
        }
        target_check(h.target, &texts);
        page_check(h.fields[HEAD_ORIGIN], h.fields[HEAD_HOST]);
    }
    arena_free(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    size_t end = head_end(text, 0);
    for (size_t piece = 1; piece < 8; piece++) {
        assert(end_in_pieces(text, piece) == end);
    }
    if (end > 0) {
        head_check(bytes_part(text, 0, end));
    } else if (size > HEAD_BYTES_MAX) {
        head_check(text);
    }
    return 0;
}
