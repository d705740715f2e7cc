/*
 * areas: brk() of a heap whose pages are protected, unmapped and mapped anew meanwhile, at random.  After each call
 * the program shows what it may do with each page, and a sum of the bytes in them.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 20, STEPS = 300 };

static char *base;
static long heap; /* its size in bytes */
static int ends[2];
static uint32_t state = 7, sum;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state % below;
}

/* The system call, not the function: where the heap ends then. */
static long move(long size)
{
    return (char *)syscall(SYS_brk, base + size) - base;
}

static bool is_mapped(long page)
{
    unsigned char in_memory;
    return mincore(base + page * PAGE, PAGE, &in_memory) == 0;
}

/* What the page permits, as a letter.  The kernel tries: it does not end a program. */
static char probe(long page, unsigned char mark)
{
    char *at = base + page * PAGE, rest;
    unsigned char found = 0;
    if (!is_mapped(page))
        return '.';
    bool can_read = write(ends[1], at, 1) == 1;
    if (can_read && read(ends[0], &found, 1) == 1)
        sum = (sum ^ found) * 16777619;
    if (write(ends[1], &mark, 1) == 1 && read(ends[0], at, 1) == 1)
        return 'w';
    read(ends[0], &rest, 1); /* what could not be handed over may be there still */
    return can_read ? 'r' : '-';
}

static void show(int step, const char *call, long from, long size, long result)
{
    char line[PAGES + 1] = "";
    for (long page = 0; page < PAGES; page++)
        line[page] = probe(page, (unsigned char)(step + page));
    printf("%s(%lx, %lx): %ld  %s %08x\n", call, from, size, result, line, sum);
}

/* Linux has not always agreed with itself about a heap that shrinks where nothing is mapped. */
static bool is_hole(long from, long to)
{
    for (long page = (from + PAGE - 1) / PAGE; page * PAGE < to; page++)
        if (is_mapped(page))
            return false;
    return true;
}

int main(void)
{
    static char buffer[1 << 14]; /* malloc() would use the heap */
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    if (pipe2(ends, O_NONBLOCK) != 0)
        return 1;
    base = (char *)((syscall(SYS_brk, 0) + PAGE - 1) & -(long)PAGE);
    move(0);
    for (int step = 0; step < STEPS; step++) {
        static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
        long from = draw(PAGES - 2) * PAGE, size = (draw(4) + 1) * PAGE;
        int prot = prots[draw(3)];
        if (from + size > (PAGES - 1) * PAGE)
            size = PAGE;
        uint32_t kind = draw(8);
        if (kind < 5) {
            long wanted = draw(2) ? from : from + draw(PAGE);
            if (wanted < heap && (heap - 1) / PAGE != (wanted - 1) / PAGE && is_hole(wanted, heap))
                continue;
            heap = move(wanted);
            show(step, "brk", wanted, 0, heap);
        } else if (kind < 6) {
            show(step, "mprotect", from, size, mprotect(base + from, size, prot));
        } else if (kind < 7) {
            show(step, "munmap", from, size, munmap(base + from, size));
        } else {
            char *there =
                mmap(base + from, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            show(step, "mmap", from, size, there - base);
        }
    }
    /* All of it can go, and come again. */
    munmap(base, PAGES * PAGE);
    heap = move(heap + 1);
    show(STEPS, "brk", heap, 0, heap);
    return 0;
}
