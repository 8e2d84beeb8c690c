#include "elf/mapped.h"

namespace vambrace::elf {

std::map<std::string, std::set<std::string>> mapped_files(
    const evidence::Evidence& evidence) {
  std::map<std::string, std::set<std::string>> mapped;
  for (const evidence::Process& process : evidence.processes) {
    if (process.key.origin == evidence::Origin::Runtime ||
        process.key.origin == evidence::Origin::Harness) {
      continue;
    }
    std::set<std::string>& files = mapped[process.key.exe];
    for (const evidence::FileFact& fact : process.files) {
      if (fact.access.contains('m') && fact.path.starts_with('/') &&
          fact.path != process.key.exe) {
        files.insert(fact.path);
      }
    }
  }
  return mapped;
}

}  // namespace vambrace::elf
