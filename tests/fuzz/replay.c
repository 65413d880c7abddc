/* The main of a fuzz target where libFuzzer is not built in: gives each file of a corpus folder to
 * the target, and each of its prefixes too, since a cut-off input is the cheapest hostile one.
 * Fails where the folder holds no file. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX (1u << 20)
/* Longer inputs are given whole only: prefixes cost the square of the length */
#define PREFIX_BYTES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(const uint8_t *data, size_t size)
{
    /* a copy of exactly this size, so that the address sanitizer sees one byte too far */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int replay_file(const char *path, uint8_t *buffer)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t size = fread(buffer, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    give(buffer, size);
    for (size_t len = 0; size <= PREFIX_BYTES_MAX && len < size; len++) {
        give(buffer, len);
    }
    return 0;
}

static int replay_folder(const char *folder, uint8_t *buffer)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        (void)fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return 1;
    }
    int faults = 0;
    int files = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        struct stat info;
        int len = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (len > 0 && (size_t)len < sizeof path && stat(path, &info) == 0 &&
            S_ISREG(info.st_mode)) {
            faults += replay_file(path, buffer);
            files++;
        }
    }
    (void)closedir(dir);
    (void)printf("%s: %d inputs replayed\n", folder, files);
    return faults != 0 || files == 0;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    if (argc != 2 || buffer == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    int result = replay_folder(argv[1], buffer);
    free(buffer);
    return result;
}
