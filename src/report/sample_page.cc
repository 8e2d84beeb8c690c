// Prints the page of a made-up review, for the tests in a browser. The word, if
// any, stands at the end of every text that could come from outside.

#include <cstdio>

#include "report/page.h"
#include "report/samples.h"

namespace vambrace::report::sample {
namespace {

using review::RiskClass;
using review::Role;
using review::Trait;

// Grants that differ in all that filters look at.
std::vector<review::Grant> grants(const Teller& t) {
  std::vector<review::Grant> out = {grant(t)};
  std::size_t number = 0;
  for (const char* name :
       {"accept4", "bind",       "brk",      "clone",    "close",
        "connect", "epoll_wait", "execve",   "fcntl",    "fstat",
        "futex",   "getpid",     "listen",   "mmap",     "openat",
        "pread64", "read",       "recvfrom", "sendfile", "write"}) {
    ++number;
    review::Grant made = grant(t);
    made.subject = t(std::string("syscall ") + name);
    made.risk.level = static_cast<RiskClass>(number % 3);
    made.decision.reset();
    made.waiver.reset();
    made.traits.clear();
    made.needs = {{number % 4 == 0 ? Role::Runtime : Role::App,
                   t("/usr/sbin/nginx"),
                   "",
                   7 * number,
                   {t("serving")}}};
    made.count = number % 4 == 0 ? 0 : 7 * number;
    if (number % 5 == 0) {
      made.traits = {Trait::StartupOnly};
    }
    out.push_back(std::move(made));
  }
  out.push_back(grant(t));
  out.back().layer = review::Layer::Capabilities;
  out.back().subject = t("capability NET_ADMIN");
  out.back().decision.reset();
  out.back().waiver.reset();
  out.push_back(out.back());
  out.back().layer = review::Layer::AppArmor;
  out.back().subject = t("mount tmpfs /tmp/");
  return out;
}

std::vector<review::Candidate> candidates(const Teller& t) {
  std::vector<review::Candidate> out;
  for (const auto& [name, rank] : {std::pair{"preadv", 1},
                                   {"preadv2", 1},
                                   {"mremap", 2},
                                   {"splice", 3},
                                   {"statx", 3}}) {
    review::Candidate made = candidate(t);
    made.rank = static_cast<std::uint64_t>(rank);
    made.subject = t(std::string("syscall ") + name);
    made.decision.reset();
    if (rank == 1) {
      made.opened_by = {t("read")};
    }
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace
}  // namespace vambrace::report::sample

int main(int argc, char** argv) {
  namespace sample = vambrace::report::sample;
  const char* tail = argc > 1 ? argv[1] : "";
  vambrace::review::Review review = sample::review(tail);
  review.grants = sample::grants(sample::Teller(tail));
  review.candidates = sample::candidates(sample::Teller(tail));
  const std::string page =
      vambrace::report::review_page(review, std::string("my bundle") + tail);
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0
                                                                         : 1;
}
