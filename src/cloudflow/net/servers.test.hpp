/// The servers of testdata/servers.py, for the tests of this module.
#pragma once

#include "cloudflow/net/request.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cloudflow::net {

/// Started at the first use and ended with the program, in whatever way that ends.
class test_servers {
public:
  static const test_servers& running() {
    static const test_servers all;
    return all;
  }

  test_servers() {
    auto name = (std::filesystem::temp_directory_path() / "cloudflow-net-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    int input[2], output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0)
      throw std::runtime_error{"no pipe"};
    spawn(input[0], output[1]);
    ::close(input[0]);
    ::close(output[1]);
    end_ = input[1];
    auto* lines = ::fdopen(output[0], "r");
    std::string line(4096, '\0');
    if (std::fgets(line.data(), static_cast<int>(line.size()), lines) == nullptr)
      throw std::runtime_error{"servers.py has not started"};
    std::fclose(lines);
    ports_ = nlohmann::json::parse(line.c_str());
  }
  ~test_servers() {
    ::close(end_);
    ::waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  test_servers(const test_servers&) = delete;
  test_servers& operator=(const test_servers&) = delete;

  std::uint16_t port(std::string_view server) const {
    return ports_.at(std::string{server}).get<std::uint16_t>();
  }
  /// Of a certificate, key or log by its name.
  std::filesystem::path file(std::string_view name) const { return directory_ / name; }

  std::string url(std::string_view server, std::string_view path,
                  std::string_view host = "localhost") const {
    return fmt::format("{}://{}:{}{}", server.starts_with("tls_") ? "https" : "http", host,
                       port(server), path);
  }
  /// A GET that trusts the authority of the tests and uses no proxy.
  request get(std::string_view server, std::string_view path) const {
    return {.url = url(server, path),
            .tls = {.authority = pem_file{file("ca.pem")}},
            .proxy = no_proxy{}};
  }

private:
  void spawn(int input, int output) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    // -B: nothing is written into the source tree.
    std::string arguments[] = {"python3",
                               "-B",
                               "-W",
                               "ignore",
                               CLOUDFLOW_SOURCE_DIR "/src/cloudflow/net/testdata/servers.py",
                               directory_};
    char* pointers[] = {arguments[0].data(),
                        arguments[1].data(),
                        arguments[2].data(),
                        arguments[3].data(),
                        arguments[4].data(),
                        arguments[5].data(),
                        nullptr};
    const auto code = ::posix_spawnp(&process_, "python3", &files, nullptr, pointers, environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (code != 0) throw std::runtime_error{"cannot start python3"};
  }

  std::filesystem::path directory_;
  pid_t process_ = 0;
  int end_ = -1;  // the servers end when this does
  nlohmann::json ports_;
};

}  // namespace cloudflow::net
