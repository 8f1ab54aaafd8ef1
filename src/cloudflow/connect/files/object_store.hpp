/// Objects by key, as S3 has them: the interface, and one over a directory.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

enum class object_errc {
  not_found,
  forbidden,
  invalid_key,  ///< no store can have an object of that name, or it points out of the store
  changed,      ///< the object is no longer the one that was opened
  unavailable,  ///< the store does not answer, or answers nonsense
};

/// `not found`, `forbidden` ...
std::string_view to_string(object_errc code) noexcept;

struct object_error {
  object_errc code = object_errc::unavailable;
  std::string message;

  /// Whether the same call may succeed later, unchanged: an object may arrive, rights and disks be
  /// mended.
  bool retriable() const noexcept { return code != object_errc::invalid_key; }
};

template <class T>
using object_result = result<T, object_error>;

struct object_info {
  std::uint64_t size = 0;
  /// Equal for equal content of one key; without the quotes that HTTP puts around it.
  std::string etag;
  timestamp last_modified;

  bool operator==(const object_info&) const = default;
};

/// One version of an object, open for reading. Confined to one thread.
class stored_object {
public:
  virtual ~stored_object() = default;
  /// As it was when the object was opened.
  virtual const object_info& info() const noexcept = 0;
  /// Fills `into` from byte `offset` on. Returns the number of bytes read: fewer than asked for
  /// only at the end, 0 behind it. Never mixes two versions: `changed` when the object was replaced
  /// or written to. Blocks.
  virtual object_result<std::size_t> read(std::uint64_t offset, std::span<char> into) = 0;
};

struct listed_object {
  std::string key;
  std::uint64_t size = 0;
  timestamp last_modified;

  bool operator==(const listed_object&) const = default;
};

/// Implementations are thread-safe; every call blocks.
class object_store {
public:
  virtual ~object_store() = default;
  virtual object_result<object_info> head(std::string_view key) = 0;
  virtual object_result<std::unique_ptr<stored_object>> open(std::string_view key) = 0;
  /// Up to `limit` objects whose keys begin with `prefix` and come after `after`, in the order of
  /// the bytes of their keys. Ask again with the last key for the rest.
  virtual object_result<std::vector<listed_object>> list(std::string_view prefix,
                                                         std::string_view after = {},
                                                         std::size_t limit = 1000) = 0;
};

/// The files below `root` as objects; a key is a path relative to it, with `/`.
///
/// No key leads out of `root`: empty, absolute and `..` keys are refused, and so is a file that is
/// reached through a symbolic link to somewhere else (links that stay inside are followed).
///
/// The ETag is the MD5 of the content, as S3 computes it for an object uploaded in one part: a file
/// that is touched, copied again or restored is still the same object, and one with other content
/// never is, which size and time alone do not promise. The price is that `head` and `open` read the
/// file once.
///
/// Fails when `root` is not a directory that can be read.
object_result<std::unique_ptr<object_store>> open_directory_store(
    const std::filesystem::path& root);

}  // namespace cloudflow::connect
