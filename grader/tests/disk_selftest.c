/*
 * disk_selftest.c: the disk's driver, tested inside the kernel.
 *
 * Linked by test_machine_disk.py.  The bootargs word disk=NAME chooses a check, which reports
 * "disktest: NAME: ok", or what went wrong.
 */
#include <stdbool.h>

#include "block.h"
#include "errno.h"
#include "kmalloc.h"
#include "memory.h"
#include "page_table.h"
#include "platform.h"
#include "print.h"
#include "riscv.h"
#include "slot.h"
#include "string.h"
#include "task.h"
#include "timer.h"
#include "trap.h"
#include "wait.h"

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            report("disktest: %s: line %d: failed: %s", __func__, __LINE__, #condition); \
            return;                                                                      \
        }                                                                                \
    } while (0)
#define OK() report("disktest: %s: ok", __func__)

enum { BUFFER_SECTORS = 3 * BLOCK_SEGMENTS_MAX };

static char check[16];

/* Byte i of a sector, as the image has it (salt 0), or as we write it.  pattern() in the tests says the same. */
static uint8_t pattern(uint64_t sector, size_t i, unsigned salt)
{
    return (uint8_t)(sector * 37 + i * 11 + (i >> 8) * 5 + salt * 101 + 1);
}

static void fill(uint8_t *buffer, uint64_t sector, size_t sectors, unsigned salt)
{
    for (size_t i = 0; i < sectors * SECTOR_SIZE; i++)
        buffer[i] = pattern(sector + i / SECTOR_SIZE, i % SECTOR_SIZE, salt);
}

static bool filled(const uint8_t *buffer, uint64_t sector, size_t sectors, unsigned salt)
{
    for (size_t i = 0; i < sectors * SECTOR_SIZE; i++)
        if (buffer[i] != pattern(sector + i / SECTOR_SIZE, i % SECTOR_SIZE, salt))
            return false;
    return true;
}

/* Cut a buffer into so many segments, of 1 to 3 sectors; first says of how many the first is.  Returns how many sectors. */
static size_t cut(struct block_segment segments[], size_t count, uint8_t *buffer, size_t first)
{
    size_t sectors = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = (first + i) % 3 + 1;
        segments[i] = (struct block_segment){buffer + sectors * SECTOR_SIZE, length * SECTOR_SIZE};
        sectors += length;
    }
    return sectors;
}

static int one(bool write, uint64_t sector, void *buffer, size_t sectors)
{
    struct block_segment segment = {buffer, sectors * SECTOR_SIZE};
    return disk->transfer(disk, write, sector, &segment, 1);
}

/* All numbers of segments, there and back. */
static void content(void)
{
    uint8_t *buffer = kmalloc(BUFFER_SECTORS * SECTOR_SIZE);
    struct block_segment segments[BLOCK_SEGMENTS_MAX];
    CHECK(buffer && disk && !disk->read_only);
    for (size_t count = 1; count <= BLOCK_SEGMENTS_MAX; count++) {
        uint64_t sector = count * 100;
        size_t sectors = cut(segments, count, buffer, count);
        memset(buffer, 0xee, BUFFER_SECTORS * SECTOR_SIZE);
        CHECK(disk->transfer(disk, false, sector, segments, count) == 0);
        CHECK(filled(buffer, sector, sectors, 0));
        CHECK(sectors == BUFFER_SECTORS || buffer[sectors * SECTOR_SIZE] == 0xee);
        fill(buffer, sector, sectors, 1);
        CHECK(disk->transfer(disk, true, sector, segments, count) == 0);
        memset(buffer, 0xee, BUFFER_SECTORS * SECTOR_SIZE);
        CHECK(one(false, sector, buffer, sectors) == 0 && filled(buffer, sector, sectors, 1));
    }
    CHECK(disk->flush(disk) == 0);
    /* Not in the order in which they lie in memory. */
    segments[0] = (struct block_segment){buffer + 2 * SECTOR_SIZE, SECTOR_SIZE};
    segments[1] = (struct block_segment){buffer, 2 * SECTOR_SIZE};
    CHECK(disk->transfer(disk, false, 7, segments, 2) == 0);
    CHECK(filled(buffer + 2 * SECTOR_SIZE, 7, 1, 0) && filled(buffer, 8, 2, 0));
    /* Who is dying gets what was asked for. */
    boot_task->dying = true;
    memset(buffer, 0xee, SECTOR_SIZE);
    int error = one(false, 9, buffer, 1);
    boot_task->dying = false;
    CHECK(error == 0 && filled(buffer, 9, 1, 0));
    kfree(buffer);
    OK();
}

/* What lies beyond the end of the disk. */
static void bounds(void)
{
    static uint8_t buffer[2 * SECTOR_SIZE];
    CHECK(disk);
    uint64_t end = disk->sectors;
    for (int write = 0; write < 2; write++) {
        CHECK(one(write, end, buffer, 1) == -EIO && one(write, end - 1, buffer, 2) == -EIO);
        CHECK(one(write, UINT64_MAX, buffer, 1) == -EIO &&
              one(write, 1UL << 55, buffer, 1) == -EIO);
        fill(buffer, end - 1, 1, 2);
        CHECK(one(write, end - 1, buffer, 1) == 0);
        CHECK(filled(buffer, end - 1, 1, write ? 2 : 0));
    }
    OK();
}

static void readonly(void)
{
    static uint8_t buffer[SECTOR_SIZE];
    CHECK(disk && disk->read_only);
    CHECK(one(true, 5, buffer, 1) == -EROFS && one(true, disk->sectors, buffer, 1) == -EROFS);
    CHECK(one(false, 5, buffer, 1) == 0 && filled(buffer, 5, 1, 0));
    CHECK(disk->flush(disk) == 0);
    OK();
}

/* How long 500 requests take, by the machine's clock. */
static void time(void)
{
    static uint8_t buffer[SECTOR_SIZE];
    CHECK(disk);
    uint64_t start = time_now();
    for (unsigned n = 0; n < 250; n++) {
        fill(buffer, n, 1, 3);
        CHECK(one(true, n, buffer, 1) == 0);
        CHECK(one(false, n, buffer, 1) == 0 && filled(buffer, n, 1, 3));
    }
    report("disktest: 500 requests: %lu us", ticks_to_us(time_now() - start));
    OK();
}

/* What the kernel's page table has for an address: 0 for nothing. */
static uint64_t mapped(uint64_t address)
{
    uint64_t entry = csr_read(satp) << 10;
    for (unsigned level = TABLE_LEVELS; level-- > 0;) {
        entry = ((uint64_t *)pte_frame(entry))[address >> (12 + 9 * level) & (TABLE_ENTRIES - 1)];
        if (!(entry & PTE_V) || entry & (PTE_R | PTE_X))
            return entry;
    }
    return entry;
}

/* Without a disk the kernel is as ever. */
static void none(void)
{
    CHECK(!disk && !(csr_read(sie) & SIE_SEIE));
    if (csr_read(satp) != 0) {
        CHECK(mapped(UART0) != 0);
        for (uint64_t page = UART0 + PAGE_SIZE; page < UART0 + 0x10000; page += PAGE_SIZE)
            CHECK(mapped(page) == 0);
        CHECK(mapped(0x0c000000) == 0 && mapped(0x0c200000) == 0);
    }
    OK();
}

/* What is mapped for a disk: a page for its registers, and 4 MiB for the PLIC's. */
static void some(void)
{
    CHECK(disk && csr_read(sie) & SIE_SEIE);
    if (csr_read(satp) != 0) {
        uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;
        size_t pages = 0;
        for (uint64_t page = UART0 + PAGE_SIZE; page < UART0 + 0x10000; page += PAGE_SIZE)
            if (mapped(page)) {
                CHECK(mapped(page) == (page >> 2 | flags));
                pages++;
            }
        CHECK(pages == 1);
        CHECK(mapped(0x0c000000) == (0x0c000000 >> 2 | flags));
        CHECK(mapped(0x0c200000) == (0x0c200000 >> 2 | flags));
        CHECK(mapped(0x0c400000) == 0 && mapped(0x0be00000) == 0);
    }
    OK();
}

static void run_check(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } checks[] = {{"content", content}, {"bounds", bounds}, {"readonly", readonly},
                  {"time", time},       {"none", none},     {"some", some}};
    if (!platform_option("disk", check, sizeof(check)))
        return;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (strcmp(check, checks[i].name) == 0)
            checks[i].function();
}
INITCALL(9, run_check);

/* ---- several tasks: each of their system calls writes and reads first */

/* The task with pid n has sectors 200 n to 200 n + 199; what it has there changes from round to round. */
static void tasks(const struct task *task, unsigned round)
{
    unsigned pid = (unsigned)task->process->pid;
    uint64_t sector = 200 * pid + round % 7;
    uint8_t *buffer = kmalloc(BUFFER_SECTORS * SECTOR_SIZE);
    struct block_segment segments[BLOCK_SEGMENTS_MAX];
    CHECK(buffer && disk);
    size_t count = (round * 5 + pid) % BLOCK_SEGMENTS_MAX + 1;
    size_t sectors = cut(segments, count, buffer, pid);
    fill(buffer, sector, sectors, pid + round);
    CHECK(disk->transfer(disk, true, sector, segments, count) == 0);
    CHECK(round % 8 != 0 || disk->flush(disk) == 0);
    memset(buffer, 0xee, sectors * SECTOR_SIZE);
    CHECK(one(false, sector, buffer, sectors) == 0 && filled(buffer, sector, sectors, pid + round));
    CHECK(one(false, disk->sectors, buffer, 1) == -EIO);
    kfree(buffer);
    report("disktest: pid %u round %u sectors %lu+%zu", pid, round, sector, sectors);
}

static bool before_call(struct task *task, uint64_t cause)
{
    static unsigned rounds[16];
    (void)cause;
    if (strcmp(check, "tasks") == 0)
        tasks(task, rounds[task->process->pid % 16]++);
    return false;
}
TRAP_HANDLER(CAUSE_USER_ECALL, 9, before_call);

/* Whoever waits is woken for nothing, now and then. */
static bool wake_for_nothing(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    if (strcmp(check, "tasks") == 0)
        for (struct task *each = task_next(NULL); each; each = task_next(each))
            wake_task(each);
    return false;
}
TRAP_HANDLER(CAUSE_TIMER, 9, wake_for_nothing);
