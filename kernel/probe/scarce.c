/* scarce.c: leaves the kernel without memory of its own. */
#include "scarce.h"

#include "kmalloc.h"
#include "probe.h"

/* The pieces that are held, in a list; and one in whose place there is what has been left. */
static struct piece {
    struct piece *next;
} * pieces, *reserve;

void probe_scarce_begin(void)
{
    struct piece *piece;
    reserve = kmalloc(SCARCE_MAX);
    PROBE_CHECK(reserve, "no kernel memory for a probe");
    for (size_t size = 1 << 20; size >= 16; size /= 2) {
        while ((piece = kmalloc(size))) {
            piece->next = pieces;
            pieces = piece;
        }
    }
}

void probe_scarce_leave(size_t bytes)
{
    kfree(reserve);
    reserve = kmalloc(SCARCE_MAX - bytes);
    PROBE_CHECK(reserve, "of %d bytes of the kernel's memory some have not come back", SCARCE_MAX);
}

void probe_scarce_end(void)
{
    kfree(reserve);
    for (struct piece *piece; (piece = pieces);) {
        pieces = piece->next;
        kfree(piece);
    }
}
