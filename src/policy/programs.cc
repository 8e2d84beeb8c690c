#include "policy/programs.h"

#include "policy/reasons.h"

namespace vambrace::policy {

Programs::Programs(const evidence::Evidence& evidence) {
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin)) {
      all_.insert(process.key.exe);
    }
  }
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin) &&
        (process.key.origin == evidence::Origin::App ||
         !all_.contains(process.key.parent))) {
      main_.insert(process.key.exe);
    }
  }
}

}  // namespace vambrace::policy
