/*
 * cpio.c: reading the archive in place.
 *
 * A "newc" member is a header of 110 ASCII characters (6 of magic, then 13 numbers of 8 hex digits),
 * the name with its NUL, and the data; name and data are padded to multiples of 4.
 */
#include "cpio.h"

#include <stdint.h>

#include "string.h"

enum {
    HEADER = 110,
    MODE_AT = 6 + 1 * 8,
    FILE_SIZE_AT = 6 + 6 * 8,
    NAME_SIZE_AT = 6 + 11 * 8,
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
    MODE_DIRECTORY = 0040000,
};

static const char *archive;
static size_t archive_size;

void cpio_init(const void *start, size_t size)
{
    archive = start;
    archive_size = size;
}

/* Eight hex digits; -1 where one is not a digit. */
static int64_t hex(const char *digits)
{
    int64_t value = 0;
    for (int i = 0; i < 8; i++) {
        char c = digits[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t pad4(size_t offset)
{
    return (offset + 3) & ~(size_t)3;
}

/* As cpio_next(), with the member's mode. */
static bool member(size_t offset, struct cpio_file *file, int64_t *mode)
{
    if (offset > archive_size || archive_size - offset < HEADER)
        return false;
    const char *header = archive + offset;
    if (memcmp(header, "070701", 6) != 0)
        return false;
    int64_t name_size = hex(header + NAME_SIZE_AT), size = hex(header + FILE_SIZE_AT);
    *mode = hex(header + MODE_AT);
    if (name_size <= 0 || size < 0 || *mode < 0)
        return false;
    size_t name_end = offset + HEADER + (size_t)name_size;
    size_t data = pad4(name_end);
    if (data > archive_size || archive_size - data < (size_t)size || archive[name_end - 1] != '\0')
        return false;
    *file = (struct cpio_file){
        .name = header + HEADER,
        .data = archive + data,
        .size = (size_t)size,
        .is_directory = (*mode & MODE_TYPE) == MODE_DIRECTORY,
        .next = pad4(data + (size_t)size),
    };
    return strcmp(file->name, "TRAILER!!!") != 0;
}

bool cpio_next(size_t offset, struct cpio_file *file)
{
    int64_t mode;
    return member(offset, file, &mode);
}

bool cpio_find(const char *path, struct cpio_file *file)
{
    int64_t mode;
    while (*path == '/')
        path++;
    for (size_t at = 0; member(at, file, &mode); at = file->next)
        if (strcmp(file->name, path) == 0 && (mode & MODE_TYPE) == MODE_REGULAR)
            return true;
    return false;
}
