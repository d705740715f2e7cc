/* Opening files: POSIX's fcntl.h, and what sys/stat.h says of a file, without errno: errors are returned. */
#ifndef USER_FCNTL_H
#define USER_FCNTL_H

#include <stddef.h>

enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_TRUNC = 01000,
    O_APPEND = 02000,
    O_DIRECTORY = 0200000,
    O_CLOEXEC = 02000000
};

/* Opens a file; mode, for a new one, is 0666. Returns a descriptor or a negative error. */
int open(const char *path, int flags);

/* The same; a path without a leading slash is meant to begin in the directory that this descriptor is. */
int openat(int directory, const char *path, int flags);

/* struct stat of riscv64 (include/uapi/asm-generic/stat.h). */
struct stat {
    unsigned long st_dev, st_ino;
    unsigned st_mode, st_nlink, st_uid, st_gid;
    unsigned long st_rdev, padding;
    long st_size;
    int st_blksize, padding2;
    long st_blocks;
    unsigned long times[6];
    unsigned unused[2];
};

/* Asks about an open file, or one with a name. Returns 0 or a negative error. */
int fstat(int fd, struct stat *stat);
int stat_path(const char *path, struct stat *stat);

/* A name in a directory: struct linux_dirent64. */
struct dirent {
    unsigned long d_ino;
    long d_off;
    unsigned short d_reclen; /* the next one begins so many bytes behind this one */
    unsigned char d_type;
    char d_name[];
};
enum { DT_DIR = 4, DT_REG = 8 };

/* Reads names of a directory, as many as fit. Returns how many bytes, 0 at the end, or a negative error. */
long getdents64(int fd, void *buffer, size_t size);

#endif
