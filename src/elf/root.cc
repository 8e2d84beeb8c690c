#include "elf/root.h"

namespace vambrace::elf {

Bytes::Bytes(std::string bytes) : size_(bytes.size()) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  bytes_ = std::shared_ptr<const std::uint8_t[]>(
      owner, reinterpret_cast<const std::uint8_t*>(owner->data()));
}

}  // namespace vambrace::elf
