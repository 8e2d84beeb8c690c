#include "recorder/ebpf/addresses.h"

#include <fmt/format.h>

#include <algorithm>

namespace vambrace::recorder::ebpf {
namespace {

constexpr std::uint16_t kUnix = 1;
constexpr std::uint16_t kInet = 2;
constexpr std::uint16_t kInet6 = 10;

// include/linux/socket.h
std::string family_name(std::uint16_t family) {
  switch (family) {
    case 0:
      return "";
    case kUnix:
      return "unix";
    case kInet:
      return "inet";
    case kInet6:
      return "inet6";
    case 16:
      return "netlink";
    case 17:
      return "packet";
    case 38:
      return "alg";
    case 40:
      return "vsock";
    default:
      return fmt::format("{}", family);
  }
}

// include/linux/net.h; the flags above the low four bits are left out.
std::string type_name(std::uint16_t type) {
  switch (type & 0xf) {
    case 1:
      return "stream";
    case 2:
      return "dgram";
    case 3:
      return "raw";
    case 4:
      return "rdm";
    case 5:
      return "seqpacket";
    case 10:
      return "packet";
    default:
      return fmt::format("{}", type & 0xf);
  }
}

std::string inet_class(const u8* a) {
  if (a[0] == 0) {
    return "any";
  }
  if (a[0] == 127) {
    return "loopback";
  }
  const bool is_private = a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
                          (a[0] == 192 && a[1] == 168) ||
                          (a[0] == 169 && a[1] == 254);
  return is_private ? "private" : "public";
}

std::string inet6_class(const u8* a) {
  const bool zeros = std::all_of(a, a + 10, [](u8 b) { return b == 0; });
  if (zeros && a[10] == 0xff && a[11] == 0xff) {
    return inet_class(a + 12);
  }
  if (zeros && std::all_of(a + 10, a + 15, [](u8 b) { return b == 0; })) {
    return a[15] == 0 ? "any" : a[15] == 1 ? "loopback" : "public";
  }
  return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
             ? "private"
             : "public";
}

std::string inet6_text(const u8* a) {
  std::string text;
  for (int i = 0; i < 16; i += 2) {
    text += fmt::format("{}{:x}", i > 0 ? ":" : "", a[i] << 8 | a[i + 1]);
  }
  return text;
}

std::string address_of(const vmb_other_key& key, bool redact) {
  if (key.unnamed != 0) {
    return "";
  }
  switch (key.family) {
    case kInet:
      return redact ? inet_class(key.address)
                    : fmt::format("{}.{}.{}.{}", key.address[0], key.address[1],
                                  key.address[2], key.address[3]);
    case kInet6:
      return redact ? inet6_class(key.address) : inet6_text(key.address);
    case kUnix:
      return key.address[0] == 1   ? "unix"
             : key.address[0] == 2 ? "abstract"
                                   : "unnamed";
    default:
      return "";
  }
}

}  // namespace

evidence::NetworkFact network_fact(const vmb_other_key& key, bool redact) {
  evidence::NetworkFact fact;
  fact.family = family_name(key.family);
  switch (key.kind) {
    case VMB_OTHER_SOCKET:
    case VMB_OTHER_GIVEN:
      fact.operation = key.kind == VMB_OTHER_SOCKET ? "socket" : "inherit";
      fact.type = type_name(key.type);
      fact.protocol = key.protocol;
      break;
    case VMB_OTHER_BIND:
    case VMB_OTHER_CONNECT:
      fact.operation = key.kind == VMB_OTHER_BIND ? "bind" : "connect";
      fact.address = address_of(key, redact);
      fact.port = key.port;
      break;
    case VMB_OTHER_LISTEN:
      fact.operation = "listen";
      break;
    default:
      fact.operation = "accept";
      break;
  }
  return fact;
}

}  // namespace vambrace::recorder::ebpf
