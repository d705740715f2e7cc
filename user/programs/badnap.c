/*
 * badnap [ADDRESS]...: what nanosleep() returns for times that are none, and for addresses
 * (hexadecimal) that are not the program's. Prints "CASE: RESULT" for each; exits with 0.
 * Linux: yes, for addresses that are nobody's there.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void try(const char *label, long seconds, long nanoseconds)
{
    struct timespec request = {seconds, nanoseconds};

    printf("%s: %d\n", label, nanosleep(&request, NULL));
}

int main(int argc, char *argv[])
{
    try("nothing", 0, 0);
    try("1 ns", 0, 1);
    try("-1 s", -1, 0);
    try("-2^63 s", LONG_MIN, 0);
    try("-1 ns", 0, -1);
    try("10^9 ns", 0, 1000000000);
    try("2^63-1 ns", 0, LONG_MAX);
    try("2^32 ns", 0, 1L << 32);
    try("-1 s and 10^9-1 ns", -1, 999999999);
    /* What is right, and short, when it is cut to 32 bits. */
    try("-2^32 s", -(1L << 32), 0);
    try("-2^32+1 s", 1 - (1L << 32), 0);
    try("-2^32 ns", 0, -(1L << 32));
    try("2^32+1 ns", 0, (1L << 32) + 1);
    try("2^63-2^32 ns", 0, LONG_MAX - 0xffffffff);
    try("-2^63 ns", 0, LONG_MIN);
    for (int i = 1; i < argc; i++)
        printf("at %s: %d\n", argv[i],
               nanosleep((const struct timespec *)strtoul(argv[i], NULL, 16), NULL));
    return 0;
}
