#pragma once

// Where a program without the C library begins: the kernel's stack, with the
// number of arguments at its top, goes to start_program(). For the one source
// of such a program that defines it.

extern "C" [[noreturn]] void start_program(long* stack);

#if defined(__x86_64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call start_program\n"
    "  hlt\n");
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  bl start_program\n");
#endif
