#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/memory_files.h"
#include "cli/command.h"

namespace vambrace::cli {

// A whole world for a command under test: files in memory, words in strings.
//
//   Captured world;
//   world.files.files["a.json"] = "{}";
//   EXPECT_EQ(world.run({"evidence", "check", "a.json"}), 2);
//   EXPECT_THAT(world.output.error, HasSubstr("a.json"));
struct Captured {
  struct Strings : Output {
    std::string answer;
    std::string error;
    void out(std::string_view text) override { answer += text; }
    void err(std::string_view text) override { error += text; }
    bool out_is_terminal() const override { return false; }
    bool err_is_terminal() const override { return false; }
  };

  MemoryFiles files;
  Strings output;
  evidence::Instant now{};
  std::map<std::string, std::string> variables;

  // The exit code of `vambrace words...`.
  int run(const std::vector<std::string>& words) {
    Environment environment{.files = files,
                            .output = output,
                            .now = [this] { return now; },
                            .variables = variables};
    return cli::run(environment, words);
  }
};

}  // namespace vambrace::cli
