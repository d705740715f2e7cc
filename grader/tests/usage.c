/* usage: exits with how many milliseconds this program has had the CPU, by getrusage(). */
#include <resource.h>

int main(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 255;
    return (int)(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000);
}
