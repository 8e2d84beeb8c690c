#include "policy/seccomp/cbpf.h"

#include <optional>

namespace vambrace::policy::seccomp {
namespace {

// include/uapi/linux/bpf_common.h
constexpr std::uint16_t kLd = 0x00;
constexpr std::uint16_t kLdx = 0x01;
constexpr std::uint16_t kSt = 0x02;
constexpr std::uint16_t kStx = 0x03;
constexpr std::uint16_t kAlu = 0x04;
constexpr std::uint16_t kJmp = 0x05;
constexpr std::uint16_t kRet = 0x06;
constexpr std::uint16_t kMisc = 0x07;
constexpr std::uint16_t kImm = 0x00;
constexpr std::uint16_t kAbs = 0x20;
constexpr std::uint16_t kMem = 0x60;
constexpr std::uint16_t kLen = 0x80;
constexpr std::uint16_t kX = 0x08;
constexpr std::uint16_t kA = 0x10;
constexpr std::uint16_t kTxa = 0x80;

constexpr std::uint16_t kAdd = 0x00;
constexpr std::uint16_t kSub = 0x10;
constexpr std::uint16_t kMul = 0x20;
constexpr std::uint16_t kDiv = 0x30;
constexpr std::uint16_t kOr = 0x40;
constexpr std::uint16_t kAnd = 0x50;
constexpr std::uint16_t kLsh = 0x60;
constexpr std::uint16_t kRsh = 0x70;
constexpr std::uint16_t kNeg = 0x80;
constexpr std::uint16_t kXor = 0xa0;

constexpr std::uint16_t kJa = 0x00;
constexpr std::uint16_t kJeq = 0x10;
constexpr std::uint16_t kJgt = 0x20;
constexpr std::uint16_t kJge = 0x30;
constexpr std::uint16_t kJset = 0x40;

constexpr std::uint32_t kMemWords = 16;
constexpr std::uint32_t kOffsetNr = 0;
constexpr std::uint32_t kOffsetArch = 4;
constexpr std::uint32_t kOffsetIp = 8;
constexpr std::uint32_t kOffsetArgs = 16;

std::uint16_t class_of(std::uint16_t code) {
  return code & 0x07;
}
std::uint16_t operation(std::uint16_t code) {
  return code & 0xf0;
}
bool uses_x(std::uint16_t code) {
  return (code & kX) != 0;
}

// The opcodes that seccomp_check_filter lets through.
bool allowed(std::uint16_t code) {
  switch (class_of(code)) {
    case kLd:
      return code == (kLd | kAbs) || code == (kLd | kLen) ||
             code == (kLd | kImm) || code == (kLd | kMem);
    case kLdx:
      return code == (kLdx | kLen) || code == (kLdx | kImm) ||
             code == (kLdx | kMem);
    case kSt:
      return code == kSt;
    case kStx:
      return code == kStx;
    case kAlu: {
      if (code == (kAlu | kNeg)) {
        return true;
      }
      const std::uint16_t op = operation(code);
      return (code & ~(0xf0 | kX)) == kAlu && (op <= kRsh || op == kXor);
    }
    case kJmp: {
      if (code == (kJmp | kJa)) {
        return true;
      }
      const std::uint16_t op = operation(code);
      return (code & ~(0xf0 | kX)) == kJmp && op >= kJeq && op <= kJset;
    }
    case kRet:
      return code == kRet || code == (kRet | kA);
    default:
      return code == kMisc || code == (kMisc | kTxa);
  }
}

const char* fault(std::span<const Instruction> program, std::size_t at) {
  const Instruction& in = program[at];
  if (!allowed(in.code)) {
    return "an opcode that seccomp does not run";
  }
  const std::size_t left = program.size() - at - 1;
  switch (class_of(in.code)) {
    case kLd:
    case kLdx:
      if (in.code == (kLd | kAbs) && (in.k >= kCallBytes || (in.k & 3U) != 0)) {
        return "a load outside of the call's data";
      }
      if ((in.code & 0xe0) == kMem && in.k >= kMemWords) {
        return "a scratch word above 15";
      }
      return nullptr;
    case kSt:
    case kStx:
      return in.k >= kMemWords ? "a scratch word above 15" : nullptr;
    case kAlu:
      if (in.code == (kAlu | kDiv) && in.k == 0) {
        return "a division by zero";
      }
      if ((in.code == (kAlu | kLsh) || in.code == (kAlu | kRsh)) &&
          in.k >= 32) {
        return "a shift by more than 31";
      }
      return nullptr;
    case kJmp:
      if (in.code == (kJmp | kJa)) {
        return in.k >= left ? "a jump past the end" : nullptr;
      }
      return in.jt >= left || in.jf >= left ? "a jump past the end" : nullptr;
    default:
      return nullptr;
  }
}

// A scratch word must have been stored on every way to its load.
const char* unstored_load(std::span<const Instruction> program,
                          std::size_t* where) {
  std::vector<std::uint16_t> masks(program.size(), 0xffff);
  std::uint16_t stored = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    stored &= masks[at];
    const Instruction& in = program[at];
    switch (class_of(in.code)) {
      case kSt:
      case kStx:
        stored |= static_cast<std::uint16_t>(1U << in.k);
        break;
      case kLd:
      case kLdx:
        if ((in.code & 0xe0) == kMem && ((stored >> in.k) & 1U) == 0) {
          *where = at;
          return "a load of a scratch word that may never have been stored";
        }
        break;
      case kJmp:
        if (in.code == (kJmp | kJa)) {
          masks[at + 1 + in.k] &= stored;
        } else {
          masks[at + 1 + in.jt] &= stored;
          masks[at + 1 + in.jf] &= stored;
        }
        stored = 0xffff;
        break;
      default:
        break;
    }
  }
  return nullptr;
}

std::uint32_t load(const Call& call, std::uint32_t offset) {
  const auto half = [&](std::uint64_t value) {
    return static_cast<std::uint32_t>((offset & 4U) != 0 ? value >> 32 : value);
  };
  if (offset == kOffsetNr) {
    return call.nr;
  }
  if (offset == kOffsetArch) {
    return call.arch;
  }
  if (offset < kOffsetArgs) {
    return half(call.ip);
  }
  return half(call.args[(offset - kOffsetArgs) / 8]);
}

// nullopt: division by zero, which ends the program with 0.
std::optional<std::uint32_t> compute(std::uint16_t op, std::uint32_t a,
                                     std::uint32_t b) {
  switch (op) {
    case kAdd:
      return a + b;
    case kSub:
      return a - b;
    case kMul:
      return a * b;
    case kDiv:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case kOr:
      return a | b;
    case kAnd:
      return a & b;
    case kLsh:
      return a << (b & 31U);
    case kRsh:
      return a >> (b & 31U);
    case kXor:
      return a ^ b;
    default:
      return 0 - a;  // kNeg
  }
}

bool compare(std::uint16_t op, std::uint32_t a, std::uint32_t b) {
  switch (op) {
    case kJeq:
      return a == b;
    case kJgt:
      return a > b;
    case kJge:
      return a >= b;
    default:
      return (a & b) != 0;  // kJset
  }
}

}  // namespace

Result<> validate(std::span<const Instruction> program) {
  if (program.empty() || program.size() > kMaxInstructions) {
    return fail(ErrorCode::InvalidInput,
                "a filter has 1 to {} instructions, this one {}",
                kMaxInstructions, program.size());
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    if (const char* why = fault(program, at); why != nullptr) {
      return fail(ErrorCode::InvalidInput, "instruction {}: {}", at, why);
    }
  }
  if (class_of(program.back().code) != kRet) {
    return fail(ErrorCode::InvalidInput,
                "instruction {}: the last one is no return",
                program.size() - 1);
  }
  std::size_t at = 0;
  if (const char* why = unstored_load(program, &at); why != nullptr) {
    return fail(ErrorCode::InvalidInput, "instruction {}: {}", at, why);
  }
  return {};
}

std::uint32_t run(std::span<const Instruction> program, const Call& call,
                  bool* loads_args) {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, kMemWords> scratch{};
  if (loads_args != nullptr) {
    *loads_args = false;
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Instruction& in = program[at];
    switch (class_of(in.code)) {
      case kLd:
      case kLdx: {
        const std::uint16_t mode = in.code & 0xe0;
        std::uint32_t value = in.k;
        if (mode == kAbs) {
          value = load(call, in.k);
          if (loads_args != nullptr && in.k >= kOffsetIp) {
            *loads_args = true;
          }
        } else if (mode == kMem) {
          value = scratch[in.k];
        } else if (mode == kLen) {
          value = kCallBytes;
        }
        (class_of(in.code) == kLd ? a : x) = value;
        break;
      }
      case kSt:
        scratch[in.k] = a;
        break;
      case kStx:
        scratch[in.k] = x;
        break;
      case kAlu: {
        const std::optional<std::uint32_t> value =
            compute(operation(in.code), a, uses_x(in.code) ? x : in.k);
        if (!value) {
          return 0;
        }
        a = *value;
        break;
      }
      case kJmp:
        if (in.code == (kJmp | kJa)) {
          at += in.k;
        } else {
          at += compare(operation(in.code), a, uses_x(in.code) ? x : in.k)
                    ? in.jt
                    : in.jf;
        }
        break;
      case kRet:
        return in.code == kRet ? in.k : a;
      default:
        if (in.code == kMisc) {
          x = a;
        } else {
          a = x;
        }
        break;
    }
  }
  CHECK(false);  // a validated program returns
  return 0;
}

bool constant_allow(std::span<const Instruction> program, std::uint32_t arch,
                    std::uint32_t nr) {
  constexpr std::uint32_t kAllow = 0x7fff0000;
  std::uint32_t a = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Instruction& in = program[at];
    switch (in.code) {
      case kLd | kAbs:
        if (in.k != kOffsetNr && in.k != kOffsetArch) {
          return false;
        }
        a = in.k == kOffsetNr ? nr : arch;
        break;
      case kRet:
        return in.k == kAllow;
      case kJmp | kJa:
        at += in.k;
        break;
      case kJmp | kJeq:
      case kJmp | kJgt:
      case kJmp | kJge:
      case kJmp | kJset:
        at += compare(operation(in.code), a, in.k) ? in.jt : in.jf;
        break;
      case kAlu | kAnd:
        a &= in.k;
        break;
      default:
        return false;
    }
  }
  return false;
}

}  // namespace vambrace::policy::seccomp
