#ifndef USER_ASSERT_H
#define USER_ASSERT_H

/* Prints "FILE:LINE: assertion failed: EXPRESSION" to fd 2 and exits with 1. */
_Noreturn void assert_failed(const char *file, int line, const char *expression);

#define assert(expression) ((expression) ? (void)0 : assert_failed(__FILE__, __LINE__, #expression))

#endif
