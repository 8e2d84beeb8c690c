#include "elf/asked_root.h"

#include <algorithm>

#include "elf/once.h"

namespace vambrace::elf {
namespace {

using What = Question::What;

// By the values of What.
constexpr std::array<std::string_view, 4> kWords = {"resolve", "is-file",
                                                    "list", "read"};

Digest digest_of_error(const Error& error) {
  const auto code = static_cast<char>(error.code());
  // The message may become part of a gap.
  return digest_of(std::array{std::string_view("error"),
                              std::string_view(&code, 1),
                              std::string_view(error.message())});
}

Digest digest_of_file(const Result<RootDigest>& file) {
  return file ? digest_of(std::array{std::string_view("file"),
                                     std::string_view(file->path),
                                     std::string_view(hex_of(file->content))})
              : digest_of_error(file.error());
}

Digest digest_of_place(const std::optional<std::string>& place) {
  return place ? digest_of(std::array{std::string_view("place"),
                                      std::string_view(*place)})
               : digest_of(std::array{std::string_view("no place")});
}

Digest digest_of_truth(bool truth) {
  return digest_of(std::array{std::string_view(truth ? "yes" : "no")});
}

Digest digest_of_list(const Result<std::vector<std::string>>& names) {
  if (!names) {
    return digest_of_error(names.error());
  }
  std::vector<std::string_view> parts = {"names"};
  parts.insert(parts.end(), names->begin(), names->end());
  return digest_of(parts);
}

}  // namespace

std::string_view to_string(Question::What what) {
  return kWords[static_cast<std::size_t>(what)];
}

std::optional<Question::What> what_from(std::string_view name) {
  const auto found = std::ranges::find(kWords, name);
  if (found == kWords.end()) {
    return std::nullopt;
  }
  return static_cast<What>(found - kWords.begin());
}

Digest answer_of(const Root& root, const Question& question) {
  switch (question.what) {
    case What::Read:
      return digest_of_file(root.digest(question.path, question.limit));
    case What::Resolve:
      return digest_of_place(root.resolve(question.path));
    case What::IsFile:
      return digest_of_truth(root.is_file(question.path));
    case What::List:
      return digest_of_list(root.list(question.path));
  }
  return {};
}

Result<RootFile> AskedRoot::read(const std::string& path,
                                 std::uint64_t limit) const {
  return once(files_, {path, limit}, [&] { return root_.read(path, limit); });
}

std::optional<std::string> AskedRoot::resolve(const std::string& path) const {
  return once(places_, path, [&] { return root_.resolve(path); });
}

bool AskedRoot::is_file(const std::string& path) const {
  return once(are_files_, path, [&] { return root_.is_file(path); });
}

Result<std::vector<std::string>> AskedRoot::list(
    const std::string& folder) const {
  return once(lists_, folder, [&] { return root_.list(folder); });
}

std::vector<Asked> AskedRoot::asked() const {
  std::vector<Asked> all;
  for (const auto& [path, place] : places_) {
    if (!tells_itself(path, place)) {
      all.push_back({{What::Resolve, path}, digest_of_place(place)});
    }
  }
  for (const auto& [path, truth] : are_files_) {
    if (!tells_itself(path, truth)) {
      all.push_back({{What::IsFile, path}, digest_of_truth(truth)});
    }
  }
  for (const auto& [folder, names] : lists_) {
    all.push_back({{What::List, folder}, digest_of_list(names)});
  }
  for (const auto& [key, file] : files_) {
    // Known already: asks this root, not the one behind it.
    all.push_back({{What::Read, key.first, key.second},
                   digest_of_file(digest(key.first, key.second))});
  }
  return all;
}

const RootFile* AskedRoot::file_at(const std::string& path) const {
  const auto found = files_.lower_bound({path, 0});
  for (auto file = found; file != files_.end() && file->first.first == path;
       ++file) {
    if (file->second) {
      return &*file->second;
    }
  }
  return nullptr;
}

bool AskedRoot::tells_itself(const std::string& path,
                             const std::optional<std::string>& place) const {
  const RootFile* file = file_at(path);
  return file != nullptr && place == file->path;
}

bool AskedRoot::tells_itself(const std::string& path, bool is_file) const {
  return is_file && file_at(path) != nullptr;
}

}  // namespace vambrace::elf
