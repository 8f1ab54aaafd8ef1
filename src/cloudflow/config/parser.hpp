/// Tokens to a tree: the grammar of HOCON. Internal to config.
#pragma once

#include "cloudflow/config/builder.hpp"
#include "cloudflow/config/include.hpp"
#include "cloudflow/config/lexer.hpp"
#include "cloudflow/config/merge.hpp"
#include "cloudflow/config/node.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::config::detail {

/// Deeper than any text a person writes, and shallow enough for every stack.
inline constexpr int max_nesting = 500;

/// What a text says. With problems, `root` is of no use.
struct parsed {
  node_ptr root;
  std::vector<duplicate_key> duplicates;
  std::vector<problem> problems;
};

/// Parses one text; used once. Stops at the first place that is not HOCON, goes on after anything
/// else that is wrong.
class parser {
public:
  /// `base` has the file that the text comes from, for origins and includes.
  parser(std::string_view text, include_base base);

  parsed run();

private:
  using success = bool;

  success parse_fields(object_builder& into, bool braces);
  success parse_field(const token& first, object_builder& into);
  std::optional<bool> another_field(bool braces);
  std::optional<key_path> parse_key(token t);
  node_ptr parse_field_value(const token& separator);
  node_ptr appended(node_ptr item);

  node_ptr parse_concatenation();
  node_ptr parse_value(const token& t);
  node_ptr parse_object(const token& open);
  node_ptr parse_list(const token& open);
  node_ptr parse_item();
  node_ptr parse_substitution(const token& t);

  success parse_include(const origin& keyword, object_builder& into);
  std::optional<include_request> parse_include_request();
  std::optional<include_request> parse_included_name(const token& t);
  std::optional<include_request> parse_include_kind(const token& t);
  success expect_close_paren();
  success add_included(const include_request& request, object_builder& into);

  token next();
  token next_content();
  void put_back(token t);
  bool skip_separator();

  origin at(const token& t) const;
  success fail(const token& t, std::string message, std::string suggestion);
  success fail_expecting(const token& t, std::string_view expected);
  void report_later(problem p);

  lexer lexer_;
  include_base base_;
  std::vector<token> waiting_;
  key_path path_;  ///< keys around what is being parsed
  int lists_ = 0;  ///< how many lists are around it
  int nesting_ = 0;
  allowance room_;
  std::vector<duplicate_key> duplicates_;
  std::optional<problem> fatal_;
  std::vector<problem> later_;
};

}  // namespace cloudflow::config::detail
