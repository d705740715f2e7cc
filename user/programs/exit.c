/*
 * exit CODE [loud]: exits with CODE, any int (a parent sees its low 8 bits). With `loud` prints
 * "exiting with CODE" first, else nothing. Linux: yes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    if (argc < 2) {
        dprintf(STDERR_FILENO, "usage: exit CODE [loud]\n");
        return 2;
    }
    int code = (int)strtol(argv[1], NULL, 0);

    if (argc > 2 && strcmp(argv[2], "loud") == 0)
        printf("exiting with %d\n", code);
    exit(code);
}
