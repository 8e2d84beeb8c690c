#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "policy/apparmor/generalize.h"

// testdata/paths.txt: paths as servers use them, and the rules they become.
namespace vambrace::policy::apparmor {
namespace {

constexpr const char* kCorpus =
    VAMBRACE_SOURCE_DIR "/src/policy/apparmor/testdata/paths.txt";

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[++i] == 'n') {
      out += '\n';
    } else if (text[i] == 't') {
      out += '\t';
    } else {
      const std::string digits(text.substr(i + 1, 2));
      out += static_cast<char>(std::stoi(digits, nullptr, 16));
      i += 2;
    }
  }
  return out;
}

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line.substr(2));
  for (std::string field; std::getline(in, field, '\t');) {
    out.push_back(field);
  }
  return out;
}

std::string kinds(const Rule& rule) {
  std::string out;
  for (const Generalization& one : rule.because) {
    out += (out.empty() ? "" : ", ") + std::string(to_string(one.kind));
  }
  return out.empty() ? "literal" : out;
}

std::string expected(const std::vector<Observation>& seen,
                     const std::map<std::string, std::string>& spelled) {
  const Generalized result = generalize(seen);
  std::string out;
  for (const Rule& rule : result.rules) {
    out += "= " + rule.pattern + "\t" + rule.access + "\t" + kinds(rule) + "\n";
  }
  for (const Kept& kept : result.kept) {
    out += "! " + spelled.at(kept.path) + "\t" + kept.reason + "\n";
  }
  return out;
}

struct Corpus {
  std::string text;     // as it is
  std::string renewed;  // as it would be with today's rules
  std::size_t paths = 0;
};

Corpus read() {
  Corpus out;
  std::ifstream in(kCorpus);
  std::vector<Observation> seen;
  std::map<std::string, std::string> spelled;
  const auto finish = [&] {
    if (!seen.empty()) {
      out.renewed += expected(seen, spelled);
    }
    seen.clear();
  };
  for (std::string line; std::getline(in, line);) {
    out.text += line + "\n";
    if (line.starts_with("= ") || line.starts_with("! ")) {
      continue;
    }
    if (!line.starts_with("+ ")) {
      finish();
    } else {
      const std::vector<std::string> one = fields(line);
      const std::string path = unescaped(one.at(0));
      spelled[path] = one.at(0);
      seen.push_back(
          {.path = path, .access = one.at(1), .recording = one.at(2)});
      ++out.paths;
    }
    out.renewed += line + "\n";
  }
  finish();
  return out;
}

TEST(GeneralizeCorpus, BecomesTheRulesThatWereReviewed) {
  const Corpus corpus = read();
  EXPECT_GE(corpus.paths, 300);
  if (std::getenv("VAMBRACE_ACCEPT") != nullptr) {
    std::ofstream(kCorpus) << corpus.renewed;
    GTEST_SKIP() << "rewrote " << kCorpus;
  }
  EXPECT_EQ(corpus.renewed, corpus.text);
}

}  // namespace
}  // namespace vambrace::policy::apparmor
