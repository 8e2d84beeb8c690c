/* Makes system calls and says how each one ended: the black-box view of a
 * seccomp filter. Needs no C library and nothing in its root file system, so
 * that it runs under filters that allow next to nothing: read, write, mmap,
 * fork, wait4, alarm and exit_group.
 *
 * Reads lines "x86_64|x32|i386 NR A0 A1 A2 A3 A4 A5" from standard input, the
 * numbers in hexadecimal without 0x, and prints one line for each: "errno N" (0
 * where the call succeeded) or "signal N". Each call is made by a child of its
 * own, which lives two seconds at most. */

typedef unsigned long word;

enum {
  READ = 0,
  WRITE = 1,
  MMAP = 9,
  ALARM = 37,
  FORK = 57,
  WAIT4 = 61,
  EXIT_GROUP = 231
};
#define X32_BIT 0x40000000UL
#define EINTR 4
/* No call answers so. */
#define UNSAID (-0x7fffffffffffffffL)
/* Shared with the children: a place for each of so many calls in a row. Where a
 * call makes a child of the child, that one writes an answer as well, and maybe
 * late. */
#define RESULTS 8192UL

static long call64(word nr, const word* a) {
  register word r10 __asm__("r10") = a[3];
  register word r8 __asm__("r8") = a[4];
  register word r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
                     "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static long call(word nr, word a0, word a1, word a2) {
  const word args[6] = {a0, a1, a2, 0, 0, 0};
  return call64(nr, args);
}

/* The gate of 32-bit programs, open to 64-bit ones too: it sees the lower
 * halves. rbp, the sixth argument, is kept on the stack below the red zone. */
static int call32(word nr, const word* a) {
  int result;
  const word last = a[5];
  __asm__ volatile(
      "mov %[last], %%r12\n"
      "mov %%rbp, %%r13\n"
      "mov %%r12, %%rbp\n"
      "int $0x80\n"
      "mov %%r13, %%rbp\n"
      : "=a"(result)
      : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]),
        "D"(a[4]), [last] "r"(last)
      : "r8", "r9", "r10", "r11", "r12", "r13", "memory");
  return result;
}

static void quit(int code) {
  for (;;) {
    call(EXIT_GROUP, (word)code, 0, 0);
  }
}

static void say(const char* text, word number) {
  char line[64];
  word at = 0;
  while (*text != '\0') {
    line[at++] = *text++;
  }
  char digits[24];
  word count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) {
    line[at++] = digits[--count];
  }
  line[at++] = '\n';
  call(WRITE, 1, (word)line, at);
}

/* The next byte of standard input, -1 at its end. */
static int next(void) {
  static unsigned char buffer[4096];
  static long have, at;
  if (at == have) {
    have = call(READ, 0, (word)buffer, sizeof buffer);
    at = 0;
    if (have <= 0) {
      have = 0;
      return -1;
    }
  }
  return buffer[at++];
}

static int letter(int c) {
  return c > ' ';
}

/* A word of the line, its bytes added up in base 256: enough to tell three
 * names apart. -1 at the end of the input. */
static long next_name(void) {
  long name = 0;
  int c = next();
  if (c < 0) {
    return -1;
  }
  for (; letter(c); c = next()) {
    name = (name << 8) | c;
  }
  return name;
}

static word next_number(void) {
  word number = 0;
  for (int c = next(); letter(c); c = next()) {
    number = number * 16 + (word)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return number;
}

static void probe(long name, word nr, const word* args, long* result) {
  /* What the child writes here, the parent sees. */
  *result = UNSAID;
  const long child = call(FORK, 0, 0, 0);
  if (child == 0) {
    call(ALARM, 2, 0, 0);
    const int is_i386 =
        name == (((long)'i' << 24) | ('3' << 16) | ('8' << 8) | '6');
    const int is_x32 = name == (('x' << 16) | ('3' << 8) | '2');
    *result =
        is_i386 ? call32(nr, args) : call64(is_x32 ? nr | X32_BIT : nr, args);
    quit(0);
  }
  if (child < 0) {
    say("no fork: ", (word)-child);
    quit(1);
  }
  int status = 0;
  long waited;
  do {
    waited = call(WAIT4, (word)child, (word)&status, 0);
  } while (waited == -EINTR);
  if (waited != child) {
    say("no wait: ", (word)-waited);
  } else if ((status & 0x7f) != 0) {
    say("signal ", (word)(status & 0x7f));
  } else if (*result == UNSAID) {
    say("unsaid, status ", (word)status);
  } else {
    say("errno ", *result < 0 && *result >= -4095 ? (word) - *result : 0);
  }
}

__attribute__((used, noreturn)) static void run(void) {
  const word shared[6] = {0,
                          RESULTS * sizeof(long),
                          3 /* read and write */,
                          0x21 /* shared, anonymous */,
                          (word)-1,
                          0};
  long* results = (long*)call64(MMAP, shared);
  if ((long)results < 0 && (long)results >= -4095) {
    say("no mmap: ", (word) - (long)results);
    quit(1);
  }
  for (word made = 0;; ++made) {
    const long name = next_name();
    if (name < 0) {
      quit(0);
    }
    const word nr = next_number();
    word args[6];
    for (int i = 0; i < 6; ++i) {
      args[i] = next_number();
    }
    probe(name, nr, args, &results[made & (RESULTS - 1)]);
  }
  __builtin_unreachable();
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "xor %ebp, %ebp\n"
    "and $-16, %rsp\n"
    "call run\n");
