/// What a streamlet knows about where it runs: values of its parameters, mounts and server.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/flow/ports.hpp"
#include "cloudflow/streamlet/parameter.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow {

enum class access { read_write_many, read_only_many };

/// A directory of the cluster (or of the sandbox); `ctx[mount]` is its path here.
class volume_mount {
public:
  volume_mount(port_name name, std::string_view path, access mode)
    : name_(name.text), path_(path), mode_(mode) {}
  volume_mount(const volume_mount&) = delete;
  volume_mount& operator=(const volume_mount&) = delete;
  blueprint::volume_mount_descriptor describe() const;
  std::string_view name() const noexcept { return name_; }

private:
  std::string_view name_, path_;
  access mode_;
};

/// Where a streamlet's server listens.
struct server_endpoint {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one
};

/// A member of this type says that the streamlet serves HTTP; `ctx[server]` is where it is to
/// listen.
class server_port {
public:
  server_port() = default;
  server_port(const server_port&) = delete;
  server_port& operator=(const server_port&) = delete;
};

/// Everything that the plan and the process give to one streamlet.
struct streamlet_config {
  std::string streamlet;
  std::map<std::string, std::string>
      parameters;                             ///< key -> text; what is not there has its default
  std::map<std::string, std::string> mounts;  ///< name -> directory
  server_endpoint server;
  logger log{make_null_sink(), ""};
  /// Told once a server listens: `http://127.0.0.1:3000`.
  std::function<void(std::string_view url)> on_listening;
};

/// What `logic()` reads. It lives as long as the pipeline, and so does all that it hands out by
/// reference: a function of the pipeline may keep a reference to it. A value; copies share what
/// they hold. Immutable once `logic()` is called; thread-safe.
class context {
public:
  /// Throws std::invalid_argument if `p` is not a member of this streamlet.
  template <class T>
  const T& operator[](const parameter<T>& p) const {
    return *static_cast<const T*>(value_of(&p, p.key()));
  }
  const std::string& operator[](const volume_mount& m) const {
    return *static_cast<const std::string*>(value_of(&m, m.name()));
  }
  const server_endpoint& operator[](const server_port&) const noexcept { return config_->server; }
  std::string_view streamlet() const noexcept { return config_->streamlet; }
  /// The log under the streamlet's name.
  const logger& log() const noexcept { return config_->log; }

  // -- used by the library ---

  explicit context(const streamlet_config& d)
    : config_(std::make_shared<const streamlet_config>(d)) {}
  void set(const void* member, std::shared_ptr<const void> value);
  const streamlet_config& where() const noexcept { return *config_; }
  /// From now on the member that was read last is stored there. For one thread alone.
  void watch(const void** last_read) noexcept { last_read_ = last_read; }

private:
  const void* value_of(const void* member, std::string_view name) const;
  std::shared_ptr<const streamlet_config> config_;
  std::vector<std::pair<const void*, std::shared_ptr<const void>>> values_;
  const void** last_read_ = nullptr;
};

}  // namespace cloudflow
