/*
 * hello [WORD]...: prints "Hello, world!" or "Hello, WORD WORD...!". Exits with 0. Linux: yes.
 */
#include <stdio.h>

int main(int argc, char *argv[])
{
    printf("Hello,");
    for (int i = 1; i < argc; i++)
        printf(" %s", argv[i]);
    puts(argc > 1 ? "!" : " world!");
    return 0;
}
