/*
 * arguments.h: what a program finds on its stack when it starts.
 *
 *     top ->  +-----------------------------+
 *             | strings of argv and envp    |
 *             | 16 random bytes             |  if there is an auxiliary vector
 *             +-----------------------------+
 *             | AT_NULL                     |
 *             | auxiliary vector            |  pairs of words: what the kernel tells (getauxval(3))
 *             | NULL                        |
 *             | envp[…]                     |
 *             | NULL                        |
 *             | argv[…]                     |
 *     sp ->   | argc                        |  16-byte aligned
 *             +-----------------------------+
 *
 * Source: RISC-V ELF psABI; Linux, fs/binfmt_elf.c.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

enum { AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_ENTRY = 9 };
enum { AT_RANDOM = 25 };

struct auxiliary {
    uint64_t type, value;
};

/* What is to be put there. */
struct arguments {
    char *const *argv, *const *envp;   /* each ends with NULL */
    const struct auxiliary *auxiliary; /* ends with AT_NULL; AT_RANDOM is added; may be NULL */
};

enum { ARGUMENTS_MAX = 4096 };

/*
 * Build the image of the stack's upper end in a piece of kernel memory, for a stack that ends at top
 * in the program's eyes.
 *
 * top: 16-byte aligned.  Returns 0, or -E2BIG when strings and pointers take more than ARGUMENTS_MAX
 * bytes, or -ENOMEM.  The image is the caller's: kfree(image).
 */
int arguments_build(const struct arguments *arguments, uint64_t top, void **image, size_t *size);

#endif
