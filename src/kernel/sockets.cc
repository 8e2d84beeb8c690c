#include "kernel/sockets.h"

#include <array>

namespace vambrace::kernel {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kFamilies = {
    "unspec"sv,    "unix"sv,       "inet"sv,    "ax25"sv,    "ipx"sv,
    "appletalk"sv, "netrom"sv,     "bridge"sv,  "atmpvc"sv,  "x25"sv,
    "inet6"sv,     "rose"sv,       ""sv,        "netbeui"sv, "security"sv,
    "key"sv,       "netlink"sv,    "packet"sv,  "ash"sv,     "econet"sv,
    "atmsvc"sv,    "rds"sv,        "sna"sv,     "irda"sv,    "pppox"sv,
    "wanpipe"sv,   "llc"sv,        "ib"sv,      "mpls"sv,    "can"sv,
    "tipc"sv,      "bluetooth"sv,  "iucv"sv,    "rxrpc"sv,   "isdn"sv,
    "phonet"sv,    "ieee802154"sv, "caif"sv,    "alg"sv,     "nfc"sv,
    "vsock"sv,     "kcm"sv,        "qipcrtr"sv, "smc"sv,     "xdp"sv,
};

constexpr std::array kTypes = {
    ""sv, "stream"sv, "dgram"sv, "raw"sv, "rdm"sv,    "seqpacket"sv,
    ""sv, ""sv,       ""sv,      ""sv,    "packet"sv,
};

constexpr std::array kSignals = {
    "exists"sv, "hup"sv,  "int"sv,    "quit"sv, "ill"sv,  "trap"sv,   "abrt"sv,
    "bus"sv,    "fpe"sv,  "kill"sv,   "usr1"sv, "segv"sv, "usr2"sv,   "pipe"sv,
    "alrm"sv,   "term"sv, "stkflt"sv, "chld"sv, "cont"sv, "stop"sv,   "stp"sv,
    "ttin"sv,   "ttou"sv, "urg"sv,    "xcpu"sv, "xfsz"sv, "vtalrm"sv, "prof"sv,
    "winch"sv,  "io"sv,   "pwr"sv,    "sys"sv,
};

template <std::size_t N>
std::optional<std::string_view> at(const std::array<std::string_view, N>& names,
                                   std::uint64_t number) {
  if (number >= N || names[number].empty()) {
    return std::nullopt;
  }
  return names[number];
}

}  // namespace

std::optional<std::string_view> socket_family_name(std::uint64_t number) {
  return number == 0 ? std::nullopt : at(kFamilies, number);
}

std::optional<std::string_view> socket_type_name(std::uint64_t number) {
  return at(kTypes, number & 0xf);
}

std::optional<std::string_view> signal_name(std::uint32_t number) {
  return at(kSignals, number);
}

}  // namespace vambrace::kernel
