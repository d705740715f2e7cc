/* stack.c: a probe of how the stack grows (task 4.5). */
#include "errno.h"
#include "memory.h"
#include "probes.h"

#define RW_U (PROT_USER | PROT_READ | PROT_WRITE)
#define LOWEST (USER_STACK_TOP - USER_STACK_MAX)

/* A stack of 16 pages, and perhaps an area below it that ends there. */
static struct space *new_stack(uint64_t below)
{
    probe_new_space();
    probe_area(USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE / PAGE_SIZE, RW_U,
               spaces->anonymous);
    if (below)
        probe_area(below - PAGE_SIZE, 1, RW_U, spaces->anonymous);
    return probe_process.space;
}

/* What stack_grow() answers, at every bound; and that the stack begins where it should then. */
void stack_growth_rules(unsigned long argument)
{
    (void)argument;
    const uint64_t begin = USER_STACK_TOP - USER_STACK_SIZE, near = LOWEST + 100 * PAGE_SIZE;
    const struct {
        uint64_t below, va;
        int wanted;
    } cases[] = {
        {0, begin - 1, 0},
        {0, begin - 300 * PAGE_SIZE + 7, 0},
        {0, LOWEST, 0},
        {0, LOWEST - 1, -EFAULT},
        {0, LOWEST - USER_STACK_GAP, -EFAULT},
        {0, LOWEST - (1UL << 32), -EFAULT},
        {0, 8, -EFAULT},
        {0, USER_STACK_TOP, -EFAULT},
        {0, USER_END - 1, -EFAULT},
        {near, near + USER_STACK_GAP, 0},
        {near, near + USER_STACK_GAP - 1, -EFAULT},
        {near, near, -EFAULT},
        {near, near + 3, -EFAULT},
        {LOWEST - USER_STACK_GAP, LOWEST, 0},
        {LOWEST - USER_STACK_GAP + PAGE_SIZE, LOWEST, -EFAULT},
        {LOWEST - USER_STACK_GAP + PAGE_SIZE, LOWEST + PAGE_SIZE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct space *space = new_stack(cases[i].below);
        uint64_t va = cases[i].va;
        int error = stack_grow(space, va);
        PROBE_CHECK(
            error == cases[i].wanted,
            "grow(0x%lx), with an area that ends at 0x%lx below the stack, returned %d, not %d", va,
            cases[i].below, error, cases[i].wanted);
        const struct area *there = area_find(&space->areas, va);
        PROBE_CHECK(!there == (error != 0), "grow(0x%lx) returned %d, and it lies in %s area", va,
                    error, there ? "an" : "no");
        for (uint64_t at = page_down(va); !error && at < begin; at += PAGE_SIZE)
            PROBE_CHECK(area_find(&space->areas, at),
                        "after grow(0x%lx) the page at 0x%lx, above it, is not the stack's", va,
                        at);
        PROBE_CHECK(error || !area_find(&space->areas, page_down(va) - 1),
                    "after grow(0x%lx) pages below are the stack's", va);
        PROBE_CHECK(probe_leaves(&space->table) == 0, "grow(0x%lx) has brought in pages", va);
    }
    /* Without a stack there is nothing to grow. */
    probe_new_space();
    int error = stack_grow(probe_process.space, begin - 1);
    PROBE_CHECK(error == -EFAULT, "stack_grow() in a space without a stack returned %d", error);
}
