/*
 * Task 4.3: a program comes from its file page by page, as it is needed.
 */
#include "demand.h"
#include "errno.h"
#include "file.h"
#include "frame.h"
#include "memory.h"
#include "space.h"

/*
 * The contracts of fill() and drop() are in area.h; what of the file a page shows is said in lab 3, task
 * 3.5.
 *
 * What is new: while you read, nobody may see the page.  Fill a frame first, and map it last.  If the
 * file gives an error, or fewer bytes than it should (file->ops->read_at() in file.h), the frame goes
 * back and fill() is -EIO.  If the page is one to execute, the CPU must not go on with what it may have
 * fetched from this frame before: fence.i, as in the loader.
 *
 * Up to 15 pages around may come with it, if they can be had; it fails only for the one at va.
 */
static int file_fill(struct space *space, const struct area *area, uint64_t va)
{
    /* TODO(4.3) */
    (void)space, (void)area, (void)va;
    return -ENOMEM;
}

static void file_drop(struct space *space, const struct area *area, uint64_t start, uint64_t end)
{
    spaces->anonymous->drop(space, area, start, end);
}

static const struct backend from_file = {.name = "file", .fill = file_fill, .drop = file_drop};

/* Task 4.2 asks for this backend: NULL until fill() is done. */
const struct backend *segment_backend(void)
{
    /* TODO(4.3) */
    (void)from_file;
    return NULL;
}
