#include "transport/input.h"

#include <stdlib.h>

/* with less room a read is not worthwhile, if the frame's length is not known */
#define READ_BYTES_MIN 4096u

static size_t there(const struct input *in)
{
    return in->end - in->at;
}

/* Length in bytes of the frame that has arrived in part; 0: none has, or its length has not. */
static size_t frame_wants(const struct input *in)
{
    struct bytes came = bytes_of(in->bytes + in->at, there(in));
    return there(in) > 0 ? stream_frame_bytes(came) : 0;
}

static void move(struct input *in, size_t cap)
{
    size_t len = there(in);
    uint8_t *to = cap > in->cap ? mem_alloc(cap) : in->bytes;
    if (len > 0) {
        memmove(to, in->bytes + in->at, len);
    }
    if (to != in->bytes) {
        free(in->bytes);
        in->bytes = to;
        in->cap = cap;
    }
    in->at = 0;
    in->end = len;
}

/* A capacity that holds `want` bytes. */
static size_t cap_for(const struct input *in, size_t want)
{
    size_t cap = in->cap > 0 ? in->cap : INPUT_BYTES_START;
    while (cap < want && cap < INPUT_BYTES_USUAL_MAX) {
        cap *= 2;
    }
    return cap < want ? want : cap;
}

uint8_t *input_room(struct input *in, size_t *ret_room)
{
    size_t frame = frame_wants(in);
    size_t want = frame > 0 ? frame : there(in) + READ_BYTES_MIN;
    if (frame > INPUT_BYTES_START && there(in) < INPUT_BYTES_BEGUN) {
        want = INPUT_BYTES_START;
    }
    if (there(in) == 0) {
        in->at = in->end = 0;
    }
    if (in->at + want > in->cap) {
        move(in, cap_for(in, want));
    }
    size_t room = in->cap - in->end;
    if (frame >= INPUT_FRAME_LARGE && frame - there(in) < room) {
        room = frame - there(in);
    } else if (in->large && room > INPUT_BYTES_AHEAD) {
        room = INPUT_BYTES_AHEAD;
    }
    *ret_room = room;
    return in->bytes + in->end;
}

void input_grow(struct input *in, size_t bytes)
{
    in->end += bytes;
}

enum cut input_next(struct input *in, struct bytes *ret_frame)
{
    struct bytes stream = bytes_of(in->bytes + in->at, there(in));
    enum cut cut = stream_cut(&stream, ret_frame);
    if (cut == CUT_FRAME) {
        in->at = in->end - stream.len;
        in->large = ret_frame->len >= INPUT_FRAME_LARGE;
    }
    return cut;
}

void input_settle(struct input *in, size_t bytes)
{
    bool empty = there(in) == 0;
    if (empty && in->cap > INPUT_BYTES_USUAL_MAX) {
        in->cap = INPUT_BYTES_USUAL_MAX;
        in->bytes = mem_resize(in->bytes, in->cap);
    } else if (bytes >= in->cap / 2 && in->cap < INPUT_BYTES_USUAL_MAX &&
               frame_wants(in) < INPUT_FRAME_LARGE) {
        move(in, in->cap * 2);
    }
}

void input_free(struct input *in)
{
    free(in->bytes);
    *in = (struct input){0};
}
