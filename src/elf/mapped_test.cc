#include "elf/mapped.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

evidence::Process process(const std::string& exe, evidence::Origin origin,
                          std::vector<evidence::FileFact> files) {
  return {.key = {.exe = exe, .origin = origin}, .files = std::move(files)};
}

TEST(Mapped, TellsByProgramWhatWasMappedToExecute) {
  using evidence::Origin;
  evidence::Evidence evidence;
  evidence.processes = {
      process("/bin/a", Origin::App,
              {{.path = "/lib/liba.so", .access = "mr"},
               {.path = "/bin/a", .access = "mrx"},
               {.path = "/etc/a", .access = "r"},
               {.path = "tmpfs:memfd:jit", .access = "mr"}}),
      process("/bin/a", Origin::Helper,
              {{.path = "/lib/libb.so", .access = "m"}}),
      process("/bin/b", Origin::Helper, {}),
      process("/usr/bin/runc", Origin::Runtime,
              {{.path = "/lib/libseccomp.so", .access = "m"}}),
  };
  EXPECT_THAT(
      mapped_files(evidence),
      ElementsAre(Pair("/bin/a", ElementsAre("/lib/liba.so", "/lib/libb.so")),
                  Pair("/bin/b", IsEmpty())));
}

}  // namespace
}  // namespace vambrace::elf
