/* probe_child NUMBER TIMES: makes one call and ends, as soon as it can. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  for (int i = atoi(argv[2]); i > 0; --i) {
    syscall(atoi(argv[1]), -1L, -1L, -1L, -1L, -1L, -1L);
  }
  return 0;
}
