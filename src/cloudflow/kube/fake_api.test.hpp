/// The API server of testdata/fake_api.py, one for each test.
#pragma once

#include "cloudflow/kube/client.hpp"
#include "cloudflow/net/client.hpp"
#include "cloudflow/net/server_process.test.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cloudflow::kube {

inline const resource pods{.group = "", .version = "v1", .plural = "pods"};
inline constexpr std::chrono::seconds patience{20};  // for what must happen

inline object pod(std::string_view name, nlohmann::json spec = nlohmann::json::object()) {
  return object{{{"apiVersion", "v1"},
                 {"kind", "Pod"},
                 {"metadata", {{"name", name}, {"namespace", "n"}}},
                 {"spec", std::move(spec)}}};
}

inline const char* name_of(errc code) {
  constexpr const char* names[] = {
      "bad_request", "unauthorized", "forbidden",      "not_found",        "already_exists",
      "conflict",    "expired",      "invalid",        "too_large",        "too_many_requests",
      "unsupported", "timeout",      "internal_error", "unavailable",      "unreachable",
      "interrupted", "untrusted",    "no_credentials", "invalid_settings", "malformed_response",
      "cancelled"};
  return names[static_cast<std::size_t>(code)];
}

class fake_api : public net::server_process {
public:
  fake_api() : server_process("src/cloudflow/kube/testdata/fake_api.py") {}

  access plain() const {
    return {.server = fmt::format("http://127.0.0.1:{}", port("http")), .proxy = net::no_proxy{}};
  }
  access secured() const {
    return {.server = fmt::format("https://localhost:{}", port("https")),
            .tls = {.authority = net::pem_file{file("ca.pem")}},
            .proxy = net::no_proxy{}};
  }
  /// Does what stands under /fake/ in fake_api.py.
  nlohmann::json tell(std::string_view what, const nlohmann::json& how = nlohmann::json::object()) {
    const auto answer =
        http_.send({.method = what == "requests" ? "GET" : "POST",
                    .url = fmt::format("http://127.0.0.1:{}/fake/{}", port("http"), what),
                    .body = what == "requests" ? "" : how.dump(),
                    .proxy = net::no_proxy{}});
    EXPECT_TRUE(answer && answer->status == 200);
    return nlohmann::json::parse(answer->body);
  }
  std::vector<std::string> requests() { return tell("requests")["requests"]; }

private:
  net::client http_;
};

/// What comes from another thread, in order.
class journal {
public:
  void add(std::string line) {
    const std::lock_guard lock{mutex_};
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  /// The first `count` lines that have not been taken, when there are so many.
  std::vector<std::string> take(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [&] { return lines_.size() >= count; });
    count = std::min(count, lines_.size());
    const auto end = lines_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<std::string> taken{lines_.begin(), end};
    lines_.erase(lines_.begin(), end);
    return taken;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

}  // namespace cloudflow::kube
