/*
 * wc: counts the lines, words and bytes that it is given. Exits with 0. Linux: yes.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    static char buffer[4096];
    long lines = 0, words = 0, bytes = 0, count;
    char before = ' ';

    while ((count = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        for (long i = 0; i < count; i++) {
            char c = buffer[i];
            int is_space = c == ' ' || c == '\n' || c == '\t';
            lines += c == '\n';
            words += !is_space && (before == ' ' || before == '\n' || before == '\t');
            before = c;
        }
        bytes += count;
    }
    printf("%ld %ld %ld\n", lines, words, bytes);
    return count < 0;
}
