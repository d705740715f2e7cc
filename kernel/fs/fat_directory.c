/* fat_directory.c: paths, names and directory entries. */
#include "errno.h"
#include "fat_private.h"
#include "string.h"

enum {
    ENTRY_END = 0x00,     /* in the first byte: this entry and all behind it are free */
    ENTRY_DELETED = 0xe5, /* it is free */
    ENTRY_E5 = 0x05,      /* the name begins with the byte 0xe5 */

    DIRECTORY_ENTRIES_MAX = 65536,
    SHORT_BASE = 8,
    SHORT_EXTENSION = 3,
    SHORT_SIZE = SHORT_BASE + SHORT_EXTENSION,
    SMALL_BASE =
        0x08, /* in FAT_SMALL_LETTERS: which part has capitals in the entry only (Windows NT's) */
    SMALL_EXTENSION = 0x10,
    DATE = (2026 - 1980) << 9 | 1 << 5 | 1, /* there is no clock: always 2026-01-01 */

    /* The specification's "Long File Name Implementation". */
    LONG_NUMBER = 0, /* which piece: 1, 2, ...; the highest comes first and is marked */
    LONG_LAST = 0x40,
    LONG_TYPE = 12,
    LONG_CHECKSUM = 13, /* of the short name that the entry belongs to */
    LONG_UNITS = 13,    /* of UTF-16, in each piece */
    LONG_PIECES_MAX = 20,
    NAME_MAX = 255,
};

/* What is looked for: a part of a path in UTF-16.  It is one at a time, and too large for a stack. */
static struct {
    uint16_t units[NAME_MAX];
    unsigned length;
} wanted;

/* ---- names */

/* A letter from A to Z as a small one.  All others have just one form here. */
static unsigned fold(unsigned c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The code point that bytes of UTF-8 begin with, and *size, how many they are; -1 when they are not UTF-8. */
static int32_t decode(const char *text, size_t rest, size_t *size)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t lead = (uint8_t)text[0];
    size_t more = lead < 0x80 ? 0 : lead >> 5 == 0x6 ? 1 : lead >> 4 == 0xe ? 2 : 3;
    if (more == 3 && lead >> 3 != 0x1e)
        return -1;
    if (more >= rest)
        return -1;
    uint32_t point = more == 0 ? lead : lead & (0x3f >> more);
    for (size_t i = 1; i <= more; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80)
            return -1;
        point = point << 6 | ((uint8_t)text[i] & 0x3f);
    }
    *size = more + 1;
    bool surrogate = point >= 0xd800 && point < 0xe000;
    return point < least[more] || surrogate || point > 0x10ffff ? -1 : (int32_t)point;
}

/* Set what is wanted.  0, or when no file can have such a name -ENOENT or -ENAMETOOLONG. */
static int want(const char *text, size_t length)
{
    wanted.length = 0;
    for (size_t at = 0, size; at < length; at += size) {
        int32_t point = decode(text + at, length - at, &size);
        unsigned units = point >= 0x10000 ? 2 : 1;
        if (point < 0)
            return -ENOENT;
        if (wanted.length + units > NAME_MAX)
            return -ENAMETOOLONG;
        uint16_t *to = &wanted.units[wanted.length];
        wanted.length += units;
        if (units == 2) {
            *to++ = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        *to = (uint16_t)point;
    }
    return wanted.length > 0 ? 0 : -ENOENT;
}

/* An entry's short name as it is meant: its first byte has another form where it would say that it is deleted. */
static void get_short_name(const uint8_t *entry, uint8_t name[SHORT_SIZE])
{
    memcpy(name, entry, SHORT_SIZE);
    if (name[0] == ENTRY_E5)
        name[0] = ENTRY_DELETED;
}

/* Compare a part of a short name, padded with spaces, with what is wanted from *at on, and move on behind it. */
static bool short_part_matches(const uint8_t *part, size_t size, unsigned *at)
{
    while (size > 0 && part[size - 1] == ' ')
        size--;
    for (size_t i = 0; i < size; i++) {
        /* What is no ASCII depends on a code page that nobody knows. */
        uint8_t byte = part[i];
        if (byte >= 0x80 || *at >= wanted.length || fold(byte) != fold(wanted.units[*at]))
            return false;
        ++*at;
    }
    return true;
}

static bool short_name_matches(const uint8_t *entry)
{
    uint8_t name[SHORT_SIZE];
    unsigned at = 0;
    get_short_name(entry, name);
    if (!short_part_matches(name, SHORT_BASE, &at))
        return false;
    bool has_dot = at < wanted.length && wanted.units[at] == '.';
    if (has_dot != (name[SHORT_BASE] != ' '))
        return false;
    at += has_dot;
    return short_part_matches(name + SHORT_BASE, SHORT_EXTENSION, &at) && at == wanted.length;
}

/* The specification's ChkSum(). */
static uint8_t checksum(const uint8_t *short_name)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < SHORT_SIZE; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + short_name[i]);
    return sum;
}

/* A piece's i-th unit of 13. */
static uint16_t unit_of(const uint8_t *entry, size_t i)
{
    static const uint8_t where[LONG_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    return fat_get16(entry + where[i]);
}

static bool piece_matches(const uint8_t *entry, unsigned number)
{
    unsigned at = (number - 1) * LONG_UNITS;
    for (size_t i = 0; i < LONG_UNITS && at <= wanted.length; i++, at++) {
        uint16_t unit = unit_of(entry, i);
        if (at == wanted.length ? unit != 0 : fold(unit) != fold(wanted.units[at]))
            return false;
    }
    return true;
}

/* The long name in the entries that were just passed: it counts if all are there, and belong to what follows. */
struct long_name {
    unsigned pieces; /* how many there are to be; 0: there is none */
    unsigned missing;
    uint8_t checksum;
    bool matches; /* so far */
    struct fat_cursor first;
};

static void add_piece(struct long_name *name, const uint8_t *entry, const struct fat_cursor *at)
{
    unsigned number = entry[LONG_NUMBER] & ~LONG_LAST;
    if (entry[LONG_NUMBER] & LONG_LAST) {
        *name = (struct long_name){
            .pieces = number <= LONG_PIECES_MAX ? number : 0,
            .missing = number,
            .checksum = entry[LONG_CHECKSUM],
            .matches = number == (wanted.length + LONG_UNITS - 1) / LONG_UNITS,
            .first = *at,
        };
        name->first.block = NULL;
    }
    if (name->missing == 0 || number != name->missing || entry[LONG_TYPE] != 0 ||
        entry[LONG_CHECKSUM] != name->checksum)
        name->pieces = 0;
    if (name->pieces == 0)
        return;
    name->missing--;
    name->matches = name->matches && piece_matches(entry, number);
}

static bool is_complete(const struct long_name *name, const uint8_t *entry)
{
    return name->pieces > 0 && name->missing == 0 && name->checksum == checksum(entry);
}

/* ---- entries */

static void close(struct fat_cursor *at)
{
    block_put(at->block);
    at->block = NULL;
}

/* Find out which sector the cursor is in.  0, -EIO, or -ENOENT behind the directory's last entry. */
static int locate(struct fat_cursor *at)
{
    if (at->start == 0) {
        at->sector = fat.root_sector + at->index / FAT_SECTOR_ENTRIES;
        return at->index < fat.root_entries ? 0 : -ENOENT;
    }
    uint32_t in_cluster = fat.cluster_size / FAT_ENTRY_SIZE;
    if (at->cluster == 0)
        at->cluster = at->start;
    while (at->passed < at->index / in_cluster) {
        uint32_t next;
        int error = fat_next(at->cluster, &next);
        if (error)
            return error;
        if (next == FAT_END)
            return -ENOENT;
        at->cluster = next;
        at->passed++;
    }
    if (at->index >= DIRECTORY_ENTRIES_MAX)
        return fat_damaged("too many entries: the directory that begins at cluster", at->start);
    at->sector = fat_sector(at->cluster) + at->index % in_cluster / FAT_SECTOR_ENTRIES;
    return 0;
}

/* The entry at a cursor, until that is closed.  As locate(). */
static int load(struct fat_cursor *at, uint8_t **entry)
{
    if (!at->block || at->index % FAT_SECTOR_ENTRIES == 0) {
        close(at);
        int error = locate(at);
        if (!error)
            error = block_get(fat.cache, at->sector, &at->block);
        if (error)
            return error;
    }
    *entry = at->block->bytes + at->index % FAT_SECTOR_ENTRIES * FAT_ENTRY_SIZE;
    return 0;
}

static uint64_t place_of(const struct fat_cursor *at)
{
    return at->sector * FAT_SECTOR_ENTRIES + at->index % FAT_SECTOR_ENTRIES;
}

uint32_t fat_entry_start(const uint8_t entry[FAT_ENTRY_SIZE])
{
    uint32_t high = fat.entry_size == 4 ? fat_get16(entry + FAT_START_HIGH) : 0;
    return high << 16 | fat_get16(entry + FAT_START);
}

void fat_entry_set_start(uint8_t entry[FAT_ENTRY_SIZE], uint32_t start)
{
    fat_put16(entry + FAT_START, start);
    if (fat.entry_size == 4)
        fat_put16(entry + FAT_START_HIGH, start >> 16);
}

/* Remember where a new entry could be: the first free one, but not where an open file was removed from. */
static void note_room(struct fat_found *found, const struct fat_cursor *at, bool is_end)
{
    if (!found->is_full || (!is_end && fat_place_in_use(place_of(at))))
        return;
    found->room = *at;
    found->room.block = NULL;
    found->is_full = false;
    found->is_end = is_end;
}

/* Search the directory that begins at a cluster for what is wanted.  0, -ENOENT or -EIO. */
static int search(uint32_t directory, struct fat_found *found)
{
    struct fat_cursor at = {.start = directory};
    struct long_name name = {.pieces = 0};
    uint8_t *entry;
    int error;
    found->is_full = true;
    for (; (error = load(&at, &entry)) == 0; at.index++) {
        uint8_t attributes = entry[FAT_ATTRIBUTES];
        bool is_end = entry[0] == ENTRY_END;
        if (is_end || entry[0] == ENTRY_DELETED) {
            note_room(found, &at, is_end);
        } else if ((attributes & FAT_LONG_NAME_MASK) == FAT_LONG_NAME) {
            add_piece(&name, entry, &at);
            continue;
        } else if (!(attributes & FAT_VOLUME_LABEL) && entry[0] != '.') {
            bool has_long = is_complete(&name, entry);
            if ((has_long && name.matches) || short_name_matches(entry)) {
                found->place = place_of(&at);
                memcpy(found->entry, entry, FAT_ENTRY_SIZE);
                found->long_name = name.first;
                found->long_entries = has_long ? name.pieces : 0;
                break;
            }
        }
        name.pieces = 0;
        if (is_end) {
            error = -ENOENT;
            break;
        }
    }
    close(&at);
    if (found->is_full)
        found->room = at;
    return error;
}

int fat_walk(const char *path, struct fat_found *found)
{
    uint32_t directory = fat.root_cluster;
    *found = (struct fat_found){.is_root = *path == '\0'};
    while (*path) {
        size_t length = 0;
        while (path[length] && path[length] != '/')
            length++;
        bool is_last = path[length] == '\0';
        found->name = path;
        int error = want(path, length);
        if (!error)
            error = search(directory, found);
        if (error || is_last) {
            found->can_make = error == -ENOENT && is_last;
            return error;
        }
        if (!(found->entry[FAT_ATTRIBUTES] & FAT_DIRECTORY))
            return -ENOTDIR;
        directory = fat_entry_start(found->entry);
        if (!fat_is_cluster(directory))
            return fat_damaged("there is no such cluster, and a directory begins there:",
                               directory);
        path += length + 1;
    }
    return 0;
}

/* Put a part of a name into an entry, in capitals.  *small says whether it has small letters.  Or false. */
static bool make_part(const char *text, size_t length, uint8_t *part, size_t size, bool *small)
{
    bool capital = false;
    *small = false;
    if (length == 0 || length > size)
        return false;
    memset(part, ' ', size);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool is_small = c >= 'a' && c <= 'z', is_capital = c >= 'A' && c <= 'Z';
        /* The specification's "Short Directory Entry Names". */
        if (!is_small && !is_capital && !(c >= '0' && c <= '9') && !strchr("$%'-_@~`!(){}^#&", c))
            return false;
        *small = *small || is_small;
        capital = capital || is_capital;
        part[i] = (uint8_t)(is_small ? c - 'a' + 'A' : c);
    }
    return !(*small && capital);
}

static void set_dates(uint8_t entry[FAT_ENTRY_SIZE])
{
    fat_put16(entry + FAT_CREATION_DATE, DATE);
    fat_put16(entry + FAT_ACCESS_DATE, DATE);
    fat_put16(entry + FAT_WRITE_DATE, DATE);
}

int fat_entry_make(uint8_t entry[FAT_ENTRY_SIZE], const char *name)
{
    const char *dot = strchr(name, '.');
    size_t base = dot ? (size_t)(dot - name) : strlen(name);
    bool small_base, small_extension = false;
    memset(entry, 0, FAT_ENTRY_SIZE);
    memset(entry + SHORT_BASE, ' ', SHORT_EXTENSION);
    if (!make_part(name, base, entry, SHORT_BASE, &small_base))
        return -EINVAL;
    if (dot &&
        !make_part(dot + 1, strlen(dot + 1), entry + SHORT_BASE, SHORT_EXTENSION, &small_extension))
        return -EINVAL;
    entry[FAT_ATTRIBUTES] = FAT_ARCHIVE;
    entry[FAT_SMALL_LETTERS] =
        (uint8_t)((small_base ? SMALL_BASE : 0) | (small_extension ? SMALL_EXTENSION : 0));
    set_dates(entry);
    return 0;
}

/* Let a directory that is full have one more cluster, of free entries. */
static int extend(const struct fat_cursor *end)
{
    uint32_t cluster;
    if (end->start == 0 || end->index >= DIRECTORY_ENTRIES_MAX)
        return -ENOSPC;
    int error = fat_allocate(end->cluster + 1, 1, &cluster);
    if (error)
        return error;
    for (uint32_t i = 0; !error && i < fat.cluster_size / SECTOR_SIZE; i++) {
        struct block *block;
        error = block_get_zeroed(fat.cache, fat_sector(cluster) + i, &block);
        block_put(block);
    }
    if (!error)
        error = block_cache_flush(fat.cache);
    if (!error)
        error = fat_set(end->cluster, cluster);
    if (error)
        fat_free_chain(cluster, 1);
    return error;
}

/* Let the entry behind a cursor be the end of the directory, unless the directory ends there anyway. */
static int put_end_behind(const struct fat_cursor *at)
{
    struct fat_cursor next = *at;
    uint8_t *entry;
    next.index++;
    int error = load(&next, &entry);
    if (!error && entry[0] != ENTRY_END)
        error = block_change(fat.cache, next.block);
    if (!error)
        entry[0] = ENTRY_END;
    close(&next);
    return error == -ENOENT ? 0 : error;
}

int fat_entry_add(struct fat_found *found)
{
    int error = found->is_full  ? extend(&found->room)
                : found->is_end ? put_end_behind(&found->room)
                                : 0;
    uint8_t *entry;
    if (!error)
        error = load(&found->room, &entry);
    if (!error)
        error = block_change(fat.cache, found->room.block);
    if (!error) {
        memcpy(entry, found->entry, FAT_ENTRY_SIZE);
        found->place = place_of(&found->room);
    }
    close(&found->room);
    return error;
}

int fat_entry_remove(const struct fat_found *found)
{
    /*
     * The entry goes at once with those pieces of its name that are in the same sector.  Should the power fail
     * then, what is left of its name belongs to nothing, and is ignored.
     */
    unsigned index = found->place % FAT_SECTOR_ENTRIES;
    unsigned here = index < found->long_entries ? index : found->long_entries;
    struct block *block;
    int error = block_get(fat.cache, found->place / FAT_SECTOR_ENTRIES, &block);
    if (error)
        return error;
    error = block_change(fat.cache, block);
    for (unsigned i = 0; !error && i <= here; i++)
        block->bytes[(index - i) * FAT_ENTRY_SIZE] = ENTRY_DELETED;
    block_put(block);
    if (error)
        return error;

    struct fat_cursor at = found->long_name;
    for (unsigned rest = found->long_entries - here; rest > 0; rest--, at.index++) {
        uint8_t *entry;
        if (load(&at, &entry) || block_change(fat.cache, at.block))
            break;
        entry[0] = ENTRY_DELETED;
    }
    close(&at);
    return 0;
}

int fat_entry_update(uint64_t place, uint32_t start, uint32_t size)
{
    struct block *block;
    int error = block_get(fat.cache, place / FAT_SECTOR_ENTRIES, &block);
    if (error)
        return error;
    error = block_change(fat.cache, block);
    if (!error) {
        uint8_t *entry = block->bytes + place % FAT_SECTOR_ENTRIES * FAT_ENTRY_SIZE;
        fat_entry_set_start(entry, start);
        fat_put32(entry + FAT_SIZE, size);
        fat_put16(entry + FAT_WRITE_DATE, DATE);
        entry[FAT_ATTRIBUTES] |= FAT_ARCHIVE;
    }
    block_put(block);
    return error;
}

/* ---- directories as a whole */

/* What the pieces of a long name say, in UTF-16, while a directory is listed: one task at a time. */
static uint16_t listed[LONG_PIECES_MAX * LONG_UNITS];

/* Write a code point as UTF-8; returns how many bytes. */
static size_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(lead[more] | point >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (point >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

/*
 * The long name that was listed, of so many units at most, in UTF-8.  False when it is none: it is too long, or has
 * what no name can have.
 */
static bool long_name_text(unsigned units, char name[INODE_NAME_SIZE])
{
    size_t length = 0;
    for (unsigned i = 0; i < units && listed[i] != 0; i++) {
        uint32_t point = listed[i];
        bool is_pair = point >= 0xd800 && point < 0xdc00 && i + 1 < units &&
                       listed[i + 1] >= 0xdc00 && listed[i + 1] < 0xe000;
        if (is_pair)
            point = 0x10000 + ((point - 0xd800) << 10) + (listed[++i] - 0xdc00u);
        bool is_half = !is_pair && point >= 0xd800 && point < 0xe000;
        if (i >= NAME_MAX || is_half || point == '/')
            return false;
        length += encode(point, name + length);
    }
    name[length] = '\0';
    return length > 0;
}

/* A part of a short name, in small letters if it says so.  Returns how many. */
static size_t short_part_text(const uint8_t *part, size_t size, bool small, char *to)
{
    while (size > 0 && part[size - 1] == ' ')
        size--;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = part[i];
        to[i] = byte >= 0x80 ? '?' : (char)(small ? fold(byte) : byte);
    }
    return size;
}

static void short_name_text(const uint8_t *entry, char *text)
{
    uint8_t small = entry[FAT_SMALL_LETTERS], name[SHORT_SIZE];
    get_short_name(entry, name);
    size_t n = short_part_text(name, SHORT_BASE, small & SMALL_BASE, text);
    if (name[SHORT_BASE] != ' ') {
        text[n++] = '.';
        n += short_part_text(name + SHORT_BASE, SHORT_EXTENSION, small & SMALL_EXTENSION, text + n);
    }
    text[n] = '\0';
}

int fat_list(uint32_t directory, uint64_t *index, struct fat_listed *found)
{
    struct fat_cursor at = {.start = directory, .index = (uint32_t)*index};
    struct long_name name = {.pieces = 0};
    uint8_t *entry;
    int error;
    if (*index > DIRECTORY_ENTRIES_MAX)
        return -ENOENT;
    for (; (error = load(&at, &entry)) == 0; at.index++) {
        if (entry[0] == ENTRY_END) {
            error = -ENOENT;
            break;
        }
        if (entry[0] == ENTRY_DELETED) {
            name.pieces = 0;
        } else if ((entry[FAT_ATTRIBUTES] & FAT_LONG_NAME_MASK) == FAT_LONG_NAME) {
            add_piece(&name, entry, &at);
            for (size_t i = 0; name.pieces > 0 && i < LONG_UNITS; i++)
                listed[name.missing * LONG_UNITS + i] = unit_of(entry, i);
        } else if (!(entry[FAT_ATTRIBUTES] & FAT_VOLUME_LABEL) && entry[0] != '.') {
            found->place = place_of(&at);
            found->is_directory = entry[FAT_ATTRIBUTES] & FAT_DIRECTORY;
            if (!is_complete(&name, entry) ||
                !long_name_text(name.pieces * LONG_UNITS, found->name))
                short_name_text(entry, found->name);
            at.index++;
            break;
        } else {
            name.pieces = 0;
        }
    }
    close(&at);
    *index = at.index;
    return error;
}

int fat_directory_make(uint32_t above, uint32_t *first)
{
    int error = fat_allocate(0, 1, first);
    if (error)
        return error;
    for (uint32_t i = 0; !error && i < fat.cluster_size / SECTOR_SIZE; i++) {
        struct block *block;
        error = block_get_zeroed(fat.cache, fat_sector(*first) + i, &block);
        for (int dots = 1; !error && i == 0 && dots <= 2; dots++) {
            uint8_t *entry = block->bytes + (dots - 1) * FAT_ENTRY_SIZE;
            memset(entry, ' ', SHORT_SIZE);
            memset(entry, '.', (size_t)dots);
            entry[FAT_ATTRIBUTES] = FAT_DIRECTORY;
            fat_entry_set_start(entry, dots == 1 ? *first : above);
            set_dates(entry);
        }
        block_put(block);
    }
    if (!error)
        error = block_cache_flush(fat.cache);
    if (error)
        fat_free_chain(*first, 1);
    return error;
}
