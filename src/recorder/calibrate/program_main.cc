// The program of a container under calibration: waits to be killed, or, with
// any argument, ends at once (for an exec into the container).

#include <sys/syscall.h>

#include "enforcer/launcher/raw_call.h"

using vambrace::enforcer::raw_call;

extern "C" [[noreturn]] void start_program(const long* stack) {
  const bool ends = stack[0] > 1;
  for (;;) {
    if (ends) {
      raw_call(SYS_exit_group, 0);
    }
    raw_call(SYS_ppoll, 0, 0, 0, 0, 0);
  }
}

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
