/*
 * cpio.c: reading the archive in place.
 *
 * A "newc" member is a header of 110 ASCII characters (6 of magic, then 13 numbers of 8 hex digits),
 * the name with its NUL, and the data; name and data are padded to multiples of 4.
 *
 * At boot the names are rewritten where they lie: "./a", "/a" and "b/../a" become "a", and a member that a later one of
 * the same name replaces gets an empty name, as if it were not there.  What is read is as Linux unpacks it
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */
#include "cpio.h"

#include <stdint.h>

#include "string.h"

enum {
    HEADER = 110,
    MAGIC = 6,
    INODE_AT = MAGIC + 0 * 8,
    MODE_AT = MAGIC + 1 * 8,
    LINKS_AT = MAGIC + 4 * 8,
    FILE_SIZE_AT = MAGIC + 6 * 8,
    DEVICE_AT = MAGIC + 7 * 8, /* two numbers */
    NAME_SIZE_AT = MAGIC + 11 * 8,
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
    MODE_DIRECTORY = 0040000,
};

static char *archive;
static size_t archive_size;

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

/* A member as it stands in the archive. */
struct member {
    const char *header;
    char *name;
    const char *data;
    size_t size, next;
    int64_t mode;
    bool is_trailer; /* the last of an archive; another may follow */
};

/* Zeros between two archives that follow each other, from an offset on. */
static size_t skip_padding(size_t offset)
{
    while (offset < archive_size && archive[offset] == '\0')
        offset++;
    return offset;
}

/* The member at offset.  False where there is none, or it is damaged. */
static bool read_member(size_t offset, struct member *member)
{
    if (offset > archive_size || archive_size - offset < HEADER)
        return false;
    char *header = archive + offset;
    /* The second has checksums of the data, which nobody looks at. */
    if (memcmp(header, "070701", MAGIC) != 0 && memcmp(header, "070702", MAGIC) != 0)
        return false;
    int64_t name_size = hex(header + NAME_SIZE_AT), size = hex(header + FILE_SIZE_AT);
    int64_t mode = hex(header + MODE_AT);
    if (name_size <= 0 || size < 0 || mode < 0)
        return false;
    size_t name_end = offset + HEADER + (size_t)name_size;
    size_t data = pad4(name_end);
    if (data > archive_size || archive_size - data < (size_t)size || archive[name_end - 1] != '\0')
        return false;
    *member = (struct member){
        .header = header,
        .name = header + HEADER,
        .data = archive + data,
        .size = (size_t)size,
        .next = pad4(data + (size_t)size),
        .mode = mode & MODE_TYPE,
        .is_trailer = strcmp(header + HEADER, "TRAILER!!!") == 0,
    };
    if (member->is_trailer)
        member->next = skip_padding(member->next);
    return true;
}

/* Rewrite a name as a path from the root on without a slash in front, "//", "." and "..". */
static void normalize(char *name)
{
    size_t length = 0;
    for (const char *from = name; *from;) {
        size_t n = 0;
        while (from[n] && from[n] != '/')
            n++;
        if (n == 2 && from[0] == '.' && from[1] == '.') {
            while (length > 0 && name[--length] != '/')
                ;
        } else if (n > 0 && !(n == 1 && from[0] == '.')) {
            if (length > 0)
                name[length++] = '/';
            memmove(name + length, from, n);
            length += n;
        }
        from += n;
        while (*from == '/')
            from++;
        /* The end may be overwritten by nothing: what is written is never longer than what was read. */
    }
    name[length] = '\0';
}

void cpio_init(const void *start, size_t size)
{
    struct member member, later;
    archive = (char *)(uintptr_t)start;
    archive_size = size;
    for (size_t at = 0; read_member(at, &member); at = member.next)
        if (!member.is_trailer)
            normalize(member.name);
    for (size_t at = 0; read_member(at, &member); at = member.next)
        for (size_t other = member.next; *member.name && read_member(other, &later);
             other = later.next)
            if (!member.is_trailer && strcmp(member.name, later.name) == 0)
                *member.name = '\0';
}

/*
 * Give a member of several names for one file, which has no data itself, those of the member that has: of the same
 * archive, the last one.
 */
static void find_data(struct member *link)
{
    struct member other;
    bool passed = false;
    const char *data = link->data;
    size_t size = 0;
    for (size_t at = 0; read_member(at, &other); at = other.next) {
        passed |= other.header == link->header;
        if (other.is_trailer && passed)
            break;
        if (other.is_trailer)
            size = 0;
        else if (other.size > 0 && other.mode == MODE_REGULAR &&
                 memcmp(other.header + INODE_AT, link->header + INODE_AT, 8) == 0 &&
                 memcmp(other.header + DEVICE_AT, link->header + DEVICE_AT, 16) == 0)
            data = other.data, size = other.size;
    }
    link->data = data;
    link->size = size;
}

bool cpio_next(size_t offset, struct cpio_file *file)
{
    struct member member;
    while (read_member(offset, &member)) {
        offset = member.next;
        if (member.is_trailer || !*member.name ||
            (member.mode != MODE_REGULAR && member.mode != MODE_DIRECTORY))
            continue;
        if (member.mode == MODE_REGULAR && member.size == 0 && hex(member.header + LINKS_AT) > 1)
            find_data(&member);
        *file = (struct cpio_file){
            .name = member.name,
            .data = member.data,
            .size = member.size,
            .is_directory = member.mode == MODE_DIRECTORY,
            .next = member.next,
        };
        return true;
    }
    return false;
}

bool cpio_find(const char *path, struct cpio_file *file)
{
    while (*path == '/')
        path++;
    for (size_t at = 0; cpio_next(at, file); at = file->next)
        if (!file->is_directory && strcmp(file->name, path) == 0)
            return true;
    return false;
}
