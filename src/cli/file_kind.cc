#include "cli/file_kind.h"

#include "base/json.h"

namespace vambrace::cli {
namespace {

struct Kind {
  std::string_view schema;  // how it begins, up to the version
  std::string_view name;
  std::string_view taken_by;
};

constexpr Kind kKinds[] = {
    {"vambrace.evidence/", "evidence",
     "vambrace synth FILE -o DIR makes a bundle of it"},
    {"vambrace.policy/", "the policy of a bundle",
     "name the bundle, the folder that it lies in"},
    {"vambrace.capabilities/", "the capability set of a bundle",
     "name the bundle, the folder that it lies in"},
    {"vambrace.bundle/", "the manifest of a bundle",
     "name the bundle, the folder that it lies in"},
    {"vambrace.layer/", "a runtime's calibration",
     "vambrace synth --layer FILE takes it"},
};
constexpr Kind kProfile = {"", "a seccomp profile",
                           "vambrace lint, evaluate and diff take it"};
constexpr Kind kBundle = {"", "a bundle",
                          "vambrace explain, replay, verify and run take it; "
                          "its evidence lies in its folder evidence/"};
constexpr Kind kFolder = {"", "a folder", "name the files in it"};

const Kind* kind_of(std::string_view schema) {
  for (const Kind& kind : kKinds) {
    if (schema.starts_with(kind.schema)) {
      return &kind;
    }
  }
  return nullptr;
}

const Kind* kind_of(const Files& files, const std::string& path) {
  if (files.is_directory(path)) {
    return files.exists(path + "/bundle.yaml") ? &kBundle : &kFolder;
  }
  constexpr std::uint64_t kWorthAsking = 16ULL << 20;
  const auto text = files.read(path, kWorthAsking);
  if (!text) {
    return nullptr;
  }
  // A manifest may begin with what people wrote above it.
  if (constexpr std::string_view kYaml = "schema: ";
      text->starts_with(kYaml) || text->contains(fmt::format("\n{}", kYaml))) {
    return kind_of(
        std::string_view(*text).substr(text->find(kYaml) + kYaml.size()));
  }
  const auto value = json::parse(*text);
  if (!value || !value->is_object()) {
    return nullptr;
  }
  if (value->contains("defaultAction")) {
    return &kProfile;
  }
  const auto schema = value->find("schema");
  return schema != value->end() && schema->is_string()
             ? kind_of(schema->get_ref<const std::string&>())
             : nullptr;
}

std::string_view name_of(Wanted wanted) {
  switch (wanted) {
    case Wanted::Evidence:
      return "evidence";
    case Wanted::Bundle:
      return "a bundle";
    case Wanted::Profile:
      return "a seccomp profile";
  }
  return "that";
}

}  // namespace

Error wrong_kind(const Files& files, const std::string& path, Wanted wanted,
                 Error error) {
  const Kind* kind = kind_of(files, path);
  if (kind == nullptr || kind->name == name_of(wanted)) {
    return error;
  }
  return Error(
             ErrorCode::InvalidInput,
             fmt::format("{} is {}, not {}", path, kind->name, name_of(wanted)))
      .with_hint(std::string(kind->taken_by));
}

Result<> check_bundle(const Files& files, const std::string& path) {
  if (!files.exists(path) || files.is_directory(path)) {
    return {};
  }
  return std::unexpected(
      wrong_kind(files, path, Wanted::Bundle,
                 Error(ErrorCode::InvalidInput,
                       fmt::format("{} is a file, not a bundle", path))
                     .with_hint("a bundle is a folder that vambrace synth "
                                "makes")));
}

}  // namespace vambrace::cli
