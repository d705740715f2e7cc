#ifndef USER_SCHED_H
#define USER_SCHED_H

/* Lets every other program that can run have a turn first. Returns 0. */
int sched_yield(void);

/* Shares of the CPU: 16 at first, 2 is the least; a call of Rung's. Returns it, or a negative error. */
int set_priority(int priority);

#endif
