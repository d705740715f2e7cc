/* exec.c: what a program passes to another. */
#include "arguments.h"
#include "errno.h"
#include "kmalloc.h"
#include "print.h"
#include "probes.h"
#include "string.h"

enum { PAGES = 4 };
static struct process *caller;
static uint64_t area; /* of PAGES pages of the caller's */

static void put(uint64_t at, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        PROBE_CHECK(probe_stores(caller, area + at + i, ((const uint8_t *)bytes)[i]) == 0,
                    "memory cannot be written");
}

static void put_word(uint64_t at, uint64_t word)
{
    put(at, &word, sizeof(word));
}

/* Copy the vector at an address; it must give this result, and keep nothing after an error. */
static char **copy(uint64_t address, long wanted, const char *what)
{
    size_t heap = kmalloc_free_bytes();
    char **vector = NULL;
    long result = copy_vector(&caller->task, address, &vector);
    PROBE_CHECK(result == wanted, "copying %s returned %ld (%s), not %ld", what, result,
                result ? errno_name(result) : "0", wanted);
    PROBE_CHECK(!result || kmalloc_free_bytes() == heap,
                "copying %s has kept memory of the kernel's", what);
    return result ? NULL : vector;
}

/* A vector of `count` strings of `length` bytes each, all the same one, with the vector at the area's start. */
static void make(size_t count, size_t length)
{
    static char string[ARGUMENTS_MAX + 1];
    memset(string, 'x', length);
    string[length] = '\0';
    put(2 * PAGE_SIZE, string, length + 1);
    for (size_t i = 0; i < count; i++)
        put_word(i * 8, area + 2 * PAGE_SIZE);
    put_word(count * 8, 0);
}

void exec_vectors(unsigned long argument)
{
    (void)argument;
    probe_begin();
    caller = probe_process("caller");
    area = probe_map(caller, 0, PAGES, RW, ANON);
    char **vector = copy(0, 0, "a vector at address 0");
    PROBE_CHECK(!vector[0], "a vector at address 0 has strings");
    kfree(vector);
    make(0, 0);
    kfree(copy(area, 0, "an empty vector"));
    make(3, 5);
    size_t heap = kmalloc_free_bytes();
    vector = copy(area, 0, "three strings");
    for (int i = 0; i < 3; i++)
        PROBE_CHECK(vector[i] && strcmp(vector[i], "xxxxx") == 0,
                    "string %d of three is another one", i);
    PROBE_CHECK(!vector[3], "a vector of three strings does not end behind them");
    kfree(vector);
    PROBE_CHECK(kmalloc_free_bytes() == heap, "a vector is more than one piece of memory");
    /* Where the limit is: n strings of m bytes take n * (8 + m + 1) + 8. */
    make(100, 31);
    kfree(copy(area, ARGUMENTS_MAX >= 100 * 40 + 8 ? 0 : -E2BIG, "100 strings of 31 bytes"));
    make(1, ARGUMENTS_MAX - 16 - 1);
    vector = copy(area, 0, "one string that just fits");
    PROBE_CHECK(strlen(vector[0]) == ARGUMENTS_MAX - 16 - 1 && !vector[1],
                "of one string that just fits %zu bytes are copied", strlen(vector[0]));
    kfree(vector);
    make(1, ARGUMENTS_MAX - 16);
    copy(area, -E2BIG, "one string that is one byte too long");
    /* The most strings that there can be, one more, and as many as have no room for their addresses alone. */
    enum { MOST = (ARGUMENTS_MAX - 8) / 9, ADDRESSES = ARGUMENTS_MAX / 8 };
    static const size_t counts[] = {MOST + 1,      ADDRESSES - 1, ADDRESSES,
                                    ADDRESSES + 1, 600,           2 * ADDRESSES - 1};
    make(MOST, 0);
    vector = copy(area, 0, "as many empty strings as there may be");
    PROBE_CHECK(vector[MOST - 1] && vector[MOST - 1][0] == '\0' && !vector[MOST],
                "as many empty strings as there may be are not copied");
    kfree(vector);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (size_t length = 0; length < 64; length += 40) {
            make(counts[i], length);
            char what[64];
            snprintf(what, sizeof(what), "%zu strings of %zu bytes", counts[i], length);
            copy(area, -E2BIG, what);
        }
    }
    make(3, 5);
    probe_scarce_begin();
    probe_scarce_leave(0);
    copy(area, -ENOMEM, "three strings, without kernel memory,");
    probe_scarce_end();
    make(200, 31);
    copy(area, -E2BIG, "200 strings of 31 bytes");
    make(500, 0);
    copy(area, -E2BIG, "500 empty strings");
    for (size_t i = 0; i < 2 * PAGE_SIZE / 8; i++)
        put_word(i * 8, area + 2 * PAGE_SIZE);
    copy(area, -E2BIG, "a vector without an end");
    /* What is no address. */
    copy(8, -EFAULT, "a vector at address 8");
    copy(UINT64_MAX - 7, -EFAULT, "a vector at the end of all addresses");
    put_word(PAGES * PAGE_SIZE - 8, area + 2 * PAGE_SIZE);
    copy(area + PAGES * PAGE_SIZE - 8, -EFAULT, "a vector that goes on where nothing is");
    put_word(0, area + PAGES * PAGE_SIZE);
    put_word(8, 0);
    copy(area, -EFAULT, "a string where nothing is");
    put(PAGES * PAGE_SIZE - 3, "abc", 3);
    put_word(0, area + PAGES * PAGE_SIZE - 3);
    copy(area, -EFAULT, "a string that goes on where nothing is");
    put_word(0, 0xffffffff80000000);
    copy(area, -EFAULT, "a string of the kernel's");
    probe_destroy(caller);
}
