#include "policy/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/capabilities/reduce.h"
#include "policy/explain_decisions.h"
#include "policy/samples.h"
#include "policy/seccomp/render.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using sample::fact;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Question question(const std::vector<std::string>& words) {
  return parse_question(words).value();
}

evidence::Evidence seen() {
  evidence::Process process =
      sample::process({fact("read"), fact("socket", {{1, 1, 0}}),
                       fact("mincore", sample::failed(2, "ENOSYS"))});
  process.capabilities = {{.number = 0,
                           .functions = {"chown_ok"},
                           .user_namespace = "initial",
                           .by = sample::seen(2)},
                          {.number = 21,
                           .functions = {"__vm_enough_memory"},
                           .user_namespace = "initial",
                           .by = sample::seen(9)}};
  return sample::evidence_of({process});
}

Answer answer(const std::vector<std::string>& words) {
  const Policy policy = synthesize(seen()).value();
  const runtime::Target target = runtime::target_named("docker").value();
  const seccomp::Profile profile =
      seccomp::render(policy, target, Stage::Harden).value().profile;
  const std::set<std::uint32_t> capabilities =
      capabilities::render(policy, target, Stage::Harden, {}).add;
  const auto answers = explain(question(words),
                               {.policy = policy,
                                .profile = profile,
                                .target = target,
                                .capabilities = capabilities},
                               runtime::runtime_layer(target), seen())
                           .value();
  EXPECT_THAT(answers, SizeIs(1));
  return answers.at(0);
}

TEST(Question, OffersTheNearestCapability) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"CAP_NET_ADMN"},
        std::vector<std::string>{"capability", "net_admn"}}) {
    const auto asked = parse_question(words);
    ASSERT_FALSE(asked);
    EXPECT_THAT(asked.error().message(), HasSubstr("unknown capability"));
    EXPECT_EQ(asked.error().hint(), "did you mean CAP_NET_ADMIN?");
  }
  const auto far = parse_question(std::vector<std::string>{"CAP_FOO"});
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(far.error().hint(), HasSubstr("capabilities(7)"));
}

TEST(Question, TakesCallsValuesAndCapabilities) {
  EXPECT_EQ(question({"syscall", "ptrace"}).name, "ptrace");
  EXPECT_EQ(question({"syscall ptrace"}).name, "ptrace");
  EXPECT_EQ(question({"ioctl", "_", "0x5412"}).values,
            (std::vector<std::optional<std::uint64_t>>{std::nullopt, 0x5412}));
  EXPECT_EQ(question({"NET_ADMIN"}).capability, 12U);
  EXPECT_EQ(question({"capability", "cap_net_admin"}).capability, 12U);
  // The call, where both have the name; the capability on request.
  EXPECT_EQ(question({"setuid"}).name, "setuid");
  EXPECT_EQ(question({"capability", "setuid"}).capability, 7U);
}

TEST(Question, NamesTheNearestForATypo) {
  const std::vector<std::string> words = {"sokcet"};
  const auto refused = parse_question(words);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().hint() + refused.error().message(),
              HasSubstr("socket"));
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{}, {"socket", "x"}, {"CHOWN", "1"}}) {
    EXPECT_FALSE(parse_question(bad).has_value());
  }
}

TEST(Explain, ACallThatDependsOnItsArgumentsTellsThem) {
  const Answer open = answer({"socket"});
  EXPECT_EQ(open.permission, Permission::Depends);
  EXPECT_THAT(open.when, Contains(HasSubstr("arg0 == 0x1")));
  EXPECT_EQ(answer({"socket", "1", "1", "0"}).permission, Permission::Allowed);
  EXPECT_EQ(answer({"socket", "1", "0x80001", "0"}).permission,
            Permission::Allowed);
  const Answer crypto = answer({"socket", "0x26"});
  EXPECT_EQ(crypto.permission, Permission::Refused);
  EXPECT_EQ(crypto.otherwise, (seccomp::Outcome{seccomp::Action::Errno, 1}));
}

TEST(Explain, AnAllowedCallHasReasonsAndUses) {
  const Answer read = answer({"read"});
  EXPECT_EQ(read.permission, Permission::Allowed);
  EXPECT_FALSE(read.otherwise.has_value());
  ASSERT_THAT(read.reasons, SizeIs(1));
  EXPECT_EQ(read.reasons[0].exe, "/bin/app");
  ASSERT_THAT(read.uses, SizeIs(1));
  EXPECT_EQ(read.uses[0].share.phases.at("serving"), 1U);
}

TEST(Explain, ARuntimesOwnCallIsNotTheWorkloads) {
  const Answer execve = answer({"execve"});
  EXPECT_EQ(execve.permission, Permission::Allowed);
  EXPECT_TRUE(execve.runtime_layer);
  EXPECT_THAT(execve.reasons, IsEmpty());
}

TEST(Explain, AnUnseenCallSaysHowItCouldBeGranted) {
  const Answer bpf = answer({"bpf"});
  EXPECT_EQ(bpf.permission, Permission::Refused);
  EXPECT_THAT(bpf.notes, Contains(HasSubstr("add \"syscall bpf\" --why")));
  EXPECT_THAT(bpf.notes, Contains(HasSubstr("risk: ")));
}

TEST(Explain, APlannedRefusalKeepsItsReason) {
  const Answer mincore = answer({"mincore"});
  EXPECT_EQ(mincore.permission, Permission::Refused);
  EXPECT_EQ(mincore.otherwise, (seccomp::Outcome{seccomp::Action::Errno, 38}));
  EXPECT_THAT(mincore.reasons, SizeIs(1));
}

TEST(Explain, AClone3ThatNobodyAskedForIsNotSaidToBeKnown) {
  const evidence::Evidence evidence =
      sample::evidence_of({sample::process({fact("clone", {{0x3d0f00}})})});
  const Policy policy = synthesize(evidence).value();
  const runtime::Target target = runtime::target_named("docker").value();
  const seccomp::Profile profile =
      seccomp::render(policy, target, Stage::Harden).value().profile;
  const std::set<std::uint32_t> none;
  const Answer clone3 = explain(question({"clone3"}),
                                {.policy = policy,
                                 .profile = profile,
                                 .target = target,
                                 .capabilities = none},
                                runtime::runtime_layer(target), evidence)
                            .value()
                            .at(0);
  EXPECT_EQ(clone3.permission, Permission::Refused);
  EXPECT_EQ(clone3.otherwise, (seccomp::Outcome{seccomp::Action::Errno, 38}));
  ASSERT_THAT(clone3.reasons, SizeIs(1));
  EXPECT_THAT(clone3.reasons[0].note, HasSubstr("not seen"));
  EXPECT_THAT(clone3.notes, Contains(HasSubstr("then asks for clone")));
  EXPECT_THAT(clone3.notes, testing::Not(Contains(HasSubstr("knows"))));
}

TEST(Explain, CapabilitiesTellUseNoiseAndRisk) {
  const Answer chown = answer({"CHOWN"});
  EXPECT_EQ(chown.permission, Permission::Allowed);
  EXPECT_THAT(chown.notes, Contains(HasSubstr("chown_ok")));
  const Answer admin = answer({"SYS_ADMIN"});
  EXPECT_EQ(admin.permission, Permission::Refused);
  EXPECT_THAT(admin.notes, Contains(HasSubstr("memory overcommit")));
  EXPECT_THAT(admin.uses, SizeIs(1));
}

TEST(Question, TakesSocketsAndSignals) {
  EXPECT_EQ(question({"network", "inet", "stream"}).values,
            (std::vector<std::optional<std::uint64_t>>{2, 1}));
  EXPECT_EQ(question({"signal", "term"}).signal->signal, "term");
  EXPECT_FALSE(parse_question(std::vector<std::string>{"network", "ine"}));
}

TEST(Explain, TellsOfASocketWhatBothLayersSay) {
  const Policy policy = synthesize(seen()).value();
  const runtime::Target target = runtime::target_named("process").value();
  const seccomp::Profile profile =
      seccomp::render(policy, target, Stage::Harden).value().profile;
  const std::set<std::uint32_t> none;
  const auto asked = [&](const std::vector<std::string>& words) {
    return explain(question(words),
                   {.policy = policy,
                    .profile = profile,
                    .target = target,
                    .capabilities = none},
                   runtime::runtime_layer(target), seen())
        .value();
  };
  const auto unix_socket = asked({"network", "unix"});
  ASSERT_THAT(unix_socket, SizeIs(2));
  EXPECT_EQ(unix_socket[0].permission, Permission::Depends);
  EXPECT_THAT(unix_socket[0].when, Contains("the type is stream"));
  EXPECT_EQ(unix_socket[1].permission, Permission::Depends);
  for (const Answer& one : asked({"network", "inet", "stream"})) {
    EXPECT_EQ(one.permission, Permission::Refused) << one.what;
  }
  EXPECT_EQ(asked({"signal", "term"}).at(0).permission, Permission::Refused);
}

TEST(SaidAbout, KnowsSocketsAndSignals) {
  const std::vector<Decision> decisions = {
      {"network inet", "drop", "ann", "none"},
      {"signal term", "drop", "ann", "none"}};
  const auto said = [&](const std::vector<std::string>& words) {
    return said_about(question(words), decisions, {}, "2026-06-01").size();
  };
  EXPECT_EQ(said({"network", "inet", "stream"}), 1U);
  EXPECT_EQ(said({"network", "unix"}), 0U);
  EXPECT_EQ(said({"socket"}), 1U);
  EXPECT_EQ(said({"socket", "1"}), 0U);
  EXPECT_EQ(said({"signal", "term"}), 1U);
  EXPECT_EQ(said({"signal", "kill"}), 0U);
  EXPECT_EQ(said({"kill"}), 1U);
}

TEST(SaidAbout, TellsDecisionsAndWaiversWithTheirNames) {
  const std::vector<Decision> decisions = {
      {"syscall kill", "drop", "ann", "never"},
      {"file /etc/x* r", "keep", "ann", "config"}};
  const std::vector<Waiver> waivers = {
      {"capability NET_ADMIN", "bob", "routes", "2026-12-31"}};
  const auto said = [&](const std::vector<std::string>& words,
                        std::string_view day = "2026-06-01") {
    return said_about(question(words), decisions, waivers, day);
  };
  EXPECT_THAT(
      said({"kill"}),
      testing::ElementsAre("decision \"syscall kill: drop\" by ann: never"));
  EXPECT_THAT(said({"/etc/xyz"}), SizeIs(1));
  EXPECT_THAT(said({"/etc/y"}), IsEmpty());
  EXPECT_THAT(said({"NET_ADMIN"}),
              testing::ElementsAre("waived by bob until 2026-12-31: routes"));
  EXPECT_THAT(said({"NET_ADMIN"}, "2027-01-01"),
              Contains(HasSubstr("which has passed")));
  EXPECT_THAT(said({"CHOWN"}), IsEmpty());
}

TEST(Explain, SaysThatWhatWasSeenHasNoRuleWhereItWasDropped) {
  const Policy policy =
      synthesize(seen(), {.heal = false,
                          .closures = {},
                          .decisions = {{"syscall socket", "drop", "ann", "x"}},
                          .waivers = {}})
          .value();
  const runtime::Target target = runtime::target_named("process").value();
  const seccomp::Profile profile =
      seccomp::render(policy, target, Stage::Harden).value().profile;
  const std::set<std::uint32_t> none;
  const auto answers = explain(question({"socket"}),
                               {.policy = policy,
                                .profile = profile,
                                .target = target,
                                .capabilities = none},
                               runtime::runtime_layer(target), seen())
                           .value();
  EXPECT_THAT(answers.at(0).notes, Contains(HasSubstr("a decision dropped")));
}

}  // namespace
}  // namespace vambrace::policy
