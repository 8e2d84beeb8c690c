#include "recorder/ebpf/mount_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "recorder/ebpf/gaps.h"

namespace vambrace::recorder::ebpf {
namespace {

using testing::ElementsAre;

TEST(MountOptions, AreAppArmorsWordsInOrder) {
  EXPECT_THAT(mount_options(VMB_MOUNT_NEW, 0), ElementsAre("rw"));
  EXPECT_THAT(mount_options(VMB_MOUNT_NEW, 1 | 2 | 4 | 8),
              ElementsAre("nodev", "noexec", "nosuid", "ro"));
  EXPECT_THAT(mount_options(VMB_MOUNT_REMOUNT, 32 | 1 | 4096),
              ElementsAre("bind", "ro"));
  EXPECT_THAT(mount_options(VMB_MOUNT_BIND, 4096), ElementsAre("bind"));
  EXPECT_THAT(mount_options(VMB_MOUNT_BIND, 4096 | 16384),
              ElementsAre("rbind"));
  EXPECT_THAT(mount_options(VMB_MOUNT_TYPE, 16384 | 32768 | 1U << 18),
              ElementsAre("rprivate", "silent"));
  EXPECT_THAT(mount_options(VMB_MOUNT_MOVE, 8192), ElementsAre());
  EXPECT_THAT(mount_options(VMB_MOUNT_UMOUNT, 0), ElementsAre());
}

TEST(MountOptions, KeepAFlagWithoutAWordAsItsNumber) {
  EXPECT_THAT(mount_options(VMB_MOUNT_NEW, 1U << 26),
              ElementsAre("0x4000000", "rw"));
  EXPECT_THAT(mount_options(VMB_MOUNT_NEW, 16384), ElementsAre("0x4000", "rw"));
}

vmb_path kept(Raw& raw, std::string_view leaf_first) {
  const vmb_path path{.at = static_cast<u32>(raw.path_bytes.size()),
                      .bytes = static_cast<u32>(leaf_first.size()),
                      .flags = 0,
                      .mount_ns = 1};
  raw.path_bytes += leaf_first;
  return path;
}

TEST(MountFact, TellsAnUnknownPlaceFromNone) {
  using namespace std::string_view_literals;
  Raw raw;
  vmb_mount_key key{};
  key.operation = VMB_MOUNT_BIND;
  key.flags = 4096;
  key.target_is = VMB_FILE_FOLDER;
  vmb_mount mount{};
  mount.target = kept(raw, "x\0a\0"sv);
  raw.mounts.emplace_back(key, mount);
  key.operation = VMB_MOUNT_UMOUNT;
  key.source_is = VMB_FILE_NONE;
  mount.target.flags = VMB_PATH_DISCONNECTED;
  raw.mounts.emplace_back(key, mount);
  const evidence::MountFact bound = mount_fact(raw, 0);
  EXPECT_EQ(bound.operation, "bind");
  EXPECT_EQ(bound.target, "/a/x/");
  EXPECT_EQ(bound.source, std::nullopt);
  const evidence::MountFact gone = mount_fact(raw, 1);
  EXPECT_EQ(gone.operation, "umount");
  EXPECT_EQ(gone.source, "");
  EXPECT_EQ(gone.target, std::nullopt);
}

TEST(MountFact, NamesTheTypeOfANewFileSystemAlone) {
  Raw raw;
  vmb_mount_key key{};
  std::memcpy(key.fstype, "tmpfs", 5);
  key.operation = VMB_MOUNT_NEW;
  raw.mounts.emplace_back(key, vmb_mount{});
  key.operation = VMB_MOUNT_REMOUNT;
  raw.mounts.emplace_back(key, vmb_mount{});
  EXPECT_EQ(mount_fact(raw, 0).fstype, "tmpfs");
  EXPECT_EQ(mount_fact(raw, 1).fstype, "");
}

TEST(TraceFact, TellsTheProgramFromOutsideAndFromUnknown) {
  using namespace std::string_literals;
  Raw raw;
  vmb_image image{};
  const std::string path = "ls\0bin\0"s;
  std::memcpy(image.path, path.data(), path.size());
  image.path_bytes = static_cast<u32>(path.size());
  raw.images = {vmb_image{}, image};
  vmb_other_key key{};
  key.type = VMB_TRACE_READ;
  key.protocol = 1;
  EXPECT_EQ(describe(trace_fact(raw, key)), "read /bin/ls");
  key.type = VMB_TRACE_TRACE;
  key.family = VMB_SIDE_OUTSIDE;
  EXPECT_EQ(describe(trace_fact(raw, key)), "trace a process outside");
  key.family = VMB_SIDE_PROGRAM;
  key.protocol = 2;  // an image that was refused
  EXPECT_EQ(trace_fact(raw, key).other, evidence::Side::Unknown);
}

TEST(MountGaps, TellAFullTableAndAPathThatWasTooLong) {
  Raw raw;
  raw.counters.mounts_refused = 3;
  vmb_mount mount{};
  mount.source.flags = VMB_PATH_TRUNCATED;
  raw.mounts.emplace_back(vmb_mount_key{}, mount);
  std::string told;
  for (const evidence::Gap& gap : gaps_of(raw, 1)) {
    told += gap.kind + ": " + gap.detail + "\n";
  }
  EXPECT_EQ(told,
            "map_full: mounts table: 3 mounts refused\n"
            "path_truncated: 1 files or mounts with paths longer than 4096 "
            "bytes\n");
  EXPECT_EQ(counters_of(raw).at("mounts_refused"), 3U);
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
