#include <syscall.h>
#include <trace.h>

long trace(long request, unsigned long id, unsigned long data)
{
    return syscall6(SYS_trace, request, (long)id, (long)data, 0, 0, 0);
}
