#include "elf/known_plugins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "elf/known_plugin_rules.h"
#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::string kLib = "/usr/lib/x86_64-linux-gnu/";

// "rule path", in the order of paths.
std::vector<std::string> found(const MemoryRoot& root,
                               const std::vector<std::string>& loaded,
                               const std::set<std::string>& imports = {}) {
  const PluginQuery query{.program = loaded.front(),
                          .loaded = loaded,
                          .imports = [&](std::string_view name) {
                            return imports.contains(std::string(name));
                          }};
  std::vector<std::string> answer;
  for (const Plugin& plugin : known_plugins(root, query)) {
    answer.push_back(plugin.rule + " " + plugin.path);
  }
  return answer;
}

TEST(KnownPlugins, TakesTheServicesOfTheNameServiceSwitch) {
  MemoryRoot root;
  root.files = {{"/etc/nsswitch.conf", "passwd: files systemd # ldap\n"},
                {kLib + "libnss_files.so.2", ""},
                {kLib + "libnss_dns.so.2", ""},
                {kLib + "libnss_ldap.so.2", ""},
                {kLib + "libnss_systemd.so.2", ""}};
  EXPECT_THAT(found(root, {"/bin/a"}), IsEmpty());
  EXPECT_THAT(found(root, {"/bin/a"}, {"getpwnam"}),
              ElementsAre("nss " + kLib + "libnss_files.so.2",
                          "nss " + kLib + "libnss_systemd.so.2"));
  root.files.erase("/etc/nsswitch.conf");
  EXPECT_THAT(found(root, {"/bin/a"}, {"getaddrinfo"}),
              ElementsAre("nss " + kLib + "libnss_dns.so.2",
                          "nss " + kLib + "libnss_files.so.2"));
}

TEST(KnownPlugins, ListsAFileOnceAndNoneThatIsLoaded) {
  MemoryRoot root;
  root.files = {{kLib + "libgcc_s.so.1", ""}};
  root.links = {{"/lib", "usr/lib"}};
  EXPECT_THAT(found(root, {"/bin/a"}, {"backtrace"}),
              ElementsAre("unwind " + kLib + "libgcc_s.so.1"));
  EXPECT_THAT(found(root, {"/bin/a", kLib + "libgcc_s.so.1"}, {"backtrace"}),
              IsEmpty());
}

TEST(KnownPlugins, TakesPamModulesThatAServiceNames) {
  MemoryRoot root;
  root.files = {
      {"/etc/pam.d/sshd",
       "auth [success=1 default=ignore] pam_unix.so nullok\n"
       "# auth required pam_off.so\n-session optional /opt/pam_own.so\n"},
      {"/opt/pam_own.so", ""},
      {kLib + "security/pam_off.so", ""},
      {kLib + "security/pam_unix.so", ""}};
  EXPECT_THAT(found(root, {"/usr/sbin/sshd", kLib + "libpam.so.0.85.1"}),
              ElementsAre("pam /opt/pam_own.so",
                          "pam " + kLib + "security/pam_unix.so"));
}

TEST(KnownPlugins, TakesNativeModulesOfTheVersionOfPython) {
  MemoryRoot root;
  const std::string modules = "/usr/lib/python3/dist-packages/";
  root.files = {{"/usr/lib/python3.11/lib-dynload/"
                 "_bz2.cpython-311-x86_64-linux-gnu.so",
                 ""},
                {modules + "a/b.cpython-312-x86_64-linux-gnu.so", ""},
                {modules + "a/c.abi3.so", ""},
                {"/usr/lib/python3.12/lib-dynload/x.so", ""}};
  EXPECT_THAT(found(root, {"/usr/bin/python3.11"}),
              UnorderedElementsAre("python " + modules + "a/c.abi3.so",
                                   "python /usr/lib/python3.11/lib-dynload/"
                                   "_bz2.cpython-311-x86_64-linux-gnu.so"));
}

TEST(KnownPlugins, ReadsTheConfigurationOfServers) {
  MemoryRoot root;
  root.files = {
      {"/etc/nginx/modules-enabled/50.conf", "load_module modules/x.so;\n"},
      {"/usr/lib/nginx/modules/x.so", ""},
      {"/usr/lib/nginx/modules/y.so", ""},
      {"/etc/apache2/mods-enabled/a.load",
       "loadmodule a_module /usr/lib/apache2/modules/mod_a.so\n"
       "#LoadModule b_module /usr/lib/apache2/modules/mod_b.so\n"},
      {"/usr/lib/apache2/modules/mod_a.so", ""},
      {"/usr/lib/apache2/modules/mod_b.so", ""},
      {"/etc/php/8.2/fpm/conf.d/20.ini",
       "extension=ftp\n;extension=ffi\nzend_extension = opcache.so\n"},
      {"/usr/lib/php/20220829/ftp.so", ""},
      {"/usr/lib/php/20220829/ffi.so", ""},
      {"/usr/lib/php/20220829/opcache.so", ""},
  };
  root.links = {{"/usr/share/nginx/modules", "../../lib/nginx/modules"}};
  EXPECT_THAT(found(root, {"/usr/sbin/nginx"}),
              ElementsAre("nginx /usr/lib/nginx/modules/x.so"));
  EXPECT_THAT(found(root, {"/usr/sbin/apache2"}),
              ElementsAre("apache /usr/lib/apache2/modules/mod_a.so"));
  EXPECT_THAT(found(root, {"/usr/sbin/php-fpm8.2"}),
              ElementsAre("php /usr/lib/php/20220829/ftp.so",
                          "php /usr/lib/php/20220829/opcache.so"));
}

TEST(KnownPlugins, TakesPartsOfOpensslThatAreNamedOrAskedFor) {
  MemoryRoot root;
  root.files = {{"/etc/ssl/openssl.cnf", "[a]\n# legacy = l\nengines = e\n"},
                {kLib + "ossl-modules/legacy.so", ""},
                {kLib + "engines-3/afalg.so", ""}};
  const std::vector<std::string> loaded = {"/bin/a", kLib + "libcrypto.so.3"};
  EXPECT_THAT(found(root, loaded), IsEmpty());
  EXPECT_THAT(
      found(root, loaded, {"OSSL_PROVIDER_load", "ENGINE_by_id"}),
      ElementsAre("openssl-engines " + kLib + "engines-3/afalg.so",
                  "openssl-providers " + kLib + "ossl-modules/legacy.so"));
  root.files["/etc/ssl/openssl.cnf"] = "[p]\nlegacy = legacy_sect\n";
  EXPECT_THAT(found(root, loaded), ElementsAre("openssl-providers " + kLib +
                                               "ossl-modules/legacy.so"));
}

TEST(KnownPlugins, ConvertsForLocalesThatAreInstalled) {
  MemoryRoot root;
  root.files = {{kLib + "gconv/ISO8859-1.so", ""},
                {"/usr/lib/locale/C.utf8/LC_CTYPE", ""}};
  EXPECT_THAT(found(root, {"/bin/a"}, {"setlocale"}), IsEmpty());
  root.files["/usr/lib/locale/de_DE/LC_CTYPE"] = "";
  EXPECT_THAT(found(root, {"/bin/a"}, {"setlocale"}), Not(IsEmpty()));
}

TEST(KnownPlugins, EveryRuleSaysWhyWhenAndWhereItIsWritten) {
  for (const PluginRule& rule : plugin_rules()) {
    EXPECT_FALSE(rule.why.empty() || rule.source.empty()) << rule.name;
    EXPECT_FALSE(rule.objects.empty() && rule.imports.empty()) << rule.name;
    EXPECT_FALSE(rule.files.empty() && rule.configs.empty()) << rule.name;
    EXPECT_FALSE(rule.entries.empty()) << rule.name;
  }
}

}  // namespace
}  // namespace vambrace::elf
