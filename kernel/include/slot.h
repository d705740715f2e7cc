/*
 * slot.h: how the parts of the labs become one kernel at link time.
 *
 * Nothing in the kernel asks which lab it is in.  A part switches its functionality on by being
 * linked, in one of three shapes:
 *
 *   a function that one task defines has a DEFAULT in the given kernel, which serves where the task's file
 *   is not linked;
 *   a slot has one winner: PROVIDE(slot, level, object); the highest linked level serves, and what it
 *   leaves out (a member that is NULL) the level below does;
 *   a list has all its members, in level order (SYSCALL, TRAP_HANDLER, INITCALL, EXIT_HOOK).
 *
 * Levels: 0 is the given default, k is lab k, 9 is a test's own.  Slots and lists live in linker
 * sections that kernel.ld sorts by name, so slots_init() only has to walk them upwards.
 * docs/architecture.md has the tables of all of them; `make slots LAB=k` prints who serves.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stddef.h>

/*
 * In one source file of the given kernel: the function NAME, declared in a header, is FUNCTION unless a
 * task's file defines NAME.  Two definitions of NAME do not link.
 *
 * There is no second definition to find beside the task's: "go to definition" leads to its file.  Clang, by
 * which editors look, takes an alias for a definition, so it is not shown the alias.
 */
#ifdef __clang__
#define DEFAULT(name, function) \
    static __typeof(name) *const name##_default __attribute__((unused)) = function
#else
#define DEFAULT(name, function) \
    extern __typeof(function)(name) __attribute__((weak, alias(#function)))
#endif

struct slot_entry {
    const void **winner; /* the variable that slots_init() sets */
    const void *object;
    const char *slot;
    const char *object_name;
    const char *file;
    int level;
    size_t size; /* of the object, whose members are pointers all */
};

/* In a header: the slot NAME, a pointer to the struct NAME_ops that serves it. */
#define DECLARE_SLOT(name) extern const struct name##_ops *name

/* In one source file of the given kernel. */
#define DEFINE_SLOT(name) const struct name##_ops *name

/*
 * Offer object (a const struct SLOT_ops) for a slot.  Two offers at one level are a link error that
 * names slot and level ("multiple definition of `runner_level_1'").  level: a literal digit.
 */
#define PROVIDE(slot_, level_, object_)                                               \
    _Static_assert(_Generic(&(object_), const struct slot_##_ops * : 1, default : 0), \
                   #object_ " must be a const struct " #slot_ "_ops");                \
    extern const char slot_##_level_##level_;                                         \
    const char slot_##_level_##level_ = 0;                                            \
    static const struct slot_entry slot_##_entry_##level_                             \
        __attribute__((used, section(".slots." #slot_ "." #level_))) = {              \
            (const void **)&slot_, &(object_), #slot_,         #object_,              \
            __FILE_NAME__,         level_,     sizeof(object_)}

/*
 * What would serve a slot if nothing from this level on were linked: for an object that passes on what
 * it does not do itself.
 */
#define slot_below(slot_, level_) \
    ((const struct slot_##_ops *)slot_lookup_below((const void **)&slot_, level_))
const void *slot_lookup_below(const void **winner, int level);

/* Set every slot's variable to its winner.  Called once, before anything uses a slot. */
void slots_init(void);

/* Print one line per linked offer to the console, winners marked (boot log, `make slots`). */
void slots_print(void);

/* INITCALL(level, function): void function(void), called once at boot, lowest level first. */
struct initcall {
    void (*function)(void);
    const char *name;
};
#define INITCALL(level_, function_)                   \
    static const struct initcall initcall_##function_ \
        __attribute__((used, section(".initcalls." #level_))) = {function_, #function_}

/* Run all INITCALLs. */
void initcalls_run(void);

#endif
