/* A disk that refuses to work while it is told to.
 *
 * Loaded before the C library (LD_PRELOAD). MESSENGER_DATA names the folder of the database; MESSENGER_TROUBLE a file whose
 * first eight bytes are the error (errno) by which every change of its files is refused, or zero. The spool beside it is in order.
 */
#include "shim.h"

static const volatile long long *trouble;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("MESSENGER_DATA");
    trouble = watched("MESSENGER_TROUBLE");
}

static int refuses(const char *path) {
    const char *name = folder && trouble && *trouble ? inside(folder, path) : NULL;
    if (!name || strncmp(name, "messenger.db", 12)) return 0;
    errno = (int)*trouble;
    return errno != 0;
}

static int refuses_open(int fd) {
    char path[PATH_MAX];
    if (!folder || !trouble || !*trouble) return 0;
    path_of(fd, path);
    return refuses(path);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    ssize_t (*call)(int, const void *, size_t, off64_t) = real("pwrite64");
    return refuses_open(fd) ? -1 : call(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
    static ssize_t (*call)(int, const void *, size_t);
    if (!call) call = real("write");
    return refuses_open(fd) ? -1 : call(fd, bytes, length);
}

int ftruncate64(int fd, off64_t length) {
    int (*call)(int, off64_t) = real("ftruncate64");
    return refuses_open(fd) ? -1 : call(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fsync(int fd) {
    int (*call)(int) = real("fsync");
    return refuses_open(fd) ? -1 : call(fd);
}

int fdatasync(int fd) {
    int (*call)(int) = real("fdatasync");
    return refuses_open(fd) ? -1 : call(fd);
}

int open64(const char *path, int flags, ...) {
    int (*call)(const char *, int, ...) = real("open64");
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    int is_read_only = trouble && *trouble == EROFS && (flags & (O_WRONLY | O_RDWR | O_CREAT));
    return is_read_only && refuses(path) ? -1 : call(path, flags, mode);
}

int unlink(const char *path) {
    int (*call)(const char *) = real("unlink");
    return refuses(path) ? -1 : call(path);
}
