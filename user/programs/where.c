/*
 * where WORD: prints "WORD at ADDRESS", the address of main in hexadecimal, and exits with 0. Which
 * part of memory a program got tells whether others were there before it. Linux: yes.
 */
#include <stdio.h>

int main(int argc, char *argv[])
{
    printf("%s at %p\n", argc > 1 ? argv[1] : "somebody", (void *)main);
    return 0;
}
