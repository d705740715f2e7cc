#ifndef USER_SCHED_H
#define USER_SCHED_H

/* Lets every other program that can run have a turn first. Returns 0. */
int sched_yield(void);

#endif
