/// HOCON as values that know where they come from.
#pragma once

#include "cloudflow/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cloudflow::config {

/// Where something stands: `blueprint.conf:12:5`. Lines and columns count from 1; 0 means unknown.
/// A value type; cheap to copy.
struct origin {
  std::shared_ptr<const std::string>
      source;  ///< file name as given, or what stands for it ("command line")
  int line = 0;
  int column = 0;
};
std::string to_string(const origin& where);

/// Kinds follow the reference implementation's exceptions.
enum class problem_kind { parse, unresolved_substitution, wrong_type, bad_path, missing, io };

/// What is wrong with a document, for the person who wrote it.
struct problem {
  problem_kind kind = problem_kind::parse;
  origin where;
  std::string message;     ///< one sentence; expected and found
  std::string suggestion;  ///< the next step; may be empty
};
/// `file:line:column: error: message`, then the suggestion.
std::string to_string(const problem& p);

template <class T>
using result = cloudflow::result<T, problem>;

class value;
struct member;

/// A number as it was written (`08`, `1e3` and `1.0` stay what they are when they become text).
struct number {
  std::string text;
};

/// One resolved HOCON value with its origin. A value type, immutable but for `set`; objects keep
/// the order of their members.
class value {
public:
  using list = std::vector<value>;
  using object = std::vector<member>;

  value();  ///< null
  value(std::monostate, origin where);
  value(bool v, origin where);
  value(number v, origin where);
  value(std::string v, origin where);
  value(list v, origin where);
  value(object v, origin where);

  const origin& where() const noexcept { return where_; }

  bool is_null() const noexcept;
  bool is_object() const noexcept;
  bool is_list() const noexcept;
  const bool* as_bool() const noexcept;
  const number* as_number() const noexcept;
  const std::string* as_string() const noexcept;
  const list* as_list() const noexcept;
  const object* as_object() const noexcept;

  /// Text of a string, a number or a boolean, as HOCON converts them; none for anything else.
  std::optional<std::string> text() const;

  /// The member with exactly this key (not a path); null pointer if this is no object or has none.
  const value* get(std::string_view key) const;
  /// Follows a path of keys: `find({"cloudflow", "streamlets", "a.b"})`.
  const value* find(std::initializer_list<std::string_view> path) const;
  /// Follows a dotted path without quotes: `find("cloudflow.streamlets")`.
  const value* find(std::string_view dotted_path) const;

private:
  origin where_;
  std::variant<std::monostate, bool, number, std::string, list, object> held_;
};

/// `where` is the origin of the key.
struct member {
  std::string key;
  origin where;
  value content;
};

/// A key that one file sets twice with values that are not both objects. HOCON lets the last one
/// win; whoever reads a blueprint reports it.
struct duplicate_key {
  std::string path;
  origin first, second;
};

/// A parsed document, before substitutions are resolved: layers of it can be put over each other. A
/// value type (shares its tree).
class document {
public:
  struct tree;  ///< internal
  explicit document(std::shared_ptr<const tree> root);
  /// Keys set twice in this file.
  std::span<const duplicate_key> duplicates() const;
  /// This one's keys win; objects merge, everything else is replaced.
  document over(const document& below) const;

  /// Resolves `${...}` against the document itself, then against `environment`. All problems in one
  /// go.
  struct resolve_options {
    /// Looks up an environment variable; none: environment variables are not looked at.
    std::optional<std::string> (*environment)(const std::string& name) = nullptr;
  };
  cloudflow::result<value, std::vector<problem>> resolve(const resolve_options& options) const;

private:
  std::shared_ptr<const tree> root_;
};

/// The process's environment, for `resolve_options`.
std::optional<std::string> process_environment(const std::string& name);

/// What becomes of includes.
enum class include_policy {
  read,
  refuse,  ///< each is a problem: the text is somebody's who must not read our files
};

/// Parses HOCON text; `source` names it in origins. Includes are read relative to the file
/// `source`. Errors: everything that is no HOCON (parse), a bad path expression (bad_path), an
/// include that is required and cannot be read, or is refused (io).
cloudflow::result<document, std::vector<problem>> parse_text(
    std::string_view text, std::string source, include_policy includes = include_policy::read);
cloudflow::result<document, std::vector<problem>> parse_file(const std::string& path);
/// One `path = value` (or `path=value`) from a command line; the origin says so.
cloudflow::result<document, std::vector<problem>> parse_assignment(std::string_view assignment);

// -- units ----------------------------------------------------------------------------------------

/// `10 s`, `2 minutes`, `100ms`; a bare number counts milliseconds. None if it is no duration.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// `64 MiB`, `1kB`, `512M`; a bare number counts bytes. None if it is no size, or above 2^63 - 1.
std::optional<std::int64_t> parse_memory_size(std::string_view text);
std::string format_duration(std::chrono::nanoseconds d);
std::string format_memory_size(std::int64_t bytes);

/// `true|yes|on`, `false|no|off`.
std::optional<bool> parse_bool(std::string_view text);

// -- out ------------------------------------------------------------------------------------------

/// Compact JSON; numbers as HOCON's reference implementation prints them.
std::string to_json(const value& v);

/// The candidate nearest to `word` by edit distance, if near enough to be what was meant: for
/// suggestions.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// The line of `text` that `where` points to with a caret under the column, indented: what an error
/// shows. Empty if out of range.
std::string excerpt(std::string_view text, const origin& where);

}  // namespace cloudflow::config
