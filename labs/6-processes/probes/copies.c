/* copies.c: frames that several processes have. */
#include "demand.h"
#include "errno.h"
#include "frame.h"
#include "kmalloc.h"
#include "probes.h"
#include "riscv.h"
#include "trap.h"

enum { PAGES = 5 };

/* How many faults of stores level 6 has passed on to the levels below. */
static unsigned passed_on;

static bool note_passed_on(struct task *task, uint64_t cause)
{
    (void)task, (void)cause;
    passed_on++;
    return false;
}
TRAP_HANDLER(CAUSE_STORE_PAGE, 5, note_passed_on);

static uintptr_t frame_at(const struct process *process, uint64_t va)
{
    return pte_frame(probe_entry(process, va));
}

/* A frame with so many references, two of which are parent's and child's: a store to it makes a copy all the same. */
static void had_by_many(struct process *parent, struct process *child, uint64_t va, uint32_t many)
{
    uintptr_t frame = frame_at(parent, va);
    const struct frames_ops *lower = slot_below(frames, 6);
    for (uint32_t n = 2; n < many; n++)
        lower->get(frame);
    probe_protect(parent, va, 1, PROT_READ);
    probe_protect(parent, va, 1, RW);
    PROBE_CHECK(!(pte_prot(probe_entry(parent, va)) & PROT_WRITE),
                "mprotect() lets a page be written whose frame has %u references", many);
    PROBE_CHECK(probe_stores(child, va + 8, 9) == 0 && frame_at(child, va) != frame &&
                    frame_at(parent, va) == frame && *((uint8_t *)frame + 8) != 9,
                "a store to a page whose frame has %u references has made no copy", many);
    PROBE_CHECK(frame_of(frame)->references == many - 1,
                "a frame with %u references has %u after a copy", many,
                frame_of(frame)->references);
    for (uint32_t n = 2; n < many; n++)
        lower->put(frame);
}

/* A program stores to a page that two have: the handler of level 6 deals with the trap, and says so. */
static void trapped(struct process *process, uint64_t va)
{
    struct task *task = &process->task;
    passed_on = 0;
    task->user.stval = va;
    trap_dispatch(task, CAUSE_STORE_PAGE);
    PROBE_CHECK(!task->dying && (pte_prot(probe_entry(process, va)) & PROT_WRITE),
                "a program has stored to a page that two have, and still may not");
    PROBE_CHECK(passed_on == 0,
                "a program has stored to a page that two have: the handler has made "
                "the copy, and returned false");
}

void copies_counted(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct process *parent = probe_process("parent");
    uint64_t a = probe_map(parent, 0, PAGES, RW, ANON);
    for (uint64_t page = 0; page < PAGES; page++) {
        probe_fill(parent, a + page * PAGE_SIZE);
        PROBE_CHECK(probe_stores(parent, a + page * PAGE_SIZE, (uint8_t)(page + 1)) == 0,
                    "memory cannot be written");
    }
    uint64_t code = probe_map(parent, 0, 1, RW | PROT_EXEC, ANON);
    PROBE_CHECK(probe_stores(parent, code, 1) == 0, "memory cannot be written");
    struct process *child = probe_fork(parent);
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t va = a + page * PAGE_SIZE;
        PROBE_CHECK(frame_at(parent, va) == frame_at(child, va),
                    "page %lu has one frame in the parent, and another in the child", page);
        PROBE_CHECK(frame_of(frame_at(parent, va))->references == 2,
                    "a frame that two have has %u references",
                    frame_of(frame_at(parent, va))->references);
        PROBE_CHECK(
            !((pte_prot(probe_entry(parent, va)) | pte_prot(probe_entry(child, va))) & PROT_WRITE),
            "page %lu, whose frame two have, can be written by one of them", page);
    }
    /* One copy, of the page that is written, for who writes it. */
    long frames = probe_frames;
    uintptr_t old = frame_at(parent, a);
    const uint8_t before = *((uint8_t *)old + 8);
    PROBE_CHECK(probe_stores(child, a + 8, 9) == 0, "a child cannot write to its memory");
    PROBE_CHECK(probe_frames == frames,
                "the first store to a page that two have: %ld references more",
                probe_frames - frames);
    PROBE_CHECK(frame_at(parent, a) == old && frame_at(child, a) != old,
                "a child has written to a page: the copy is not the child's");
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        const uint8_t *copy = (const uint8_t *)frame_at(child, a), *page = (const uint8_t *)old;
        PROBE_CHECK(copy[i] == (i == 8 ? 9 : page[i]) && page[8] == before,
                    "byte %zu of a copy is not what the page had, or the page has what was written "
                    "to the copy",
                    i);
    }
    PROBE_CHECK(frame_of(old)->references == 1 && probe_stores(parent, a, 7) == 0,
                "after a copy the old frame has %u references", frame_of(old)->references);
    PROBE_CHECK(probe_stores(child, code, 2) == 0 &&
                    pte_prot(probe_entry(child, code)) == (PROT_USER | RW | PROT_EXEC),
                "a page that was rwx is %s when it has been copied",
                probe_prot(pte_prot(probe_entry(child, code))));
    had_by_many(parent, child, a + PAGE_SIZE, 256);
    had_by_many(parent, child, a + 2 * PAGE_SIZE, 257);
    had_by_many(parent, child, a + 3 * PAGE_SIZE, 65537);
    trapped(child, a + 4 * PAGE_SIZE);
    /* Who is left alone has it, copied or not; and nothing is lost. */
    probe_end(child, 0);
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) > 0, "a child cannot be waited for");
    uint8_t value = 0;
    for (uint64_t page = 1; page < PAGES; page++) {
        uint64_t va = a + page * PAGE_SIZE;
        PROBE_CHECK(probe_stores(parent, va + 1, 3) == 0 && probe_loads(parent, va, &value) == 0 &&
                        value == page + 1,
                    "the child has ended: its parent cannot write to page %lu, or has lost it",
                    page);
        PROBE_CHECK(frame_of(frame_at(parent, va))->references == 1,
                    "a frame that one has has %u references",
                    frame_of(frame_at(parent, va))->references);
    }
    probe_destroy(parent);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}

/* Where frames come from when there are none: here the one that is refused can be had then. */
static bool relieving;
static unsigned relieved;

STAND_IN(reclaim_frames);
bool __wrap_reclaim_frames(const struct space *asker)
{
    if (!relieving)
        return __real_reclaim_frames(asker);
    relieved++;
    probe_refuse = 0, probe_refuse_rest = false;
    return true;
}

/* A store to a shared page without a frame for the copy. */
void copies_memory(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct process *parent = probe_process("parent");
    uint64_t a = probe_map(parent, 0, 1, RW, ANON);
    PROBE_CHECK(probe_stores(parent, a, 1) == 0, "memory cannot be written");
    struct process *child = probe_fork(parent);
    long frames = probe_frames;
    probe_refuse = 1, probe_refuse_rest = true;
    long error = probe_stores(child, a, 2);
    probe_refuse = 0, probe_refuse_rest = false;
    uint8_t mine = 0, its = 0;
    PROBE_CHECK(error == -ENOMEM, "a store without a frame for its copy: %ld", error);
    PROBE_CHECK(probe_frames == frames, "a copy that could not be made: %ld references",
                probe_frames - frames);
    PROBE_CHECK(probe_loads(parent, a, &mine) == 0 && probe_loads(child, a, &its) == 0 &&
                    mine == 1 && its == 1,
                "a copy that could not be made: the parent has %u, the child %u, not 1", mine, its);
    relieving = true;
    probe_refuse = 1, probe_refuse_rest = true;
    error = probe_stores(child, a, 2);
    probe_refuse = 0, probe_refuse_rest = false;
    relieving = false;
    PROBE_CHECK(error == 0 && relieved == 1,
                "a store without a frame for its copy, where reclaim_frames() has one: %ld, and "
                "it was asked %u times",
                error, relieved);
    PROBE_CHECK(probe_loads(child, a, &its) == 0 && its == 2 &&
                    probe_loads(parent, a, &mine) == 0 && mine == 1,
                "a copy for which reclaim_frames() had a frame: the parent has %u, the child %u",
                mine, its);
    probe_end(child, 0);
    PROBE_CHECK(probe_wait(parent, -1, 0, NULL) > 0, "a child cannot be waited for");
    probe_destroy(parent);
    PROBE_CHECK(probe_frames == 0, "in the end %ld frames have not come back", probe_frames);
}

/* Families at random, and what each of them has in 8 pages, against a model. */
enum { FAMILY = 5, PLACES = 8, MISSING = 0, OPERATIONS = 2000 };
static struct process *family[FAMILY];
static struct {
    uint8_t value[PLACES];
    unsigned prot[PLACES];
    bool mapped[PLACES];
} model[FAMILY];

static void compare(void)
{
    for (int who = 0; who < FAMILY; who++) {
        for (uint64_t place = 0; family[who] && place < PLACES; place++) {
            uint64_t va = MMAP_BASE + place * PAGE_SIZE, pte = probe_entry(family[who], va);
            if (!model[who].mapped[place]) {
                PROBE_CHECK(pte == 0, "process %d, page %lu is there, and not mapped", who, place);
                continue;
            }
            uint8_t found = pte ? *(uint8_t *)pte_frame(pte) : 0;
            PROBE_CHECK(found == model[who].value[place], "process %d, page %lu has %u, not %u",
                        who, place, found, model[who].value[place]);
            if (!(pte_prot(pte) & PROT_WRITE))
                continue;
            PROBE_CHECK(model[who].prot[place] & PROT_WRITE,
                        "process %d, page %lu can be written, and should not", who, place);
            for (int other = 0; other < FAMILY; other++)
                PROBE_CHECK(other == who || !family[other] ||
                                frame_at(family[other], va) != pte_frame(pte),
                            "page %lu can be written by process %d, and process %d "
                            "has its frame, too",
                            place, who, other);
        }
    }
}

static void act(const struct operation *operation)
{
    int who = (int)(operation->random[0] % FAMILY), other = (int)(operation->random[1] % FAMILY);
    uint64_t place = operation->random[1] >> 8 & (PLACES - 1), va = MMAP_BASE + place * PAGE_SIZE;
    uint8_t value = (uint8_t)(1 + operation->random[2] % 200);
    if (!family[who])
        return;
    switch (operation->random[0] >> 16 & 15) {
    case 0:
    case 1:
        if (family[other])
            break;
        probe_say("process %d has a child, %d", who, other);
        family[other] = probe_fork(family[who]);
        model[other] = model[who];
        break;
    case 2:
        if (who == 0)
            break;
        probe_say("process %d ends", who);
        probe_end(family[who], 0);
        family[who] = NULL;
        break;
    case 3:
    case 4: {
        unsigned prot = operation->random[2] & 1 ? RW : PROT_READ;
        if (!model[who].mapped[place])
            break;
        probe_say("process %d: page %lu is %s now", who, place, probe_prot(prot));
        probe_protect(family[who], va, 1, prot);
        model[who].prot[place] = prot;
        break;
    }
    case 5:
        if (!model[who].mapped[place])
            break;
        probe_say("process %d unmaps page %lu", who, place);
        probe_unmap(family[who], va, 1);
        model[who].mapped[place] = false;
        break;
    case 6:
    case 7:
        if (model[who].mapped[place])
            break;
        probe_say("process %d maps page %lu", who, place);
        probe_map(family[who], va, 1, RW, ANON | MAP_FIXED_NOREPLACE);
        model[who].mapped[place] = true;
        model[who].prot[place] = RW;
        model[who].value[place] = 0;
        break;
    default: {
        probe_say("process %d writes %u to page %lu", who, value, place);
        bool possible = model[who].mapped[place] && (model[who].prot[place] & PROT_WRITE);
        long error = probe_stores(family[who], va, value);
        PROBE_CHECK(error == (possible ? 0 : -EFAULT), "a store of process %d to page %lu: %ld",
                    who, place, error);
        if (possible)
            model[who].value[place] = value;
        break;
    }
    }
}

void copies_random(unsigned long argument)
{
    (void)argument;
    probe_begin();
    struct operation operation;
    family[0] = probe_process("parent");
    while (probe_next(&operation) && operation.number < OPERATIONS) {
        act(&operation);
        compare();
    }
    for (int who = 1; who < FAMILY; who++)
        if (family[who])
            probe_end(family[who], 0);
}
