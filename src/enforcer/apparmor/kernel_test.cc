#include "enforcer/apparmor/kernel.h"

#include <gmock/gmock.h>

#include "base/memory_files.h"

namespace vambrace::enforcer::apparmor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A kernel with web (and its child) and idle; two processes.
MemoryFiles kernel() {
  MemoryFiles files;
  const std::string top = kKernel;
  files.files = {
      {top + "/profiles",
       "web (enforce)\nweb//kid (enforce)\nidle (complain)\n"},
      {top + "/policy/profiles/web.1/name", "web\n"},
      {top + "/policy/profiles/web.1/raw_data", "bytes"},
      {top + "/policy/profiles/web.1/profiles/kid.2/name", "kid\n"},
      {top + "/policy/profiles/web.1/profiles/kid.2/raw_data", "bytes"},
      {"/proc/1/attr/current", "unconfined\n"},
      {"/proc/1/attr/apparmor/current", "unconfined\n"},
      {"/proc/20/attr/current", "system_u:object_r\n"},
      {"/proc/20/attr/apparmor/current", "web (enforce)\n"},
      {"/proc/3/attr/current", "web//&gone (mixed)\n"},
      {"/proc/self/attr/current", "web (enforce)\n"},
  };
  return files;
}

TEST(Kernel, WithoutAppArmorSaysHowToGetIt) {
  MemoryFiles files;
  const auto profiles = loaded_profiles(files);
  ASSERT_FALSE(profiles.has_value());
  EXPECT_EQ(profiles.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(profiles.error().hint(), HasSubstr("apparmor=1"));
}

TEST(Kernel, WhoseFilesAreNotMountedSaysHowToMountThem) {
  MemoryFiles files;
  files.files["/sys/module/apparmor/parameters/enabled"] = "Y\n";
  const auto profiles = loaded_profiles(files);
  ASSERT_FALSE(profiles.has_value());
  EXPECT_THAT(profiles.error().hint(), HasSubstr("mount -t securityfs"));
}

TEST(Uses, AreProfilesWithTheirProcesses) {
  const MemoryFiles files = kernel();
  const auto found = uses(files);
  ASSERT_TRUE(found.has_value());
  ASSERT_THAT(*found, SizeIs(4));
  EXPECT_EQ((*found)[0].profile.name, "gone");
  EXPECT_FALSE((*found)[0].listed);
  EXPECT_THAT((*found)[0].pids, ElementsAre(3));
  EXPECT_EQ((*found)[1].profile, (Profile{"idle", "complain"}));
  EXPECT_THAT((*found)[1].pids, IsEmpty());
  EXPECT_EQ((*found)[2].profile, (Profile{"web", "enforce"}));
  EXPECT_TRUE((*found)[2].listed);
  EXPECT_THAT((*found)[2].pids, ElementsAre(3, 20));
}

TEST(Presence, ComparesBytesAlsoOfChildren) {
  const MemoryFiles files = kernel();
  const std::vector<std::string> names = {"web", "web//kid", "idle", "new"};
  const auto same = presence(files, names, "bytes").value();
  EXPECT_EQ(same.at("web"), Presence::Same);
  EXPECT_EQ(same.at("web//kid"), Presence::Same);
  EXPECT_EQ(same.at("idle"), Presence::Unknown);
  EXPECT_EQ(same.at("new"), Presence::Absent);
  const auto other = presence(files, names, "else").value();
  EXPECT_EQ(other.at("web"), Presence::Other);
}

}  // namespace
}  // namespace vambrace::enforcer::apparmor
