/*
 * loader.h: slot loader, how a program gets into memory.
 *
 * Level 0 (given): the flat loader of labs 1 and 2.  Lab 3: ELF segments into an address space;
 * lab 4: with a heap behind it.
 */
#ifndef LOADER_H
#define LOADER_H

#include "slot.h"

struct process;

struct loader_ops {
    /*
     * Load the program file at path into process and prepare it to start: its first instruction in
     * sepc, and on its stack argc, argv and envp (both NULL-terminated), as Linux lays them out.
     *
     * The flat loader places program and stack in process->memory and copies what the file holds.
     * It clears nothing: bss and stack contain what was in memory before.
     *
     * Returns 0, or -ENOENT (no such file, or what elf_open() says of a program that wants an interpreter), -ENOEXEC (not
     * a program for this machine), -ENOMEM, -EIO, -E2BIG (arguments beyond 4096 bytes).  After an error the process is as it was.
     */
    int (*load)(struct process *process, const char *path, char *const argv[], char *const envp[]);

    /* Give back the memory that load() took; harmless when there is none. */
    void (*unload)(struct process *process);
};
DECLARE_SLOT(loader);

#endif
