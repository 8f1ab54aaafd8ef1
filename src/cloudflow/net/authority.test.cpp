#include "cloudflow/net/client.hpp"
#include "cloudflow/net/servers.test.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>

namespace {

std::atomic<int> trusted_directories = 0;

}  // namespace

/// Instead of OpenSSL's, for libcurl too: counts what is trusted because it lies in a directory.
// NOLINTNEXTLINE(readability-identifier-naming): OpenSSL calls it so
extern "C" int X509_STORE_load_path(void* store, const char* directory) {
  ++trusted_directories;
  static const auto original =
      reinterpret_cast<decltype(&X509_STORE_load_path)>(dlsym(RTLD_NEXT, "X509_STORE_load_path"));
  return original(store, directory);
}

namespace cloudflow::net {
namespace {

TEST(net_authority, replaces_those_of_the_system_and_is_not_added_to_them) {
  client own, systems;
  auto get = test_servers::running().get("tls_server", "/echo");
  EXPECT_TRUE(own.send(get));
  EXPECT_EQ(trusted_directories, 0);
  get.tls.authority.reset();
  EXPECT_FALSE(systems.send(get));
  EXPECT_NE(trusted_directories, 0);  // so the count counts
}

}  // namespace
}  // namespace cloudflow::net
