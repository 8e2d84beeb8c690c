#include "recorder/ebpf/collect.h"

#include <sys/mman.h>

#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "host/disk_files.h"
#include "recorder/ebpf/origins.h"
#include "recorder/ebpf/rules.h"
#include "recorder/ebpf/settle.h"
#include "recorder/ebpf/symbols.h"

namespace vambrace::recorder::ebpf {
namespace {

constexpr std::size_t kStackDepth = 16;

std::uint64_t tick_nanoseconds() {
  timespec tick{};
  ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return static_cast<std::uint64_t>(tick.tv_nsec);
}

// Slots that tasks still held when recording ended.
Result<> add_slots(Raw& raw, const Maps& maps) {
  constexpr std::size_t kBytes = sizeof(vmb_slot) * VMB_SLOTS;
  void* memory =
      ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, maps.fd(".bss"), 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(system_error("map the slots", errno));
  }
  const auto* slots = static_cast<const vmb_slot*>(memory);
  const std::uint64_t tick = tick_nanoseconds();
  for (std::uint32_t i = 0; i < VMB_SLOTS; ++i) {
    if (slots[i].owner != 0) {
      add_slot(raw, slots[i], native_arch(), tick);
    }
  }
  ::munmap(memory, kBytes);
  return {};
}

// Adds what the slots have in that map, one entry each, by that function.
template <class Entry>
Result<> add_by_slot(Raw& raw, const Maps& maps, const char* name,
                     void (*add)(Raw&, std::span<const Entry>, std::uint64_t)) {
  constexpr std::size_t kBytes = sizeof(Entry) * VMB_SLOTS;
  void* memory =
      ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, maps.fd(name), 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(
        system_error(fmt::format("map the {} of the slots", name), errno));
  }
  const auto* entries = static_cast<const Entry*>(memory);
  add(raw, {entries, VMB_SLOTS}, tick_nanoseconds());
  ::munmap(memory, kBytes);
  return {};
}

// The names of the files; the rest of the map is empty.
Result<> add_names(Raw& raw, const Maps& maps) {
  const auto used = static_cast<std::size_t>(
      std::min<std::uint64_t>(raw.counters.path_bytes, VMB_ALL_PATHS));
  if (used == 0) {
    return {};
  }
  void* memory =
      ::mmap(nullptr, used, PROT_READ, MAP_SHARED, maps.fd("path_bytes"), 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(system_error("map the names of files", errno));
  }
  raw.path_bytes.assign(static_cast<const char*>(memory), used);
  ::munmap(memory, used);
  return {};
}

void add_stacks(Raw& raw, const Maps& maps) {
  Symbols symbols;
  bool loaded = false;
  for (const auto& [key, tally] : raw.caps) {
    if (raw.stacks.contains(key.stack)) {
      continue;
    }
    std::array<std::uint64_t, kStackDepth> addresses{};
    if (bpf_map_lookup_elem(maps.fd("stacks"), &key.stack, addresses.data()) !=
        0) {
      continue;
    }
    if (!loaded) {
      std::ifstream file("/proc/kallsyms");
      std::stringstream text;
      text << file.rdbuf();
      symbols = Symbols::parse(text.view());
      loaded = true;
    }
    raw.stacks[key.stack] = symbols.names({addresses.begin(), addresses.end()});
  }
}

}  // namespace

Result<Raw> collect_files(const Maps& maps) {
  Raw raw;
  TRY_ASSIGN(raw.counters, maps.at<vmb_counters>(".data.counters", 0));
  const std::uint64_t images = raw.counters.images;
  for (std::uint32_t number = 0; number <= images; ++number) {
    const auto image = maps.at<vmb_image>("images", number);
    if (!image) {
      break;  // refused: there are fewer entries than programs
    }
    raw.images.push_back(*image);
  }
  raw.files = maps.table<vmb_file_key, vmb_file>("files");
  raw.mounts = maps.table<vmb_mount_key, vmb_mount>("mounts");
  TRY(add_names(raw, maps));
  return raw;
}

Result<Raw> collect(const Maps& maps) {
  TRY_ASSIGN(auto control, Mapped<vmb_control>::of(maps.fd(".data.control")));
  TRY_ASSIGN(Raw raw, collect_files(maps));
  const std::uint32_t scopes =
      std::min<std::uint32_t>(std::uint32_t{control->scopes}, VMB_MAX_SCOPES);
  for (std::uint32_t number = 0; number < scopes; ++number) {
    TRY_ASSIGN(const auto scope, maps.at<vmb_scope>("scopes", number));
    raw.scopes.push_back(scope);
  }
  const std::uint32_t phases = control->phases;
  for (std::uint32_t number = 0; number < phases; ++number) {
    TRY_ASSIGN(const auto phase, maps.at<vmb_phase>("phases", number));
    raw.phases.push_back(phase);
  }
  raw.facts = maps.table<vmb_fact_key, vmb_tally>("facts");
  raw.errnos = maps.table<vmb_errno_key, vmb_tally>("errnos");
  raw.tuples = maps.table<vmb_tuple_key, std::uint32_t>("tuples");
  raw.tuple_counts =
      maps.table<vmb_tuple_count_key, std::uint32_t>("tuple_counts");
  raw.others = maps.table<vmb_other_key, vmb_tally>("others");
  raw.caps = maps.table<vmb_cap_key, vmb_tally>("caps");
  TRY(add_slots(raw, maps));
  TRY(add_by_slot(raw, maps, "seen", add_seen));
  TRY(add_by_slot(raw, maps, "checks", add_checks));
  settle(raw);
  add_stacks(raw, maps);
  tell_moved(raw);
  return raw;
}

}  // namespace vambrace::recorder::ebpf
