// Runs a command while an empty program sits on sys_enter, on sys_exit, or on
// both: the floor that record_overhead compares the recorder with.
// usage: empty_probe enter|exit|both COMMAND...
#include <bpf/libbpf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string_view>

#include "empty.skel.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: empty_probe enter|exit|both COMMAND...\n", stderr);
    return 2;
  }
  const std::unique_ptr<empty_bpf, decltype(&empty_bpf::destroy)> program(
      empty_bpf::open_and_load(), &empty_bpf::destroy);
  if (!program) {
    std::perror("empty_probe: load");
    return 4;
  }
  const std::string_view where = argv[1];
  if (where != "exit") {
    program->links.enter = bpf_program__attach(program->progs.enter);
  }
  if (where != "enter") {
    program->links.leave = bpf_program__attach(program->progs.leave);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(argv[2], argv + 2);
    std::perror("empty_probe: exec");
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) {
    std::perror("empty_probe: wait");
    return 70;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
