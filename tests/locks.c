// Locks files by a descriptor that meanwhile stands for another file, in all the ways
// in which one can come to do so; tests/record_locks.py has what is to be told of it.
// usage: locks FOLDER
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* scenario;

static void must(int held, const char* what) {
  if (!held) {
    perror(what);
    fprintf(stderr, "in scenario %s\n", scenario);
    _exit(1);
  }
}

static int opened(const char* which) {
  char name[100];
  snprintf(name, sizeof name, "%s-%s", scenario, which);
  const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  must(fd >= 0, name);
  return fd;
}

static int locked_by(int fd, int command, int kind) {
  struct flock lock = {.l_type = (short)kind, .l_whence = SEEK_SET, .l_len = 1};
  return fcntl(fd, command, &lock);
}

static void lock(int fd, int times) {
  for (int i = 0; i < times; i++) must(locked_by(fd, F_SETLK, F_WRLCK) == 0, "lock");
}

// Open before a lock is remembered, so that no access comes between to take its row.
static int spare;

static void reopen(int fd) {
  must(fcntl(spare, F_DUPFD_CLOEXEC, fd) == fd, "another descriptor");
}

static void by_close(int fd) {
  close(fd);
  reopen(fd);
}

static void by_close_range(int fd) {
  must(syscall(SYS_close_range, fd, fd, 0) == 0, "close_range");
  reopen(fd);
}

#ifdef SYS_dup2
static void by_dup2(int fd) { must(syscall(SYS_dup2, spare, fd) == fd, "dup2"); }
#endif

static void by_dup3(int fd) { must(dup3(spare, fd, 0) == fd, "dup3"); }

static void* swaps(void* fd) {
  by_close((int)(intptr_t)fd);
  return NULL;
}

static void by_thread(int fd) {
  pthread_t thread;
  must(pthread_create(&thread, NULL, swaps, (void*)(intptr_t)fd) == 0, "pthread_create");
  pthread_join(thread, NULL);
}

static int swaps_and_ends(void* fd) {
  by_close((int)(intptr_t)fd);
  return 0;
}

static void by_child(int fd) {
  static char stack[1 << 16] __attribute__((aligned(16)));
  const pid_t child =
      clone(swaps_and_ends, stack + sizeof stack, CLONE_FILES | SIGCHLD, (void*)(intptr_t)fd);
  int status = 1;
  must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "clone");
}

static pthread_barrier_t before, after;

static void* swaps_when_told(void* fd) {
  pthread_barrier_wait(&before);
  by_close((int)(intptr_t)fd);
  pthread_barrier_wait(&after);
  return NULL;
}

// The thread is there before the first lock, and the lock's own task makes no other call.
static void with_thread(void) {
  const int fd = opened("a");
  pthread_t thread;
  spare = opened("b");
  pthread_barrier_init(&before, NULL, 2);
  pthread_barrier_init(&after, NULL, 2);
  must(pthread_create(&thread, NULL, swaps_when_told, (void*)(intptr_t)fd) == 0, "thread");
  lock(fd, 4);
  pthread_barrier_wait(&before);
  pthread_barrier_wait(&after);
  lock(fd, 5);
  pthread_join(thread, NULL);
}

#if defined(__x86_64__)
// As a 32-bit program closes; false where the kernel has no such calls.
static void by_int80(int fd) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(6L), "b"((long)fd) : "memory");
  must(result == 0, "int $0x80");
  reopen(fd);
}
#endif

static void by_io_uring(int fd) {
  struct io_uring_params params = {0};
  const int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  must(ring >= 0, "io_uring_setup");
  char* queue = mmap(NULL, params.sq_off.array + 4 * sizeof(unsigned), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe* entry = mmap(NULL, 4 * sizeof *entry, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  must(queue != MAP_FAILED && entry != MAP_FAILED, "mmap");
  // Whatever is remembered is remembered with the ring there.
  lock(fd, 3);
  memset(entry, 0, sizeof *entry);
  entry->opcode = IORING_OP_CLOSE;
  entry->fd = fd;
  *(unsigned*)(queue + params.sq_off.array) = 0;
  __atomic_store_n((unsigned*)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  must(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1,
       "io_uring_enter");
  reopen(fd);
}

// A BPF program closes (the helper bpf_sys_close).
static void by_bpf(int fd) {
  const struct bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = fd},
      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sys_close},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
      {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SYSCALL,
                         .insn_cnt = sizeof code / sizeof *code,
                         .insns = (uintptr_t)code,
                         .license = (uintptr_t)"GPL",
                         .prog_flags = BPF_F_SLEEPABLE};
  const int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  must(program >= 0, "BPF_PROG_LOAD");
  lock(fd, 3);
  union bpf_attr run = {.test = {.prog_fd = (unsigned)program}};
  must(syscall(SYS_bpf, BPF_PROG_RUN, &run, sizeof run.test) == 0, "BPF_PROG_RUN");
  reopen(fd);
}

static void owners(void) {
  const int fd = opened("a");
  lock(fd, 4);
  must(seteuid(1000) == 0, "seteuid");
  lock(fd, 5);
  must(seteuid(0) == 0, "seteuid");
  lock(fd, 3);
  must(fchown(fd, 1000, 1000) == 0, "fchown");
  lock(fd, 2);
}

static void swapped(void (*way)(int)) {
  const int fd = opened("a");
  spare = opened("b");
  lock(fd, 4);
  way(fd);
  lock(fd, 5);
}

// The rows in which the lock is counted are taken for other files.
static void crowded(void) {
  char which[20];
  int others[64];
  const int fd = opened("a");
  for (int i = 0; i < 64; i++) {
    snprintf(which, sizeof which, "%d", i);
    others[i] = opened(which);
  }
  lock(fd, 4);
  for (int i = 0; i < 64; i++)
    for (int j = 0; j < 3; j++) must(flock(others[i], LOCK_EX) == 0, "flock");
  lock(fd, 5);
}

static void two_files(void) {
  const int a = opened("a"), b = opened("b");
  for (int i = 0; i < 10; i++) {
    lock(a, i % 3);
    lock(b, 1);
  }
}

static void kinds(void) {
  const int fd = opened("a");
  for (int i = 0; i < 5; i++) {
    must(locked_by(fd, F_SETLK, F_RDLCK) == 0, "read");
    lock(fd, 2);
    must(locked_by(fd, F_OFD_SETLK, F_UNLCK) == 0, "unlock");
  }
}

static void range(int fd, int command, int kind, long start, long length) {
  struct flock lock = {
      .l_type = (short)kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  must(fcntl(fd, command, &lock) == 0, "lock of a range");
}

// Locks of each kind while others are held, of one's own and of somebody else.
static void ranges(void) {
  const int fd = opened("a");
  for (int i = 0; i < 5; i++) {
    range(fd, F_SETLK, F_RDLCK, 0, 1);
    range(fd, F_SETLK, F_WRLCK, 5, 1);
    range(fd, F_SETLK, F_RDLCK, 8, 1);
    range(fd, F_SETLK, F_UNLCK, 5, 1);
    range(fd, F_SETLK, F_RDLCK, 9, 1);
    range(fd, F_SETLK, F_WRLCK, 0, 20);
    range(fd, F_SETLK, F_RDLCK, 0, 20);
    range(fd, F_SETLK, F_UNLCK, 0, 0);
  }
  for (int i = 0; i < 6; i++) range(fd, F_SETLK, F_RDLCK, 10 + 2 * i, 1);
  for (int i = 0; i < 3; i++) range(fd, F_SETLK, F_WRLCK, 100, 1);
  range(fd, F_SETLK, F_RDLCK, 0, 1);
  range(fd, F_SETLK, F_UNLCK, 0, 0);
  for (int i = 0; i < 3; i++) {
    must(fcntl(fd, F_SETLEASE, F_WRLCK) == 0, "lease");
    must(fcntl(fd, F_SETLEASE, F_UNLCK) == 0, "end of a lease");
  }
}

static void by_others(void) {
  const int fd = opened("a");
  for (int i = 0; i < 3; i++) range(fd, F_OFD_SETLK, F_WRLCK, 50, 1);
  int ready[2];
  must(pipe(ready) == 0, "pipe");
  const pid_t child = fork();
  if (child == 0) {
    range(fd, F_SETLK, F_RDLCK, 200, 1);
    must(write(ready[1], "", 1) == 1, "write");
    pause();
  }
  char byte;
  must(child > 0 && read(ready[0], &byte, 1) == 1, "child");
  for (int i = 0; i < 5; i++) {
    range(fd, F_SETLK, F_RDLCK, 0, 1);
    range(fd, F_SETLK, F_WRLCK, 0, 1);
    range(fd, F_SETLK, F_UNLCK, 0, 0);
  }
  must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "child's end");
}

static void refused(void) {
  struct flock wrong = {.l_type = F_WRLCK, .l_whence = 99, .l_len = 1};
  const int fd = opened("a");
  lock(fd, 4);
  for (int i = 0; i < 3; i++)
    must(fcntl(fd, F_SETLK, &wrong) == -1 && errno == EINVAL, "wrong lock");
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 4; i++)
      must(locked_by(fd, F_SETLK, F_WRLCK) == -1 && (errno == EAGAIN || errno == EACCES),
           "taken");
    must(locked_by(fd, F_SETLK, F_UNLCK) == 0, "unlock");
    _exit(0);
  }
  int status = 1;
  must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child");
  lock(fd, 2);
}

static pid_t lives(const char* which, int times) {
  const pid_t child = fork();
  if (child == 0) {
    lock(opened(which), times);
    _exit(0);
  }
  int status = 1;
  must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child");
  return child;
}

// A process that has the number of one that ended (where the kernel lets it be chosen).
static void reborn(void) {
  const int last = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  for (int i = 0; i < 20; i++) {
    char number[20];
    const pid_t first = lives("a", 4);
    if (last >= 0) {
      const int length = snprintf(number, sizeof number, "%d", first - 1);
      must(pwrite(last, number, (size_t)length, 0) == length, "ns_last_pid");
    }
    lives("b", 5);
  }
}

static void executed(void) {
  char place[20];
  const int fd = opened("a");
  lock(fd, 4);
  snprintf(place, sizeof place, "%d", fd);
  execl("/proc/self/exe", "locks", "again", place, NULL);
  must(0, "execl");
}

static void of(const char* name, void (*scene)(void), void (*way)(int)) {
  const pid_t child = fork();
  if (child == 0) {
    scenario = name;
    if (scene)
      scene();
    else
      swapped(way);
    _exit(0);
  }
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) exit(1);
}

int main(int argc, char** argv) {
  if (argc == 3) {
    scenario = "execl";
    must(opened("b") == atoi(argv[2]), "another descriptor");
    lock(atoi(argv[2]), 5);
    return 0;
  }
  if (argc != 2 || chdir(argv[1]) != 0) return 2;
  of("close", NULL, by_close);
  of("close_range", NULL, by_close_range);
#ifdef SYS_dup2
  of("dup2", NULL, by_dup2);
#endif
  of("dup3", NULL, by_dup3);
  of("thread", NULL, by_thread);
  of("child", NULL, by_child);
  of("threads", with_thread, NULL);
  of("io_uring", NULL, by_io_uring);
  of("bpf", NULL, by_bpf);
  of("execl", executed, NULL);
  of("owners", owners, NULL);
  of("crowded", crowded, NULL);
  of("reborn", reborn, NULL);
  of("two", two_files, NULL);
  of("kinds", kinds, NULL);
  of("ranges", ranges, NULL);
  of("others", by_others, NULL);
  of("refused", refused, NULL);
#if defined(__x86_64__)
  // The last: after it, calls are seen to enter.
  of("int80", NULL, by_int80);
#endif
  return 0;
}
