#ifndef USER_CHECKPOINT_H
#define USER_CHECKPOINT_H

/*
 * A place at which the grader, when a test asks for it, looks at the machine: at the memory that the
 * program can reach here, and then at the kernel's. For the program it is a sched_yield().
 */
void checkpoint(void);

#endif
