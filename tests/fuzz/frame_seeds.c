/* frame_seeds DIR: writes one frame (without its length) per message type into DIR, the corpus of
 * frame_fuzz. */
#include <stdio.h>

#include "../unit/wire/samples.h"
#include "wire/frame.h"

static bool write_seed(const char *dir, const struct message *m)
{
    char path[512];
    struct buf out = {0};
    if (frame_encode(m, &out) != ERR_OK) {
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", dir, message_type_name(m->type));
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(out.ptr + 4, 1, out.len - 4, f) == out.len - 4;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (!ok) {
        perror(path);
    }
    buf_free(&out);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: frame_seeds DIR\n");
        return 2;
    }
    for (size_t i = 0; i < sample_count; i++) {
        if (!write_seed(argv[1], &samples[i])) {
            return 1;
        }
    }
    return 0;
}
