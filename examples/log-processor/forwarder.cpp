// Announces the files of a directory to the log processor, as a function in a cloud would when an
// object is created: one POST {"appId": uuid, "key": "<path in the directory>"} for each file, in
// the order of the paths.
//
//   log-forwarder logs --url http://127.0.0.1:3000/
//
// A server that is not there yet, or cannot write (503), is asked again for a while. Announcing a
// file twice does no harm: the processor remembers objects.

#include "cloudflow/base/hash.hpp"
#include "cloudflow/connect/files/object_store.hpp"
#include "cloudflow/net/client.hpp"
#include "cloudflow/net/url.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace {

namespace connect = cloudflow::connect;
namespace net = cloudflow::net;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_pause{50}, longest_pause{2000};

struct settings {
  std::string directory, url, prefix;
  int patience_seconds = 60;
};

/// The same application always has the same id: a UUID of version 8 (RFC 9562), made of its name.
std::string uuid_of(std::string_view app) {
  const auto high = (cloudflow::fnv1a(app) & ~std::uint64_t{0xF000}) | 0x8000u;
  const auto low = (cloudflow::fnv1a(app, 0x9AE16A3B2F90404Fu) & ~(std::uint64_t{3} << 62)) |
                   std::uint64_t{1} << 63;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFF);
}

struct outcome {
  bool is_accepted = false, may_be_repeated = false;
  std::string why;
};

/// Where the files are announced; keeps its connection.
class ingress {
public:
  ingress(std::string url, milliseconds patience) : url_(std::move(url)), patience_(patience) {}

  /// Says why not, if not.
  bool announce(const std::string& key) {
    const auto app = std::filesystem::path{key}.stem().string();
    const auto body = nlohmann::json{{"appId", uuid_of(app)}, {"key", key}}.dump();
    const auto give_up = steady_clock::now() + patience_;
    for (auto pause = first_pause;; pause = std::min(2 * pause, longest_pause)) {
      const auto result = post(body);
      if (result.is_accepted) return true;
      if (!result.may_be_repeated || steady_clock::now() + pause > give_up) {
        fmt::print(stderr, "'{}' is not accepted: {}\n", key, result.why);
        return false;
      }
      std::this_thread::sleep_for(pause);
    }
  }

private:
  outcome post(const std::string& body) {
    const auto answer = client_.send({.method = "POST",
                                      .url = url_,
                                      .headers = {{"Content-Type", "application/json"}},
                                      .body = body});
    if (!answer)
      return {.may_be_repeated = answer.error().is_retriable(), .why = answer.error().message};
    return {.is_accepted = answer->status / 100 == 2,
            .may_be_repeated = answer->status == 503,
            .why = fmt::format("status {}: {}", answer->status, answer->body)};
  }

  net::client client_;
  std::string url_;
  milliseconds patience_;
};

std::optional<std::size_t> announce_all(connect::object_store& store, const settings& s) {
  ingress to{s.url, std::chrono::seconds{s.patience_seconds}};
  std::size_t count = 0;
  for (std::string after;;) {
    const auto listed = store.list("", after);
    if (!listed) {
      fmt::print(stderr, "{}\n", listed.error().message);
      return std::nullopt;
    }
    if (listed->empty()) return count;
    for (const auto& object : *listed) {
      if (!to.announce(s.prefix + object.key)) return std::nullopt;
      ++count;
    }
    after = listed->back().key;
  }
}

int forward(const settings& s) {
  if (const auto url = net::url::parse(s.url); !url) {
    fmt::print(stderr, "{}\n", url.error().message);
    return 1;
  }
  auto store = connect::open_directory_store(s.directory);
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 1;
  }
  const auto count = announce_all(**store, s);
  if (!count) return 1;
  fmt::print("{} files announced to {}\n", *count, net::without_secrets(s.url));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App program{"Announces the files of a directory to the log processor's HTTP ingress."};
  program.add_option("directory", s.directory, "Whose files are announced, by their paths in it")
      ->required();
  program.add_option("--url", s.url, "The ingress, for example http://127.0.0.1:3000/")
      ->envname("CLOUDFLOW_HTTP_INGRESS")
      ->required();
  program.add_option("--prefix", s.prefix,
                     "What stands before each path in the key, for example logs/");
  program
      .add_option("--patience", s.patience_seconds,
                  "Seconds to ask again when the ingress is away or answers 503")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  CLI11_PARSE(program, argc, argv);
  try {
    return forward(s);
  } catch (const nlohmann::json::exception& e) {
    fmt::print(stderr, "a file name cannot be written as JSON, it is not UTF-8: {}\n", e.what());
    return 1;
  }
}
