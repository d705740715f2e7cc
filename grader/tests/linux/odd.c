/* odd: calls with arguments that few programs pass, and programs without arguments. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

static char *const nowhere = (char *)-1L;

static void clocks(void)
{
    SAY(syscall(SYS_gettimeofday, NULL, NULL));
    SAY(syscall(SYS_gettimeofday, NULL, nowhere));
    SAY(syscall(SYS_gettimeofday, nowhere, NULL));
    SAY(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, nowhere));
    SAY(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL));
    SAY(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
    SAY(syscall(SYS_clock_getres, CLOCK_MONOTONIC, nowhere));
    SAY(syscall(SYS_clock_getres, 99, nowhere));
    SAY(syscall(SYS_settimeofday, nowhere, NULL));
    SAY(syscall(SYS_settimeofday, NULL, nowhere));
}

/* A descriptor that only names a file. */
static void names(void)
{
    char byte = 'x';
    struct stat stat;
    int file = open("disk/text", O_PATH | O_RDWR), directory = open("disk/dir", O_PATH);
    SAY(read(file, &byte, 1));
    SAY(read(file, &byte, 0));
    SAY(write(file, &byte, 1));
    SAY(pread(file, &byte, 1, 0));
    SAY(pwrite(file, &byte, 1, 0));
    SAY(lseek(file, 0, SEEK_SET));
    SAY(ftruncate(file, 0));
    SAY(fsync(file));
    SAY(syscall(SYS_getdents64, directory, &stat, sizeof(stat)));
    SAY(ioctl(file, TIOCGWINSZ, &stat) == -1 && errno == EBADF);
    SAY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED && errno == EBADF);
    SAY(fstat(file, &stat));
    printf("%ld bytes\n", (long)stat.st_size);
    SAY(fcntl(file, F_GETFD));
    SAY(fcntl(file, F_SETFL, O_APPEND));
    SAY(fcntl(file, F_GETFL) & O_ACCMODE);
    int copy = dup(file);
    SAY(read(copy, &byte, 1));
    SAY(close(copy));
    int inner = openat(directory, "inner", O_RDONLY);
    SAY(inner >= 0);
    SAY(read(inner, &byte, 1));
    SAY(openat(file, "x", O_RDONLY));
    SAY(open("disk/none", O_PATH | O_CREAT, 0600));
    SAY(open("disk/text", O_PATH | O_DIRECTORY));
    int neither = open("disk/text", O_ACCMODE);
    SAY(neither >= 0);
    SAY(read(neither, &byte, 1));
    SAY(write(neither, &byte, 1));
}

static void paths(void)
{
    static char path[5000];
    memset(path, '/', sizeof(path));
    path[300] = '\0';
    SAY(chdir(path));
    SAY(access(path, F_OK));
    path[300] = '/';
    path[4095] = '\0';
    SAY(access(path, F_OK));
    path[4095] = '/';
    path[4096] = '\0';
    SAY(access(path, F_OK));
    for (size_t at = 1; at < 4094; at += 2)
        path[at] = '.';
    path[4095] = '\0';
    SAY(access(path, F_OK));
    memset(path + 1, 'x', 255);
    path[256] = '\0';
    SAY(access(path, F_OK));
    path[256] = 'x';
    path[257] = '\0';
    SAY(access(path, F_OK));
    SAY(open(path, O_RDONLY));
    memset(path + 1, 'x', 4094);
    SAY(chdir(path));
}

static void mappings(void)
{
    int file = open("disk/text", O_RDWR);
    const int both = MAP_SHARED | MAP_PRIVATE;
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, both, file, 0);
    printf("MAP_SHARED_VALIDATE: %d\n", at != MAP_FAILED && at[0] == 's');
    SAY(mmap(NULL, 4096, PROT_READ, both | 0x200000, file, 0) == MAP_FAILED && errno == EOPNOTSUPP);
    SAY(mmap(NULL, 4096, PROT_READ, both | MAP_SYNC, file, 0) == MAP_FAILED && errno == EOPNOTSUPP);
    SAY(mmap(NULL, 4096, PROT_READ, both | MAP_NORESERVE, file, 0) != MAP_FAILED);
    SAY(mmap(NULL, 4096, PROT_READ, both, 77, 0) == MAP_FAILED && errno == EBADF);
    SAY(mmap(NULL, 0, PROT_READ, both, file, 0) == MAP_FAILED && errno == EINVAL);
    SAY(mmap(NULL, 4096, PROT_READ, both | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    SAY(mmap(NULL, 4096, PROT_READ, 0x200000 | MAP_SHARED, file, 0) != MAP_FAILED);
    at[0] = 't';
    char byte;
    SAY(pread(file, &byte, 1, 0));
    printf("shared: %c\n", byte);
}

int main(void)
{
    clocks();
    names();
    mappings();
    paths();
    return 0;
}
