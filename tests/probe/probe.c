/*
 * What the recorder must not miss, at moments that the test knows.
 *
 *   probe markers    every place of markers.h; after those before the mark it
 *                    writes a line and waits for one
 *   probe busy MS    threads, forks, vforks, execs and a storm of signals
 *   probe uring      sets up an io_uring
 *   probe unread     names memory that is not there yet, and memory that is not
 *   probe together   two threads on two processors ask for the same
 * capabilities from the same places in the kernel, at the same moments
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "markers.h"

struct marker {
  const char* place;
  int number;
  int times;
};

#define ROW(place, name, times) {#place, __NR_##name, times},
static const struct marker kMarkers[] = {MARKERS(ROW)};
enum { kCount = sizeof kMarkers / sizeof kMarkers[0] };

static char folder[4096]; /* of the programs, with its slash */

static void require(int holds, const char* what) {
  if (!holds) {
    perror(what);
    _exit(3);
  }
}

static void mark(const struct marker* marker) {
  for (int i = 0; i < marker->times; ++i) {
    syscall(marker->number, -1L, -1L, -1L, -1L, -1L, -1L);
  }
}

/* Calls `act` with each marker of the place. */
static void each(const char* place, void (*act)(const struct marker*)) {
  for (int i = 0; i < kCount; ++i) {
    if (strcmp(kMarkers[i].place, place) == 0) {
      act(&kMarkers[i]);
    }
  }
}

static void await(pid_t pid) {
  int status = 0;
  require(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "child");
}

/* --- Threads --- */

static void* thread_marks(void* marker) {
  mark(marker);
  return NULL;
}

static pthread_t begin(void* (*run)(void*), const void* value) {
  pthread_t thread;
  require(pthread_create(&thread, NULL, run, (void*)value) == 0, "thread");
  return thread;
}

/* All threads of the place at once. */
static void in_threads(const char* place) {
  pthread_t threads[kCount];
  int count = 0;
  for (int i = 0; i < kCount; ++i) {
    if (strcmp(kMarkers[i].place, place) == 0) {
      threads[count++] = begin(thread_marks, &kMarkers[i]);
    }
  }
  while (count > 0) {
    pthread_join(threads[--count], NULL);
  }
}

/* --- Children --- */

static void exec_child(const char* name, const struct marker* marker) {
  char path[sizeof folder + 32];
  char number[16];
  char times[16];
  snprintf(path, sizeof path, "%sprobe_child", folder);
  snprintf(number, sizeof number, "%d", marker->number);
  snprintf(times, sizeof times, "%d", marker->times);
  char* const words[] = {(char*)name, number, times, NULL};
  execv(path, words);
  _exit(4);
}

static void in_fork(const struct marker* marker) {
  pid_t pid = fork();
  if (pid == 0) {
    mark(marker);
    _exit(0);
  }
  await(pid);
}

/* Prepared before the vfork: its child may only exec. */
static void in_child(const struct marker* marker) {
  char path[sizeof folder + 32];
  char number[16];
  char times[16];
  snprintf(path, sizeof path, "%sprobe_child", folder);
  snprintf(number, sizeof number, "%d", marker->number);
  snprintf(times, sizeof times, "%d", marker->times);
  char* const words[] = {path, number, times, NULL};
  pid_t pid = vfork();
  if (pid == 0) {
    execv(path, words);
    _exit(4);
  }
  await(pid);
}

static void in_clone3(const struct marker* marker) {
  struct clone_args how = {.exit_signal = SIGCHLD};
  pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
  if (pid == 0) {
    mark(marker);
    _exit(0);
  }
  await(pid);
}

static void* thread_execs(void* marker) {
  exec_child("from-a-thread", marker);
  return NULL;
}

/* Not the leader: the thread takes over the leader's number. */
static void in_thread_exec(const struct marker* marker) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_join(begin(thread_execs, marker), NULL);
    _exit(5);
  }
  await(pid);
}

static void in_namespace(const char* place, int flag) {
  pid_t pid = fork();
  if (pid == 0) {
    int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    require(unshare(flag) == 0, "unshare");
    if (flag == CLONE_NEWPID) {
      pid_t first = fork();
      if (first == 0) {
        each(place, mark);
        _exit(0);
      }
      await(first);
    } else {
      each(place, mark);
    }
    if (flag == CLONE_NEWNET) {
      require(setns(before, CLONE_NEWNET) == 0, "setns");
      each("set_ns", mark);
    }
    _exit(0);
  }
  await(pid);
}

static void run_probe32(void) {
  char path[sizeof folder + 32];
  snprintf(path, sizeof path, "%sprobe32", folder);
  if (access(path, X_OK) != 0) {
    return;
  }
  pid_t pid = vfork();
  if (pid == 0) {
    execl(path, path, (char*)NULL);
    _exit(4);
  }
  await(pid);
}

static void in_compat(const char* place) {
#if defined(__x86_64__)
#define CALL_I386(row_place, name, number, times)                       \
  for (int i = 0; i < (times) && strcmp(#row_place, place) == 0; ++i) { \
    int result = number;                                                \
    __asm__ volatile("int $0x80"                                        \
                     : "+a"(result)                                     \
                     : "b"(-1), "c"(-1), "d"(-1), "S"(-1), "D"(-1)      \
                     : "memory", "r8", "r9", "r10", "r11");             \
  }
  MARKERS_I386(CALL_I386)
#else
  (void)place;
#endif
}

/* --- Before and after the mark --- */

static void* held(void* gate) {
  char go = 0;
  require(read(*(int*)gate, &go, 1) == 1, "gate");
  each("held_thread_late", mark);
  return NULL;
}

static void markers(void) {
  int gates[2][2];
  require(pipe(gates[0]) == 0 && pipe(gates[1]) == 0, "pipe");
  pthread_t thread = begin(held, &gates[0][0]);
  pid_t child = fork();
  if (child == 0) {
    char go = 0;
    require(read(gates[1][0], &go, 1) == 1, "gate");
    each("held_fork_late", mark);
    _exit(0);
  }

  each("main", mark);
  in_threads("thread");
  each("fork", in_fork);
  each("child", in_child);
  each("clone3", in_clone3);
  in_namespace("user_ns", CLONE_NEWUSER);
  in_namespace("mount_ns", CLONE_NEWNS);
  in_namespace("net_ns", CLONE_NEWNET);
  in_namespace("pid_ns", CLONE_NEWPID);
  each("thread_exec", in_thread_exec);
  in_compat("compat");
  run_probe32();

  char line[2];
  require(write(1, "half\n", 5) == 5 && read(0, line, 1) == 1, "the test");

  require(write(gates[0][1], "x", 1) == 1 && write(gates[1][1], "x", 1) == 1,
          "gate");
  each("main_late", mark);
  in_threads("thread_late");
  each("child_late", in_child);
  in_compat("compat_late");
  pthread_join(thread, NULL);
  await(child);
}

/* --- Nothing here is refused --- */

static volatile sig_atomic_t stop;

static void on_signal(int number) {
  (void)number;
}

static void* sleeps(void* unused) {
  while (!stop) {
    struct timespec moment = {0, 300000};
    nanosleep(&moment, NULL);
  }
  return unused;
}

static void* forks(void* unused) {
  while (!stop) {
    pid_t pid = fork();
    if (pid == 0) {
      getppid();
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
  return unused;
}

static void busy(int milliseconds) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  const struct itimerval storm = {{0, 100}, {0, 100}};
  const struct marker child = {"", __NR_getppid, 1};
  struct timespec begun;
  struct timespec now;
  sigaction(SIGALRM, &action, NULL);
  clock_gettime(CLOCK_MONOTONIC, &begun);
  pthread_t threads[] = {begin(sleeps, NULL), begin(sleeps, NULL),
                         begin(forks, NULL)};
  setitimer(ITIMER_REAL, &storm, NULL);
  do {
    for (int i = 0; i < 200; ++i) {
      syscall(SYS_getppid);
    }
    in_child(&child);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - begun.tv_sec) * 1000 +
               (now.tv_nsec - begun.tv_nsec) / 1000000 <
           milliseconds);
  stop = 1;
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
}

/* --- io_uring and memory --- */

static void uring(void) {
  char parameters[256] = {0};
  syscall(SYS_io_uring_setup, 1, parameters);
}

/* Pages of a file that nobody has touched: the kernel faults them in, the
 * recorder's first look cannot. */
static void unread(void) {
  char path[] = "/tmp/vmb-probe-XXXXXX";
  int file = mkstemp(path);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/none"};
  struct clone_args how = {.exit_signal = SIGCHLD};
  require(file >= 0 && unlink(path) == 0, path);
  require(pwrite(file, &address, sizeof address, 0) == sizeof address, path);
  require(pwrite(file, &how, sizeof how, 4096) == sizeof how, path);
  char* pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, file, 0);
  require(pages != MAP_FAILED, "mmap");
  madvise(pages, 8192, MADV_DONTNEED);
  int out = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(out, (struct sockaddr*)pages, sizeof address);
  pid_t pid = (pid_t)syscall(SYS_clone3, pages + 4096, sizeof how);
  if (pid == 0) {
    _exit(0);
  }
  await(pid);
  /* The kernel cannot read these either: nothing is unknown. */
  connect(out, (struct sockaddr*)16, sizeof address);
  syscall(SYS_clone3, 16, sizeof how);
}

/* Calls that ask for a capability before they look at what they were given,
 * which is nonsense to each. */
static const int kAsking[] = {
    SYS_sethostname, SYS_setdomainname, SYS_swapon,     SYS_swapoff,
    SYS_umount2,     SYS_init_module,   SYS_setgroups,  SYS_delete_module,
    SYS_syslog,      SYS_mount,         SYS_pivot_root, SYS_fsopen,
    SYS_fspick,      SYS_move_mount,    SYS_open_tree,  SYS_fsmount,
};
enum { kCalls = sizeof kAsking / sizeof kAsking[0] };

static int arrived[kCalls]; /* how many threads are about to make the call */

static void* ask(void* argument) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((size_t)(intptr_t)argument, &one);
  require(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
  for (int i = 0; i < kCalls; ++i) {
    __atomic_add_fetch(&arrived[i], 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&arrived[i], __ATOMIC_SEQ_CST) < 2) {
    }
    syscall(kAsking[i], -1L, -1L, -1L, -1L, -1L, -1L);
  }
  return NULL;
}

static void together(void) {
  pthread_t other;
  require(pthread_create(&other, NULL, ask, (void*)(intptr_t)1) == 0,
          "pthread_create");
  ask(NULL);
  pthread_join(other, NULL);
}

int main(int argc, char** argv) {
  const char* slash = strrchr(argv[0], '/');
  require(argc >= 2 && slash != NULL && strlen(argv[0]) < sizeof folder,
          "usage: /path/of/probe markers | busy MS | uring | unread | "
          "together");
  memcpy(folder, argv[0], (size_t)(slash - argv[0]) + 1);
  if (strcmp(argv[1], "markers") == 0) {
    markers();
  } else if (strcmp(argv[1], "busy") == 0 && argc == 3) {
    busy(atoi(argv[2]));
  } else if (strcmp(argv[1], "uring") == 0) {
    uring();
  } else if (strcmp(argv[1], "unread") == 0) {
    unread();
  } else if (strcmp(argv[1], "together") == 0) {
    together();
  } else {
    return 2;
  }
  return 0;
}
