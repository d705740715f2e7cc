/*
 * space.h: slot space_fault, what to do about a page that is missing or not permitted.
 *
 * The copies of lab 3's user_memory call it; level 0 (given) says -EFAULT.  Lab 4 fills the page.
 */
#ifndef SPACE_H
#define SPACE_H

#include <stdint.h>

#include "slot.h"

struct space;

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4 };

struct space_fault_ops {
    /*
     * Make va accessible in space for this access.  va: any address, from a program.
     * Returns 0 when the access can be tried again, -EFAULT or -ENOMEM when it cannot.
     */
    long (*fault)(struct space *space, uint64_t va, enum access access);
};
DECLARE_SLOT(space_fault);

#endif
