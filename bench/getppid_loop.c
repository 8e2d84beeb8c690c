// The smallest system call in a loop: prints, one line per thread, the thread
// CPU time and the elapsed time per call, in nanoseconds.
// usage: getppid_loop CALLS [THREADS]
//        getppid_loop forever        a line of one thread every 100 ms or so
//
// Each line reports the 10th percentile of 400 batches, so that a batch that
// another program disturbed does not count. CPU time is what an in-kernel probe
// costs; a tracer that stops the thread costs elapsed time.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kBatches = 400 };

static long calls_per_batch;
static pthread_barrier_t start_line;

static double clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(void) {
  static _Thread_local double cpu_ns[kBatches], elapsed_ns[kBatches];
  for (int batch = 0; batch < kBatches; ++batch) {
    double elapsed = clock_ns(CLOCK_MONOTONIC);
    double used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < calls_per_batch; ++i) {
      syscall(SYS_getppid);
    }
    used = clock_ns(CLOCK_THREAD_CPUTIME_ID) - used;
    elapsed = clock_ns(CLOCK_MONOTONIC) - elapsed;
    cpu_ns[batch] = used / (double)calls_per_batch;
    elapsed_ns[batch] = elapsed / (double)calls_per_batch;
  }
  qsort(cpu_ns, kBatches, sizeof(cpu_ns[0]), by_size);
  qsort(elapsed_ns, kBatches, sizeof(elapsed_ns[0]), by_size);
  printf("%.2f %.2f\n", cpu_ns[kBatches / 10], elapsed_ns[kBatches / 10]);
}

static void *measure(void *argument) {
  long cpu = (long)argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)(cpu % sysconf(_SC_NPROCESSORS_ONLN)), &set);
  sched_setaffinity(0, sizeof(set), &set);
  pthread_barrier_wait(&start_line);
  report();
  return NULL;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "forever") == 0) {
    calls_per_batch = 1500;
    while (fflush(stdout) == 0) {
      report();
    }
    return 0;
  }
  if (argc < 2 || atol(argv[1]) < kBatches) {
    fprintf(stderr, "usage: getppid_loop CALLS [THREADS] | forever\n");
    return 2;
  }
  long threads = argc > 2 ? atol(argv[2]) : 1;
  calls_per_batch = atol(argv[1]) / kBatches;
  pthread_barrier_init(&start_line, NULL, (unsigned)threads);
  pthread_t other[64];
  for (long i = 1; i < threads && i < 64; ++i) {
    pthread_create(&other[i], NULL, measure, (void *)i);
  }
  measure((void *)0);
  for (long i = 1; i < threads && i < 64; ++i) {
    pthread_join(other[i], NULL);
  }
  return 0;
}
