/* What a process does to the database's files, written down in the order in which it was done.
 *
 * Loaded before the C library (LD_PRELOAD). MESSENGER_DATA names the folder, MESSENGER_TRACE the file to append to. Each entry
 * is one line, then the bytes that were written, if any:
 *
 *   W name offset length    written: noted once it was done, so that what is not noted yet counts as lost
 *   T name length           cut to this length
 *   S name position         synced: everything noted before this position of the trace is on the disk now
 *   D position              the same of the folder: which names there are
 *   C name, U name          made, removed
 *
 * Of the shared memory (-shm) nothing is noted: a power cut takes it, and SQLite makes it anew.
 */
#include "shim.h"

static int trace = -1;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MESSENGER_TRACE");
    folder = getenv("MESSENGER_DATA");
    if (path && folder) trace = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static long long position(void) {
    struct stat now;
    return fstat(trace, &now) ? 0 : (long long)now.st_size;
}

static void note(const char *line, const void *bytes, size_t length) {
    struct iovec parts[2] = {{(void *)line, strlen(line)}, {(void *)bytes, length}};
    int before = errno;
    if (writev(trace, parts, bytes ? 2 : 1) < 0) abort();
    errno = before;
}

static const char *traced(int fd, char *path) {
    path[0] = 0;
    if (trace < 0 || fd == trace) return NULL;
    path_of(fd, path);
    return inside(folder, path);
}

static ssize_t written(int fd, const void *bytes, ssize_t length, off64_t offset) {
    char path[PATH_MAX], line[PATH_MAX + 64];
    const char *name = length > 0 ? traced(fd, path) : NULL;
    if (name) {
        snprintf(line, sizeof line, "W %s %lld %zd\n", name, (long long)offset, length);
        note(line, bytes, (size_t)length);
    }
    return length;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    ssize_t (*call)(int, const void *, size_t, off64_t) = real("pwrite64");
    return written(fd, bytes, call(fd, bytes, length, offset), offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
    static ssize_t (*call)(int, const void *, size_t);
    if (!call) call = real("write");
    ssize_t done = call(fd, bytes, length);
    off64_t end = trace < 0 ? 0 : lseek64(fd, 0, SEEK_CUR);
    return end < done ? done : written(fd, bytes, done, end - done);
}

int ftruncate64(int fd, off64_t length) {
    int (*call)(int, off64_t) = real("ftruncate64");
    int answer = call(fd, length);
    char path[PATH_MAX], line[PATH_MAX + 64];
    const char *name = answer ? NULL : traced(fd, path);
    if (name) {
        snprintf(line, sizeof line, "T %s %lld\n", name, (long long)length);
        note(line, NULL, 0);
    }
    return answer;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, const char *way) {
    int (*call)(int) = real(way);
    char path[PATH_MAX], line[PATH_MAX + 64];
    const char *name = traced(fd, path);
    int is_folder = trace >= 0 && !name && !strcmp(path, folder);
    long long before = name || is_folder ? position() : 0;
    int answer = call(fd);
    if (answer || !(name || is_folder)) return answer;
    if (name) snprintf(line, sizeof line, "S %s %lld\n", name, before);
    else snprintf(line, sizeof line, "D %lld\n", before);
    note(line, NULL, 0);
    return answer;
}

int fsync(int fd) { return synced(fd, "fsync"); }

int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int open64(const char *path, int flags, ...) {
    int (*call)(const char *, int, ...) = real("open64");
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    const char *name = trace >= 0 && (flags & O_CREAT) && path[0] == '/' ? inside(folder, path) : NULL;
    if (!name) return call(path, flags, mode);
    char line[PATH_MAX + 64];
    int fd = call(path, flags | O_EXCL, mode);
    if (fd < 0) return errno == EEXIST && !(flags & O_EXCL) ? call(path, flags, mode) : fd;
    snprintf(line, sizeof line, "C %s\n", name);
    note(line, NULL, 0);
    return fd;
}

int unlink(const char *path) {
    int (*call)(const char *) = real("unlink");
    const char *name = trace >= 0 ? inside(folder, path) : NULL;
    if (name) {
        char line[PATH_MAX + 64];
        snprintf(line, sizeof line, "U %s\n", name);
        note(line, NULL, 0);
    }
    return call(path);
}
