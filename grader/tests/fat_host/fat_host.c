/*
 * fat_host.c: the kernel's FAT file system on the host, over an image, for test_fat.py.
 *
 *     fat_host run IMAGE [log FILE] [read-only] [cache BYTES] [seed N]
 *         commands from standard input, an answer to each
 *     fat_host fuzz IMAGE FIRST COUNT
 *         damage copies of it in as many ways, and use them; paths from standard input
 *
 * What the page cache does in the kernel is done here by struct content: whole pages, written when they have to.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errno.h"
#include "fat.h"
#include "fat_private.h"
#include "inode.h"
#include "kmalloc.h"

enum {
    PAGE = 4096,
    NAMES = 64,
    PATH = 1200,
    REPORTS_MAX = 16,
    USED_MAX = 1000,
    EIO_ = -5,
    ENOMEM_ = -12
};

static unsigned long current_seed; /* of fuzz */

_Noreturn static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

/* ---- chance */

static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((chance_state >> 33) % below);
}

/* ---- what the kernel has */

static bool quiet;
static size_t cache_size; /* instead of the one that fat.c wants */
static unsigned reports;
static long allocated;
static unsigned errors_per_1000; /* of transfers and of kmalloc() */
static const struct file_system *mounted;

struct block_cache *host_block_cache_create(struct block_device *on, size_t bytes);
void report(const char *format, ...);
void panic(const char *format, ...);

void report(const char *format, ...)
{
    reports++;
    if (quiet)
        return;
    va_list args;
    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void panic(const char *format, ...)
{
    die("panic: %s", format);
}

/* fat.c is compiled to call this one: a small cache has to write what was changed at all times. */
struct block_cache *host_block_cache_create(struct block_device *on, size_t bytes)
{
    return block_cache_create(on, cache_size ? cache_size : bytes);
}

static bool failure(void)
{
    return errors_per_1000 > 0 && chance(1000) < errors_per_1000;
}

void *kmalloc(size_t size)
{
    if (size < 1000 && failure())
        return NULL;
    allocated++;
    return calloc(1, size);
}

void kfree(void *pointer)
{
    allocated -= pointer != NULL;
    free(pointer);
}

void mount(const char *path, const struct file_system *file_system)
{
    (void)path;
    mounted = file_system;
}

/* ---- the disk */

static uint8_t *image;
static FILE *record; /* of writes: a sector's number and content; and of flushes: UINT64_MAX */
static uint64_t transfers, writes;

static int transfer(struct block_device *device, bool write, uint64_t sector,
                    const struct block_segment segments[], size_t count)
{
    if (count < 1 || count > BLOCK_SEGMENTS_MAX)
        die("a transfer of %zu segments", count);
    transfers++;
    if (write && device->read_only)
        die("sector %" PRIu64 " is written to a read-only device", sector);
    for (size_t i = 0; i < count; i++) {
        if (segments[i].size == 0 || segments[i].size % SECTOR_SIZE != 0)
            die("a segment of %zu bytes", segments[i].size);
        uint8_t *memory = segments[i].memory;
        for (size_t done = 0; done < segments[i].size; done += SECTOR_SIZE, sector++) {
            if (sector >= device->sectors || failure())
                return EIO_;
            uint8_t *place = image + sector * SECTOR_SIZE;
            if (!write) {
                memcpy(memory + done, place, SECTOR_SIZE);
                continue;
            }
            if (sector < fat.table && sector != 1)
                die("sector %" PRIu64 " is reserved, and written", sector);
            memcpy(place, memory + done, SECTOR_SIZE);
            writes++;
            if (record) {
                fwrite(&sector, sizeof(sector), 1, record);
                fwrite(place, SECTOR_SIZE, 1, record);
            }
        }
    }
    return 0;
}

static int flush(struct block_device *device)
{
    static const uint64_t mark = UINT64_MAX;
    (void)device;
    if (failure())
        return EIO_;
    if (record)
        fwrite(&mark, sizeof(mark), 1, record);
    return 0;
}

static struct block_device device = {.name = "image", .transfer = transfer, .flush = flush};

/* ---- files with their pages */

struct content {
    struct inode *inode;
    uint8_t **pages;
    bool *dirty;
    size_t count;
};
static struct content contents[NAMES]; /* of each inode that is open */
static struct inode *handles[NAMES];

static size_t pages_of(uint64_t size)
{
    return (size_t)((size + PAGE - 1) / PAGE);
}

/* The pages of an open inode; there are those of its size, NULL where they are not in memory. */
static struct content *content_of(struct inode *inode)
{
    struct content *content = NULL;
    for (size_t i = 0; i < NAMES; i++) {
        if (contents[i].inode == inode)
            return &contents[i];
        if (!contents[i].inode)
            content = &contents[i];
    }
    content->inode = inode;
    content->count = pages_of(inode->size);
    content->pages = calloc(content->count + 1, sizeof(*content->pages));
    content->dirty = calloc(content->count + 1, sizeof(*content->dirty));
    return content;
}

static void set_count(struct content *content, size_t count)
{
    for (size_t i = count; i < content->count; i++)
        free(content->pages[i]);
    content->pages = realloc(content->pages, (count + 1) * sizeof(*content->pages));
    content->dirty = realloc(content->dirty, (count + 1) * sizeof(*content->dirty));
    for (size_t i = content->count; i < count; i++) {
        content->pages[i] = NULL;
        content->dirty[i] = false;
    }
    content->count = count;
}

static void forget(struct content *content)
{
    set_count(content, 0);
    free(content->pages);
    free(content->dirty);
    *content = (struct content){.inode = NULL};
}

/* Read the page with this number, and a few of those behind it. */
static int read_in(struct content *content, size_t index)
{
    uintptr_t frames[BLOCK_SEGMENTS_MAX];
    size_t wanted = 1 + chance(BLOCK_SEGMENTS_MAX), count = 0;
    while (count < wanted && index + count < content->count && !content->pages[index + count]) {
        frames[count] = (uintptr_t)aligned_alloc(PAGE, PAGE);
        memset((void *)frames[count++], 0xcc, PAGE);
    }
    int error = content->inode->ops->read_pages(content->inode, index, frames, count);
    for (size_t i = 0; i < count; i++) {
        if (error)
            free((void *)frames[i]);
        else
            content->pages[index + i] = (uint8_t *)frames[i];
    }
    return error;
}

static int page_at(struct content *content, size_t index, uint8_t **page)
{
    int error = content->pages[index] ? 0 : read_in(content, index);
    *page = error ? NULL : content->pages[index];
    return error;
}

static int write_back(struct content *content)
{
    int error = 0;
    for (size_t i = 0; i < content->count; i++) {
        uintptr_t frames[BLOCK_SEGMENTS_MAX];
        size_t count = 0;
        while (count < BLOCK_SEGMENTS_MAX && i + count < content->count &&
               content->dirty[i + count]) {
            frames[count] = (uintptr_t)content->pages[i + count];
            count++;
        }
        if (count == 0)
            continue;
        int result = content->inode->ops->write_pages(content->inode, i, frames, count);
        for (size_t n = 0; n < count; n++)
            content->dirty[i + n] = result != 0;
        error = error ? error : result;
        i += count - 1;
    }
    return error;
}

static int resize(struct inode *inode, uint64_t size)
{
    struct content *content = content_of(inode);
    uint64_t old = inode->size;
    uint8_t *page;
    int error = 0;
    if (size > old && old % PAGE != 0) {
        error = page_at(content, old / PAGE, &page);
        if (!error)
            content->dirty[old / PAGE] = true;
    }
    if (!error && size != old)
        error = inode->ops->resize(inode, size);
    if (error) {
        if (inode->size != old)
            die("resize() has failed, and changed the size");
        return error;
    }
    if (inode->size != size)
        die("resize() has not changed the size");
    set_count(content, pages_of(size));
    for (size_t i = pages_of(old); i < pages_of(size); i++) {
        content->pages[i] = aligned_alloc(PAGE, PAGE);
        memset(content->pages[i], 0, PAGE);
        content->dirty[i] = true;
    }
    if (size < old && size % PAGE != 0 && content->pages[size / PAGE])
        memset(content->pages[size / PAGE] + size % PAGE, 0, PAGE - size % PAGE);
    return 0;
}

static long write_file(struct inode *inode, uint64_t offset, uint64_t length, unsigned seed)
{
    int error = offset + length > inode->size ? resize(inode, offset + length) : 0;
    struct content *content = content_of(inode);
    for (uint64_t at = offset; !error && at < offset + length; at++) {
        uint8_t *page;
        error = page_at(content, at / PAGE, &page);
        if (error)
            break;
        page[at % PAGE] = (uint8_t)((at + seed * 17ul) % 251);
        content->dirty[at / PAGE] = true;
    }
    return error ? error : (long)length;
}

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t size)
{
    static uint32_t table[256];
    for (uint32_t i = 0; table[1] == 0 || i < 256; i++) {
        if (table[255])
            break;
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        table[i] = c;
    }
    for (crc = ~crc; size > 0; size--)
        crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
    return ~crc;
}

/* The CRC of all that a file has, and of zeros up to the end of its last page, which must be there. */
static int read_file(struct inode *inode, uint32_t *crc)
{
    struct content *content = content_of(inode);
    *crc = 0;
    for (size_t i = 0; i < content->count; i++) {
        uint8_t *page;
        int error = page_at(content, i, &page);
        if (error)
            return error;
        uint64_t rest = inode->size - (uint64_t)i * PAGE;
        size_t used = rest < PAGE ? (size_t)rest : (size_t)PAGE;
        *crc = crc_of(*crc, page, used);
        for (size_t at = used; at < PAGE; at++)
            if (page[at] != 0)
                die("page %zu is not zero behind the end of its file", i);
    }
    return 0;
}

static int sync_file(struct inode *inode)
{
    int error = write_back(content_of(inode));
    int result = inode->ops->sync ? inode->ops->sync(inode) : 0;
    return error ? error : result;
}

static int put(struct inode *inode)
{
    int error = 0;
    if (inode->references == 1) {
        error = sync_file(inode);
        forget(content_of(inode));
        inode->references = 0;
        inode->ops->release(inode);
    } else {
        inode->references--;
    }
    return error;
}

static int sync_all(void)
{
    int error = 0;
    for (size_t i = 0; i < NAMES; i++) {
        int result = contents[i].inode ? sync_file(contents[i].inode) : 0;
        error = error ? error : result;
    }
    int result = mounted->sync();
    error = error ? error : result;
    result = device.flush(&device);
    return error ? error : result;
}

/* ---- commands */

static void answer_to_open(int error, struct inode *inode, unsigned handle)
{
    if (error) {
        printf("%d\n", error);
        return;
    }
    printf("%s %" PRIu64 "%s\n", inode->type == INODE_DIRECTORY ? "directory" : "file", inode->size,
           inode->read_only ? " read-only" : "");
    handles[handle] = inode;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Print the names in a directory, in the order of their bytes; with a slash behind directories. */
static int list(struct inode *directory)
{
    static char *names[4096];
    uint64_t position = 0;
    struct inode_name name;
    size_t count = 0;
    int error;
    while ((error = directory->ops->list(directory, &position, &name)) == 0) {
        char text[sizeof(name.text) + 1];
        snprintf(text, sizeof(text), "%s%s", name.text, name.type == INODE_DIRECTORY ? "/" : "");
        if (count == sizeof(names) / sizeof(names[0]) || !(names[count++] = strdup(text)))
            die("more than %zu names", count);
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < count && error == -ENOENT; i++)
        printf("%s%s", i ? "|" : "", names[i]);
    if (error == -ENOENT)
        printf("\n");
    while (count > 0)
        free(names[--count]);
    return error == -ENOENT ? 0 : error;
}

/* One command: each begins with its name; then the number of a handle, sizes, or a path. */
static void execute(const char *line)
{
    char command[16], path[PATH] = "";
    unsigned long h = 0, a = 0, b = 0, c = 0;
    struct inode *inode = NULL;
    sscanf(line, "%15s %lu %lu %lu %lu", command, &h, &a, &b, &c);
    if (h >= NAMES)
        die("handle %lu", h);
    sscanf(line, "%*s %*u /%1199[^\n]", path);
    if (!strcmp(command, "open")) {
        int error = mounted->lookup(path, &inode);
        answer_to_open(error, inode, (unsigned)h);
    } else if (!strcmp(command, "create")) {
        int error = mounted->create(path, &inode);
        answer_to_open(error, inode, (unsigned)h);
    } else if (!strcmp(command, "look")) {
        uint32_t crc;
        int error = mounted->lookup(path, &inode);
        if (!error) {
            error = read_file(inode, &crc);
            if (!error)
                printf("%" PRIu64 " %08x\n", inode->size, crc);
            put(inode);
        }
        if (error)
            printf("%d\n", error);
    } else if (!strcmp(command, "remove")) {
        printf("%d\n", mounted->remove(path, false));
    } else if (!strcmp(command, "rmdir")) {
        printf("%d\n", mounted->remove(path, true));
    } else if (!strcmp(command, "mkdir")) {
        printf("%d\n", mounted->make_directory(path));
    } else if (!strcmp(command, "list")) {
        int error = mounted->lookup(path, &inode);
        if (!error) {
            error = list(inode);
            put(inode);
        }
        if (error)
            printf("%d\n", error);
    } else if (!strcmp(command, "syncall")) {
        printf("%d\n", sync_all());
    } else if (!strcmp(command, "errors")) {
        errors_per_1000 = (unsigned)h;
        printf("0\n");
    } else if (!strcmp(command, "transfers")) {
        printf("%" PRIu64 "\n", transfers);
    } else if (!handles[h]) {
        printf("%s: not open\n", command);
    } else if (!strcmp(command, "number")) {
        printf("%" PRIu64 " %d\n", handles[h]->number, handles[h] == handles[a]);
    } else if (!strcmp(command, "write")) {
        printf("%ld\n", write_file(handles[h], a, b, (unsigned)c));
    } else if (!strcmp(command, "resize")) {
        printf("%d\n", resize(handles[h], a));
    } else if (!strcmp(command, "claim")) {
        struct content *content = content_of(handles[h]);
        int error = handles[h]->ops->resize(handles[h], a);
        set_count(content, pages_of(handles[h]->size));
        printf("%d\n", error);
    } else if (!strcmp(command, "read")) {
        uint32_t crc;
        int error = read_file(handles[h], &crc);
        if (error)
            printf("%d\n", error);
        else
            printf("%" PRIu64 " %08x\n", handles[h]->size, crc);
    } else if (!strcmp(command, "pages")) {
        printf("%d\n", write_back(content_of(handles[h])));
    } else if (!strcmp(command, "drop")) {
        int error = write_back(content_of(handles[h]));
        forget(content_of(handles[h]));
        printf("%d\n", error);
    } else if (!strcmp(command, "sync")) {
        int error = sync_file(handles[h]);
        int result = device.flush(&device);
        printf("%d\n", error ? error : result);
    } else if (!strcmp(command, "close")) {
        printf("%d\n", put(handles[h]));
        handles[h] = NULL;
    } else {
        die("what is %s?", command);
    }
}

/* Forget the file system as if the machine was off. */
static void unmount(void)
{
    for (size_t i = 0; i < NAMES; i++)
        if (handles[i])
            put(handles[i]);
    memset(handles, 0, sizeof(handles));
    if (fat.device)
        block_cache_destroy(fat.cache);
    fat.device = NULL;
    if (allocated != 0)
        die("%ld objects of kmalloc's have leaked", allocated);
}

static int run(const char *name, int argc, char **argv)
{
    bool read_only = false;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "read-only"))
            read_only = true;
        else if (!strcmp(argv[i], "log") && i + 1 < argc)
            record = fopen(argv[++i], "wb");
        else if (!strcmp(argv[i], "cache") && i + 1 < argc)
            cache_size = strtoul(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "seed") && i + 1 < argc)
            chance_state = strtoul(argv[++i], NULL, 0);
    }
    int file = open(name, O_RDWR);
    struct stat information;
    if (file < 0 || fstat(file, &information) < 0)
        die("%s cannot be opened", name);
    size_t size = (size_t)information.st_size;
    image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    device.sectors = size / SECTOR_SIZE;
    device.read_only = read_only;
    int error = fat_mount(&device, "/disk");
    printf("mount %d %s\n", error, error ? "-" : mounted->name);
    char *line = NULL;
    size_t space = 0;
    while (!error && getline(&line, &space, stdin) > 0) {
        execute(line);
        /* How many writes there have been tells test_fat.py which command made which. */
        printf("@%" PRIu64 "\n", writes);
        if (reports > REPORTS_MAX)
            die("a flood of reports");
    }
    free(line);
    errors_per_1000 = 0;
    unmount();
    if (record)
        fclose(record);
    munmap(image, size);
    close(file);
    return 0;
}

/* ---- damage */

struct base {
    size_t size;
    uint64_t table, table_end; /* in bytes: where the FATs are */
    unsigned entry_size;
    size_t used[USED_MAX]; /* sectors that hold anything, but no FAT */
    size_t used_count;
};

static void put_number(uint8_t *to, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* A number that programs stumble over, or any. */
static uint32_t odd_number(void)
{
    static const uint32_t numbers[] = {0,          1,          2,          0xfff7,     0xfff8,
                                       0xffff,     0x0ffffff7, 0x0ffffff8, 0xffffffff, 0x80000000,
                                       0x7fffffff, 512,        0x8000,     0x10000,    3};
    unsigned n = (unsigned)(sizeof(numbers) / sizeof(numbers[0]));
    uint32_t i = chance(3 * n);
    return i < n ? numbers[i] : i < 2 * n ? chance(300) : chance(1u << 31) * 2 + chance(2);
}

static void damage(uint8_t *bytes, const struct base *base)
{
    unsigned kind = chance(40);
    if (kind == 0) { /* the boot sector */
        size_t at = chance(2) ? 11 + chance(41) : chance(SECTOR_SIZE);
        put_number(bytes + at, odd_number(), 1 + chance(2));
    } else if (kind < 18) { /* the FAT: where it is in use, mostly */
        size_t entries = (size_t)(base->table_end - base->table) / base->entry_size;
        size_t at = chance(4) ? chance(400) : chance((uint32_t)entries);
        put_number(bytes + base->table + at % entries * base->entry_size, odd_number(),
                   base->entry_size);
    } else if (kind < 36) { /* a directory, or whatever it is: 32 bytes of it */
        uint32_t below = chance(2) && base->used_count > 40 ? 40 : (uint32_t)base->used_count;
        size_t sector = base->used[chance(below)];
        uint8_t *entry = bytes + sector * SECTOR_SIZE + chance(16) * 32;
        static const uint8_t fields[] = {0, 0, 11, 11, 13, 20, 26, 26, 28, 30, 12};
        put_number(entry + (chance(4) ? fields[chance(sizeof(fields))] : chance(32)), odd_number(),
                   1 + chance(2));
    } else { /* anything */
        size_t at = chance((uint32_t)base->size - 4);
        put_number(bytes + at, odd_number(), 1 + chance(4));
    }
}

static void touch(char names[][PATH], size_t count)
{
    char path[PATH];
    for (unsigned step = 0; step < 60; step++) {
        unsigned h = chance(8);
        const char *name = names[chance((uint32_t)count)];
        uint64_t before = transfers;
        struct inode *inode = handles[h];
        uint32_t crc;
        if (!inode) {
            int error;
            if (chance(4) == 0) {
                const char *slash = NULL;
                for (const char *c = name; *c; c++)
                    slash = *c == '/' ? c : slash;
                snprintf(path, sizeof(path), "%.*sn%u.new", slash ? (int)(slash - name + 1) : 0,
                         name, chance(50));
                error = mounted->create(path, &inode);
            } else {
                error = mounted->lookup(name, &inode);
            }
            if (error && error < -40)
                die("error %d", error);
            handles[h] = error ? NULL : inode;
        } else if (chance(3) == 0) {
            put(inode);
            handles[h] = NULL;
        } else if (chance(6) == 0) {
            mounted->remove(name, chance(4) == 0);
        } else if (chance(12) == 0) {
            struct inode *directory;
            snprintf(path, sizeof(path), "d%u", chance(9));
            mounted->make_directory(path);
            if (mounted->lookup(chance(2) ? path : "", &directory) == 0) {
                uint64_t position = 0;
                struct inode_name listed;
                while (directory->type == INODE_DIRECTORY &&
                       directory->ops->list(directory, &position, &listed) == 0)
                    ;
                put(directory);
            }
            if (chance(2))
                mounted->remove(path, true);
        } else if (inode->type == INODE_FILE) {
            if (chance(3) == 0 || inode->read_only)
                read_file(inode, &crc);
            else if (chance(2))
                write_file(inode, chance(20000), 1 + chance(9000), chance(99));
            else if (chance(2))
                resize(inode, chance(30) ? chance(40000) : chance(1u << 31));
            else
                sync_file(inode);
        }
        if (chance(20) == 0)
            sync_all();
        if (transfers - before > 400000)
            die("%" PRIu64 " transfers for one call", transfers - before);
    }
}

static void learn(struct base *base, int file)
{
    struct stat information;
    if (fstat(file, &information) < 0)
        die("the image cannot be opened");
    base->size = (size_t)information.st_size;
    uint8_t *boot = mmap(NULL, base->size, PROT_READ, MAP_PRIVATE, file, 0);
    uint64_t sectors = fat_get16(boot + 22);
    base->entry_size = sectors ? 2 : 4;
    sectors = sectors ? sectors : fat_get32(boot + 36);
    base->table = (uint64_t)fat_get16(boot + 14) * SECTOR_SIZE;
    base->table_end = base->table + sectors * SECTOR_SIZE;
    uint64_t first = base->table / SECTOR_SIZE + boot[16] * sectors;
    for (size_t i = (size_t)first; i < base->size / SECTOR_SIZE && base->used_count < USED_MAX; i++)
        for (size_t at = 0; at < SECTOR_SIZE; at++)
            if (boot[i * SECTOR_SIZE + at]) {
                base->used[base->used_count++] = i;
                break;
            }
    munmap(boot, base->size);
}

static int fuzz(const char *name, unsigned long first, unsigned long count)
{
    static struct base base;
    static char names[NAMES][PATH];
    size_t name_count = 0;
    unsigned long mounts = 0, files = 0;
    int file = open(name, O_RDONLY);
    learn(&base, file);
    for (; name_count < NAMES && fgets(names[name_count], PATH, stdin); name_count++)
        names[name_count][strcspn(names[name_count], "\n")] = '\0';
    quiet = true;
    for (unsigned long seed = first; seed < first + count; seed++) {
        current_seed = seed;
        alarm(20);
        chance_state = seed * 7919 + 1;
        size_t size = base.size;
        if (chance(16) == 0)
            size = chance((uint32_t)base.size);
        image = mmap(NULL, base.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
        if (size == base.size)
            for (unsigned n = 1 + chance(chance(4) ? 4 : 200); n > 0; n--)
                damage(image, &base);
        device.sectors = size / SECTOR_SIZE;
        device.read_only = chance(10) == 0;
        cache_size = chance(2) ? 0 : 8 << 10;
        reports = 0;
        transfers = 0;
        errors_per_1000 = chance(8) == 0 ? chance(100) : 0;
        int error = fat_mount(&device, "/disk");
        if (error && reports == 0)
            die("mounting failed with %d, and without a report", error);
        if (!error) {
            mounts++;
            touch(names, name_count);
            files += reports > 0;
        }
        unmount();
        if (reports > REPORTS_MAX)
            die("a flood of reports");
        munmap(image, base.size);
    }
    close(file);
    printf("%lu mounted, %lu of them with damage reported\n", mounts, files);
    return 0;
}

/* What the sanitizers find ends here, too, when test_fat.py has told them to abort(). */
static void say_seed(int number)
{
    fprintf(stderr, "%s, seed %lu\n", number == SIGALRM ? "it hangs" : "aborted", current_seed);
    _exit(3);
}

int main(int argc, char **argv)
{
    signal(SIGALRM, say_seed);
    signal(SIGABRT, say_seed);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc >= 3 && !strcmp(argv[1], "run"))
        return run(argv[2], argc - 3, argv + 3);
    if (argc == 5 && !strcmp(argv[1], "fuzz"))
        return fuzz(argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
    fprintf(stderr, "usage: see fat_host.c\n");
    return 2;
}
