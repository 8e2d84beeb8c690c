#include "policy/apparmor/sensitive.h"

#include <algorithm>

namespace vambrace::policy::apparmor {
namespace {

constexpr std::string_view kPasswords = "hashes of passwords";
constexpr std::string_view kRights = "who may become root";
constexpr std::string_view kKeys = "private keys and tokens of a person";
constexpr std::string_view kHostKeys = "private keys of this host";
constexpr std::string_view kMemory = "memory and secrets of other processes";
constexpr std::string_view kKernel = "settings and memory of the kernel";
constexpr std::string_view kDisks = "a whole disk below its file system";
constexpr std::string_view kStart = "what runs at the next start";
constexpr std::string_view kEngine = "a container engine: root on the host";
constexpr std::string_view kCluster = "rights in the cluster";

// The maps of a process are not here: the C library reads its own, by a number
// that differs in each run, and those of others need a ptrace rule as well.
constexpr Sensitive kTable[] = {
    {"/etc/shadow*", kPasswords},
    {"/etc/gshadow*", kPasswords},
    {"/etc/.pwd.lock", kPasswords},
    {"/etc/passwd-", kPasswords},
    {"/etc/security/opasswd", kPasswords},
    {"/etc/krb5.keytab", kHostKeys},
    {"/etc/sudoers*", kRights},
    {"/etc/pam.d", kRights},
    {"/etc/polkit-1", kRights},
    {"/etc/apparmor*", "the confinement itself"},
    {"/etc/selinux", "the confinement itself"},
    {"/etc/ssh/ssh_host_*_key", kHostKeys},
    {"/etc/ssl/private", kHostKeys},
    {"/etc/pki/*/private", kHostKeys},
    {"/etc/letsencrypt/archive", kHostKeys},
    {"/etc/letsencrypt/keys", kHostKeys},
    {"/etc/letsencrypt/live", kHostKeys},
    {"/etc/NetworkManager/system-connections", "passwords of networks"},
    {"/etc/ipsec.d/private", kHostKeys},
    {"/etc/ipsec.secrets", kHostKeys},
    {"/etc/openvpn", kHostKeys},
    {"/etc/swanctl/private", kHostKeys},
    {"/etc/wireguard", kHostKeys},
    {"/etc/ld.so.preload", "code for every program"},
    {"/etc/cron*", kStart},
    {"/var/backups", kPasswords},
    {"/var/lib/private", "what services keep for themselves"},
    {"/var/spool/cron", kStart},
    {"/etc/systemd/system", kStart},
    {"/run/systemd/system", kStart},
    {"/run/systemd/private", "the service manager's socket"},
    {"/boot", kStart},
    {"/root", "the administrator's own files"},
    {"/home/*/.ssh", kKeys},
    {"/home/*/.gnupg", kKeys},
    {"/home/*/.aws", kKeys},
    {"/home/*/.azure", kKeys},
    {"/home/*/.config/gcloud", kKeys},
    {"/home/*/.docker", kKeys},
    {"/home/*/.kube", kKeys},
    {"/home/*/.netrc", kKeys},
    {"/home/*/.pgpass", kKeys},
    {"/home/*/.git-credentials", kKeys},
    {"/home/*/.config/gh", kKeys},
    {"/home/*/.npmrc", kKeys},
    {"/home/*/.pypirc", kKeys},
    {"/home/*/.vault-token", kKeys},
    {"/home/*/.*_history", "what a person typed"},
    {"/proc/*/mem", kMemory},
    {"/proc/*/environ", kMemory},
    {"/proc/*/auxv", kMemory},
    {"/proc/*/pagemap", kMemory},
    {"/proc/*/syscall", kMemory},
    {"/proc/*/stack", kMemory},
    {"/proc/*/root", "another process's file system"},
    {"/proc/*/cwd", "another process's file system"},
    {"/proc/*/task/*/mem", kMemory},
    {"/proc/*/task/*/environ", kMemory},
    {"/proc/*/task/*/auxv", kMemory},
    {"/proc/*/task/*/pagemap", kMemory},
    {"/proc/*/task/*/syscall", kMemory},
    {"/proc/*/task/*/stack", kMemory},
    {"/proc/*/task/*/root", "another process's file system"},
    {"/proc/*/task/*/cwd", "another process's file system"},
    {"/proc/kcore", kKernel},
    {"/proc/kmem", kKernel},
    {"/proc/kmsg", kKernel},
    {"/proc/kallsyms", kKernel},
    {"/proc/kpage*", kKernel},
    {"/proc/keys", kKernel},
    {"/proc/key-users", kKernel},
    {"/proc/sched_debug", kKernel},
    {"/proc/timer_list", kKernel},
    {"/proc/sysrq-trigger", kKernel},
    {"/proc/sys/kernel", kKernel},
    {"/proc/sys/vm", kKernel},
    {"/proc/sys/fs/binfmt_misc", kKernel},
    {"/proc/acpi", kKernel},
    {"/proc/scsi", kKernel},
    {"/sys/kernel", kKernel},
    {"/sys/firmware", kKernel},
    {"/sys/power", kKernel},
    {"/sys/module", kKernel},
    {"/sys/fs/bpf", kKernel},
    {"/sys/fs/selinux", "the confinement itself"},
    {"/dev/mem", kKernel},
    {"/dev/kmem", kKernel},
    {"/dev/kmsg", kKernel},
    {"/dev/port", kKernel},
    {"/dev/mapper", kDisks},
    {"/dev/dm-*", kDisks},
    {"/dev/sd*", kDisks},
    {"/dev/hd*", kDisks},
    {"/dev/vd*", kDisks},
    {"/dev/xvd*", kDisks},
    {"/dev/nvme*", kDisks},
    {"/dev/mmcblk*", kDisks},
    {"/dev/md*", kDisks},
    {"/dev/loop*", kDisks},
    {"/dev/disk", kDisks},
    {"/dev/input", "keystrokes"},
    {"/dev/uinput", "keystrokes"},
    {"/dev/vfio", "devices past the kernel"},
    {"/run/docker.sock", kEngine},
    {"/var/run/docker.sock", kEngine},
    {"/run/docker", kEngine},
    {"/run/containerd", kEngine},
    {"/var/run/containerd", kEngine},
    {"/run/crio", kEngine},
    {"/var/run/crio", kEngine},
    {"/run/podman", kEngine},
    {"/var/run/podman", kEngine},
    {"/run/user/*/podman", kEngine},
    {"/run/user/*/docker.sock", kEngine},
    {"/run/user/*/keyring", kKeys},
    {"/run/user/*/gnupg", kKeys},
    {"/run/k3s/containerd", kEngine},
    {"/run/secrets", "secrets given to a container"},
    {"/var/run/secrets", "secrets given to a container"},
    {"/run/credentials", "secrets given to a service"},
    {"/var/lib/kubelet/pki", kCluster},
    {"/var/lib/kubelet/config.json", kCluster},
    {"/var/lib/kubelet/pods/*/volumes/kubernetes.io~secret", kCluster},
    {"/var/lib/kubelet/pods/*/volumes/kubernetes.io~projected/kube-api-*",
     kCluster},
    {"/etc/kubernetes", kCluster},
    {"/etc/rancher", kCluster},
    {"/var/lib/rancher/*/server", kCluster},
    {"/var/lib/etcd", kCluster},
};

constexpr std::string_view kSecretWords[] = {"shadow", "secret", "token",
                                             "password", "passwd"};
constexpr std::string_view kDataEndings[] = {
    "",      ".bak", ".cfg", ".conf", ".db",   ".env", ".ini",
    ".json", ".old", ".txt", ".toml", ".yaml", ".yml", ".xml"};

// Each entry twice: the path itself, and all that is below it.
struct Entry {
  const Sensitive* of;
  std::string_view start;  // of each of its paths
  std::vector<Piece> itself;
  std::vector<Piece> below;
};

std::vector<Piece> pieces_of(std::string_view prefix) {
  std::vector<Piece> out;
  for (const char byte : prefix) {
    if (byte == '*') {
      out.push_back({.bytes = no_slash(), .min = 0, .max = 0});
    } else {
      out.push_back({.bytes = one_of({&byte, 1})});
    }
  }
  return out;
}

std::vector<Entry> entries() {
  std::vector<Entry> out;
  for (const Sensitive& sensitive : kTable) {
    const std::string_view prefix = sensitive.prefix;
    Entry entry{.of = &sensitive,
                .start = prefix.substr(0, prefix.find('*')),
                .itself = pieces_of(prefix),
                .below = pieces_of(prefix)};
    entry.below.push_back({.bytes = one_of("/")});
    entry.below.push_back({.bytes = any_byte(), .min = 0, .max = 0});
    out.push_back(std::move(entry));
  }
  return out;
}

const std::vector<Entry>& all_entries() {
  static const std::vector<Entry> kEntries = entries();
  return kEntries;
}

// Whether one of them begins with the other. Most differ in their first bytes.
bool begin_alike(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  return in_a == a.end() || in_b == b.end();
}

}  // namespace

std::span<const Sensitive> sensitive_paths() {
  return kTable;
}

const Sensitive* touched(std::span<const Piece> pattern) {
  const std::string start = fixed_start(pattern);
  const auto found =
      std::ranges::find_if(all_entries(), [&](const Entry& entry) {
        return begin_alike(start, entry.start) &&
               (overlap(pattern, entry.itself) ||
                overlap(pattern, entry.below));
      });
  return found == all_entries().end() ? nullptr : found->of;
}

bool looks_secret(std::string_view name) {
  std::string low(name);
  std::ranges::transform(low, low.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto has = [&](std::string_view word) { return low.contains(word); };
  if (low.ends_with(".key")) {
    return true;
  }
  if (low.ends_with(".pem")) {
    return has("priv") || has("key");
  }
  // Of code and pages these words are often the topic.
  const std::size_t dot = low.rfind('.');
  const std::string_view ending = dot == low.npos || dot == 0
                                      ? std::string_view()
                                      : std::string_view(low).substr(dot);
  return std::ranges::find(kDataEndings, ending) != std::end(kDataEndings) &&
         std::ranges::any_of(kSecretWords, has);
}

bool may_touch(std::string_view start) {
  return std::ranges::any_of(all_entries(), [&](const Entry& entry) {
    return begin_alike(start, entry.start);
  });
}

const Sensitive* touched(const Pattern& pattern) {
  static const std::vector<Pattern> kPatterns = [] {
    std::vector<Pattern> out;
    for (const Sensitive& path : kTable) {
      out.push_back(
          Pattern::parse(std::string(path.prefix) + "{,/,/**}").value());
    }
    return out;
  }();
  for (std::size_t i = 0; i < kPatterns.size(); ++i) {
    if (overlap(pattern, kPatterns[i])) {
      return &kTable[i];
    }
  }
  return nullptr;
}

}  // namespace vambrace::policy::apparmor
