/* files: what stdio, directories and descriptors do on a disk.  New names are short: FAT has long ones made by others. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "say.h"

static void streams(void)
{
    FILE *file = fopen("disk/lines", "w+");
    for (int i = 0; i < 1000; i++)
        fprintf(file, "line number %d\n", i);
    printf("written: %ld bytes\n", ftell(file));
    rewind(file);
    char line[64];
    int count = 0;
    while (fgets(line, sizeof(line), file))
        count++;
    printf("read: %d lines, the last: %s", count, line);
    fseek(file, -15, SEEK_END);
    fgets(line, sizeof(line), file);
    printf("15 before the end: %s", line);
    fseek(file, 5, SEEK_SET);
    fwrite("NUMBER", 1, 6, file);
    fseek(file, 0, SEEK_SET);
    fgets(line, sizeof(line), file);
    printf("changed: %s", line);
    fclose(file);
    file = fopen("disk/lines", "a+");
    fprintf(file, "appended\n");
    fseek(file, 0, SEEK_SET);
    for (count = 0; fgets(line, sizeof(line), file); count++)
        ;
    printf("with one appended: %d, %s", count, line);
    fclose(file);
    file = fopen("disk/lines", "r");
    ungetc('>', file);
    int pushed = getc(file), own = getc(file);
    printf("ungetc: %c%c\n", pushed, own);
    char *whole = NULL;
    size_t room = 0;
    printf("getdelim: %zd\n", getdelim(&whole, &room, '7', file));
    free(whole);
    SAY(fputs("x", file));
    printf("error: %d\n", ferror(file) != 0);
    fclose(file);
    SAY(fopen("disk/none", "r") ? 0 : -1);
    SAY(fopen("disk/lines", "wx") ? 0 : -1);
}

static void descriptors(void)
{
    int fd = open("disk/bytes", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct iovec pieces[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}};
    printf("writev: %zd\n", writev(fd, pieces, 4));
    SAY(lseek(fd, 4, SEEK_SET));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(lseek(fd, -1, SEEK_SET));
    SAY(lseek(fd, 0, 77));
    char a[5] = "", b[20] = "";
    struct iovec into[] = {{a, 4}, {b, 19}};
    SAY(readv(fd, into, 2));
    printf("'%s' '%s'\n", a, b);
    SAY(pwrite(fd, "TWO", 3, 4));
    SAY(pwrite(fd, "x", 1, -1));
    SAY(pwrite(fd, "x", 0, 100));
    SAY(pwrite(99, "x", 1, 0));
    SAY(pread(fd, b, 13, 0));
    printf("%.13s\n", b);
    SAY(lseek(fd, 5000, SEEK_SET));
    SAY(write(fd, "end", 3));
    char in_the_hole = 'x';
    SAY(pread(fd, &in_the_hole, 1, 4000));
    printf("in the hole: %d\n", in_the_hole);
    int copy = dup(fd), other = open("disk/bytes", O_RDONLY);
    printf("the same position: %ld, another: %ld\n", (long)lseek(copy, 0, SEEK_CUR),
           (long)lseek(other, 0, SEEK_CUR));
    printf("flags: %d %d\n", fcntl(other, F_GETFL) & O_ACCMODE, fcntl(copy, F_GETFD));
    SAY(write(other, "x", 1));
    SAY(pwrite(other, "x", 1, 0));
    SAY(pwrite(STDOUT_FILENO, "x", 1, 0));
    close(copy), close(other);
    struct stat information;
    SAY(ftruncate(fd, 10));
    SAY(fstat(fd, &information));
    printf("size %ld, regular %d\n", (long)information.st_size, S_ISREG(information.st_mode));
    SAY(truncate("disk/bytes", 3));
    SAY(lseek(fd, 0, SEEK_END));
    SAY(truncate("disk/none", 3));
    SAY(truncate("disk/bytes", -1));
    SAY(truncate("disk/dir", 3));
    SAY(fdatasync(fd));
    SAY(fdatasync(99));
    SAY(fsync(fd));
    SAY(close(fd));
    SAY(close(fd));
}

/* All pieces are looked at before the first is written, but where they lie only when it is their turn. */
static void wrong_pieces(void)
{
    int fd = open("disk/pieces", O_RDWR | O_CREAT | O_TRUNC, 0644);
    /* So that the compiler does not see what is wrong. */
    void *volatile nowhere = (void *)1;
    volatile int too_many = 1025, fewer_than_none = -1;
    struct iovec pieces[] = {{"one ", 4}, {"two", 3}};
    pieces[1].iov_len = (size_t)-1;
    SAY(writev(fd, pieces, 2));
    pieces[1] = (struct iovec){nowhere, 3};
    SAY(writev(fd, pieces, 2));
    pieces[0] = (struct iovec){nowhere, 3};
    SAY(writev(fd, pieces, 2));
    SAY(writev(fd, pieces, too_many));
    SAY(writev(fd, pieces, fewer_than_none));
    SAY(writev(fd, nowhere, 1));
    SAY(writev(fd, nowhere, 0));
    SAY(lseek(fd, 0, SEEK_CUR));
    SAY(close(fd));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, by_name);
    printf("%s has %d:", path, count);
    for (int i = 0; i < count; i++) {
        printf(" %s%s", names[i]->d_name, names[i]->d_type == DT_DIR ? "/" : "");
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    printf("\n");
}

static void directories(void)
{
    struct stat information;
    char where[100];
    SAY(mkdir("disk/new", 0755));
    SAY(mkdir("disk/new", 0755));
    SAY(mkdir("disk/new/inner", 0755));
    SAY(mkdir("disk/none/inner", 0755));
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof(name), "disk/new/n%d.txt", i);
        fclose(fopen(name, "w"));
    }
    DIR *directory = opendir("disk/new");
    int count = 0;
    while (readdir(directory))
        count++;
    rewinddir(directory);
    while (readdir(directory))
        count++;
    printf("names, twice: %d\n", count);
    closedir(directory);
    for (int i = 3; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof(name), "disk/new/n%d.txt", i);
        count += unlink(name);
    }
    list("disk/new");
    list("disk");
    list("disk/none");
    list("disk/lines");
    SAY(stat("disk/new", &information));
    printf("directory %d\n", S_ISDIR(information.st_mode));
    SAY(stat("disk/none", &information));
    SAY(stat("disk/lines/none", &information));
    SAY(access("disk/lines", R_OK));
    SAY(access("disk/none", F_OK));
    SAY(unlink("disk/new"));
    SAY(rmdir("disk/new"));
    SAY(rmdir("disk/new/inner"));
    SAY(unlink("disk/lines/"));
    SAY(chdir("disk/new"));
    getcwd(where, sizeof(where));
    printf("in ...%s\n", strrchr(where, '/'));
    list(".");
    SAY(access("../lines", F_OK));
    SAY(chdir("../.."));
    int fd = open("disk", O_RDONLY | O_DIRECTORY);
    SAY(faccessat(fd, "bytes", F_OK, 0));
    SAY(unlinkat(fd, "bytes", 0));
    SAY(faccessat(fd, "bytes", F_OK, 0));
    SAY(read(fd, where, 1));
    SAY(close(fd));
    SAY(open("disk", O_WRONLY));
}

static void removed_while_open(void)
{
    FILE *file = fopen("disk/brief", "w+");
    SAY(remove("disk/brief"));
    fprintf(file, "still there");
    rewind(file);
    char text[32] = "";
    fgets(text, sizeof(text), file);
    puts(text);
    fclose(file);
    SAY(access("disk/brief", F_OK));
}

int main(void)
{
    streams();
    descriptors();
    wrong_pieces();
    directories();
    removed_while_open();
    return 0;
}
