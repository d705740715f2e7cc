/* path_calls.c: the system calls on names and directories.  See their pages in section 2 of the Linux manual. */
#include "errno.h"
#include "file.h"
#include "inode.h"
#include "kmalloc.h"
#include "path.h"
#include "string.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"

/* Put a path behind that of the directory which a descriptor is, in place of *path.  0 or an error. */
static long begin_in(struct task *task, uint64_t directory, char **path)
{
    const struct file *file = file_get_any(task, directory);
    if (!file)
        return -EBADF;
    if (!file->path)
        return -ENOTDIR;
    size_t before = strlen(file->path), length = strlen(*path);
    char *whole = kmalloc(before + 1 + length + 1);
    if (!whole)
        return -ENOMEM;
    memcpy(whole, file->path, before);
    whole[before] = '/';
    memcpy(whole + before + 1, *path, length + 1);
    kfree(*path);
    *path = whole;
    return 0;
}

long path_in(struct task *task, uint64_t directory, uint64_t address, char **path)
{
    *path = kmalloc(PATH_MAX);
    if (!*path)
        return -ENOMEM;
    long error = user_memory->string(task, *path, address, PATH_MAX);
    if (error >= 0)
        error = error > 0 ? 0 : -ENOENT;
    if (!error && **path != '/' && (int)directory != AT_FDCWD)
        error = begin_in(task, directory, path);
    if (error)
        kfree(*path);
    return error;
}

/* newfstatat(directory, path, stat, flags): args[0] to args[3].  There are no links that could be followed or not. */
static long sys_newfstatat(struct task *task, const uint64_t args[6])
{
    enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000 };
    char here[] = ".", *path = here, first = '/';
    uint32_t flags = (uint32_t)args[3];
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH) {
        long error = user_memory->in(task, &first, args[1], 1);
        if (error)
            return error;
        if (first == '\0' && (int)args[0] != AT_FDCWD) {
            const struct file *open = file_get_any(task, args[0]);
            return open ? stat_out(task, args[2], open) : -EBADF;
        }
    }
    long error = 0;
    if (first != '\0')
        error = path_in(task, args[0], args[1], &path);
    if (error)
        return error;
    struct file *file;
    error = file_open_with(path, O_RDONLY, &file);
    if (path != here)
        kfree(path);
    if (error)
        return error;
    error = stat_out(task, args[2], file);
    file_put(file);
    return error;
}
SYSCALL(SYS_NEWFSTATAT, sys_newfstatat);

/* unlinkat(directory, path, flags): args[0] to args[2]. */
static long sys_unlinkat(struct task *task, const uint64_t args[6])
{
    enum { AT_REMOVEDIR = 0x200 };
    char *path;
    uint32_t flags = (uint32_t)args[2];
    if (flags & ~(uint32_t)AT_REMOVEDIR)
        return -EINVAL;
    long error = path_in(task, args[0], args[1], &path);
    if (error)
        return error;
    error = path_remove(path, flags & AT_REMOVEDIR);
    kfree(path);
    return error;
}
SYSCALL(SYS_UNLINKAT, sys_unlinkat);

/* mkdirat(directory, path, mode): args[0] to args[2]. */
static long sys_mkdirat(struct task *task, const uint64_t args[6])
{
    char *path;
    long error = path_in(task, args[0], args[1], &path);
    if (error)
        return error;
    error = path_make_directory(path);
    kfree(path);
    return error;
}
SYSCALL(SYS_MKDIRAT, sys_mkdirat);

static long sys_chdir(struct task *task, const uint64_t args[6])
{
    char *path, *normal;
    long error = path_in(task, (uint64_t)AT_FDCWD, args[0], &path);
    if (error)
        return error;
    error = path_directory(path, &normal);
    kfree(path);
    if (error)
        return error;
    kfree(task->process->directory);
    task->process->directory = normal;
    return 0;
}
SYSCALL(SYS_CHDIR, sys_chdir);

/* getcwd(buffer, size): args[0] and args[1].  The call, not the function of C libraries, returns the size. */
static long sys_getcwd(struct task *task, const uint64_t args[6])
{
    const char *path = task->process->directory;
    if (!path || !*path)
        path = "/";
    size_t size = strlen(path) + 1;
    if (size > PATH_MAX)
        return -ENAMETOOLONG;
    if (args[1] < size)
        return -ERANGE;
    long error = user_memory->out(task, args[0], path, size);
    return error ? error : (long)size;
}
SYSCALL(SYS_GETCWD, sys_getcwd);

/* struct linux_dirent64 (include/linux/dirent.h), without the name. */
struct name_entry {
    uint64_t inode;
    int64_t next; /* lseek() to there goes on behind it */
    uint16_t size;
    uint8_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct name_entry) == 19, "as large as Linux's");

/* The next name of a directory: "." and ".." first, which no file system is asked for. */
static int next_name(struct file *file, struct inode_name *name)
{
    enum { DOTS = 2 };
    if (file->position < DOTS) {
        *name = (struct inode_name){.number = 1, .type = INODE_DIRECTORY};
        memset(name->text, '.', ++file->position);
        return 0;
    }
    file->position -= DOTS;
    int error = file->ops->next_name(file, name);
    file->position += DOTS;
    return error;
}

/* Write names of a directory to a program, from where its file stands.  Returns how many bytes, or an error. */
static long names_out(struct task *task, struct file *file, uint64_t to, uint64_t size)
{
    static const uint8_t types[] = {
        [INODE_FILE] = 8, [INODE_DIRECTORY] = 4, [INODE_CHARACTERS] = 2}; /* DT_REG, _DIR, _CHR */
    struct inode_name name;
    uint64_t done = 0;
    for (;;) {
        uint64_t before = file->position;
        long error = next_name(file, &name);
        if (error)
            return error == -ENOENT || done > 0 ? (long)done : error;
        size_t length = strlen(name.text) + 1;
        struct name_entry entry = {
            .inode = name.number,
            .next = (int64_t)file->position,
            .size = (uint16_t)((sizeof(entry) + length + 7) & ~(size_t)7),
            .type = types[name.type],
        };
        error = -EINVAL;
        if (entry.size <= size - done)
            error = user_memory->out(task, to + done, &entry, sizeof(entry));
        if (!error)
            error = user_memory->out(task, to + done + sizeof(entry), name.text, length);
        if (error) {
            file->position = before;
            return done > 0 ? (long)done : error;
        }
        done += entry.size;
    }
}

/* getdents64(fd, buffer, size): args[0] to args[2].  Returns how many bytes, 0 at the end. */
static long sys_getdents64(struct task *task, const uint64_t args[6])
{
    struct file *file = file_get(task, args[0]);
    if (!file)
        return -EBADF;
    if (!file->ops->next_name)
        return -ENOTDIR;
    file_position_lock(file);
    long done = names_out(task, file, args[1], (uint32_t)args[2]);
    file_position_unlock(file);
    return done;
}
SYSCALL(SYS_GETDENTS64, sys_getdents64);
