#include "elf/site_values.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

// Wrappers around wrappers; more are not believed to be ones.
constexpr std::size_t kMaxAsked = 4096;

// Return more than once for one call.
constexpr std::string_view kAgain[] = {
    "setjmp", "_setjmp", "sigsetjmp",    "__sigsetjmp", "savectx",
    "vfork",  "__vfork", "__libc_vfork", "getcontext",  "__getcontext",
};

// By their names, exported or of the symbol table.
std::vector<bool> find_returning_again(const Process& process) {
  std::vector<bool> again(process.nodes, false);
  for (const Object& object : process.objects) {
    for (const auto* symbols :
         {&object.image.symbols, &object.image.local_symbols}) {
      for (const Symbol& symbol : *symbols) {
        if (!symbol.defined || !symbol.function ||
            std::ranges::find(kAgain, symbol.name) == std::end(kAgain)) {
          continue;
        }
        if (const auto node = process.node_at(object, symbol.address)) {
          again[*node] = true;
        }
      }
    }
  }
  return again;
}

}  // namespace

void SiteValues::use(const Walk& walk) {
  walk_ = &walk;
  // Files that were loaded since bring functions, and what was called of them
  // may return.
  if (returning_.size() != process_.nodes) {
    returning_ = find_returning(process_);
    again_ = find_returning_again(process_);
  }
}

const std::vector<Moment>& SiteValues::moments(std::uint32_t node) {
  Moments& known = moments_[node];
  if (known == nullptr) {
    const Object& object = process_.object_of(node);
    const Returns returns = [&](std::uint64_t target, bool through_slot) {
      const auto to = called(object, target, through_slot);
      if (!to) {
        return Back::Once;
      }
      return again_[*to]       ? Back::Again
             : returning_[*to] ? Back::Once
                               : Back::Never;
    };
    known = object.binary->followed.moments(
        object.image, object.code, node - object.first_node, returns, effort_);
  }
  return *known;
}

Answer SiteValues::resolve(std::uint32_t node, std::uint64_t address,
                           const Value& value) {
  Question question;
  follow(node, address, value, question);
  return std::move(question.answer);
}

void SiteValues::follow(std::uint32_t node, std::uint64_t address,
                        const Value& value, Question& question) {
  Answer& answer = question.answer;
  if (value.kind != Value::Kind::Some) {
    answer.lost.insert({node, address, "computed"});
    return;
  }
  question.way.push_back(node);
  for (const std::uint64_t number : value.choice->constants) {
    answer.numbers.insert(number);
    answer.places.try_emplace({number, node}, question.way);
  }
  for (const Origin& origin : value.choice->origins) {
    if (!question.asked.insert({node, origin}).second) {
      continue;
    }
    if (question.asked.size() > kMaxAsked || effort_.left == 0) {
      answer.lost.insert({node, address, "handed on too often"});
      break;
    }
    follow_callers(node, origin, question);
  }
  question.way.pop_back();
}

std::optional<std::uint32_t> SiteValues::called(const Object& object,
                                                std::uint64_t target,
                                                bool through_slot) const {
  if (!through_slot) {
    return call_target(process_, object, target);
  }
  const Pointer* pointer = object.image.pointer_at(target);
  return pointer == nullptr ? std::nullopt
                            : slot_target(process_, object, *pointer);
}

// Whether a call goes to that entry of the function.
bool SiteValues::leads_to(const Object& object, const Moment& moment,
                          std::uint32_t node, std::uint64_t entry) const {
  const std::uint64_t target = moment.target;
  const bool begins = entry == process_.function_of(node).bounds.begin;
  if (called(object, target, moment.through_slot) != node) {
    return false;
  }
  if (moment.through_slot) {
    return begins;
  }
  // Over a linkage table, or past what only fills up: to the beginning.
  const Object& theirs = process_.object_of(node);
  const bool here =
      &theirs == &object && process_.function_of(node).bounds.holds(target);
  return here ? target == entry : begins;
}

// The C library calls what the entry point hands to it.
bool SiteValues::is_handed_over(std::uint32_t node) const {
  const Visit& visit = walk_->visits[node];
  if (visit.link != Link::Call || visit.from == kNobody) {
    return false;
  }
  return !std::ranges::binary_search(walk_->callers.of(node), visit.from);
}

// Whether code of the caller goes there, as far as its edges tell.
bool SiteValues::jumps_to(std::uint32_t caller, std::uint32_t node,
                          std::uint64_t entry) const {
  const Object& object = process_.object_of(caller);
  return &object == &process_.object_of(node) &&
         std::ranges::any_of(object.code.edges_of(process_.function_of(caller)),
                             [&](const Edge& edge) {
                               return edge.kind == Edge::Kind::Jump &&
                                      edge.target == entry;
                             });
}

void SiteValues::follow_callers(std::uint32_t node, const Origin& origin,
                                Question& question) {
  const Visit& visit = walk_->visits[node];
  const std::uint64_t begin = process_.function_of(node).bounds.begin;
  bool told =
      origin.entry == begin && (visit.pointed_to || visit.link == Link::Start ||
                                visit.link == Link::Initializer);
  if (told) {
    question.answer.lost.insert({node, begin,
                                 "a parameter of a function that is called "
                                 "through a pointer"});
  }
  const std::span<const std::uint32_t> known = walk_->callers.of(node);
  std::vector<std::uint32_t> callers(known.begin(), known.end());
  if (std::ranges::find(callers, node) == callers.end()) {
    callers.push_back(node);  // hand-written code calls places within itself
  }
  for (const std::uint32_t caller : callers) {
    const Object& object = process_.object_of(caller);
    bool explained = false;
    for (const Moment& moment : moments(caller)) {
      effort_.spend(1);
      if (moment.given_up) {
        question.answer.lost.insert(
            {caller, moment.address,
             "in a function that is too much to follow"});
      }
      if (moment.kernel || moment.target == 0 ||
          !leads_to(object, moment, node, origin.entry)) {
        continue;
      }
      explained = true;
      if (!origin.stack) {
        follow(caller, moment.address,
               moment.registers[static_cast<std::size_t>(origin.number)],
               question);
        continue;
      }
      const auto slot = moment.stack.find(origin.number);
      follow(caller, moment.address,
             slot == moment.stack.end() ? Value{} : slot->second, question);
    }
    told = told || explained;
    const bool lands =
        std::ranges::binary_search(object.image.landing_pads, origin.entry);
    if ((!explained || lands) && jumps_to(caller, node, origin.entry)) {
      question.answer.lost.insert({caller, origin.entry,
                                   lands
                                       ? "an exception leads there"
                                       : "a jump through a table leads there"});
    }
  }
  if (!told || is_handed_over(node)) {
    question.answer.lost.insert(
        {node, origin.entry, "a parameter that no known caller hands over"});
  }
}

}  // namespace vambrace::elf
