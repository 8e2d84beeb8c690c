#include "recorder/ebpf/assemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "recorder/ebpf/origins.h"
#include "recorder/ebpf/symbols.h"

namespace vambrace::recorder::ebpf {
namespace {

using evidence::Origin;
using testing::ElementsAre;

vmb_image image(std::string leaf_first, std::uint32_t kind,
                std::uint32_t parent, std::uint64_t inode) {
  vmb_image result{};
  result.key.kind = kind;
  result.key.parent = parent;
  result.key.scope = 1;
  result.key.inode = inode;
  result.flags = VMB_IMAGE_READY;
  std::memcpy(result.path, leaf_first.data(), leaf_first.size());
  result.path_bytes = static_cast<u32>(leaf_first.size());
  return result;
}

// Our launcher starts sh, which forks ls and then becomes nginx.
Raw world() {
  using namespace std::string_literals;
  Raw raw;
  raw.images = {vmb_image{},
                image("vambrace\0bin\0"s, VMB_IMAGE_LAUNCHER, 0, 1),
                image("sh\0bin\0"s, VMB_IMAGE_EXEC, 1, 2),
                image("ls\0bin\0"s, VMB_IMAGE_EXEC, 2, 3),
                image("nginx\0sbin\0"s, VMB_IMAGE_EXEC, 2, 4)};
  raw.scopes.resize(2);
  raw.scopes[1].main_image = 4;
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    raw.build_ids[number] = "";
  }
  vmb_phase startup{};
  std::memcpy(startup.name, "startup", 7);
  raw.phases = {startup};
  return raw;
}

Frame frame() {
  Frame result;
  result.workload.id = "spiffe://local/nginx";
  result.recording.id = std::string(32, 'a');
  return result;
}

TEST(Assemble, TellsTheMainProgramFromItsHelpersAndFromTheRuntime) {
  std::map<std::string, Origin> origins;
  for (const auto& process : assemble(world(), frame()).processes) {
    origins[process.key.exe] = process.key.origin;
  }
  EXPECT_EQ(origins["/bin/vambrace"], Origin::Runtime);
  EXPECT_EQ(origins["/bin/sh"], Origin::Helper);
  EXPECT_EQ(origins["/bin/ls"], Origin::Helper);
  EXPECT_EQ(origins["/sbin/nginx"], Origin::App);
}

vmb_other_key start_as(std::uint32_t image, std::uint32_t uid,
                       std::uint32_t gid, bool raised) {
  vmb_other_key key{};
  key.image = image;
  key.kind = VMB_OTHER_USER;
  key.type = raised ? 1 : 0;
  std::memcpy(key.address, &uid, 4);
  std::memcpy(key.address + 4, &gid, 4);
  return key;
}

TEST(Assemble, TellsAsWhichUsersAProgramWasStarted) {
  Raw raw = world();
  raw.others = {{start_as(4, 33, 4'000'000'000, false), {2, 10, 20}},
                {start_as(4, 0, 0, true), {1, 10, 10}}};
  for (const auto& process : assemble(raw, frame()).processes) {
    if (process.key.exe != "/sbin/nginx") {
      EXPECT_TRUE(process.users.empty());
      continue;
    }
    ASSERT_EQ(process.users.size(), 2);
    EXPECT_EQ(process.users[0].uid, 0);
    EXPECT_TRUE(process.users[0].raised);
    EXPECT_EQ(process.users[1].uid, 33);
    EXPECT_EQ(process.users[1].gid, 4'000'000'000);
    EXPECT_FALSE(process.users[1].raised);
    EXPECT_EQ(evidence::total(process.users[1].by).count, 2);
  }
}

TEST(Assemble, TellsTheSocketsThatAProgramWasGiven) {
  Raw raw = world();
  vmb_other_key key{};
  key.image = 4;
  key.kind = VMB_OTHER_GIVEN;
  key.family = 1;
  key.type = 5;
  vmb_other_key other = key;
  other.family = 31;
  other.type = 6;
  other.protocol = 2;
  raw.others = {{key, {3, 10, 20}}, {other, {1, 10, 10}}};
  std::vector<std::string> found;
  for (const auto& process : assemble(raw, frame()).processes) {
    for (const evidence::NetworkFact& fact : process.network) {
      found.push_back(fmt::format("{} {} {} {} {}", fact.operation, fact.family,
                                  fact.type, fact.protocol,
                                  evidence::total(fact.by).count));
    }
  }
  EXPECT_THAT(found,
              ElementsAre("inherit 31 6 2 1", "inherit unix seqpacket 0 3"));
}

TEST(Assemble, TellsWhoGotASignal) {
  Raw raw = world();
  for (const u16 side :
       {VMB_SIDE_PROGRAM, VMB_SIDE_OUTSIDE, VMB_SIDE_UNKNOWN}) {
    vmb_other_key key{};
    key.image = 4;
    key.kind = VMB_OTHER_SIGNAL;
    key.type = 15;
    key.family = side;
    raw.others.emplace_back(key, vmb_tally{side + 1ULL, 10, 20});
  }
  std::map<evidence::Side, std::uint64_t> got;
  for (const auto& process : assemble(raw, frame()).processes) {
    for (const evidence::SignalFact& fact : process.signals) {
      EXPECT_EQ(fact.signal, 15);
      got[fact.other] = evidence::total(fact.by).count;
    }
  }
  EXPECT_THAT(got, ElementsAre(std::pair(evidence::Side::Program, 1),
                               std::pair(evidence::Side::Outside, 2),
                               std::pair(evidence::Side::Unknown, 3)));
}

// What was moved into a cgroup: by itself, or before its program is started.
Raw entered(const std::string& leaf_first) {
  Raw raw = world();
  raw.images = {vmb_image{}, image(leaf_first, VMB_IMAGE_ENTRY_FIRST, 0, 1),
                raw.images[3]};
  raw.images[1].tgid = 7;
  raw.images[2].key.parent = 1;
  raw.images[2].tgid = 8;
  raw.scopes[1].main_image = 2;
  return raw;
}

std::string origins_of(Raw raw) {
  tell_moved(raw);
  const auto made = assemble(raw, frame());
  std::string text;
  for (const auto& process : made.processes) {
    text += process.key.exe + " " + std::string(to_string(process.key.origin)) +
            ", ";
  }
  for (const auto& gap : made.recordings.front().verdict.gaps) {
    text += gap.kind;
  }
  return text;
}

TEST(Assemble, TakesAProgramThatWasMovedInForTheApplicationAttachedLate) {
  using namespace std::string_literals;
  EXPECT_EQ(origins_of(entered("python3\0bin\0"s)),
            "/bin/ls helper, /bin/python3 app, attached_late");
  // Later ones are no session, either.
  Raw raw = entered("python3\0bin\0"s);
  raw.images.push_back(image("sed\0bin\0"s, VMB_IMAGE_ENTRY_LATER, 0, 9));
  EXPECT_THAT(origins_of(raw), testing::HasSubstr("/bin/sed helper"));
}

TEST(Assemble, TakesWhatEntersToStartAProgramForTheRuntime) {
  using namespace std::string_literals;
  EXPECT_EQ(origins_of(entered("runc\0bin\0"s)),
            "/bin/ls app, /bin/runc runtime, ");
  EXPECT_EQ(origins_of(entered("buildkit-runc\0bin\0"s)),
            "/bin/buildkit-runc runtime, /bin/ls app, ");
  Raw launcher = entered("systemd\0lib\0"s);
  launcher.images[2].tgid = launcher.images[1].tgid;
  EXPECT_EQ(origins_of(launcher), "/bin/ls app, /lib/systemd runtime, ");
  Raw failed = entered("memfd:runc_cloned:/proc/self/exe\0"s);
  failed.images.pop_back();
  failed.scopes[1].main_image = 0;
  EXPECT_EQ(origins_of(failed).find("late"), std::string::npos);
}

TEST(Assemble, IsCompleteOnlyWhenNothingWasLost) {
  Raw raw = world();
  EXPECT_EQ(assemble(raw, frame()).recordings.front().verdict.state,
            evidence::State::Complete);
  raw.counters.facts_refused = 1;
  const auto verdict = assemble(raw, frame()).recordings.front().verdict;
  ASSERT_EQ(verdict.gaps.size(), 1U);
  EXPECT_EQ(verdict.gaps.front().kind, "map_full");
}

TEST(Assemble, KeepsRefusedCallsApartFromThoseThatWereMade) {
  Raw raw = world();
  raw.errnos = {{vmb_errno_key{4, 0, 83, 1, 1}, vmb_tally{3, 10, 20}}};
  for (const auto& process : assemble(raw, frame()).processes) {
    if (process.key.origin == Origin::App) {
      ASSERT_EQ(process.syscalls.size(), 1U);
      const auto share = evidence::total(process.syscalls.front().by);
      EXPECT_EQ(share.count, 0U);
      EXPECT_EQ(share.denied, 3U);
      EXPECT_EQ(share.denied_errnos.at("EPERM"), 3U);
    }
  }
}

// Adds an access by nginx to a file with these names, leaf first.
void add_access(Raw& raw, const std::string& names, u32 access,
                u32 path_flags = 0) {
  vmb_file_key key{};
  key.image = 4;
  key.access = access;
  key.place.mixed = raw.path_bytes.size();
  const auto at = static_cast<u32>(raw.path_bytes.size());
  raw.path_bytes += names;
  raw.files.emplace_back(
      key, vmb_file{{1, 10, 20},
                    {at, static_cast<u32>(names.size()), path_flags, 0}});
}

// "/x rw own, /y r, "
std::string files_of(const Raw& raw) {
  std::string text;
  for (const auto& process : assemble(raw, frame()).processes) {
    for (const auto& fact : process.files) {
      text += fact.path + " " + fact.access + (*fact.owner ? " own, " : ", ");
    }
  }
  return text;
}

TEST(Assemble, HasFilesWithTheirPathsAndAccess) {
  using namespace std::string_literals;
  Raw raw = world();
  add_access(raw, "passwd\0etc\0"s, VMB_ACCESS_READ | VMB_FILE_OWNED);
  add_access(raw, "etc\0"s, VMB_ACCESS_READ | VMB_FILE_FOLDER);
  add_access(raw, "", VMB_ACCESS_READ | VMB_FILE_FOLDER);
  add_access(raw, "log\0tmp\0"s,
             VMB_ACCESS_APPEND | VMB_ACCESS_CREATE | VMB_ACCESS_READ);
  EXPECT_EQ(files_of(raw), "/ r, /etc/ r, /etc/passwd r own, /tmp/log acr, ");
  EXPECT_EQ(letters_of(0x3ff), "acikmoprwx");
}

TEST(Assemble, TellsApartWhatAnOpenMadeAndWhatWasThere) {
  using namespace std::string_literals;
  constexpr std::uint32_t kOpened = VMB_ACCESS_CREATE | VMB_ACCESS_WRITE;
  Raw raw = world();
  add_access(raw, "there\0"s, kOpened);
  add_access(raw, "new\0"s, kOpened | VMB_FILE_MADE | VMB_FILE_OWNED);
  add_access(raw, "both\0"s, kOpened);
  add_access(raw, "both\0"s, kOpened | VMB_FILE_MADE);
  EXPECT_EQ(files_of(raw),
            "/both c, /both cw, /new c own, /new cw own, /there cw, ");
}

TEST(Assemble, KeepsEveryByteOfAFilesName) {
  std::string name;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') {
      name += static_cast<char>(byte);
    }
  }
  Raw raw = world();
  add_access(raw, name + '\0' + "tmp" + '\0', VMB_ACCESS_WRITE);
  EXPECT_EQ(files_of(raw), "/tmp/" + name + " w, ");
}

TEST(Assemble, SaysWhichFilesHaveNoPath) {
  using namespace std::string_literals;
  Raw raw = world();
  add_access(raw, "memfd:x\0tmpfs\0"s, VMB_ACCESS_MAP | VMB_FILE_INTERNAL);
  add_access(raw, "\0pipefs\0"s, VMB_ACCESS_WRITE | VMB_FILE_INTERNAL);
  add_access(raw, "x\0"s, VMB_ACCESS_READ, VMB_PATH_DISCONNECTED);
  EXPECT_EQ(files_of(raw), "disconnected:/x r, pipefs: w, tmpfs:memfd:x m, ");
}

TEST(Assemble, CountsWhatATaskStillRemembersOfAFile) {
  using namespace std::string_literals;
  Raw raw = world();
  raw.counters.moment_ktime = 1'000'000'000;
  raw.counters.moment_jiffies = 0x1'0000'0005;
  add_access(raw, "x\0"s, VMB_ACCESS_READ);
  vmb_seen_files seen{};
  seen.file[2] = {.key = raw.files[0].first,
                  .dentry = 1,
                  .hash_len = 2,
                  .count = 41,
                  .last = 0xffff'fffe};  // 7 ticks before
  add_seen(raw, {&seen, 1}, 4'000'000);
  ASSERT_EQ(raw.files.size(), 2U);
  EXPECT_EQ(raw.files[1].second.tally.last, 972'000'000U);
  const auto made = assemble(raw, frame());
  std::uint64_t count = 0;
  for (const auto& process : made.processes) {
    for (const auto& fact : process.files) {
      EXPECT_EQ(fact.path, "/x");
      for (const auto& [recording, by] : fact.by) {
        count += by.count;
      }
    }
  }
  EXPECT_EQ(count, 42U);
}

TEST(Assemble, CountsTheChecksThatATaskStillRemembers) {
  Raw raw = world();
  raw.counters.moment_ktime = 1'000'000'000;
  raw.counters.moment_jiffies = 100;
  raw.caps.clear();
  raw.caps.emplace_back(vmb_cap_key{.image = 1, .cap = 21},
                        vmb_tally{5, 900'000'000, 950'000'000});
  vmb_checks checks[2]{};
  checks[0].check[3] = {.key = raw.caps[0].first, .count = 41, .last = 110};
  checks[1].check[0] = {.key = raw.caps[0].first, .count = 2, .last = 50};
  checks[1].check[1] = {.key = raw.caps[0].first, .count = 0, .last = 200};
  add_checks(raw, checks, 4'000'000);
  ASSERT_EQ(raw.caps.size(), 1U);
  EXPECT_EQ(raw.caps[0].second.count, 48U);
  EXPECT_EQ(raw.caps[0].second.first, 900'000'000U);
  EXPECT_EQ(raw.caps[0].second.last, 1'040'000'000U);
  EXPECT_EQ(raw.counters.caps_refused, 0U);
  checks[0].check[3].key.cap = 22;  // of which there is no row
  add_checks(raw, {checks, 1}, 4'000'000);
  EXPECT_EQ(raw.counters.caps_refused, 41U);
}

TEST(Assemble, TakesTheSameFileInTwoPlacesForOneFact) {
  using namespace std::string_literals;
  Raw raw = world();
  add_access(raw, "x\0"s, VMB_ACCESS_READ);
  add_access(raw, "x\0"s, VMB_ACCESS_READ);  // made anew: another dentry
  EXPECT_EQ(files_of(raw), "/x r, ");
}

TEST(Assemble, ReportsFilesThatItCannotName) {
  using namespace std::string_literals;
  Raw raw = world();
  add_access(raw, "", VMB_ACCESS_READ, VMB_PATH_TRUNCATED);
  raw.counters.files_refused = 2;
  raw.counters.files_unread = 3;
  EXPECT_EQ(files_of(raw), "");
  std::string kinds;
  const auto made = assemble(raw, frame());
  for (const auto& gap : made.recordings.front().verdict.gaps) {
    kinds += gap.kind + ": " + gap.detail + "\n";
  }
  EXPECT_EQ(
      kinds,
      "map_full: files table: 2 accesses refused\n"
      "path_truncated: 1 files or mounts with paths longer than 4096 bytes\n"
      "read_failed: the files or mounts of 3 calls\n");
}

TEST(Assemble, GivesTestsTheCallsThatSurelyAreTheirs) {
  Raw raw = world();
  vmb_phase slice{};
  std::memcpy(slice.name, "~0", 2);
  slice.start = 400'000'000;
  raw.phases.push_back(slice);
  constexpr u64 kMs = 1'000'000;
  raw.facts = {{vmb_fact_key{4, 0, 0, 82}, vmb_tally{1, 150 * kMs, 150 * kMs}},
               {vmb_fact_key{4, 0, 0, 0}, vmb_tally{5, 20 * kMs, 150 * kMs}},
               {vmb_fact_key{4, 1, 0, 0}, vmb_tally{7, 420 * kMs, 480 * kMs}}};
  Frame divided = frame();
  divided.slices = {{"~0", "startup"}};
  const auto at = [](int ms) {
    return evidence::Instant(std::chrono::milliseconds(ms));
  };
  divided.tests = evidence::Spans(
      {{"test_a", at(100), at(200)}, {"test_b", at(400), at(500)}});
  const auto made = assemble(raw, divided);
  std::map<std::string, std::uint64_t> phases;
  std::map<std::string, std::uint64_t> rename;
  for (const auto& process : made.processes) {
    for (const auto& fact : process.syscalls) {
      (fact.syscall.nr == 82 ? rename : phases) =
          evidence::total(fact.by).phases;
    }
  }
  using Phases = std::map<std::string, std::uint64_t>;
  EXPECT_EQ(rename, (Phases{{"test_a", 1}}));
  EXPECT_EQ(phases, (Phases{{"across-tests", 5}, {"test_b", 7}}));
  std::vector<std::string> names;
  for (const auto& phase : made.recordings.front().phases) {
    names.push_back(phase.name);
  }
  EXPECT_THAT(names,
              ElementsAre("startup", "test_a", "across-tests", "test_b"));
}

TEST(Symbols, NamesAStackFromTheCheckOutwardsWithoutTheTracing) {
  const Symbols symbols = Symbols::parse(
      "0000000000000800 t gone_before_the_trampoline\n"
      "0000000000001000 T cap_capable\n"
      "0000000000002000 t bpf_trace_run5\n"
      "0000000000003000 T do_mount.constprop.0\n");
  EXPECT_THAT(symbols.names({0x2010, 0x810, 0x1010, 0x3010, 0, 0x1010}),
              ElementsAre("cap_capable", "do_mount"));
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
