#include <cstdint>
#include <string>

#include "base/result.h"
#include "elf/known_plugins.h"
#include "elf/launch.h"
#include "elf/memory_root.h"

// Configuration files and scripts of anybody's making: what the rules find is a
// file of the root, once, whatever the words are.
namespace {

using namespace vambrace;

constexpr const char* kConfigs[] = {
    "/etc/nsswitch.conf",    "/etc/pam.d/x",           "/etc/ssl/openssl.cnf",
    "/etc/nginx/nginx.conf", "/etc/httpd/conf/x.conf", "/etc/redis/x.conf",
    "/etc/php.ini",          "/etc/lighttpd/x.conf"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto line = elf::parse_script_line(text)) {
    CHECK(!line->interpreter.empty());
    CHECK(line->interpreter.size() + line->argument.size() < 256);
    CHECK(!(line->interpreter + line->argument).contains('\n'));
  }
  const std::string lib = "/usr/lib/x86_64-linux-gnu/";
  elf::MemoryRoot root;
  for (const char* config : kConfigs) {
    root.files[config] = text;
  }
  for (const char* name :
       {"libnss_a.so.2", "security/pam_a.so", "ossl-modules/a.so",
        "engines-3/a.so", "lighttpd/mod_a.so"}) {
    root.files[lib + name] = "";
  }
  root.files["/usr/lib/nginx/modules/a.so"] = "";
  root.files["/usr/lib/php/1/a.so"] = "";
  root.links = {{"/lib", "usr/lib"}, {"/etc/nginx/modules", "/usr/lib/nginx"}};
  const elf::PluginQuery query{
      .program = "/usr/sbin/nginx",
      .loaded = {"/usr/sbin/nginx", "/usr/sbin/httpd", "/usr/bin/php",
                 "/usr/bin/redis-server", "/usr/sbin/lighttpd",
                 lib + "libpam.so.0", lib + "libcrypto.so.3"},
      .imports = [](std::string_view name) { return name == "getpwnam"; }};
  root.files["/usr/sbin/nginx"] = text;
  if (const auto launch = elf::follow_scripts(root, "/usr/sbin/nginx", {})) {
    CHECK(root.is_file(launch->program) && launch->gaps.size() <= 4);
  }
  std::string last;
  for (const elf::Plugin& plugin : elf::known_plugins(root, query)) {
    CHECK(root.files.contains(plugin.path));
    CHECK(plugin.path > last);
    last = plugin.path;
  }
  return 0;
}
