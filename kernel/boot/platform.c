/*
 * platform.c: reading the flattened device tree.
 * Source: Devicetree Specification 0.4, chapter 5.
 */
#include "platform.h"

#include "panic.h"
#include "string.h"

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };
#define FDT_MAGIC 0xd00dfeedU

enum { DEPTH_MAX = 8 };

struct platform platform;

/* The tree is big-endian, and only 4-byte aligned. */
static uint32_t be32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A number of one cell (4 bytes) or two (8 bytes). */
static uint64_t number(const void *p, size_t size)
{
    const uint8_t *b = p;
    return size >= 8 ? (uint64_t)be32(b) << 32 | be32(b + 4) : be32(b);
}

/* Is node, the part of its name before '@', called this? */
static bool node_is(const char *node, const char *name)
{
    size_t length = strlen(name);
    return strncmp(node, name, length) == 0 && (node[length] == '@' || node[length] == '\0');
}

/* Does an ISA string ("rv64imafdch_sstc_…") name this extension? */
static bool isa_has(const char *isa, const char *extension)
{
    size_t length = strlen(extension);
    for (const char *s = strchr(isa, '_'); s; s = strchr(s, '_')) {
        s++;
        if (strncmp(s, extension, length) == 0 && (s[length] == '_' || s[length] == '\0'))
            return true;
    }
    return false;
}

/* Take what we need from one property; path[1] is the node below the root, path[2] below that. */
static void property(const char *path[], int depth, const char *name, const void *data, size_t size)
{
    if (depth == 1 && node_is(path[1], "memory") && strcmp(name, "reg") == 0) {
        platform.memory_start = number(data, 8);
        platform.memory_size = number((const char *)data + 8, 8);
    } else if (depth == 1 && node_is(path[1], "chosen")) {
        if (strcmp(name, "linux,initrd-start") == 0)
            platform.initrd_start = number(data, size);
        else if (strcmp(name, "linux,initrd-end") == 0)
            platform.initrd_end = number(data, size);
        else if (strcmp(name, "bootargs") == 0 && size <= BOOTARGS_MAX)
            memcpy(platform.bootargs, data, size);
    } else if (depth >= 1 && node_is(path[1], "cpus")) {
        if (strcmp(name, "timebase-frequency") == 0)
            platform.timebase = number(data, size);
        else if (depth == 2 && strcmp(name, "riscv,isa") == 0)
            platform.has_sstc = isa_has(data, "sstc");
    }
}

void platform_init(const void *device_tree)
{
    const char *tree = device_tree;
    if (be32(tree) != FDT_MAGIC)
        panic("no device tree at %p", device_tree);
    const char *at = tree + be32(tree + 8);
    const char *strings = tree + be32(tree + 12);

    const char *path[DEPTH_MAX] = {0};
    int depth = -1; /* of the node we are in; the root has depth 0 */
    for (;;) {
        uint32_t token = be32(at);
        at += 4;
        if (token == FDT_BEGIN_NODE) {
            if (++depth < DEPTH_MAX)
                path[depth] = at;
            at += (strlen(at) + 1 + 3) & ~(size_t)3;
        } else if (token == FDT_END_NODE) {
            depth--;
        } else if (token == FDT_PROP) {
            uint32_t size = be32(at);
            if (depth >= 1 && depth < DEPTH_MAX)
                property(path, depth, strings + be32(at + 4), at + 8, size);
            at += 8 + ((size + 3) & ~3U);
        } else if (token != FDT_NOP) {
            break; /* FDT_END */
        }
    }
    if (platform.memory_size == 0 || platform.timebase == 0)
        panic("the device tree at %p names no memory or no timebase", device_tree);
}

bool platform_option(const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    value[0] = '\0';
    for (const char *s = platform.bootargs; s; s = strchr(s, ' ')) {
        while (*s == ' ')
            s++;
        if (strncmp(s, key, length) != 0 || s[length] != '=')
            continue;
        s += length + 1;
        size_t n = 0;
        while (s[n] && s[n] != ' ' && n + 1 < size) {
            value[n] = s[n];
            n++;
        }
        value[n] = '\0';
        return true;
    }
    return false;
}
