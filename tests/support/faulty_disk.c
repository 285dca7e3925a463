/* Loaded before the C library (LD_PRELOAD): makes the disk of one program fail as the file named by
 * FAULTY_DISK says, for files whose name contains "muster.db".
 *
 *   sync-error   every fsync fails with EIO
 *   sync-slow    every fsync takes half a second longer
 *   read-only    every write fails with EROFS
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int ordered(const char *fault) {
    const char *path = getenv("FAULTY_DISK");
    char text[32] = "";
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    if (syscall(SYS_read, file, text, sizeof text - 1) < 0)
        text[0] = 0;
    syscall(SYS_close, file);
    return strncmp(text, fault, strlen(fault)) == 0;
}

static int is_database(int file) {
    char link[64], name[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    return readlink(link, name, sizeof name - 1) > 0 && strstr(name, "muster.db") != NULL;
}

static int sync_fails(int file) {
    if (!is_database(file))
        return 0;
    if (ordered("sync-slow")) {
        struct timespec half = {0, 500000000};
        nanosleep(&half, NULL);
    }
    return ordered("sync-error");
}

static int write_fails(int file) { return ordered("read-only") && is_database(file); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int file) {
    if (sync_fails(file)) { errno = EIO; return -1; }
    return REAL(fsync)(file);
}

int fdatasync(int file) {
    if (sync_fails(file)) { errno = EIO; return -1; }
    return REAL(fdatasync)(file);
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (write_fails(file)) { errno = EROFS; return -1; }
    return REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    if (write_fails(file)) { errno = EROFS; return -1; }
    return REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (write_fails(file)) { errno = EROFS; return -1; }
    return REAL(pwrite64)(file, bytes, count, at);
}
