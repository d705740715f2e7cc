/*
 * forever: never ends and never makes a system call, to show what the kernel or the grader does
 * about that. Arguments: none. Linux: yes, until it is killed.
 */
int main(void)
{
    for (;;)
        ;
}
