// Loads the recorder's programs as on a kernel that has plain loads and not these types or
// members: libbpf is given a copy of the kernel's own BTF where they are called otherwise.
// usage: load_without NAME...
#include <bpf/btf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
#include "event.h"
#include "record.skel.h"

static char bytes[64 << 20];

static int is_tracepoint(const struct bpf_program* program) {
  return strncmp(bpf_program__section_name(program), "tp_btf/", 7) == 0;
}

// How many names of that kind there are; each is called otherwise from here on.
static int rename_all(char* strings, size_t size, const char* name) {
  const size_t length = strlen(name) + 1;
  int found = 0;
  for (size_t at = 0; at + length < size; at++) {
    if (strings[at] == 0 && memcmp(strings + at + 1, name, length) == 0) {
      strings[at + 1] = '0';
      found++;
    }
  }
  return found;
}

int main(int argc, char** argv) {
  FILE* kernel = fopen("/sys/kernel/btf/vmlinux", "rb");
  const size_t size = kernel ? fread(bytes, 1, sizeof bytes, kernel) : 0;
  const struct btf_header* header = (const struct btf_header*)bytes;
  if (size < sizeof *header || size == sizeof bytes || header->magic != BTF_MAGIC) {
    fputs("no BTF of this kernel\n", stderr);
    return 2;
  }
  for (int i = 1; i < argc; i++) {
    if (rename_all(bytes + header->hdr_len + header->str_off, header->str_len, argv[i]) != 1) {
      fprintf(stderr, "this kernel has no %s\n", argv[i]);
      return 3;
    }
  }
  char path[] = "/tmp/load-without-XXXXXX";
  const int copy = mkstemp(path);
  if (copy < 0 || write(copy, bytes, size) != (ssize_t)size) {
    perror(path);
    return 2;
  }
  struct bpf_object_open_opts options = {.sz = sizeof options, .btf_custom_path = path};
  struct record_bpf* const skeleton = record_bpf__open_opts(&options);
  if (skeleton == NULL) {
    perror("open");
    return 1;
  }
  skeleton->rodata->plain_loads = 1;
  struct bpf_program* program;
  bpf_object__for_each_program(program, skeleton->obj) {
    bpf_program__set_autoload(program, is_tracepoint(program));
  }
  const int failed = record_bpf__load(skeleton);
  record_bpf__destroy(skeleton);
  unlink(path);
  if (failed != 0) {
    return 1;
  }
  puts("loaded");
  return 0;
}
