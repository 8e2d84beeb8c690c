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

// Where that name is in the strings of the BTF (each is there once), or null.
static char* found(const char* name) {
  const struct btf_header* header = (const struct btf_header*)bytes;
  char* const strings = bytes + header->hdr_len + header->str_off;
  const size_t length = strlen(name) + 1;
  for (size_t at = 0; at + length < header->str_len; at++) {
    if (strings[at] == 0 && memcmp(strings + at + 1, name, length) == 0) return strings + at + 1;
  }
  return NULL;
}

// The program of a tracepoint that this kernel has.
static int is_wanted(const struct bpf_program* program) {
  char type[100] = "btf_trace_";
  const char* section = bpf_program__section_name(program);
  if (strncmp(section, "tp_btf/", 7) != 0) return 0;
  strncat(type, section + 7, sizeof type - strlen(type) - 1);
  return found(type) != NULL;
}

int main(int argc, char** argv) {
  FILE* kernel = fopen("/sys/kernel/btf/vmlinux", "rb");
  const size_t size = kernel ? fread(bytes, 1, sizeof bytes, kernel) : 0;
  const struct btf_header* header = (const struct btf_header*)bytes;
  if (size < sizeof *header || size == sizeof bytes || header->magic != BTF_MAGIC) {
    fputs("no BTF of this kernel\n", stderr);
    return 2;
  }
  if (!found("bpf_rdonly_cast")) {
    fputs("this kernel has no plain loads\n", stderr);
    return 3;
  }
  for (int i = 1; i < argc; i++) {
    char* const name = found(argv[i]);
    if (!name) {
      fprintf(stderr, "this kernel has no %s\n", argv[i]);
      return 3;
    }
    *name = '0';
  }
  char path[] = "/tmp/load-without-XXXXXX";
  const int copy = mkstemp(path);
  if (copy < 0 || write(copy, bytes, size) != (ssize_t)size) {
    perror(path);
    unlink(path);
    return 2;
  }
  struct bpf_object_open_opts options = {.sz = sizeof options, .btf_custom_path = path};
  struct record_bpf* const skeleton = record_bpf__open_opts(&options);
  if (skeleton == NULL) {
    perror("open");
    unlink(path);
    return 2;
  }
  skeleton->rodata->plain_loads = 1;
  struct bpf_program* program;
  bpf_object__for_each_program(program, skeleton->obj) {
    bpf_program__set_autoload(program, is_wanted(program));
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
