#include "cloudflow/sandbox/feed.hpp"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace cloudflow::sandbox {

namespace {

/// Whole or not at all: others look at it meanwhile.
result<void> write_file(const std::filesystem::path& path, const std::string& text) {
  auto unfinished = path;
  unfinished += ".new";
  std::ofstream{unfinished} << text << std::flush;
  std::error_code failed;
  std::filesystem::rename(unfinished, path, failed);
  if (failed) return error{fmt::format("{}: {}", path.string(), failed.message())};
  return {};
}

/// None: there is no such file.
std::optional<server_addresses> read_addresses(const std::filesystem::path& path) {
  std::ifstream in{path};
  if (!in) return {};
  server_addresses all;
  for (std::string line; std::getline(in, line);) {
    const auto end = line.find('=');
    if (end != line.npos) all[line.substr(0, end)] = line.substr(end + 1);
  }
  return all;
}

}  // namespace

feeder::feeder(const state_layout& state, std::string command)
  : state_(state), command_(std::move(command)) {
  std::error_code is_not_there;
  std::filesystem::remove(state_.addresses(), is_not_there);
  std::filesystem::remove(state_.feed_ended(), is_not_there);
}

feeder::~feeder() {
  if (running_) running_->signal(SIGKILL);
}

result<void> feeder::look() {
  if (command_.empty() || has_ended_) return {};
  if (!running_) {
    const auto where = read_addresses(state_.addresses());
    if (!where) return {};
    auto started = CLOUDFLOW_TRY(process::start(
        {"/bin/sh", "-c", command_}, {.environment = *where, .has_group_of_its_own = true}));
    running_.emplace(std::move(started));
  }
  const auto ended = running_->poll();
  if (!ended) return {};
  if (!ended->is_success())
    return error{fmt::format("the feeding command ended with {}: {}", to_string(*ended), command_)};
  has_ended_ = true;
  return write_file(state_.feed_ended(), "");
}

result<void> let_feed_begin(const state_layout& state, const server_addresses& where) {
  std::string text;
  for (const auto& [name, value] : where) text += fmt::format("{}={}\n", name, value);
  return write_file(state.addresses(), text);
}

server_addresses earlier_addresses(const state_layout& state) {
  return read_addresses(state.addresses()).value_or(server_addresses{});
}

bool has_feed_ended(const state_layout& state) {
  std::error_code failed;
  return std::filesystem::exists(state.feed_ended(), failed);
}

}  // namespace cloudflow::sandbox
