#include "bcg/data_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err __attribute__((format(printf, 3, 4)))
fault(struct data_fault *f, enum err e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return e;
}

/* The real path of the data directory, to be freed; NULL where there is none. */
static char *data_dir(void)
{
    /* As seen from the plugin: built, and installed in lib/marathon. */
    static const char *const places[] = {"/../../samples", "/../../share/marathon/samples"};
    static const char here = 0; /* any object of this file tells dladdr which plugin we are */
    const char *named = getenv("MARATHON_DATA_DIR");
    if (named != NULL && named[0] != '\0') {
        return realpath(named, NULL);
    }
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return NULL;
    }
    char *plugin = realpath(info.dli_fname, NULL);
    char *slash = plugin != NULL ? strrchr(plugin, '/') : NULL;
    char *dir = NULL;
    for (size_t i = 0; slash != NULL && dir == NULL && i < sizeof places / sizeof places[0]; i++) {
        struct buf path = {0};
        buf_add(&path, plugin, (size_t)(slash - plugin));
        buf_add_str(&path, places[i]);
        dir = realpath(buf_cstr(&path), NULL);
        buf_free(&path);
    }
    free(plugin);
    return dir;
}

/* The real path of the file, to be freed, once it is known to lie in the directory. */
static enum err resolve(const char *dir, const char *name, char **ret_path, struct data_fault *f)
{
    struct buf joined = {0};
    if (name[0] != '/') {
        buf_add_str(&joined, dir);
        buf_add_char(&joined, '/');
    }
    buf_add_str(&joined, name);
    char *path = realpath(buf_cstr(&joined), NULL);
    int error = errno;
    buf_free(&joined);
    if (path == NULL) {
        /* A name that leads out is refused in the same words, so that nobody can ask what exists
         * elsewhere. */
        if (error == ENOENT || error == ENOTDIR || error == EACCES) {
            return fault(f, ERR_NOT_FOUND, "no file \"%s\" in the data directory %s", name, dir);
        }
        enum err e = error == ENAMETOOLONG || error == ELOOP ? ERR_INVALID : ERR_UNAVAILABLE;
        return fault(f, e, "\"%s\": %s", name, strerror(error));
    }
    size_t len = strlen(dir);
    if (strncmp(path, dir, len) != 0 || path[len] != '/') {
        free(path);
        return fault(f, ERR_INVALID, "\"%s\" leads out of the data directory", name);
    }
    *ret_path = path;
    return ERR_OK;
}

static enum err read_all(int fd, const char *name, struct buf *out, struct data_fault *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return fault(f, ERR_UNAVAILABLE, "\"%s\": %s", name, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fault(f, ERR_INVALID, "\"%s\" is not a file", name);
    }
    for (;;) {
        if (out->len > DATA_FILE_BYTES_MAX) {
            return fault(f, ERR_INVALID, "\"%s\" is larger than 64 MiB", name);
        }
        buf_reserve(out, 64u << 10);
        ssize_t got = read(fd, out->ptr + out->len, 64u << 10);
        if (got == 0) {
            return ERR_OK;
        }
        if (got > 0) {
            out->len += (size_t)got;
        } else if (errno != EINTR) {
            return fault(f, ERR_UNAVAILABLE, "\"%s\": %s", name, strerror(errno));
        }
    }
}

enum err data_file_read(const char *name, struct buf *ret_content, struct data_fault *ret_fault)
{
    char *dir = data_dir();
    if (dir == NULL) {
        return fault(ret_fault, ERR_UNAVAILABLE,
                     "the data directory is not there; MARATHON_DATA_DIR names it");
    }
    char *path = NULL;
    enum err e = resolve(dir, name, &path, ret_fault);
    free(dir);
    if (e != ERR_OK) {
        return e;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd < 0) {
        e = errno == EACCES ? ERR_INVALID : ERR_UNAVAILABLE;
        return fault(ret_fault, e, "\"%s\": %s", name, strerror(errno));
    }
    e = read_all(fd, name, ret_content, ret_fault);
    (void)close(fd);
    return e;
}

enum err effects_log_add(struct bytes line)
{
    const char *path = getenv("MARATHON_EFFECTS_LOG");
    if (path == NULL || path[0] == '\0') {
        return ERR_OK;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return ERR_UNAVAILABLE;
    }
    bool written = write(fd, line.ptr, line.len) == (ssize_t)line.len && fsync(fd) == 0;
    (void)close(fd);
    return written ? ERR_OK : ERR_UNAVAILABLE;
}
