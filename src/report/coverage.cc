#include <algorithm>

#include "report/parts.h"

namespace vambrace::report {
namespace {

using review::Coverage;
using review::FileCoverage;
using review::ProgramCoverage;

void heads(Html& out, std::initializer_list<std::string_view> names,
           std::initializer_list<std::string_view> numbers) {
  out.open("thead").open("tr");
  for (const std::string_view name : names) {
    out.leaf("th", {{"scope", "col"}, {"class", name.empty() ? "meter" : ""}},
             name);
  }
  for (const std::string_view name : numbers) {
    out.leaf("th", {{"scope", "col"}, {"class", "number"}}, name);
  }
  out.close().close();
}

Html file_row(const FileCoverage& file) {
  Html out;
  out.open("tr", {{"class", "item"}});
  out.open("th", {{"scope", "row"}}).leaf("code", file.path);
  out.leaf("small", file.why);
  if (!file.unobserved.empty()) {
    out.open("details", {{"class", "plain"}});
    out.leaf("summary", fmt::format("{} not seen", file.unobserved.size()));
    out.leaf("p", {{"class", "names"}}, listed(file.unobserved)).close();
  }
  out.close();
  out.open("td", {{"class", "meter"}}).add(ratio_bar(file.calls)).close();
  out.leaf("td", {{"class", "number"}}, share(file.calls));
  out.leaf("td", {{"class", "number"}},
           fmt::format("{} of {}", file.reached_functions, file.functions));
  return out.close();
}

// Most files that a process loads make no call by themselves: these are
// counted only.
Html files_table(const ProgramCoverage& program) {
  Html out;
  out.open("div", {{"class", "wide"}}).open("table");
  out.leaf("caption", "By file: calls that its reached functions make");
  heads(out, {"file", ""}, {"calls seen", "functions reached"});
  out.open("tbody");
  std::size_t silent = 0;
  for (const FileCoverage& file : program.files) {
    if (file.calls.reachable == 0U) {
      ++silent;
    } else {
      out.add(file_row(file));
    }
  }
  out.close().close();
  if (silent > 0) {
    out.leaf("p", {{"class", "note"}},
             fmt::format("{} that make none are left out.",
                         counted(silent, "file")));
  }
  return out.close();
}

Html program_block(const ProgramCoverage& program) {
  Html out;
  out.open("li", {{"class", "item"}});
  out.open("details", {{"class", "line"}}).open("summary");
  out.open("span", {{"class", "what"}}).leaf("code", program.program).close();
  out.open("span", {{"class", "meter"}}).add(ratio_bar(program.calls)).close();
  out.leaf("span", {{"class", "times number"}}, share(program.calls)).close();
  out.open("div", {{"class", "more"}});
  if (!program.outside.empty()) {
    out.leaf("p",
             "Seen, but not known to the analysis: " + listed(program.outside));
  }
  if (program.files.empty()) {
    out.add(nothing("Which files it loads is unknown."));
  } else {
    out.add(files_table(program));
  }
  return out.close().close().close();
}

// The place of one column of a chart, in percent.
struct Column {
  double x = 0;
  double width = 0;
  double scale = 0;  // of one call
};

Html column_part(std::string_view kind, const Column& column,
                 std::uint64_t from, std::uint64_t to) {
  const double height = static_cast<double>(to - from) * column.scale;
  const double bottom = static_cast<double>(from) * column.scale;
  Html out;
  out.leaf("rect",
           {{"class", std::string(kind)},
            {"x", fmt::format("{:.3f}%", column.x)},
            {"y", fmt::format("{:.2f}%", 100 - bottom - height)},
            {"width", fmt::format("{:.3f}%", column.width)},
            {"height", fmt::format("{:.2f}%", height)}},
           "");
  return out;
}

// Columns of what was known before and what each step added.
Html growth_chart(const Coverage& coverage) {
  std::uint64_t most = 1;
  for (const review::GrowthStep& step : coverage.growth) {
    most = std::max(most, step.total);
  }
  // A few columns do not fill the place; many have no room for numbers.
  const std::size_t columns = std::max<std::size_t>(12, coverage.growth.size());
  const double width = 100.0 / static_cast<double>(columns);
  Html out;
  out.open("svg", {{"class", "growth"}, {"aria-hidden", "true"}});
  for (std::size_t i = 0; i < coverage.growth.size(); ++i) {
    const review::GrowthStep& step = coverage.growth[i];
    const Column column{static_cast<double>(i) * width, width * 0.86,
                        86.0 / static_cast<double>(most)};
    const std::uint64_t before = step.total - std::min(step.added, step.total);
    out.add(column_part("before", column, 0, before));
    out.add(column_part("added", column, before, step.total));
    if (columns <= 24) {
      const double top = 97 - static_cast<double>(step.total) * column.scale;
      out.leaf("text",
               {{"x", fmt::format("{:.3f}%", column.x + column.width / 2)},
                {"y", fmt::format("{:.2f}%", top)}},
               std::to_string(step.total));
    }
  }
  return out.close();
}

Html growth_table(const Coverage& coverage) {
  Html out;
  out.open("details", {{"class", "plain"}}).leaf("summary", "As a table");
  out.open("div", {{"class", "wide"}}).open("table");
  heads(out, {coverage.growth_by == "phase" ? "phase" : "recording", "start"},
        {"new calls", "in all"});
  out.open("tbody");
  for (const review::GrowthStep& step : coverage.growth) {
    out.open("tr", {{"class", "item"}});
    out.open("th", {{"scope", "row"}}).leaf("code", step.name).close();
    out.leaf("td", step.start);
    out.leaf("td", {{"class", "number"}}, std::to_string(step.added));
    out.leaf("td", {{"class", "number"}}, std::to_string(step.total));
    out.close();
  }
  return out.close().close().close().close();
}

Html growth_block(const Coverage& coverage) {
  Html out;
  if (coverage.growth.empty()) {
    return out;
  }
  out.leaf("h3", coverage.growth_by == "phase"
                     ? "Distinct calls, phase by phase"
                     : "Distinct calls, recording by recording");
  out.open("figure").add(growth_chart(coverage));
  out.leaf("figcaption",
           fmt::format("The last of {} added {} to {}.",
                       counted(coverage.growth.size(), coverage.growth_by),
                       coverage.growth.back().added,
                       coverage.growth.back().total -
                           std::min(coverage.growth.back().added,
                                    coverage.growth.back().total)));
  return out.close().add(growth_table(coverage));
}

Html phases_block(const Coverage& coverage) {
  Html out;
  if (coverage.phases.empty()) {
    return out;
  }
  out.open("details", {{"class", "plain"}});
  out.leaf("summary", counted(coverage.phases.size(), "phase"));
  out.open("div", {{"class", "wide"}}).open("table");
  heads(out, {"phase"}, {"distinct calls", "seen here alone"});
  out.open("tbody");
  for (const review::PhaseCoverage& phase : coverage.phases) {
    out.open("tr", {{"class", "item"}});
    out.open("th", {{"scope", "row"}}).leaf("code", phase.phase).close();
    out.leaf("td", {{"class", "number"}}, std::to_string(phase.calls));
    out.leaf("td", {{"class", "number"}}, std::to_string(phase.only_here));
    out.close();
  }
  return out.close().close().close().close();
}

}  // namespace

Html coverage_part(const review::Review& review) {
  const Coverage& coverage = review.coverage;
  const review::Outlook& outlook = coverage.outlook;
  Html out;
  out.open("p", {{"class", "outlook"}});
  out.leaf("strong", outlook.worth == "yes"  ? "Another run is worth it. "
                     : outlook.worth == "no" ? "Another such run adds little. "
                                             : "Is another run worth it? ");
  out.text(outlook.why).close();
  out.add(growth_block(coverage)).add(phases_block(coverage));
  if (coverage.programs.empty()) {
    return out.add(nothing("No program is known."));
  }
  out.leaf("h3", "Reachable calls that were seen, by program");
  out.open("ul", {{"class", "rows programs"}});
  for (const ProgramCoverage& program : coverage.programs) {
    out.add(program_block(program));
  }
  return out.close();
}

}  // namespace vambrace::report
