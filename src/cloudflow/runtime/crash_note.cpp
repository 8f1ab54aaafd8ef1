#include "cloudflow/runtime/crash_note.hpp"

#include <execinfo.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>

namespace cloudflow::runtime {

namespace {

struct note {
  const char* streamlet = nullptr;
  const flow::kept_origin* const* held = nullptr;
  const char* topic = nullptr;
  std::int32_t partition = 0;
  std::int64_t first = 0, last = 0;
};
thread_local note current;
std::array<int, 2> files{-1, -1};  // set once, before any signal
std::atomic<const char*> why_aborted{nullptr};

// In a signal handler: no allocation, no locks, no printf.

void put(const char* text) noexcept {
  for (const int file : files)
    if (file >= 0) (void)!::write(file, text, std::strlen(text));
}

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

constexpr int most_frames = 12;
/// Of the handler and of what called it.
constexpr int own_frames = 2;

void put_records(const char* topic, std::int32_t partition, std::int64_t first,
                 std::int64_t last) noexcept {
  put(", topic ");
  put(topic);
  put(", partition ");
  put(partition);
  put(", offsets ");
  put(first);
  put(" to ");
  put(last);
}

/// False: this thread worked for nobody.
bool put_who() noexcept {
  if (current.streamlet == nullptr) {
    if (why_aborted.load() == nullptr) return false;
    put("a worker, for no streamlet");
    return true;
  }
  put("streamlet ");
  put(current.streamlet);
  const auto* held = current.held != nullptr ? *current.held : nullptr;
  if (held != nullptr && held->what == flow::origin_kind::inlet)
    put_records(held->topic.c_str(), held->partition, held->offset.value(), held->offset.value());
  else if (held == nullptr && current.topic != nullptr)
    put_records(current.topic, current.partition, current.first, current.last);
  return true;
}

void on_crash(int number) noexcept {
  if (put_who()) {
    put("\nsignal ");
    put(number);
    if (const char* why = why_aborted.load(); why != nullptr) {
      put(", ");
      put(why);
    }
    put("\n");
    std::array<void*, own_frames + most_frames> frames;
    const int found = ::backtrace(frames.data(), static_cast<int>(frames.size()));
    for (const int file : files)
      if (file >= 0 && found > own_frames)
        ::backtrace_symbols_fd(frames.data() + own_frames, found - own_frames, file);
  }
  ::signal(number, SIG_DFL);
  ::raise(number);
}

/// Takes the text up to `end` off `text`, which begins with `word`. False: it does not.
bool take(std::string_view& text, std::string_view word, std::string_view end,
          std::string_view& into) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  into = text.substr(0, text.find(end));
  text.remove_prefix(std::min(into.size() + end.size(), text.size()));
  return true;
}

template <class Int>
bool take(std::string_view& text, std::string_view word, std::string_view end, Int& into) {
  std::string_view digits;
  return take(text, word, end, digits) &&
         std::from_chars(digits.data(), digits.data() + digits.size(), into).ec == std::errc{};
}

/// `program(+0x1234)` of `/path/to/program(+0x1234)[0x55..1234]`.
std::string_view place_of(std::string_view frame) {
  frame = frame.substr(0, frame.rfind('['));
  const auto slash = frame.substr(0, frame.find('(')).rfind('/');
  return slash == std::string_view::npos ? frame : frame.substr(slash + 1);
}

}  // namespace

void crash_note::begin(const std::string& streamlet,
                       const flow::kept_origin* const& held) noexcept {
  current = {.streamlet = streamlet.c_str(), .held = &held};
}

void crash_note::end() noexcept { current = {}; }

void crash_note::begin_records(const std::string& topic, std::int32_t partition,
                               std::int64_t first_offset, std::int64_t last_offset) noexcept {
  current.partition = partition;
  current.first = first_offset;
  current.last = last_offset;
  current.topic = topic.c_str();
}

void crash_note::end_records() noexcept { current.topic = nullptr; }

bool crash_note::install(const std::string& path, const std::string& copy) noexcept {
  constexpr int anew = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  files[0] = ::open(path.c_str(), anew, 0644);
  if (files[0] < 0) return false;
  if (!copy.empty()) files[1] = ::open(copy.c_str(), anew, 0644);
  void* frame = nullptr;
  ::backtrace(&frame, 1);  // loads what it needs; in the handler it must not
  protect_this_thread();
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    ::sigaction(number, &action, nullptr);
  return true;
}

void crash_note::abort(pthread_t thread, const char* why) noexcept {
  why_aborted.store(why);
  ::pthread_kill(thread, SIGABRT);
}

void crash_note::protect_this_thread() {
  stack_t known{};
  if (::sigaltstack(nullptr, &known) == 0 && (known.ss_flags & SS_DISABLE) == 0)
    return;  // a sanitizer's, which it takes away itself
  constexpr std::size_t size = 64 * 1024;
  thread_local const auto memory = std::make_unique<std::byte[]>(size);
  const stack_t stack{.ss_sp = memory.get(), .ss_flags = 0, .ss_size = size};
  ::sigaltstack(&stack, nullptr);
}

std::optional<crash> crash_note::parse(std::string_view text) {
  auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  crash c;
  std::string_view streamlet, topic;
  if (!take(line, "streamlet ", ", ", streamlet)) return {};
  c.streamlet = streamlet;
  if (take(line, "topic ", ", ", topic)) {
    if (!take(line, "partition ", ", ", c.partition) || !take(line, "offsets ", " to ", c.first) ||
        !take(line, "", ", ", c.last))
      return {};
    c.topic = topic;
  }
  std::string_view signal;
  int number = 0;
  if (!take(text, "signal ", "\n", signal) || !take(signal, "", ", ", number)) return {};
  c.how = signal.empty() ? fmt::format("signal {} ({})", number, ::strsignal(number))
                         : std::string{signal};
  for (std::string_view frame, before = " at "; take(text, "", "\n", frame) && !frame.empty();
       before = " < ")
    c.how.append(before).append(place_of(frame));
  return c;
}

}  // namespace cloudflow::runtime
