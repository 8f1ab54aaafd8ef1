#include "cloudflow/connect/files/object_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cloudflow::connect {

namespace {

namespace fs = std::filesystem;

class file_descriptor {
public:
  explicit file_descriptor(int fd) noexcept : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&&) = delete;
  ~file_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

private:
  int fd_;
};

object_error from_errno(int code, std::string_view what, std::string_view key) {
  const auto text =
      fmt::format("{} object '{}': {}", what, key, std::generic_category().message(code));
  switch (code) {
    case ENOENT:
    case ENOTDIR: return {object_errc::not_found, text};
    case EACCES:
    case EPERM: return {object_errc::forbidden, text};
    case ENAMETOOLONG: return {object_errc::invalid_key, text};
    default: return {object_errc::unavailable, text};
  }
}

timestamp modified(const struct stat& s) {
  return timestamp{
      std::chrono::milliseconds{s.st_mtim.tv_sec * 1000 + s.st_mtim.tv_nsec / 1'000'000}};
}

bool same_version(const struct stat& a, const struct stat& b) noexcept {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// Reads until `into` is full or the file ends; -1 with errno set.
ssize_t read_fully(int fd, std::uint64_t offset, std::span<char> into) {
  std::size_t done = 0;
  while (done != into.size()) {
    const auto n =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

class md5 {
public:
  md5() : ctx_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    ok_ = ctx_ != nullptr && EVP_DigestInit_ex(ctx_.get(), EVP_md5(), nullptr) == 1;
  }
  void update(std::span<const char> bytes) {
    ok_ = ok_ && EVP_DigestUpdate(ctx_.get(), bytes.data(), bytes.size()) == 1;
  }
  /// Empty when the library refuses MD5.
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (!ok_ || EVP_DigestFinal_ex(ctx_.get(), digest.data(), &size) != 1) return {};
    std::string out;
    for (unsigned i = 0; i != size; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
  }

private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx_;
  bool ok_ = false;
};

class file_object final : public stored_object {
public:
  file_object(std::string key, file_descriptor fd, const struct stat& opened, object_info info)
    : key_(std::move(key)), fd_(std::move(fd)), opened_(opened), info_(std::move(info)) {}

  const object_info& info() const noexcept override { return info_; }

  object_result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const auto n = read_fully(fd_.get(), offset, into);
    if (n < 0) return from_errno(errno, "cannot read", key_);
    struct stat now {};
    if (::fstat(fd_.get(), &now) != 0) return from_errno(errno, "cannot look at", key_);
    if (!same_version(opened_, now))
      return object_error{object_errc::changed,
                          fmt::format("object '{}' was written to while it was read", key_)};
    return static_cast<std::size_t>(n);
  }

private:
  std::string key_;
  file_descriptor fd_;
  struct stat opened_;
  object_info info_;
};

object_result<std::string> content_etag(int fd, std::string_view key) {
  constexpr std::size_t chunk = 256 * 1024;
  const auto buf = std::make_unique_for_overwrite<char[]>(chunk);
  md5 digest;
  for (std::uint64_t at = 0;;) {
    const auto n = read_fully(fd, at, {buf.get(), chunk});
    if (n < 0) return from_errno(errno, "cannot read", key);
    digest.update({buf.get(), static_cast<std::size_t>(n)});
    at += static_cast<std::uint64_t>(n);
    if (static_cast<std::size_t>(n) < chunk) break;
  }
  auto hex = digest.hex();
  if (hex.empty())
    return object_error{object_errc::unavailable,
                        fmt::format("cannot compute the ETag of object '{}': the OpenSSL of this "
                                    "machine offers no MD5",
                                    key)};
  return hex;
}

/// Why `key` cannot name an object; empty when it can.
std::string_view objection_to_key(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.front() == '/') return "it is absolute";
  if (key.find('\0') != key.npos) return "it has a NUL byte";
  for (std::size_t from = 0; from <= key.size();) {
    const auto to = std::min(key.find('/', from), key.size());
    const auto part = key.substr(from, to - from);
    if (part.empty() || part == "." || part == "..") return "it has an empty, '.' or '..' part";
    from = to + 1;
  }
  return {};
}

class directory_store final : public object_store {
public:
  explicit directory_store(fs::path root) : root_(std::move(root)) {}

  object_result<object_info> head(std::string_view key) override {
    auto opened = CLOUDFLOW_TRY(open(key));
    return opened->info();
  }

  object_result<std::unique_ptr<stored_object>> open(std::string_view key) override {
    if (const auto why = objection_to_key(key); !why.empty())
      return object_error{object_errc::invalid_key,
                          fmt::format("object key '{}' is refused: {}", key, why)};
    // Non-blocking, so that a named pipe does not hold the thread.
    file_descriptor fd{::open((root_ / key).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (fd.get() < 0) return from_errno(errno, "cannot open", key);
    struct stat opened {};
    if (::fstat(fd.get(), &opened) != 0) return from_errno(errno, "cannot look at", key);
    if (!S_ISREG(opened.st_mode))
      return object_error{object_errc::not_found,
                          fmt::format("object '{}' is a directory or a device, not a file", key)};
    if (!is_inside(fd.get()))
      return object_error{
          object_errc::invalid_key,
          fmt::format("object key '{}' is refused: a symbolic link leads out of the store", key)};
    auto etag = CLOUDFLOW_TRY(content_etag(fd.get(), key));
    object_info info{static_cast<std::uint64_t>(opened.st_size), std::move(etag), modified(opened)};
    return std::unique_ptr<stored_object>{
        std::make_unique<file_object>(std::string{key}, std::move(fd), opened, std::move(info))};
  }

  object_result<std::vector<listed_object>> list(std::string_view prefix, std::string_view after,
                                                 std::size_t limit) override {
    std::vector<listed_object> found;
    std::error_code ec;
    auto it = fs::recursive_directory_iterator(root_, ec);
    for (; !ec && it != fs::recursive_directory_iterator{}; it.increment(ec)) {
      auto key = it->path().lexically_relative(root_).generic_string();
      if (!key.starts_with(prefix) || key <= after) continue;
      struct stat s {};
      if (::stat(it->path().c_str(), &s) != 0 || !S_ISREG(s.st_mode)) continue;
      if (it->is_symlink(ec) && !is_below_root(fs::canonical(it->path(), ec))) continue;
      found.push_back({std::move(key), static_cast<std::uint64_t>(s.st_size), modified(s)});
    }
    if (ec)
      return object_error{
          ec == std::errc::permission_denied ? object_errc::forbidden : object_errc::unavailable,
          fmt::format("cannot list '{}': {}", root_.string(), ec.message())};
    std::ranges::sort(found, {}, &listed_object::key);
    if (found.size() > limit) found.resize(limit);
    return found;
  }

private:
  bool is_below_root(const fs::path& canonical) const {
    const auto relative = canonical.lexically_relative(root_);
    return !relative.empty() && *relative.begin() != "..";
  }
  /// Asks the open file where it is, not the path: a link that is exchanged in between changes
  /// nothing.
  bool is_inside(int fd) const {
    std::error_code ec;
    const auto real = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), ec);
    return !ec && is_below_root(real);
  }

  fs::path root_;  // canonical
};

}  // namespace

object_result<std::unique_ptr<object_store>> open_directory_store(const fs::path& root) {
  std::error_code ec;
  auto canonical = fs::canonical(root, ec);
  if (!ec && !fs::is_directory(canonical, ec))
    ec = std::make_error_code(std::errc::not_a_directory);
  if (!ec) fs::directory_iterator{canonical, ec};
  if (ec)
    return object_error{
        ec == std::errc::permission_denied ? object_errc::forbidden : object_errc::not_found,
        fmt::format("cannot use '{}' as an object store: {}", root.string(), ec.message())};
  return std::unique_ptr<object_store>{std::make_unique<directory_store>(std::move(canonical))};
}

}  // namespace cloudflow::connect
