#include "elf/root.h"

namespace vambrace::elf {

Bytes::Bytes(std::string bytes) : size_(bytes.size()) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  bytes_ = std::shared_ptr<const std::uint8_t[]>(
      owner, reinterpret_cast<const std::uint8_t*>(owner->data()));
}

Result<RootDigest> Root::digest(const std::string& path,
                                std::uint64_t limit) const {
  TRY_ASSIGN(RootFile file, read(path, limit));
  return RootDigest{std::move(file.path),
                    digest_of(std::array{file.bytes.text()})};
}

}  // namespace vambrace::elf
