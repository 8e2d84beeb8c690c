#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <map>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "recorder/ebpf/raw.h"

struct bpf_object;

namespace vambrace::recorder::ebpf {

// The maps of one recording, loaded by us or found pinned. Owns descriptors.
class Maps {
 public:
  static Result<Maps> of(bpf_object* object);
  static Result<Maps> pinned(const std::string& directory);

  int fd(const std::string& name) const;
  // Pins every map below the directory, under its own name.
  Result<> pin(const std::string& directory) const;

  template <class Value>
  Result<Value> at(const std::string& name, std::uint32_t index) const {
    Value value{};
    if (bpf_map_lookup_elem(fd(name), &index, &value) != 0) {
      return fail(ErrorCode::Internal, "map {}: no entry {}", name, index);
    }
    return value;
  }

  template <class Key, class Value>
  Result<> put(const std::string& name, const Key& key,
               const Value& value) const {
    if (bpf_map_update_elem(fd(name), &key, &value, BPF_ANY) != 0) {
      return fail(ErrorCode::Unavailable, "map {}: cannot write (errno {})",
                  name, errno);
    }
    return {};
  }

  template <class Key, class Value>
  Table<Key, Value> table(const std::string& name) const {
    Table<Key, Value> rows;
    Key key{};
    const Key* previous = nullptr;
    Key next{};
    while (bpf_map_get_next_key(fd(name), previous, &next) == 0) {
      key = next;
      previous = &key;
      Value value{};
      if (bpf_map_lookup_elem(fd(name), &key, &value) == 0) {
        rows.emplace_back(key, value);
      }
    }
    return rows;
  }

 private:
  std::map<std::string, Fd> fds_;
};

// A map of the kernel seen as memory; unmapped with the object.
template <class Value>
class Mapped {
 public:
  Mapped() = default;
  ~Mapped();
  Mapped(Mapped&& other) noexcept
      : value_(std::exchange(other.value_, nullptr)) {}
  Mapped& operator=(Mapped&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  static Result<Mapped> of(int map_fd);
  volatile Value* operator->() const { return value_; }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  volatile Value* value_ = nullptr;
};

extern template class Mapped<vmb_control>;
extern template class Mapped<vmb_counters>;

// Begins a phase, or goes back to one of that name. InvalidInput for a name
// that is empty, too long or not printable, or when there are too many.
Result<> mark_phase(const Maps& maps, const std::string& name);

}  // namespace vambrace::recorder::ebpf
