#ifndef USER_STDLIB_H
#define USER_STDLIB_H

/*
 * The number at the start of `string`, after spaces and an optional sign. `base` is 10, 16 (with
 * or without 0x), or 0: hexadecimal if it starts with 0x, else decimal (a leading 0 does not mean
 * octal). Unless `end` is NULL, *end becomes the first character that is not part of the number,
 * or `string` if there is none. A number out of range gives the nearest one in range.
 */
long strtol(const char *restrict string, char **restrict end, int base);
unsigned long strtoul(const char *restrict string, char **restrict end, int base);

/* Writes what printf still holds, and ends the program. */
_Noreturn void exit(int code);

#endif
