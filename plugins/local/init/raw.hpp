// System calls without the C library's errno, and a child that shares memory but runs on its own stack.
//
// An anchor (see run.hpp) shares its memory, and with it errno, with process 1: it must not touch errno, so everything
// it does goes through here. This file knows nothing of runs.
#pragma once

#include <sys/syscall.h>

namespace berth_init::raw {

#if defined(__x86_64__)

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
    long result = 0;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                 : "rcx", "r11", "memory");
    return result;
}

// clone(flags) with a new stack; the child calls function(argument), which must not return.
inline long spawn(unsigned long flags, void* stack_top, void (*function)(void*), void* argument) {
    long result = 0;
    register long r10 asm("r10") = 0;
    register long r8 asm("r8") = 0;
    register void (*entry)(void*) asm("r12") = function;
    register void* value asm("r13") = argument;
    asm volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %%r13, %%rdi\n\t"
        "call *%%r12\n\t"
        "hlt\n"
        "1:"
        : "=a"(result)
        : "a"(static_cast<long>(SYS_clone)), "D"(flags), "S"(stack_top), "d"(0L), "r"(r10), "r"(r8), "r"(entry),
          "r"(value)
        : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

inline long spawn(unsigned long flags, void* stack_top, void (*function)(void*), void* argument) {
    register long x8 asm("x8") = SYS_clone;
    register unsigned long x0 asm("x0") = flags;
    register void* x1 asm("x1") = stack_top;
    register long x2 asm("x2") = 0;
    register long x3 asm("x3") = 0;
    register long x4 asm("x4") = 0;
    register void (*entry)(void*) asm("x20") = function;
    register void* value asm("x21") = argument;
    asm volatile(
        "svc 0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, x21\n\t"
        "blr x20\n\t"
        "brk 1\n"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(entry), "r"(value)
        : "memory", "x30");
    return static_cast<long>(x0);
}

#else
#error "berth-init knows x86-64 and aarch64"
#endif

inline long address(const void* pointer) {
    return reinterpret_cast<long>(pointer);
}

}  // namespace berth_init::raw
