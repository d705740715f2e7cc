/*
 * The first instructions of a C program. As on Linux, the kernel enters here with nothing but sp
 * set, and sp points at what the program was started with:
 *
 *            ...       strings, auxiliary vector
 *            NULL
 *            envp[..]
 *            NULL      <- sp + 8 + 8 * argc
 *            argv[..]  <- sp + 8
 *   sp ->    argc
 *
 * Some programs examine the registers and the memory they were started with, so nothing is
 * touched here except gp, ra and a0-a2; bss is zero because the kernel sees to it.
 *
 * _start is weak so that a program in assembly may have its own; main is weak because such a
 * program has none (user.ld refuses a program that lacks both).
 */
    .weak   main

    .section .text.start, "ax", @progbits
    .globl  __crt0_start
    .weak   _start
    .type   _start, @function
__crt0_start:
_start:
    .cfi_startproc
    .cfi_undefined ra                   /* a backtrace ends here */
    .option push
    .option norelax                     /* the linker would load gp from gp itself */
    la      gp, __global_pointer$
    .option pop
    ld      a0, 0(sp)
    addi    a1, sp, 8
    slli    a2, a0, 3
    add     a2, a2, a1
    addi    a2, a2, 8
    call    main
    call    exit                        /* does not return */
    .cfi_endproc
    .size   _start, . - _start
