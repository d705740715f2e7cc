/*
 * runner.h: slot runner, what the machine does once the kernel stands.
 *
 * Level 0 (given) runs the first job of the deck.  Lab 1: the batch loop; lab 2: all jobs at once;
 * lab 6: the initial process.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include "slot.h"

struct runner_ops {
    void (*run)(void); /* when it returns, the machine powers off */
};
DECLARE_SLOT(runner);

#endif
