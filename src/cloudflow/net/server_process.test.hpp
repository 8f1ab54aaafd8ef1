/// Servers in Python, as child processes of a test program.
#pragma once

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cloudflow::net {

/// A script that gets a directory of its own as its argument, prints its ports as one line of JSON
/// when it is ready, and ends when its standard input does: with this object, or when the test
/// crashes.
class server_process {
public:
  /// A path below the repository.
  explicit server_process(const std::string& script) {
    auto name = (std::filesystem::temp_directory_path() / "cloudflow-net-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    int input[2], output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0)
      throw std::runtime_error{"no pipe"};
    spawn(std::string{CLOUDFLOW_SOURCE_DIR "/"} + script, input[0], output[1]);
    ::close(input[0]);
    ::close(output[1]);
    end_ = input[1];
    auto* lines = ::fdopen(output[0], "r");
    std::string line(4096, '\0');
    if (std::fgets(line.data(), static_cast<int>(line.size()), lines) == nullptr)
      throw std::runtime_error{script + " has not started"};
    std::fclose(lines);
    ports_ = nlohmann::json::parse(line.c_str());
  }
  ~server_process() {
    ::close(end_);
    ::waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  std::uint16_t port(std::string_view server) const {
    return ports_.at(std::string{server}).get<std::uint16_t>();
  }
  /// In its directory.
  std::filesystem::path file(std::string_view name) const { return directory_ / name; }

private:
  void spawn(const std::string& script, int input, int output) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    // -B: nothing is written into the source tree.
    std::string arguments[] = {"python3", "-B", "-W", "ignore", script, directory_};
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
