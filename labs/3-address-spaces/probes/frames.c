/* frames.c: probes of the frame allocator (task 3.1). */
#include "frame.h"

#include "kmalloc.h"
#include "platform.h"
#include "probes.h"

/* How many frames of the regions that the allocator was given can be had. */
static size_t frames_given(void)
{
    size_t count = -(size_t)probe_in_use;
    for (size_t i = 0; i < FRAME_REGIONS; i++)
        count += (frame_memory[i].end - frame_memory[i].start) / PAGE_SIZE;
    return count;
}

static bool is_given(uintptr_t frame)
{
    for (size_t i = 0; i < FRAME_REGIONS; i++)
        if (frame >= frame_memory[i].start && frame < frame_memory[i].end)
            return true;
    return false;
}

static void check_frame(uintptr_t frame)
{
    PROBE_CHECK(frame % PAGE_SIZE == 0, "frame_alloc() returned 0x%lx: not a page's address",
                frame);
    PROBE_CHECK(is_given(frame), "frame_alloc() returned 0x%lx: in none of the regions", frame);
}

/* Look at every step-th word of a new frame. */
static void check_zero(uintptr_t frame, size_t step)
{
    const uint64_t *words = (const uint64_t *)frame;
    for (size_t i = 0; i < PAGE_SIZE / 8; i += step)
        PROBE_CHECK(words[i] == 0, "the new frame 0x%lx is not zero: 0x%lx at its byte %zu", frame,
                    words[i], i * 8);
}

static void scribble(uintptr_t frame)
{
    uint64_t *words = (uint64_t *)frame;
    for (size_t i = 0; i < PAGE_SIZE / 8; i += 8)
        words[i] = words[i + 7] = 0xdeadbeef;
}

/* Which pages of memory have been seen, a bit each. */
static uint64_t *seen_new(void)
{
    uint64_t *seen = kmalloc(platform.memory_size / PAGE_SIZE / 8);
    assert(seen);
    return seen;
}

static bool see(uint64_t *seen, uintptr_t frame)
{
    size_t n = (frame - platform.memory_start) / PAGE_SIZE;
    bool before = seen[n / 64] >> n % 64 & 1;
    seen[n / 64] |= 1UL << n % 64;
    return before;
}

static void forget(uint64_t *seen, uintptr_t frame)
{
    size_t n = (frame - platform.memory_start) / PAGE_SIZE;
    seen[n / 64] &= ~(1UL << n % 64);
}

/*
 * Every frame of memory, three times; the first words of each lead to the one before.  The second time every other
 * frame comes from frame_take(), which need not make it zero.  With argument 1: the
 * regions in their order, for until the last task of lab 3 is done programs lie in the second.
 */
void frames_all(unsigned long argument)
{
    for (int round = 0; round < 3; round++) {
        uint64_t *seen = seen_new();
        uintptr_t last = 0, frame;
        size_t count = 0, region = 0;
        while ((frame = round == 1 && count % 2 ? frame_take() : frame_alloc())) {
            check_frame(frame);
            size_t from = frame >= frame_memory[1].start && frame < frame_memory[1].end;
            PROBE_CHECK(argument != 1 || round > 0 || from >= region,
                        "frame_alloc() returned 0x%lx of the first region after one of the second: "
                        "regions are to be used up in their order",
                        frame);
            region = from;
            PROBE_CHECK(!see(seen, frame), "frame_alloc() returned 0x%lx twice", frame);
            if (round != 1 || count % 2 == 0)
                check_zero(frame, count % 64 == 0 ? 1 : 64);
            scribble(frame);
            *(uintptr_t *)frame = last;
            last = frame;
            count++;
        }
        PROBE_CHECK(count == frames_given(),
                    "round %d: %zu frames could be had, there should be %zu", round + 1, count,
                    frames_given());
        while (last) {
            frame = last;
            last = *(uintptr_t *)frame;
            frame_put(frame);
        }
        kfree(seen);
    }
}

/* So many frames of a large memory, without a look at them; some of the last go back and come again. */
void frames_many(unsigned long argument)
{
    enum { BACK = 100 };
    uintptr_t back[BACK];
    uint64_t *seen = seen_new();
    for (size_t count = 0; count < argument + BACK; count++) {
        uintptr_t frame = frame_alloc();
        PROBE_CHECK(frame, "after %zu frames there are no more; there should be %zu", count,
                    frames_given());
        check_frame(frame);
        PROBE_CHECK(!see(seen, frame), "frame_alloc() returned 0x%lx, which is in use", frame);
        back[count % BACK] = frame;
        if (count + 1 == argument)
            for (size_t i = 0; i < BACK; i++) {
                frame_put(back[i]);
                forget(seen, back[i]);
            }
    }
}

/* get_all() and put_all(), which an allocator need not have: of entries as page tables have them, two of them 0. */
static void check_many_at_once(void)
{
    const struct frames_ops *allocator = slot_below(frames, 4);
    if (!allocator->get_all || !allocator->put_all)
        return;
    const uintptr_t twice = frame_alloc(), once = frame_alloc();
    const uint64_t leaf = PTE_V | PTE_R | PTE_W;
    const uint64_t entries[] = {0, twice >> 2 | leaf, 0, once >> 2, twice >> 2 | leaf};
    const uint64_t *end = entries + sizeof(entries) / sizeof(entries[0]);
    allocator->get_all(entries, end);
    PROBE_CHECK(frame_of(twice)->references == 3 && frame_of(once)->references == 2,
                "after get_all() of two entries and one with their frames these have %u and %u "
                "references, not 3 and 2",
                frame_of(twice)->references, frame_of(once)->references);
    allocator->put_all(entries, end);
    PROBE_CHECK(frame_of(twice)->references == 1 && frame_of(once)->references == 1,
                "after put_all() of the same entries they have %u and %u references, not 1",
                frame_of(twice)->references, frame_of(once)->references);
    frame_put(twice);
    frame_put(once);
}

/* More references to one frame than a counter of 16 bits can hold. */
static void check_many_references(void)
{
    enum { MANY = 70000 };
    const struct frames_ops *allocator = slot_below(frames, 8); /* without the counting */
    uintptr_t frame = frame_alloc();
    PROBE_CHECK(frame, "frame_alloc() returned 0 at the start");
    for (int n = 0; n < MANY; n++)
        allocator->get(frame);
    for (int n = 0; n < MANY; n++)
        allocator->put(frame);
    uintptr_t other = frame_alloc();
    PROBE_CHECK(other != frame,
                "frame 0x%lx has been given out again: of its %d references one is left", frame,
                MANY + 1);
    frame_put(other);
    frame_put(frame);
}

/* With argument 1: without very many references. */
void frames_shared(unsigned long argument)
{
    enum { SHARED = 3, OTHERS = 100 };
    uintptr_t shared[SHARED], others[OTHERS];
    for (int i = 0; i < SHARED; i++) {
        shared[i] = frame_alloc();
        PROBE_CHECK(shared[i], "frame_alloc() returned 0 at the start");
        for (int n = 0; n < 2 * i; n++)
            frame_get(shared[i]);
        *(uint64_t *)shared[i] = 100 + (uint64_t)i;
    }
    /* Number i has 1 + 2 * i references: all but the last one go. */
    for (int i = 0; i < SHARED; i++)
        for (int n = 0; n < 2 * i; n++)
            frame_put(shared[i]);
    for (int n = 0; n < OTHERS; n++) {
        others[n] = frame_alloc();
        for (int i = 0; i < SHARED; i++)
            PROBE_CHECK(others[n] != shared[i],
                        "frame 0x%lx still has a reference, and was given out again", shared[i]);
    }
    for (int i = 0; i < SHARED; i++)
        PROBE_CHECK(*(uint64_t *)shared[i] == 100 + (uint64_t)i,
                    "the content of frame 0x%lx, which is in use, has changed", shared[i]);
    for (int n = 0; n < OTHERS; n++)
        frame_put(others[n]);
    for (int i = 0; i < SHARED; i++)
        frame_put(shared[i]);
    check_many_at_once();
    if (argument != 1)
        check_many_references();
    size_t count = probe_count_frames();
    PROBE_CHECK(count == frames_given(),
                "all references are given up, and %zu frames can be had, not %zu", count,
                frames_given());
}

/* Against a model: what each slot holds, with how many references and what content. */
void frames_random(unsigned long argument)
{
    (void)argument;
    enum { SLOTS = 64 };
    static struct {
        uintptr_t frame;
        uint64_t references, mark;
    } slots[SLOTS];
    struct operation op;
    uint64_t *held = seen_new();
    while (probe_next(&op)) {
        size_t i = op.random[0] % SLOTS;
        uintptr_t frame = slots[i].frame;
        if (frame == 0) {
            frame = frame_alloc();
            probe_say("frame_alloc() = 0x%lx", frame);
            PROBE_CHECK(frame, "frame_alloc() returned 0 with at most %d frames in use", SLOTS);
            check_frame(frame);
            PROBE_CHECK(!see(held, frame), "frame 0x%lx is in use, and was given out again", frame);
            check_zero(frame, op.random[2] % 16 == 0 ? 1 : 37);
            slots[i].frame = frame;
            slots[i].references = 1;
            slots[i].mark = op.random[2];
            ((uint64_t *)frame)[op.random[2] % 512] = op.random[2];
            continue;
        }
        PROBE_CHECK(((uint64_t *)frame)[slots[i].mark % 512] == slots[i].mark,
                    "the content of frame 0x%lx, which is in use, has changed", frame);
        if (op.random[1] % 3 == 0) {
            probe_say("frame_get(0x%lx)", frame);
            frame_get(frame);
            slots[i].references++;
        } else {
            probe_say("frame_put(0x%lx), reference %lu", frame, slots[i].references);
            frame_put(frame);
            if (--slots[i].references == 0) {
                slots[i].frame = 0;
                size_t n = (frame - platform.memory_start) / PAGE_SIZE;
                held[n / 64] &= ~(1UL << n % 64);
            }
        }
    }
    for (size_t i = 0; i < SLOTS; i++)
        for (; slots[i].frame && slots[i].references > 0; slots[i].references--)
            frame_put(slots[i].frame);
    size_t count = probe_count_frames();
    PROBE_CHECK(count == frames_given(), "in the end %zu frames can be had, not %zu", count,
                frames_given());
}

/* Each of these is a bug of the caller's, and a panic that names the address. */
void frames_misuse(unsigned long argument)
{
    uintptr_t frame = frame_alloc(), other = frame_alloc();
    PROBE_CHECK(frame && other, "frame_alloc() returned 0 at the start");
    const struct {
        uintptr_t address;
        bool get;
    } cases[] = {
        {frame, false},                                        /* given back below */
        {frame, true},                                         /* the same */
        {0x80200000, false},                                   /* the kernel's */
        {other + 8, false},                                    /* not a page's address */
        {platform.memory_start + platform.memory_size, false}, /* behind memory */
        {other + (1UL << 32), true},                           /* behind memory, by 4 GiB */
        {other + 64 * PAGE_SIZE, false},                       /* never given out */
        {0, false},
    };
    uintptr_t address = cases[argument].address;
    frame_put(frame);
    report("probe: misuse: %s 0x%lx", cases[argument].get ? "frame_get" : "frame_put", address);
    if (cases[argument].get)
        frame_get(address);
    else
        frame_put(address);
}
