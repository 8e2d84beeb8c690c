#include <cstddef>
#include <cstdint>
#include <string>

#include "attest/container_options.h"
#include "base/json.h"
#include "base/result.h"
#include "enforcer/runc_config.h"
#include "recorder/ebpf/docker.h"
#include "recorder/ebpf/oci.h"

namespace {

namespace ebpf = vambrace::recorder::ebpf;
namespace enforcer = vambrace::enforcer;
namespace json = vambrace::json;

void read_docker(const std::string& text) {
  if (const auto answer = ebpf::parse_answer(text)) {
    CHECK(answer->body.size() < text.size());
  }
  if (const auto container = ebpf::parse_container(text)) {
    CHECK(!container->id.empty() && container->pid >= 0);
  }
}

// Any answer is judged; one without a read-only root is never equal to a
// context with one.
void judge_options(const std::string& text) {
  const auto options = vambrace::attest::parse_options(text);
  if (!options) {
    CHECK(options.error().code() == vambrace::ErrorCode::InvalidInput);
    return;
  }
  std::vector<std::string> unknown;
  const auto findings =
      vambrace::attest::judge_options(*options, {}, {"/data"}, unknown);
  CHECK(options->read_only_root || !findings.empty());
}

// Whatever a bundle's config.json was, with the armor on it has exactly ours.
void put_armour_on(const std::string& text) {
  const enforcer::Armour armour{
      .seccomp_path = "/b/seccomp.json",
      .seccomp_json = R"({"defaultAction":"SCMP_ACT_ERRNO"})",
      .capabilities = {10},
      .no_new_privs = true};
  const auto armoured = enforcer::armoured_config(text, "/bundles/web", armour);
  if (!armoured) {
    CHECK(armoured.error().code() == vambrace::ErrorCode::InvalidInput);
    return;
  }
  const json::Value config = json::parse(*armoured).value();
  const json::Value names = {"CAP_NET_BIND_SERVICE"};
  const json::Value& process = config.at("process");
  CHECK(process.at("noNewPrivileges") == true);
  CHECK(process.at("capabilities").at("bounding") == names);
  CHECK(process.at("capabilities").at("effective") == names);
  CHECK(config.at("linux").at("seccomp").at("defaultAction") ==
        "SCMP_ACT_ERRNO");
}

}  // namespace

// What Docker, runc and crun say about containers, and what a bundle asks of
// runc.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_docker(text);
  for (const char* key : {"pid", "init_process_pid"}) {
    CHECK(ebpf::pid_in_state(text, key) >= 0);
  }
  put_armour_on(text);
  judge_options(text);
  return 0;
}
