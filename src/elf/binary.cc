#include "elf/binary.h"

namespace vambrace::elf {

Result<std::shared_ptr<const Binary>> read_binary(const Bytes& bytes) {
  auto binary = std::make_shared<Binary>();
  binary->bytes = bytes;
  TRY_ASSIGN(binary->image, parse_image(binary->bytes.text()));
  binary->code = scan_code(binary->image);
  binary->data = find_cells(binary->image, binary->code);
  binary->exports = Exports(binary->image.symbols);
  return binary;
}

Result<std::shared_ptr<const Binary>> Binaries::read(const RootFile& file) {
  const auto known = kept_.find(file.path);
  if (known != kept_.end()) {
    const std::string_view before = known->second->bytes.text();
    const std::string_view now = file.bytes.text();
    if ((before.data() == now.data() && before.size() == now.size()) ||
        before == now) {
      return known->second;
    }
    bytes_ -= known->second->bytes.size();
    kept_.erase(known);
  }
  TRY_ASSIGN(std::shared_ptr<const Binary> binary, read_binary(file.bytes));
  if (file.bytes.size() <= limit_) {
    // What is asked for again comes back soon; which that is, nobody knows.
    if (bytes_ + file.bytes.size() > limit_) {
      kept_.clear();
      bytes_ = 0;
    }
    bytes_ += file.bytes.size();
    kept_.emplace(file.path, binary);
  }
  return binary;
}

}  // namespace vambrace::elf
