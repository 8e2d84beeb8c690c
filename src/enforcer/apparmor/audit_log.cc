#include "enforcer/apparmor/audit_log.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "host/disk_files.h"

namespace vambrace::enforcer::apparmor {
namespace {

constexpr int kBuffer = 32 << 20;
// libaudit's MAX_AUDIT_MESSAGE_LENGTH is 8970.
constexpr std::size_t kMostRecord = 16384;
// AUDIT_AVC, under which AppArmor writes.
constexpr std::uint16_t kAccessRecord = 1400;

Error not_allowed(std::string_view what, int number) {
  return system_error(what, number)
      .with_hint(
          "denials are read from the kernel's audit log: run as root of "
          "the host");
}

Result<Fd> audit_socket(int flags) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_AUDIT));
  if (!fd) {
    return std::unexpected(not_allowed("the audit log", errno));
  }
  return fd;
}

// How many records the kernel has dropped since it was booted.
Result<std::uint32_t> lost_since_boot() {
  TRY_ASSIGN(const Fd fd, audit_socket(0));
  const struct timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const struct nlmsghdr request{.nlmsg_len = NLMSG_HDRLEN,
                                .nlmsg_type = AUDIT_GET,
                                .nlmsg_flags = NLM_F_REQUEST,
                                .nlmsg_seq = 1,
                                .nlmsg_pid = 0};
  if (::send(fd.get(), &request, sizeof request, 0) < 0) {
    return std::unexpected(not_allowed("ask the audit log", errno));
  }
  alignas(struct nlmsghdr) std::array<char, 1024> buffer;
  const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  if (n < 0) {
    return std::unexpected(not_allowed("ask the audit log", errno));
  }
  struct nlmsghdr header{};
  std::memcpy(&header, buffer.data(),
              std::min(sizeof header, static_cast<std::size_t>(n)));
  if (header.nlmsg_type == NLMSG_ERROR) {
    int error = 0;
    std::memcpy(&error, buffer.data() + NLMSG_HDRLEN, sizeof error);
    return std::unexpected(not_allowed("ask the audit log", -error));
  }
  struct audit_status status{};
  const std::size_t at = NLMSG_HDRLEN + offsetof(struct audit_status, lost);
  if (header.nlmsg_type != AUDIT_GET ||
      static_cast<std::size_t>(n) < at + sizeof status.lost) {
    return fail(ErrorCode::Unavailable,
                "the audit log does not say what it lost");
  }
  std::memcpy(&status.lost, buffer.data() + at, sizeof status.lost);
  return status.lost;
}

}  // namespace

Result<AuditLog> AuditLog::open() {
  TRY_ASSIGN(const std::uint32_t lost, lost_since_boot());
  TRY_ASSIGN(Fd fd, audit_socket(SOCK_NONBLOCK));
  // Beyond the system's limit if we may; what does not fit is told.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  struct sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
  if (::bind(fd.get(), reinterpret_cast<const struct sockaddr*>(&address),
             sizeof address) != 0) {
    return std::unexpected(not_allowed("listen to the audit log", errno));
  }
  return AuditLog(std::move(fd), lost);
}

std::vector<Record> AuditLog::read() {
  std::vector<Record> records;
  alignas(struct nlmsghdr) std::array<char, kMostRecord> buffer;
  for (;;) {
    const ssize_t n = ::recv(records_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == ENOBUFS) {
      overrun_ = true;
      continue;
    }
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < static_cast<ssize_t>(NLMSG_HDRLEN)) {
      return records;
    }
    // The length in the header leaves its own size out in some kernels; the
    // message is what came.
    struct nlmsghdr header{};
    std::memcpy(&header, buffer.data(), sizeof header);
    if (header.nlmsg_type != kAccessRecord) {
      continue;
    }
    if (auto record =
            parse_record({buffer.data() + NLMSG_HDRLEN,
                          static_cast<std::size_t>(n) - NLMSG_HDRLEN})) {
      records.push_back(*std::move(record));
    }
  }
}

bool AuditLog::wait(std::chrono::milliseconds limit) const {
  struct pollfd waited{.fd = records_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waited, 1, static_cast<int>(limit.count())) > 0;
}

std::vector<std::string> AuditLog::losses() const {
  std::vector<std::string> result;
  if (overrun_) {
    result.emplace_back(
        "records of the audit log came faster than they were read");
  }
  const auto lost = lost_since_boot();
  if (!lost) {
    result.push_back(lost.error().message());
  } else if (*lost != lost_before_) {
    result.push_back(
        fmt::format("{} records of the audit log were lost in the kernel",
                    *lost - lost_before_));
  }
  return result;
}

}  // namespace vambrace::enforcer::apparmor
