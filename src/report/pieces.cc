#include <algorithm>

#include "report/parts.h"

namespace vambrace::report {

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string percent(const review::Ratio& ratio) {
  if (!ratio.reachable || *ratio.reachable == 0) {
    return "unknown";
  }
  return fmt::format("{}%", ratio.observed * 100 / *ratio.reachable);
}

std::string share(const review::Ratio& ratio) {
  return fmt::format(
      "{} of {}", ratio.observed,
      ratio.reachable ? std::to_string(*ratio.reachable) : "unknown");
}

Html risk_mark(review::RiskClass risk) {
  const std::string name(review::to_string(risk));
  Html out;
  out.leaf("span", {{"class", "mark risk-" + name}}, name);
  return out;
}

Html subject_words(std::string_view subject) {
  const std::size_t space = subject.find(' ');
  Html out;
  out.open("code", {{"class", "subject"}});
  if (space == std::string_view::npos) {
    out.text(subject);
  } else {
    out.leaf("span", {{"class", "head"}}, subject.substr(0, space + 1));
    out.text(subject.substr(space + 1));
  }
  out.close();
  return out;
}

Html ratio_bar(const review::Ratio& ratio) {
  Html out;
  if (!ratio.reachable || *ratio.reachable == 0) {
    return out;
  }
  const std::uint64_t part =
      std::min<std::uint64_t>(100, ratio.observed * 100 / *ratio.reachable);
  out.open("svg", {{"class", "ratio"}, {"aria-hidden", "true"}});
  out.leaf("rect", {{"class", "whole"}, {"width", "100%"}, {"height", "100%"}},
           "");
  out.leaf("rect",
           {{"class", "part"},
            {"width", fmt::format("{}%", part)},
            {"height", "100%"}},
           "");
  return out.close();
}

void add_risk(Html& out, const review::Risk& risk) {
  define(out, "exposes",
         risk.exposes.empty()
             ? "Unknown: the table of risks does not speak of it."
             : risk.exposes);
  if (!risk.sources.empty()) {
    out.leaf("dt", "sources").open("dd");
    for (const std::string& source : risk.sources) {
      out.add(source_line(source));
    }
    out.close();
  }
  define(out, "advisories", listed(risk.advisories));
}

Html source_line(const std::string& source) {
  Html out;
  if (source.starts_with("https://")) {
    out.leaf("a",
             {{"class", "source"}, {"href", source}, {"rel", "noreferrer"}},
             source);
  } else {
    out.leaf("span", {{"class", "source"}}, source);
  }
  return out;
}

Html nothing(std::string_view sentence) {
  Html out;
  out.leaf("p", {{"class", "nothing"}}, sentence);
  return out;
}

void define(Html& out, std::string_view term, std::string_view text) {
  if (!text.empty()) {
    out.leaf("dt", term).leaf("dd", text);
  }
}

}  // namespace vambrace::report
