/*
 * hog PAGES [STEP]: lets its heap grow page by page, and writes to each, until it has so many.
 *
 * Prints "N pages" after each STEP pages (never if not given), and "no more at N pages" when the heap
 * does not grow any more; looks at the end whether each page is as it was written. Exits with 0; 1 when a
 * page was not zero at first or has changed, 3 when the heap did not grow. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGE = 4096 };

int main(int argc, char *argv[])
{
    unsigned long pages = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    unsigned long step = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long start = brk(0);

    for (unsigned long n = 0; n < pages; n++) {
        volatile unsigned long *page = (volatile unsigned long *)(start + n * PAGE);

        if (brk(start + (n + 1) * PAGE) != start + (n + 1) * PAGE) {
            printf("no more at %lu pages\n", n);
            return 3;
        }
        if (*page != 0)
            return 1;
        *page = n + 1;
        if (step > 0 && (n + 1) % step == 0)
            printf("%lu pages\n", n + 1);
    }
    for (unsigned long n = 0; n < pages; n++)
        if (*(volatile unsigned long *)(start + n * PAGE) != n + 1)
            return 1;
    return 0;
}
