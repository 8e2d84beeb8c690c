#include "enforcer/docker_arguments.h"

#include <algorithm>

#include "kernel/capabilities.h"

namespace vambrace::enforcer {
namespace {

// `docker --help` and `docker run --help` of Docker 20.10 and 28: options that
// take no value. Every other one takes one, and is listed so that a misspelt
// option does not swallow the image.
constexpr std::string_view kGlobalSwitches[] = {
    "-D", "--debug", "--tls", "--tlsverify", "-v", "--version", "--help"};
constexpr std::string_view kGlobalValues[] = {
    "-H", "--host",      "--config",  "-c",       "--context",
    "-l", "--log-level", "--tlscert", "--tlskey", "--tlscacert"};
constexpr std::string_view kSwitches[] = {"-d",
                                          "--detach",
                                          "--disable-content-trust",
                                          "--help",
                                          "--init",
                                          "-i",
                                          "--interactive",
                                          "--no-healthcheck",
                                          "--oom-kill-disable",
                                          "-P",
                                          "--publish-all",
                                          "--privileged",
                                          "-q",
                                          "--quiet",
                                          "--read-only",
                                          "--rm",
                                          "--sig-proxy",
                                          "-t",
                                          "--tty",
                                          "--use-api-socket"};
constexpr std::string_view kValues[] = {"--add-host",
                                        "--annotation",
                                        "-a",
                                        "--attach",
                                        "--blkio-weight",
                                        "--blkio-weight-device",
                                        "--cap-add",
                                        "--cap-drop",
                                        "--cgroup-parent",
                                        "--cgroupns",
                                        "--cidfile",
                                        "--cpu-count",
                                        "--cpu-percent",
                                        "--cpu-period",
                                        "--cpu-quota",
                                        "--cpu-rt-period",
                                        "--cpu-rt-runtime",
                                        "-c",
                                        "--cpu-shares",
                                        "--cpus",
                                        "--cpuset-cpus",
                                        "--cpuset-mems",
                                        "--detach-keys",
                                        "--device",
                                        "--device-cgroup-rule",
                                        "--device-read-bps",
                                        "--device-read-iops",
                                        "--device-write-bps",
                                        "--device-write-iops",
                                        "--dns",
                                        "--dns-opt",
                                        "--dns-option",
                                        "--dns-search",
                                        "--domainname",
                                        "--entrypoint",
                                        "-e",
                                        "--env",
                                        "--env-file",
                                        "--expose",
                                        "--gpus",
                                        "--group-add",
                                        "--health-cmd",
                                        "--health-interval",
                                        "--health-retries",
                                        "--health-start-interval",
                                        "--health-start-period",
                                        "--health-timeout",
                                        "-h",
                                        "--hostname",
                                        "--io-maxbandwidth",
                                        "--io-maxiops",
                                        "--ip",
                                        "--ip6",
                                        "--ipc",
                                        "--isolation",
                                        "--kernel-memory",
                                        "-l",
                                        "--label",
                                        "--label-file",
                                        "--link",
                                        "--link-local-ip",
                                        "--log-driver",
                                        "--log-opt",
                                        "--mac-address",
                                        "-m",
                                        "--memory",
                                        "--memory-reservation",
                                        "--memory-swap",
                                        "--memory-swappiness",
                                        "--mount",
                                        "--name",
                                        "--net",
                                        "--net-alias",
                                        "--network",
                                        "--network-alias",
                                        "--oom-score-adj",
                                        "--pid",
                                        "--pids-limit",
                                        "--platform",
                                        "-p",
                                        "--publish",
                                        "--pull",
                                        "--restart",
                                        "--runtime",
                                        "--security-opt",
                                        "--shm-size",
                                        "--stop-signal",
                                        "--stop-timeout",
                                        "--storage-opt",
                                        "--sysctl",
                                        "--tmpfs",
                                        "--ulimit",
                                        "-u",
                                        "--user",
                                        "--userns",
                                        "--uts",
                                        "-v",
                                        "--volume",
                                        "--volume-driver",
                                        "--volumes-from",
                                        "-w",
                                        "--workdir"};

bool among(std::span<const std::string_view> list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// How many words the option at the front takes, itself included.
Result<std::size_t> option_words(const std::string& word,
                                 std::span<const std::string_view> switches,
                                 std::span<const std::string_view> values) {
  if (word.starts_with("--")) {
    if (word.find('=') != std::string::npos || among(switches, word)) {
      return 1;
    }
    if (among(values, word)) {
      return 2;
    }
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("docker: unknown option {}", word))
            .with_hint(fmt::format("write it as {}=VALUE, so that it is "
                                   "clear where it ends",
                                   word)));
  }
  // A cluster of letters: the first that takes a value takes the rest of the
  // word (-p80:80), or the next one if it is the last letter (-dit, -itp 80).
  for (std::size_t i = 1; i < word.size(); ++i) {
    const std::string letter = {'-', word[i]};
    if (among(switches, letter)) {
      continue;
    }
    if (among(values, letter)) {
      return i + 1 < word.size() ? 1 : 2;
    }
    return fail(ErrorCode::InvalidInput, "docker: unknown option {} in {}",
                letter, word);
  }
  return 1;
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word.front() == '-' && word != "--";
}

// One option with the value it was given; empty for a switch.
struct Given {
  std::string name;
  std::string value;
  bool has_value = false;
};

Given given(std::span<const std::string> words) {
  const std::string& word = words.front();
  if (word.starts_with("--")) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      return {word.substr(0, equals), word.substr(equals + 1), true};
    }
    return words.size() == 2 ? Given{word, words[1], true}
                             : Given{word, "", false};
  }
  return words.size() == 2 ? Given{word, words[1], true}
                           : Given{word, "", false};
}

// The options one by one. They were accepted by parse_docker().
std::vector<Given> options_of(const DockerStart& start) {
  std::vector<Given> result;
  const std::span<const std::string> words = start.options;
  for (std::size_t i = 0; i < words.size();) {
    const Result<std::size_t> taken =
        option_words(words[i], kSwitches, kValues);
    const std::size_t n = std::min(taken.value_or(1), words.size() - i);
    result.push_back(given(words.subspan(i, n)));
    i += n;
  }
  return result;
}

// As Docker reads it (strconv.ParseBool), but what is neither counts as true.
bool is_true(const Given& option) {
  constexpr std::string_view kFalse[] = {"0",     "f",     "F",
                                         "false", "False", "FALSE"};
  return !option.has_value || !among(kFalse, option.value);
}

std::unexpected<Error> contradiction(const std::string& option,
                                     std::string_view why,
                                     std::string_view hint) {
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format("docker: {} contradicts the bundle: {}", option, why))
          .with_hint(std::string(hint)));
}

// No filter at all argues with nobody: the bundle's comes in its place. A test
// that was recorded so can be verified as it is.
bool unfiltered(const std::string& value) {
  return value == "seccomp=unconfined" || value == "seccomp:unconfined";
}

// The same of AppArmor.
bool is_apparmor(const std::string& value) {
  return value.starts_with("apparmor=") || value.starts_with("apparmor:");
}

bool unprofiled(const std::string& value) {
  return is_apparmor(value) && value.substr(9) == "unconfined";
}

Result<> check_security_option(const std::string& value, const Armour& armour) {
  if (unfiltered(value)) {
    return {};
  }
  if (value.starts_with("seccomp=") || value.starts_with("seccomp:")) {
    return contradiction("--security-opt " + value,
                         "it names another seccomp profile",
                         "leave the option out; the bundle's is put in");
  }
  if (!armour.apparmor.empty() && is_apparmor(value) && !unprofiled(value) &&
      value.substr(9) != armour.apparmor) {
    return contradiction("--security-opt " + value,
                         "it names another AppArmor profile",
                         "leave the option out; the bundle's is put in");
  }
  if (!value.starts_with("no-new-privileges")) {
    return {};
  }
  const bool asked = !value.ends_with("=false") && !value.ends_with(":false");
  if (asked != armour.no_new_privs) {
    return contradiction(
        "--security-opt " + value,
        armour.no_new_privs ? "its target has no_new_privs"
                            : "its target is without no_new_privs",
        "change target.no_new_privs in bundle.yaml and run synth again");
  }
  return {};
}

Result<> check_added(const std::string& value, const Armour& armour) {
  const std::optional<std::uint32_t> number = kernel::capability_number(value);
  if (number && std::binary_search(armour.capabilities.begin(),
                                   armour.capabilities.end(), *number)) {
    return {};
  }
  return contradiction("--cap-add " + value, "the policy does not have it",
                       "if the workload needs it, record a run that uses it");
}

Result<> check_dropped(const std::string& value, const Armour& armour) {
  const std::optional<std::uint32_t> number = kernel::capability_number(value);
  if (number && std::binary_search(armour.capabilities.begin(),
                                   armour.capabilities.end(), *number)) {
    return contradiction("--cap-drop " + value, "the policy grants it",
                         "drop it by a decision in bundle.yaml");
  }
  return {};
}

// The runtimes that Docker knows by these names; a path names its program, and
// a name out of daemon.json may be anything.
bool is_runtime(const std::string& value, runtime::Runtime wanted) {
  std::string_view name = value;
  name.remove_prefix(name.rfind('/') + 1);
  return name == runtime::to_string(wanted) ||
         (wanted == runtime::Runtime::Runc &&
          name.starts_with("io.containerd.runc."));
}

Result<> check_runtime(const std::string& value, const Armour& armour) {
  if (is_runtime(value, armour.runtime)) {
    return {};
  }
  return contradiction(
      "--runtime " + value,
      fmt::format("its profile is made for {}",
                  runtime::to_string(armour.runtime)),
      "leave it out, or render the bundle for that runtime: vambrace synth "
      "--target");
}

Result<> check(const Given& option, const Armour& armour) {
  if (option.name == "--runtime") {
    return check_runtime(option.value, armour);
  }
  if (option.name == "--privileged" && is_true(option)) {
    return contradiction("--privileged", "it switches every layer off",
                         "leave it out");
  }
  if (option.name == "--security-opt") {
    return check_security_option(option.value, armour);
  }
  if (option.name == "--cap-add") {
    return check_added(option.value, armour);
  }
  if (option.name == "--cap-drop") {
    return check_dropped(option.value, armour);
  }
  return {};
}

// Our own options make these double; Docker would take them, people would not
// understand the line.
bool superseded(const Given& option, const Armour& armour) {
  return option.name == "--cap-add" || option.name == "--cap-drop" ||
         (option.name == "--security-opt" &&
          (option.value.starts_with("no-new-privileges") ||
           unfiltered(option.value) ||
           (!armour.apparmor.empty() && is_apparmor(option.value))));
}

std::vector<std::string> armour_words(const Armour& armour) {
  std::vector<std::string> words = {"--security-opt",
                                    "seccomp=" + armour.seccomp_path};
  if (armour.no_new_privs) {
    words.insert(words.end(), {"--security-opt", "no-new-privileges"});
  }
  if (!armour.apparmor.empty()) {
    words.insert(words.end(),
                 {"--security-opt", "apparmor=" + armour.apparmor});
  }
  words.insert(words.end(), {"--cap-drop", "ALL"});
  for (const std::uint32_t number : armour.capabilities) {
    const std::string_view name =
        kernel::capability_name(number).value_or("CAP_");
    words.insert(words.end(), {"--cap-add", std::string(name.substr(4))});
  }
  return words;
}

}  // namespace

Result<std::optional<DockerStart>> parse_docker(
    std::span<const std::string> words) {
  DockerStart start;
  std::size_t at = 0;
  while (at < words.size() && is_option(words[at])) {
    TRY_ASSIGN(const std::size_t taken,
               option_words(words[at], kGlobalSwitches, kGlobalValues));
    at += taken;
  }
  if (at < words.size() && words[at] == "container") {
    ++at;
  }
  if (at >= words.size() || (words[at] != "run" && words[at] != "create")) {
    return std::nullopt;
  }
  ++at;
  start.before.assign(words.begin(), words.begin() + static_cast<long>(at));

  const std::size_t first_option = at;
  while (at < words.size() && is_option(words[at])) {
    TRY_ASSIGN(const std::size_t taken,
               option_words(words[at], kSwitches, kValues));
    at += taken;
  }
  at = std::min(at, words.size());
  start.options.assign(words.begin() + static_cast<long>(first_option),
                       words.begin() + static_cast<long>(at));
  start.rest.assign(words.begin() + static_cast<long>(at), words.end());
  const std::size_t image =
      !start.rest.empty() && start.rest.front() == "--" ? 1 : 0;
  if (start.rest.size() <= image) {
    return fail(ErrorCode::InvalidInput, "docker {}: no image is named",
                start.before.back());
  }
  start.image = start.rest[image];
  for (const Given& option : options_of(start)) {
    if (option.name == "--name") {
      start.name = option.value;
    } else if (option.name == "--runtime") {
      start.runtime = option.value;
    }
  }
  return start;
}

Result<std::vector<std::string>> put_on(const DockerStart& start,
                                        const Armour& armour) {
  std::vector<std::string> result = start.before;
  const std::vector<std::string> ours = armour_words(armour);
  result.insert(result.end(), ours.begin(), ours.end());

  const std::span<const std::string> words = start.options;
  for (std::size_t i = 0; i < words.size();) {
    TRY_ASSIGN(std::size_t taken, option_words(words[i], kSwitches, kValues));
    taken = std::min(taken, words.size() - i);
    const Given option = given(words.subspan(i, taken));
    TRY(check(option, armour));
    if (!superseded(option, armour)) {
      result.insert(result.end(), words.begin() + static_cast<long>(i),
                    words.begin() + static_cast<long>(i + taken));
    }
    i += taken;
  }
  result.insert(result.end(), start.rest.begin(), start.rest.end());
  return result;
}

}  // namespace vambrace::enforcer
