#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "enforcer/apparmor/records.h"

namespace vambrace::enforcer::apparmor {

// AppArmor's records as the kernel makes them, by the audit subsystem's
// multicast: whether or not an audit daemon runs, and without the limit that
// printk has for the kernel's ring.
//
// The kernel sends them to the initial network namespace alone; elsewhere
// open() succeeds and nothing ever comes.
class AuditLog {
 public:
  // Unavailable without CAP_AUDIT_READ and CAP_AUDIT_CONTROL in the initial
  // namespaces.
  static Result<AuditLog> open();

  // What has come, in order.
  std::vector<Record> read();

  // Waits until something has come; false if nothing does in this time.
  bool wait(std::chrono::milliseconds limit) const;

  // What did not come since open(), a sentence each.
  std::vector<std::string> losses() const;

 private:
  AuditLog(Fd records, std::uint32_t lost)
      : records_(std::move(records)), lost_before_(lost) {}

  Fd records_;
  std::uint32_t lost_before_;
  bool overrun_ = false;
};

}  // namespace vambrace::enforcer::apparmor
