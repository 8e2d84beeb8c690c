#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "cli/command.h"
#include "host/disk_files.h"
#include "host/folder_lock.h"

extern char** environ;

namespace {

class Terminal : public vambrace::cli::Output {
 public:
  void out(std::string_view text) override {
    const bool whole =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
        std::fflush(stdout) == 0;
    if (!whole && error_ == 0) {
      error_ = errno;
    }
  }
  void err(std::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  bool out_is_terminal() const override { return ::isatty(1) == 1; }
  bool err_is_terminal() const override { return ::isatty(2) == 1; }

  // errno of the first part of the answer that could not be written; 0: none.
  int error() const { return error_; }

 private:
  int error_ = 0;
};

std::map<std::string, std::string> variables() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  vambrace::DiskFiles files;
  Terminal terminal;
  vambrace::cli::Environment environment{
      .files = files,
      .output = terminal,
      .now =
          [] {
            return std::chrono::time_point_cast<std::chrono::microseconds>(
                std::chrono::system_clock::now());
          },
      .variables = variables(),
  };
  environment.hold = [](const std::string& folder) {
    constexpr std::chrono::seconds kPatience{30};
    return vambrace::make_and_lock_folder(folder, kPatience);
  };
  environment.color =
      terminal.out_is_terminal() && !environment.variables.contains("NO_COLOR");
  const std::vector<std::string> words(argv + 1, argv + argc);
  const int exit = vambrace::cli::run(environment, words);
  if (terminal.error() == 0) {
    return exit;
  }
  // An answer that did not arrive is no success.
  fmt::print(
      stderr, "{}\n",
      vambrace::system_error("vambrace: standard output", terminal.error())
          .message());
  return static_cast<int>(vambrace::cli::Exit::Environment);
}
