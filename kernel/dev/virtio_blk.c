/*
 * virtio_blk.c: the disk, a virtio block device with its registers in memory ("virtio over MMIO").
 *
 * Requests go through a queue in memory that driver and device share.  A request is a chain of descriptors,
 * a piece of memory each:
 *
 *     descriptor  0           1             n             n + 1
 *                 header  ->  segment  ...  segment   ->  status
 *     device      reads       writes, when we read        writes one byte
 *
 * The driver puts the number of a chain's first descriptor into the ring `available`, and notifies the device.
 * The device puts it into the ring `used` when it is done, and interrupts.  There is one request at a time,
 * for which the others wait: then all descriptors are the request's, and descriptor 0 is its first.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.1, sections 2.6 (the queue), 3.1.1 (beginning), 4.2 (MMIO),
 * 5.2 (block device).
 */
#include "block.h"
#include "device_map.h"
#include "errno.h"
#include "memory.h"
#include "panic.h"
#include "plic.h"
#include "riscv.h"
#include "scheduler.h"
#include "slot.h"
#include "wait.h"

/* Where QEMU's virt board has places for such devices: hw/riscv/virt.c. */
#define TRANSPORTS 0x10001000UL
enum { TRANSPORTS_MAX = 8, TRANSPORT_SIZE = 0x1000, TRANSPORT_IRQ = 1 };

/* Registers, 32 bits each: section 4.2.2. */
enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACKNOWLEDGE = 0x064,
    DEVICE_STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080, /* addresses, the higher half in the next register */
    QUEUE_AVAILABLE = 0x090,
    QUEUE_USED = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
    CAPACITY = 0x100, /* sectors; the higher half in the next register */

    MAGIC_VALUE = 0x74726976, /* "virt" */
    VERSION_MODERN = 2,
    ID_BLOCK = 2,
};

/* Steps of beginning, in DEVICE_STATUS: section 2.1. */
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };

/* Features that we know: sections 5.2.3 and 6. */
#define FEATURE_READ_ONLY (1UL << 5)
#define FEATURE_FLUSH (1UL << 9)
#define FEATURE_VERSION_1 (1UL << 32)

/* Section 2.6: the parts of a queue.  Its size has to be a power of 2, for header and status beside the segments. */
enum { QUEUE_ENTRIES = 64, DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };
_Static_assert(QUEUE_ENTRIES >= BLOCK_SEGMENTS_MAX + 2, "the longest request fits into the queue");

struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
};

/* Section 5.2.6: how a request begins, and what its last byte says. */
enum request_type { REQUEST_READ = 0, REQUEST_WRITE = 1, REQUEST_FLUSH = 4 };
enum { STATUS_OK = 0 };

/* All memory that the device uses beside the segments.  It stays where it is, and is no stack. */
static struct {
    struct descriptor descriptors[QUEUE_ENTRIES] __attribute__((aligned(16)));
    struct {
        uint16_t flags;
        volatile uint16_t index; /* counts entries: the next goes to index % QUEUE_ENTRIES */
        uint16_t ring[QUEUE_ENTRIES];
    } available;
    struct {
        uint16_t flags;
        volatile uint16_t index; /* likewise */
        struct {
            uint32_t first;
            uint32_t size;
        } ring[QUEUE_ENTRIES];
    } used __attribute__((aligned(4)));
    struct {
        uint32_t type;
        uint32_t reserved;
        uint64_t sector;
    } header;
    volatile uint8_t status;
} shared;

static uintptr_t registers; /* of the device; 0 without one */
static unsigned irq;
static bool has_flush;

static bool busy;                                          /* there is a request */
static bool answered;                                      /* the device is done with it */
static struct wait_queue turn = WAIT_QUEUE_INIT(turn);     /* until not busy */
static struct wait_queue answer = WAIT_QUEUE_INIT(answer); /* until answered */

struct block_device *disk;

static uint32_t read_register(uintptr_t device, unsigned reg)
{
    return *(volatile uint32_t *)(device + reg);
}

static void write_register(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(registers + reg) = value;
}

static void write_address(unsigned reg, const volatile void *address)
{
    write_register(reg, (uint32_t)(uintptr_t)address);
    write_register(reg + 4, (uint32_t)((uintptr_t)address >> 32));
}

/* What was written before, to memory or registers, is there for the device before what follows; and so for reads. */
static void barrier(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

/* ---- requests */

/* The device interrupts: it is done, or (which we do not care for) has another configuration. */
static void on_interrupt(void)
{
    write_register(INTERRUPT_ACKNOWLEDGE, read_register(registers, INTERRUPT_STATUS));
    barrier();
    if (!busy || answered || shared.used.index != shared.available.index)
        return;
    barrier();
    answered = true;
    idle_polls--;
    wake_all(&answer);
}

/* Let the device do something, and sleep until it is done.  Returns 0 or -EIO. */
static int request(enum request_type type, uint64_t sector, const struct block_segment segments[],
                   size_t count)
{
    while (busy)
        wait_uninterruptible(&turn);
    busy = true;
    answered = false;

    shared.header.type = type;
    shared.header.sector = sector;
    shared.descriptors[0] = (struct descriptor){
        .address = (uintptr_t)&shared.header,
        .size = sizeof(shared.header),
        .flags = DESCRIPTOR_NEXT,
        .next = 1,
    };
    for (size_t i = 0; i < count; i++)
        shared.descriptors[i + 1] = (struct descriptor){
            .address = (uintptr_t)segments[i].memory,
            .size = (uint32_t)segments[i].size,
            .flags = DESCRIPTOR_NEXT | (type == REQUEST_READ ? DESCRIPTOR_WRITE : 0),
            .next = (uint16_t)(i + 2),
        };
    shared.descriptors[count + 1] = (struct descriptor){
        .address = (uintptr_t)&shared.status,
        .size = sizeof(shared.status),
        .flags = DESCRIPTOR_WRITE,
    };
    shared.available.ring[shared.available.index % QUEUE_ENTRIES] = 0;

    /* The device may look as soon as the index has changed; when it is notified, it must see that. */
    barrier();
    shared.available.index++;
    barrier();
    write_register(QUEUE_NOTIFY, 0);

    /* Interrupts are off until somebody sleeps: the answer cannot come before we wait for it. */
    idle_polls++;
    while (!answered)
        wait_uninterruptible(&answer);

    int error = shared.status == STATUS_OK ? 0 : -EIO;
    busy = false;
    wake_all(&turn);
    return error;
}

static int transfer(struct block_device *device, bool write, uint64_t sector,
                    const struct block_segment segments[], size_t count)
{
    assert(count >= 1 && count <= BLOCK_SEGMENTS_MAX);
    if (write && device->read_only)
        return -EROFS;
    uint64_t sectors = 0;
    for (size_t i = 0; i < count; i++) {
        assert(segments[i].size > 0 && segments[i].size % SECTOR_SIZE == 0);
        assert((uintptr_t)segments[i].memory < KERNEL_STACKS);
        sectors += segments[i].size / SECTOR_SIZE;
    }
    if (sector > device->sectors || sectors > device->sectors - sector)
        return -EIO;
    return request(write ? REQUEST_WRITE : REQUEST_READ, sector, segments, count);
}

/* A device without the feature has nothing to flush: what it has answered to has survived. */
static int flush(struct block_device *device)
{
    (void)device;
    return has_flush ? request(REQUEST_FLUSH, 0, NULL, 0) : 0;
}

static struct block_device virtio_disk = {.name = "vda", .transfer = transfer, .flush = flush};

/* ---- beginning */

/* Look whether there is a disk, while paging is off and every register can be reached. */
static void find_disk(void)
{
    for (unsigned n = 0; n < TRANSPORTS_MAX && !registers; n++) {
        uintptr_t device = TRANSPORTS + n * TRANSPORT_SIZE;
        if (read_register(device, MAGIC) != MAGIC_VALUE ||
            read_register(device, DEVICE_ID) != ID_BLOCK)
            continue;
        if (read_register(device, VERSION) != VERSION_MODERN) {
            report("disk: ignored, as it has virtio's old interface: start QEMU with "
                   "-global virtio-mmio.force-legacy=false");
            continue;
        }
        registers = device;
        irq = TRANSPORT_IRQ + n;
    }
}
INITCALL(0, find_disk);

/* Agree with the device on what both can do.  Returns whether it can do with that. */
static bool negotiate(void)
{
    uint64_t features = 0;
    for (unsigned half = 0; half < 2; half++) {
        write_register(DEVICE_FEATURES_SELECT, half);
        features |= (uint64_t)read_register(registers, DEVICE_FEATURES) << 32 * half;
    }
    features &= FEATURE_VERSION_1 | FEATURE_READ_ONLY | FEATURE_FLUSH;
    for (unsigned half = 0; half < 2; half++) {
        write_register(DRIVER_FEATURES_SELECT, half);
        write_register(DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
    virtio_disk.read_only = features & FEATURE_READ_ONLY;
    has_flush = features & FEATURE_FLUSH;
    write_register(DEVICE_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return features & FEATURE_VERSION_1 && read_register(registers, DEVICE_STATUS) & FEATURES_OK;
}

/* Tell the device where its queue is.  Returns whether it can have one that is so long. */
static bool hand_over_queue(void)
{
    write_register(QUEUE_SELECT, 0);
    if (read_register(registers, QUEUE_SIZE_MAX) < QUEUE_ENTRIES)
        return false;
    write_register(QUEUE_SIZE, QUEUE_ENTRIES);
    write_address(QUEUE_DESCRIPTORS, &shared.descriptors);
    write_address(QUEUE_AVAILABLE, &shared.available);
    write_address(QUEUE_USED, &shared.used);
    write_register(QUEUE_READY, 1);
    return true;
}

/* How many sectors it has, both halves as they were at one time (section 4.2.2.2). */
static uint64_t capacity(void)
{
    uint32_t generation;
    uint64_t sectors;
    do {
        generation = read_register(registers, CONFIG_GENERATION);
        sectors = read_register(registers, CAPACITY) |
                  (uint64_t)read_register(registers, CAPACITY + 4) << 32;
    } while (read_register(registers, CONFIG_GENERATION) != generation);
    return sectors;
}

/* Section 3.1.1: have the disk begin. */
static void start_disk(void)
{
    if (!registers)
        return;
    device_map(registers, TRANSPORT_SIZE);
    write_register(DEVICE_STATUS, 0); /* reset it */
    write_register(DEVICE_STATUS, ACKNOWLEDGE | DRIVER);
    if (!negotiate() || !hand_over_queue()) {
        write_register(DEVICE_STATUS, FAILED);
        report("disk: ignored, as it cannot do what this driver needs");
        return;
    }
    virtio_disk.sectors = capacity();
    plic_enable(irq, on_interrupt);
    write_register(DEVICE_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    disk = &virtio_disk;
    report("disk: %lu sectors%s", disk->sectors, disk->read_only ? ", read-only" : "");
}
INITCALL(4, start_disk);
