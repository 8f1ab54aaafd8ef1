// Loaded in front of the C library (LD_PRELOAD): a process gets another clock and another disk than
// the system has. A test writes what is to be into a file, also while the process runs; the file's
// name is in CLOUDFLOW_SHIM. Shim in faults.py is the other side.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

/// What Shim in faults.py writes, in this order.
struct settings {
  std::atomic<std::int64_t> clock_offset;    ///< ns that the wall clock is ahead
  std::atomic<std::int64_t> free_bytes;      ///< of every disk; below 0: as it is
  std::atomic<std::int64_t> writes_to_fail;  ///< so many writes into the log fail next
  std::atomic<std::int64_t> failure;         ///< their errno
  std::atomic<std::int64_t> failed;          ///< how many have
  std::atomic<std::int64_t> files_to_fail;   ///< so many new files of the log fail next, with that
};

template <class F>
F* system_function(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

/// Not through our own open(), which asks for the settings.
settings* find_settings() {
  static settings none{{0}, {-1}, {0}, {0}, {0}, {0}};
  const char* path = std::getenv("CLOUDFLOW_SHIM");
  const int file = path == nullptr ? -1
                                   : system_function<int(const char*, int, mode_t)>("open")(
                                         path, O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return &none;
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return page == MAP_FAILED ? &none : static_cast<settings*>(page);
}
settings& current() {
  static settings* const found = find_settings();
  return *found;
}

bool is_of_the_log(const char* path) { return std::strstr(path, "/state/log/") != nullptr; }

/// Of the embedded log: state directory, then `log`.
bool is_of_the_log(int file) {
  char link[64], path[1024];
  char* digits = link + sizeof link - 1;
  *digits = '\0';
  for (auto rest = static_cast<unsigned>(file); digits[0] == '\0' || rest != 0; rest /= 10)
    *--digits = static_cast<char>('0' + rest % 10);
  char name[96] = "/proc/self/fd/";
  std::strncat(name, digits, 16);
  const auto size = ::readlink(name, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_of_the_log(path);
}

bool take_one(std::atomic<std::int64_t>& left) {
  if (left.fetch_sub(1) <= 0) return false;
  ++current().failed;
  errno = static_cast<int>(current().failure.load());
  return true;
}

bool must_fail(int file) {
  auto& left = current().writes_to_fail;
  return file >= 0 && left.load() > 0 && is_of_the_log(file) && take_one(left);
}

bool must_fail(const char* path, int how) {
  auto& left = current().files_to_fail;
  return (how & O_CREAT) != 0 && left.load() > 0 && is_of_the_log(path) && take_one(left);
}

}  // namespace

// The declarations of the C library name their parameters as only it may.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

int clock_gettime(clockid_t which, timespec* out) noexcept {
  static auto* const real = system_function<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(which, out);
  if (result != 0 || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return result;
  const auto now =
      std::int64_t{out->tv_sec} * 1'000'000'000 + out->tv_nsec + current().clock_offset;
  out->tv_sec = now / 1'000'000'000;
  out->tv_nsec = now % 1'000'000'000;
  return 0;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  const int result = ::clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int statvfs(const char* path, struct statvfs* out) noexcept {
  static auto* const real = system_function<int(const char*, struct statvfs*)>("statvfs");
  const int result = real(path, out);
  const auto free = current().free_bytes.load();
  if (result == 0 && free >= 0)
    out->f_bavail = out->f_bfree = static_cast<fsblkcnt_t>(free) / out->f_frsize;
  return result;
}

int open(const char* path, int how, ...) {
  static auto* const real = system_function<int(const char*, int, mode_t)>("open");
  va_list more;
  va_start(more, how);
  const mode_t mode = (how & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return must_fail(path, how) ? -1 : real(path, how, mode);
}
int open64(const char* path, int how, ...) {
  va_list more;
  va_start(more, how);
  const mode_t mode = (how & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return ::open(path, how | O_LARGEFILE, mode);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* const real = system_function<ssize_t(int, const void*, size_t)>("write");
  return must_fail(file) ? -1 : real(file, bytes, size);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static auto* const real = system_function<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return must_fail(file) ? -1 : real(file, bytes, size, at);
}
int fdatasync(int file) {
  static auto* const real = system_function<int(int)>("fdatasync");
  return must_fail(file) ? -1 : real(file);
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
