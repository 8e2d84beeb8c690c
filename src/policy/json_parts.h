#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "policy/policy.h"

// The parts that the files of json.h have in common.
namespace vambrace::policy {

json::Value quoted(const std::set<std::string>& names);
json::Value reasons_json(const std::vector<Reason>& reasons);

Result<> bad(const std::string& place, std::string_view what);
Result<std::set<std::string>> read_names(json::Reader& reader, const char* key);
// Empty if the key is missing.
Result<std::string> read_quoted(json::Reader& reader, const char* key);
// At least one.
Result<std::vector<Reason>> read_reasons(json::Reader& reader);

// Applies `read` to each element of an array and insists on strict order.
template <class T, class Read>
Result<std::vector<T>> read_list(json::Reader& reader, const char* key,
                                 Read read) {
  TRY_ASSIGN(const json::Value* array, reader.array(key));
  std::vector<T> out;
  for (const json::Value& value : *array) {
    const std::string place =
        fmt::format("{}[{}]", reader.place_of(key), out.size());
    TRY_ASSIGN(T item, read(value, place));
    if (!out.empty() && !(out.back() < item)) {
      TRY(bad(place, "not sorted or not unique"));
    }
    out.push_back(std::move(item));
  }
  return out;
}

// The key "program"; empty is the main one, of which nothing is put.
void put_program(json::Value& out, const std::string& program);

// Files, sockets, signals, mounts, traces and abstractions.
json::Value to_json(const MountRule& rule);
json::Value to_json(const TraceRule& rule);
Result<MountRule> read_mount_rule(const json::Value& value,
                                  const std::string& place);
Result<TraceRule> read_trace_rule(const json::Value& value,
                                  const std::string& place);
json::Value to_json(const FileRule& rule);
json::Value to_json(const FileDenial& denial);
json::Value to_json(const SocketRule& rule);
json::Value to_json(const SignalRule& rule);
json::Value to_json(const Abstraction& abstraction);
Result<FileRule> read_file_rule(const json::Value& value,
                                const std::string& place);
Result<FileDenial> read_file_denial(const json::Value& value,
                                    const std::string& place);
Result<SocketRule> read_socket_rule(const json::Value& value,
                                    const std::string& place);
Result<SignalRule> read_signal_rule(const json::Value& value,
                                    const std::string& place);
Result<Abstraction> read_abstraction(const json::Value& value,
                                     const std::string& place);

}  // namespace vambrace::policy
