#pragma once

#include "cloudflow/base/log.hpp"

#include <mutex>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// Keeps what is logged. Thread-safe.
class recorder final : public log_sink {
public:
  log_level lowest() const noexcept override { return log_level::debug; }
  void write(log_level, std::string_view, std::string_view message) override {
    const std::lock_guard lock{mutex_};
    text_.append(message).append("\n");
  }
  std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }
  bool has(std::string_view what) const { return text().find(what) != std::string::npos; }

private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace cloudflow::pubsub::kafka
