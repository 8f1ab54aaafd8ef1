#include "cloudflow/pubsub/kafka/broker_fixture.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

struct outcome {
  int status = 0;
  std::string printed;
};

/// Runs tools/kafka; no argument has a quote in it.
outcome run(std::string_view command, const std::filesystem::path& directory,
            const std::vector<std::string>& arguments = {}) {
  auto line =
      fmt::format("'{}/tools/kafka' {} '{}'", CLOUDFLOW_SOURCE_DIR, command, directory.native());
  for (const auto& argument : arguments) line += fmt::format(" '{}'", argument);
  line += " 2>&1";

  outcome done;
  std::FILE* output = ::popen(line.c_str(), "r");
  if (output == nullptr) throw std::system_error{errno, std::generic_category(), "popen"};
  std::array<char, 4096> buf{};
  while (const auto size = std::fread(buf.data(), 1, buf.size(), output))
    done.printed.append(buf.data(), size);
  done.status = ::pclose(output);
  return done;
}

/// What it printed, without the end of the line.
std::string run_well(std::string_view command, const std::filesystem::path& directory,
                     const std::vector<std::string>& arguments = {}) {
  auto done = run(command, directory, arguments);
  if (done.status != 0)
    throw std::runtime_error{fmt::format("tools/kafka {}: {}", command, done.printed)};
  while (done.printed.ends_with('\n')) done.printed.pop_back();
  return done.printed;
}

std::filesystem::path new_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "cloudflow-kafka-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::system_error{errno, std::generic_category(), name};
  return name;
}

std::string find_shared_broker() {
  if (const char* directory = std::getenv("CLOUDFLOW_TEST_KAFKA"))
    return run_well("address", directory);
  static const test_broker of_this_program;
  return of_this_program.address();
}

}  // namespace

const std::string& shared_broker() {
  static const std::string address = find_shared_broker();
  return address;
}

std::string unique_name(std::string_view what) {
  static std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", what, random(), random());
}

// Delegates, so that the destructor runs when the start fails.
test_broker::test_broker(const broker_options& wanted) : test_broker(new_directory()) {
  std::vector<std::string> arguments{"--owner", std::to_string(::getpid())};
  if (wanted.secured) arguments.emplace_back("--secured");
  if (wanted.acls) arguments.emplace_back("--acls");
  for (const auto& setting : wanted.settings) {
    arguments.emplace_back("--set");
    arguments.push_back(setting);
  }
  run_well("start", directory_, arguments);
}

test_broker::test_broker(std::filesystem::path directory) : directory_(std::move(directory)) {}

test_broker::~test_broker() {
  const auto ignored = run("kill", directory_);  // what it leaves ends with this process
  std::error_code left_behind;
  std::filesystem::remove_all(directory_, left_behind);
}

void test_broker::start() {
  run_well("start", directory_, {"--owner", std::to_string(::getpid())});
}
void test_broker::stop() { run_well("stop", directory_); }
void test_broker::kill() { run_well("kill", directory_); }
void test_broker::rotate_certificates() { run_well("rotate-certificates", directory_); }
void test_broker::set_password(std::string_view password) {
  run_well("set-password", directory_, {std::string{password}});
}

std::string test_broker::address(std::string_view listener) const {
  return run_well("address", directory_, {std::string{listener}});
}

}  // namespace cloudflow::pubsub::kafka
