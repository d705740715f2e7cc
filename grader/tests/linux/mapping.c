/* mapping: memory from mmap(): anonymous, of files, shared and not; and what may not be touched. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

static size_t page;

/* How a child ends that reads or writes a byte. */
static const char *touch(volatile char *byte, int write)
{
    static char text[32];
    pid_t child = fork();
    if (child == 0) {
        char value = *byte;
        if (write)
            *byte = (char)(value + 1);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
    return text;
}

static void anonymous(void)
{
    size_t size = 64 * page;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned all = 0;
    for (size_t i = 0; i < size; i++)
        all |= (unsigned char)memory[i];
    memset(memory, 'a', size);
    printf("zero at first: %d\n", all == 0);
    printf("write: %s\n", touch(memory, 1));
    printf("mprotect: %d\n", mprotect(memory + page, page, PROT_READ));
    printf("write: %s, read: ", touch(memory + page, 1));
    printf("%s\n", touch(memory + page, 0));
    printf("mprotect: %d\n", mprotect(memory + 2 * page, page, PROT_NONE));
    printf("read: %s\n", touch(memory + 2 * page, 0));
    printf("mprotect: %d\n", mprotect(memory, 3 * page, PROT_READ | PROT_WRITE));
    printf("write: %s, as it was: %c\n", touch(memory + 2 * page, 1), memory[2 * page]);
    printf("munmap: %d\n", munmap(memory + 3 * page, page));
    printf("read: %s, before: ", touch(memory + 3 * page, 0));
    printf("%s, behind: ", touch(memory + 3 * page - 1, 0));
    printf("%s\n", touch(memory + 4 * page, 0));
    char *place = mmap(memory + 3 * page, page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("in the hole: %d, zero: %d\n", place == memory + 3 * page, place[0] == 0);
    SAY(munmap(memory, size));
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 'a', size);
    char *moved = mremap(memory, size, 4 * size, MREMAP_MAYMOVE);
    printf("mremap: %d, %c %d\n", moved != MAP_FAILED, moved[size - 1], moved[4 * size - 1]);
    printf("madvise: %d, ", madvise(moved, page, MADV_DONTNEED));
    printf("gone: %d\n", moved[0] == 0);
    printf("munmap: %d\n", munmap(moved, 4 * size));
    SAY(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SAY(mmap(NULL, page, PROT_READ, MAP_PRIVATE, 99, 0));
    SAY(munmap(NULL, 0));
}

/* Memory that parent and children have together. */
static void together(void)
{
    int *counts = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int n = 1; n <= 3; n++) {
        pid_t child = fork();
        if (child == 0) {
            counts[n] = 10 * n;
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    printf("together: %d %d %d\n", counts[1], counts[2], counts[3]);
    munmap(counts, page);
}

static void of_files(void)
{
    int fd = open("disk/mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
    printf("ftruncate: %d\n", ftruncate(fd, (off_t)(2 * page + 100)));
    char *shared = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    strcpy(shared, "through the mapping");
    strcpy(shared + page, "second page");
    char text[32] = "";
    SAY(pread(fd, text, 20, 0));
    puts(text);
    SAY(pwrite(fd, "by write", 9, (off_t)page));
    printf("in memory: %s\n", shared + page);
    own[page] = 'B';
    printf("a copy: %s, the file: %s\n", own + page, shared + page);
    printf("behind the end, in its page: %d, in the next: ", shared[2 * page + 200]);
    printf("%s\n", touch(shared + 3 * page, 0));
    printf("msync: %d\n", msync(shared, 4 * page, MS_SYNC));
    pid_t child = fork();
    if (child == 0) {
        strcpy(shared, "by the child");
        own[0] = 'X';
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("%s, %c\n", shared, own[0] == 'X' ? 'X' : '-');
    close(fd);
    printf("without a descriptor: %s\n", shared);
    printf("munmap: %d %d\n", munmap(shared, 4 * page), munmap(own, 4 * page));
    fd = open("disk/mapped", O_RDONLY);
    SAY(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    memset(text, 0, sizeof(text));
    SAY(read(fd, text, 13));
    puts(text);
    close(fd);
}

int main(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    printf("pages of %zu\n", page);
    anonymous();
    together();
    of_files();
    printf("at 0: %s\n", touch(NULL, 0));
    return 0;
}
