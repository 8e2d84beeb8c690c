#include "policy/run_names.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "policy/apparmor/hash_store.h"
#include "policy/apparmor/quote.h"
#include "policy/fates.h"
#include "policy/name_signs.h"
#include "policy/reasons.h"
#include "policy/securitycontext/image_files.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

using evidence::FileFact;

constexpr NameSign kLevel{"part of a hash"};

// One name of a path that may be of this run.
struct Candidate {
  std::string place;
  NameSign sign;
  bool level = false;  // of a store: what is below counts
  bool made = false;
  bool written = false;
  std::set<std::string_view> recordings;
};

std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> names;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    names.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(names.back().size());
  }
  return names;
}

class Search {
 public:
  Search(const evidence::Evidence& evidence,
         const std::vector<WrittenRule>& rules)
      : evidence_(evidence), signs_(evidence) {
    for (const WrittenRule& rule : rules) {
      add(rule);
    }
    if (!candidates_.empty()) {
      look_up();
    }
  }

  std::vector<RunNames> found() const {
    std::map<std::tuple<std::string_view, std::string_view, bool>, RunNames>
        found;
    std::set<std::string_view> told;
    for (const auto& [path, candidate] : candidates_) {
      const bool certain = candidate.sign.certain;
      if (candidate.recordings.size() > 1 || is_below(path, told) ||
          !(candidate.made || (certain && candidate.written))) {
        continue;
      }
      told.insert(path);
      const std::size_t slash = path.rfind('/') + 1;
      RunNames& names =
          found[{candidate.place, path.substr(0, slash), certain}];
      names.place = candidate.place;
      names.folder = path.substr(0, slash);
      names.names.emplace(path.substr(slash));
      names.signs.emplace(candidate.sign.what);
      names.certain = certain;
    }
    std::vector<RunNames> out;
    for (auto& [key, names] : found) {
      out.push_back(std::move(names));
    }
    return out;
  }

 private:
  // The names of the rule that stand for themselves.
  void add(const WrittenRule& rule) {
    const std::string_view path = rule.path;
    const std::vector<std::string_view> names = names_of(path);
    const std::vector<std::string_view> parts = names_of(rule.pattern);
    if (path.contains("/__pycache__/") || parts.size() > names.size()) {
      return;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (names[i].empty() || parts[i] != apparmor::pattern_of(names[i])) {
        continue;
      }
      const std::string_view directory(path.begin(), names[i].begin());
      auto sign = signs_.of(names[i], directory);
      if (!sign && is_lone_level(names, parts, i)) {
        sign = kLevel;
      }
      if (sign) {
        Candidate& candidate =
            candidates_[std::string_view(path.begin(), names[i].end())];
        candidate.place = rule.place;
        candidate.sign = *sign;
        candidate.level = sign->what == kLevel.what;
      }
    }
  }

  // Is it a folder of a store by hash, no other of which was seen, down to the
  // hash? Without a digit it may be a word.
  static bool is_lone_level(const std::vector<std::string_view>& names,
                            const std::vector<std::string_view>& parts,
                            std::size_t at) {
    std::size_t hash = at;
    while (hash < parts.size() && apparmor::is_level(names[hash]) &&
           parts[hash] == names[hash]) {
      ++hash;
    }
    return hash > at && hash < parts.size() && apparmor::is_hash(names[hash]) &&
           (hash == at + 1 ||
            names[at].find_first_of("0123456789") != std::string_view::npos);
  }

  // What is in a folder of the run is told with it.
  static bool is_below(std::string_view path,
                       const std::set<std::string_view>& folders) {
    while (!folders.empty() && !path.empty()) {
      path = path.substr(0, path.rfind('/'));
      if (folders.contains(path)) {
        return true;
      }
    }
    return false;
  }

  // What was done to the candidates, and in which recordings.
  void look_up() {
    const std::set<std::string> tell =
        recordings_with(evidence_, evidence::kMadeProbe);
    for (const evidence::Process& process : evidence_.processes) {
      if (!counts(process.key.origin)) {
        continue;
      }
      for (const FileFact& fact : process.files) {
        const std::string_view path = fact.path;
        for (std::size_t end = path.find('/', 1);;
             end = path.find('/', end + 1)) {
          const auto at = candidates_.find(path.substr(0, end));
          if (at != candidates_.end()) {
            note(at->second, fact, end == path.npos || end + 1 == path.size(),
                 tell);
          }
          if (end == path.npos) {
            break;
          }
        }
      }
    }
  }

  static void note(Candidate& candidate, const FileFact& fact, bool itself,
                   const std::set<std::string>& tell) {
    for (const auto& [recording, share] : fact.by) {
      if (share.count == 0) {
        continue;
      }
      candidate.recordings.insert(recording);
      if (itself || candidate.level) {
        const bool perhaps =
            fact.access.contains('c') && !tell.contains(recording);
        candidate.made =
            candidate.made || perhaps || securitycontext::is_made(fact);
        candidate.written =
            candidate.written ||
            fact.access.find_first_of("acw") != std::string::npos;
      }
    }
  }

  const evidence::Evidence& evidence_;
  const NameSigns signs_;
  std::map<std::string_view, Candidate> candidates_;  // into the rules' paths
};

}  // namespace

std::vector<RunNames> run_names(const evidence::Evidence& evidence,
                                const std::vector<WrittenRule>& rules) {
  return Search(evidence, rules).found();
}

}  // namespace vambrace::policy
