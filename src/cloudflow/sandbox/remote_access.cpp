#include "cloudflow/sandbox/remote_access.hpp"

#include "cloudflow/sandbox/wire.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <list>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using wire::line_stream;

/// None when the path does not fit into a socket's address.
std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

int connect_to(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) return fd;
  ::close(fd);
  return -1;
}

class remote_access final : public log_access {
public:
  explicit remote_access(std::filesystem::path socket) : socket_(std::move(socket)) {}

  result<std::vector<pubsub::topic_info>> topics() override {
    std::vector<pubsub::topic_info> all;
    const auto done = ask({{"command", "topics"}}, [&](const nlohmann::json& line) {
      all.push_back(wire::topic_from(line.at("topic")));
      return true;
    });
    if (!done) return done.error();
    return all;
  }
  result<void> peek(const peek_request& request,
                    const std::function<bool(const shown_record&)>& f) override {
    const auto done = ask(wire::to_json(request), [&](const nlohmann::json& line) {
      return f(wire::record_from(line.at("record")));
    });
    if (!done) return done.error();
    return {};
  }
  result<std::size_t> send(const send_request& request) override {
    return ask(wire::to_json(request), [](const nlohmann::json&) { return true; });
  }

private:
  /// One request on a connection of its own; `f` gets each line of the answer but the last.
  result<std::size_t> ask(const nlohmann::json& request,
                          const std::function<bool(const nlohmann::json&)>& f) {
    const int fd = connect_to(socket_);
    if (fd < 0)
      return error{fmt::format("{}: the sandbox does not answer any more", socket_.string())};
    line_stream stream{fd};
    if (stream.write(request)) {
      while (const auto line = stream.read()) {
        if (line->contains("error")) return error{line->at("error")};
        if (line->contains("done")) return line->at("done").get<std::size_t>();
        if (!f(*line)) return std::size_t{0};
      }
    }
    return error{fmt::format("{}: the sandbox has ended before it had answered", socket_.string())};
  }
  std::filesystem::path socket_;
};

/// Answers one request.
void serve(line_stream& stream, log_access& access) {
  const auto request = stream.read();
  if (!request) return;
  const auto answer = [&](const auto& outcome, std::size_t count) {
    if (outcome)
      stream.write({{"done", count}});
    else
      stream.write({{"error", outcome.error().message}});
  };
  try {
    const std::string command = request->at("command");
    if (command == "topics") {
      const auto all = access.topics();
      if (all)
        for (const auto& t : *all) stream.write({{"topic", wire::to_json(t)}});
      answer(all, 0);
    } else if (command == "peek") {
      answer(access.peek(wire::peek_from(*request),
                         [&](const shown_record& r) {
                           return stream.write({{"record", wire::to_json(r)}});
                         }),
             0);
    } else if (command == "send") {
      const auto sent = access.send(wire::send_from(*request));
      answer(sent, sent ? *sent : 0);
    } else {
      stream.write(
          {{"error", "this sandbox knows no command `" + command + "`: it is of another version"}});
    }
  } catch (const nlohmann::json::exception& e) {
    stream.write({{"error", std::string{"not a request: "} + e.what()}});
  }
}

}  // namespace

std::unique_ptr<log_access> connect_access(const std::filesystem::path& socket) {
  const int fd = connect_to(socket);
  if (fd < 0) return nullptr;
  ::close(fd);
  return std::make_unique<remote_access>(socket);
}

struct access_server::state {
  int listener = -1;
  std::filesystem::path path;
  std::function<std::unique_ptr<log_access>()> make;
  std::jthread thread;

  ~state() {
    thread.request_stop();
    if (thread.joinable()) thread.join();
    if (listener >= 0) ::close(listener);
    ::unlink(path.c_str());
  }
  /// One connection after the other: these are people and scripts, not load.
  void run(const std::stop_token& stop) const {
    constexpr int look_every_ms = 100;
    while (!stop.stop_requested()) {
      pollfd waiting{listener, POLLIN, 0};
      if (::poll(&waiting, 1, look_every_ms) <= 0) continue;
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const timeval patience{
          5, 0};  // a client that does not read must not keep the sandbox from stopping
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      line_stream stream{fd};
      const auto access = make();
      serve(stream, *access);
    }
  }
};

access_server::access_server(std::unique_ptr<state> s) : state_(std::move(s)) {}
access_server::~access_server() = default;

result<std::unique_ptr<access_server>> access_server::start(
    const std::filesystem::path& socket, std::function<std::unique_ptr<log_access>()> make) {
  const auto address = address_of(socket);
  if (!address)
    return error{fmt::format("{}: the path of the socket is too long: choose a shorter --state",
                             socket.string())};
  auto s = std::make_unique<state>();
  s->listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::unlink(socket.c_str());
  s->path = socket;
  constexpr int waiting_connections = 16;
  if (s->listener < 0 ||
      ::bind(s->listener, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      ::listen(s->listener, waiting_connections) != 0)
    return error{fmt::format("{}: {}", socket.string(), std::strerror(errno))};
  s->make = std::move(make);
  s->thread = std::jthread([raw = s.get()](const std::stop_token& stop) { raw->run(stop); });
  return std::unique_ptr<access_server>{new access_server(std::move(s))};
}

}  // namespace cloudflow::sandbox
