#include "cloudflow/cli/waiting.hpp"

#include "cloudflow/application/kubernetes_names.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <thread>

namespace cloudflow::cli {

namespace {

using namespace std::chrono_literals;
constexpr auto look_every = 500ms;

struct state {
  bool is_seen = false;
  std::string status, message;
};

state state_of(const nlohmann::json& resource) {
  const auto status = resource.value("status", nlohmann::json::object());
  const auto generation = resource["metadata"].value("generation", std::int64_t{0});
  const auto annotations = resource["metadata"].value("annotations", nlohmann::json::object());
  const bool is_configured = status.value("observedConfiguration", "") ==
                             annotations.value(app::annotation_configuration, "");
  return {
      .is_seen = status.value("observedGeneration", std::int64_t{0}) >= generation && is_configured,
      .status = status.value("app_status", "Unknown"),
      .message = status.value("app_message", "")};
}

}  // namespace

result<void> wait_until_running(session& s, const std::string& name_space, const std::string& name,
                                std::chrono::seconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  std::string said;
  for (;;) {
    const auto found = CLOUDFLOW_TRY(s.application(name_space, name));
    const auto now = state_of(found);
    if (now.is_seen && now.status == "Running") return {};
    auto line = now.is_seen ? fmt::format("{} {}", now.status, now.message)
                            : std::string{"the operator has not seen it yet"};
    if (std::chrono::steady_clock::now() >= until)
      return error{fmt::format("{} is not running after {} s: {}", name, longest.count(), line)};
    if (line != said && isatty(STDERR_FILENO) != 0) fmt::print(stderr, "{}\n", line);
    said = std::move(line);
    std::this_thread::sleep_for(look_every);
  }
}

}  // namespace cloudflow::cli
