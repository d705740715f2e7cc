/* device_file.c: /dev: what is no file, and can be opened like one. */
#include "device_file.h"

#include <stddef.h>

#include "errno.h"
#include "file.h"
#include "inode.h"
#include "kmalloc.h"
#include "string.h"

static long null_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return 0;
}

static long null_write(struct file *file, const void *buffer, size_t size)
{
    (void)buffer;
    return file_can_write(file) ? (long)size : -EBADF;
}

static long console_device_read(struct file *file, void *buffer, size_t size)
{
    (void)file;
    return console_input.ops->read(&console_input, buffer, size);
}

static long console_device_write(struct file *file, const void *buffer, size_t size)
{
    return file_can_write(file) ? console_output.ops->write(&console_output, buffer, size) : -EBADF;
}

static void device_close(struct file *file)
{
    kfree(file);
}

enum { CHARACTERS = 0020000 };
static const struct file_ops null_ops = {
    .read = null_read, .write = null_write, .close = device_close, .mode = CHARACTERS | 0666};
static const struct file_ops console_ops = {.read = console_device_read,
                                            .write = console_device_write,
                                            .close = device_close,
                                            .mode = CHARACTERS | 0620,
                                            .is_terminal = true};

static const struct {
    const char *name;
    const struct file_ops *ops;
} devices[] = {{"console", &console_ops}, {"null", &null_ops}, {"tty", &console_ops}};
enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

static int next_device(struct file *file, struct inode_name *name)
{
    if (file->position >= DEVICES)
        return -ENOENT;
    const char *text = devices[file->position].name;
    memcpy(name->text, text, strlen(text) + 1);
    name->number = ++file->position;
    name->type = INODE_CHARACTERS;
    return 0;
}

static const struct file_ops directory_ops = {.read = directory_read,
                                              .write = directory_write,
                                              .next_name = next_device,
                                              .close = directory_close};

/* The number of the device with this path, -1 for /dev itself, DEVICES for all else. */
static int find(const char *path)
{
    if (strcmp(path, "/dev") == 0)
        return -1;
    int n = 0;
    while (n < DEVICES &&
           (strncmp(path, "/dev/", 5) != 0 || strcmp(path + 5, devices[n].name) != 0))
        n++;
    return n;
}

int device_check_directory(const char *path)
{
    int n = find(path);
    return n == DEVICES ? -ENOENT : n < 0 ? 0 : -ENOTDIR;
}

int device_open(const char *path, unsigned flags, struct file **opened)
{
    int n = find(path);
    if (n == DEVICES)
        return -ENOENT;
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (n < 0)
        return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)
                   ? -EISDIR
                   : directory_file_create(&directory_ops, flags, path, opened);
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    struct file *file = kmalloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct file){.ops = devices[n].ops, .references = 1, .flags = flags};
    *opened = file;
    return 0;
}
