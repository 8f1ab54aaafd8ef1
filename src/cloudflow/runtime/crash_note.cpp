#include "cloudflow/runtime/crash_note.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace cloudflow::runtime {

namespace {

struct note {
  const char* streamlet = nullptr;
  const char* topic = nullptr;
  std::int32_t partition = 0;
  std::int64_t first = 0, last = 0;
};
thread_local note current;
int file = -1;  // set once, before any signal

// In a signal handler: no allocation, no locks, no printf.

void put(const char* text) noexcept { (void)!::write(file, text, std::strlen(text)); }

void put(std::int64_t n) noexcept {
  char digits[24];
  auto* p = digits + sizeof digits;
  *--p = '\0';
  do {
    *--p = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n > 0);
  put(p);
}

void on_crash(int number) noexcept {
  if (current.streamlet != nullptr) {
    put("streamlet ");
    put(current.streamlet);
    if (current.topic != nullptr) {
      put(", topic ");
      put(current.topic);
      put(", partition ");
      put(current.partition);
      put(", offsets ");
      put(current.first);
      put(" to ");
      put(current.last);
    }
    put("\n");
  }
  ::signal(number, SIG_DFL);
  ::raise(number);
}

}  // namespace

void crash_note::set(const std::string& streamlet, const std::string& topic, std::int32_t partition,
                     std::int64_t first_offset, std::int64_t last_offset) noexcept {
  current = {streamlet.c_str(), topic.empty() ? nullptr : topic.c_str(), partition, first_offset,
             last_offset};
}

void crash_note::clear() noexcept { current = {}; }

bool crash_note::install(const std::string& path) noexcept {
  file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return false;
  struct sigaction action {};
  action.sa_handler = on_crash;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    ::sigaction(number, &action, nullptr);
  return true;
}

}  // namespace cloudflow::runtime
