#include <algorithm>
#include <filesystem>

#include "base/printable.h"
#include "cli/analyses.h"
#include "cli/analyze_text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/evidence_files.h"
#include "cli/memo_words.h"
#include "cli/options.h"
#include "elf/analysis.h"
#include "elf/json.h"
#include "elf/launch.h"
#include "elf/loader_words.h"
#include "elf/mapped.h"
#include "host/image_root.h"
#include "host/root_files.h"

namespace vambrace::cli {
namespace {

struct Asked {
  std::vector<std::string> programs;
  std::string root = "/";
  std::string image;
  std::vector<std::string> with;
  std::vector<std::string> evidence;
  std::string library_path;
  std::string output;
  bool linked_only = false;
  bool chains = false;
  bool as_json = false;
  unsigned jobs = default_jobs();
  MemoWords memos;
};

Result<Asked> read_words(Environment& environment, Words words) {
  Asked asked;
  Options options;
  options.words("PROGRAM", asked.programs,
                "a path in the root, or a name that is searched for in PATH");
  options.value("--root", "DIR", asked.root,
                "the container's root folder; / unless given");
  options.value("--image", "NAME", asked.image,
                "a Docker image; without PROGRAM, what it starts");
  options.values("--with", "LIB", asked.with,
                 "a library that is loaded while the program runs");
  options.values("--evidence", "FILE", asked.evidence,
                 "adds the libraries that were seen being loaded");
  options.value("--library-path", "DIRS", asked.library_path,
                "LD_LIBRARY_PATH of the program");
  options.value("-o,--output", "FILE", asked.output, "writes the JSON there");
  options.flag("--linked-only", asked.linked_only,
               "leave out what programs load while they run: for comparisons");
  options.flag("--chains", asked.chains,
               "every function on the way to each call");
  options.json(asked.as_json);
  options.number("-j,--jobs", "N", asked.jobs,
                 "programs that are analyzed at the same time; one for each "
                 "processor, but not more than eight, unless given");
  asked.memos.declare(options);
  TRY(options.parse(environment, words));
  TRY(asked.memos.check());
  if (asked.jobs == 0 || asked.jobs > kMostJobs) {
    return fail(ErrorCode::InvalidInput, "--jobs: from 1 to {}", kMostJobs);
  }
  if (!asked.image.empty() && asked.root != "/") {
    return fail(ErrorCode::InvalidInput,
                "--image and --root: which root is it?");
  }
  if (asked.programs.empty() && asked.image.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "no program is named")
            .with_hint("name one, or an image with --image"));
  }
  return asked;
}

std::string variable_in(const std::vector<std::string>& variables,
                        std::string_view name, std::string otherwise) {
  for (const std::string& entry : variables) {
    const std::size_t equals = entry.find('=');
    if (entry.substr(0, equals) == name && equals != std::string::npos) {
      return entry.substr(equals + 1);
    }
  }
  return otherwise;
}

// What an image starts: the first word of entrypoint and command. An entrypoint
// is given the command as its words, and most end by starting it.
std::vector<std::string> started_by(const ImageSettings& settings) {
  std::vector<std::string> started;
  for (const auto* words : {&settings.entrypoint, &settings.command}) {
    if (!words->empty()) {
      started.push_back(words->front());
    }
  }
  return started;
}

// Everything that is the same for all programs.
struct World {
  const elf::Root& root;
  elf::Surroundings around;
  std::map<std::string, std::set<std::string>> mapped;
  std::vector<elf::Extra> extras;
  std::vector<std::string> library_path;
  bool linked_only = false;
};

// What a word of the command line asks for.
struct Question {
  elf::Request request;
  std::vector<elf::Gap> gaps;  // of the scripts that lead to the program
};

Result<Question> question_of(Environment& environment, const World& world,
                             const std::string& word, bool has_evidence) {
  TRY_ASSIGN(const std::string path,
             elf::find_program(world.root, word, world.around));
  TRY_ASSIGN(elf::Launch launch,
             elf::follow_scripts(world.root, path, world.around));
  elf::Request request{.program = launch.program,
                       .extras = world.extras,
                       .library_path = world.library_path,
                       .linked_only = world.linked_only};
  const std::string resolved =
      world.root.resolve(launch.program).value_or(launch.program);
  if (const auto seen = world.mapped.find(resolved);
      seen != world.mapped.end()) {
    for (const std::string& file : seen->second) {
      request.extras.push_back(
          {.path = file, .why = "mapped in the evidence", .observed = true});
    }
  } else if (has_evidence) {
    environment.output.err(fmt::format(
        "note: the evidence does not have {}; what it loads at run time is "
        "not known from it\n",
        printable(resolved)));
  }
  return Question{std::move(request), std::move(launch.gaps)};
}

// What the time was spent with, if not with an analysis.
std::string remark_of(const elf::Answered& answered) {
  return answered.checked == 0
             ? ""
             : fmt::format(
                   " (from the cache: {} questions about files are answered as "
                   "before)",
                   answered.checked);
}

struct Answers {
  std::vector<elf::Reach> all;
  bool failed = false;  // there was no answer for some of several programs
};

// Collects the answers, and tells on the standard error how far it is and what
// time each took: the answer itself is the same every time. So is the error of
// one of several programs, and the others are analyzed.
class Teller {
 public:
  Teller(Environment& environment, const std::vector<std::string>& words)
      : out_(environment.output),
        words_(words),
        live_(words.size() > 1 && out_.err_is_terminal()) {}

  void await(std::size_t word) {
    if (live_) {
      out_.err(fmt::format("\r\033[Kanalyzing {} of {}: {}", word + 1,
                           words_.size(), printable(words_[word])));
    }
  }

  // Fails with the error of the only program.
  Result<> take(Analysis analysis, const std::vector<elf::Gap>& launched) {
    out_.err(live_ ? "\r\033[K" : "");
    auto& [answered, taken] = analysis;
    if (!answered && words_.size() == 1) {
      return std::unexpected(std::move(answered).error());
    }
    if (!answered) {
      answers.failed = true;
      out_.err(fmt::format("not analyzed: {}\n", answered.error().message()));
      return {};
    }
    out_.err(fmt::format("analyzed {} in {:.3f} s{}\n",
                         printable(answered->reach.program), taken.count(),
                         remark_of(*answered)));
    std::vector<elf::Gap>& gaps = answered->reach.gaps;
    gaps.insert(gaps.end(), launched.begin(), launched.end());
    std::ranges::sort(gaps);
    answers.all.push_back(std::move(answered->reach));
    return {};
  }

  Answers answers;

 private:
  Output& out_;
  const std::vector<std::string>& words_;
  bool live_;
};

Result<Answers> analyze_all(Environment& environment, const World& world,
                            Memos& memos, const Asked& asked) {
  Teller teller(environment, asked.programs);
  // Those that can be asked, and which words they are.
  std::vector<elf::Request> requests;
  std::vector<std::size_t> words;
  std::vector<std::vector<elf::Gap>> launched;
  for (std::size_t i = 0; i < asked.programs.size(); ++i) {
    auto question = question_of(environment, world, asked.programs[i],
                                !asked.evidence.empty());
    if (!question) {
      TRY(teller.take({std::unexpected(std::move(question).error())}, {}));
      continue;
    }
    requests.push_back(std::move(question->request));
    launched.push_back(std::move(question->gaps));
    words.push_back(i);
  }
  Result<> done;
  const auto await = [&](std::size_t request) {
    if (request < words.size()) {
      teller.await(words[request]);
    }
  };
  await(0);
  analyze_each(world.root, memos, requests, asked.jobs,
               [&](std::size_t request, Analysis analysis) {
                 warn_of_trouble(environment, memos);
                 if (done) {
                   done = teller.take(std::move(analysis), launched[request]);
                 }
                 await(request + 1);
               });
  TRY(std::move(done));
  return std::move(teller.answers);
}

Result<> answer(Environment& environment, const Asked& asked,
                const std::vector<elf::Reach>& all) {
  if (asked.as_json || !asked.output.empty()) {
    const std::string text = asked.programs.size() == 1
                                 ? elf::print_reach(all.front())
                                 : elf::print_reaches(all);
    if (!asked.output.empty()) {
      TRY(environment.files.write(asked.output, text));
    }
    if (asked.as_json) {
      environment.output.out(text);
      return {};
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    environment.output.out((i == 0 ? "" : "\n") +
                           reach_text(all[i], asked.chains));
  }
  return {};
}

std::string value_of(const Environment& environment, const std::string& name,
                     std::string otherwise) {
  const auto variable = environment.variables.find(name);
  return variable == environment.variables.end() ? std::move(otherwise)
                                                 : variable->second;
}

// What is not said on the command line is as the image says.
Result<> apply(const ImageRoot& image, Asked& asked,
               elf::Surroundings& around) {
  const ImageSettings& settings = image.settings();
  asked.root = image.folder();
  around.search_path =
      variable_in(settings.environment, "PATH", around.search_path);
  around.folder = settings.folder;
  if (asked.library_path.empty()) {
    asked.library_path =
        variable_in(settings.environment, "LD_LIBRARY_PATH", "");
  }
  if (asked.programs.empty()) {
    asked.programs = started_by(settings);
  }
  if (asked.programs.empty()) {
    return fail(ErrorCode::InvalidInput,
                "image {} starts nothing by itself: name a program",
                printable(asked.image));
  }
  return {};
}

}  // namespace

Result<Exit> analyze(Environment& environment, Words words) {
  TRY_ASSIGN(Asked asked, read_words(environment, words));
  std::map<std::string, std::set<std::string>> mapped;
  if (!asked.evidence.empty()) {
    TRY_ASSIGN(const evidence::Evidence evidence,
               read_merged(environment.files, asked.evidence));
    mapped = elf::mapped_files(evidence);
  }
  elf::Surroundings around;
  std::optional<ImageRoot> image;
  if (!asked.image.empty()) {
    TRY_ASSIGN(ImageRoot opened,
               ImageRoot::open(asked.image,
                               value_of(environment, "TMPDIR", "/var/tmp")));
    image.emplace(std::move(opened));
    TRY(apply(*image, asked, around));
  } else if (asked.root == "/") {
    around.search_path = value_of(environment, "PATH", around.search_path);
    around.folder = std::filesystem::current_path().string();
  }
  TRY_ASSIGN(const RootFiles root, RootFiles::open(asked.root));
  Memos memos(environment, asked.memos);
  World world{.root = root,
              .around = around,
              .mapped = std::move(mapped),
              .linked_only = asked.linked_only};
  for (const std::string& library : asked.with) {
    world.extras.push_back({.path = library, .why = "named by --with"});
  }
  for (const std::string_view folder : elf::split(asked.library_path, ":;")) {
    world.library_path.emplace_back(folder);
  }
  TRY_ASSIGN(const Answers answers,
             analyze_all(environment, world, memos, asked));
  TRY(answer(environment, asked, answers.all));
  return answers.failed ? Exit::Usage : Exit::Clean;
}

}  // namespace vambrace::cli
