/// HOCON text as tokens. Internal to config.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::config::detail {

enum class token_kind {
  end,
  newline,
  comment,
  blank,  ///< white space that means nothing
  comma,
  equals,
  colon,
  plus_equals,
  open_curly,
  close_curly,
  open_square,
  close_square,
  quoted,
  unquoted,  ///< also the white space between two simple values, which belongs to the text they
             ///< make
  number,
  boolean,
  null,
  substitution,
  bad,  ///< nothing that HOCON knows; `text` says why
};

struct token {
  token_kind kind = token_kind::end;
  int line = 1;
  int column = 1;
  std::string text;               ///< quoted: without quotes and escapes; number: as written
  std::string advice;             ///< for `bad`: the next step
  bool optional = false;          ///< for `substitution`: `${?`
  std::vector<token> inner = {};  ///< for `substitution`: what stands between the braces
};

/// Quoted text, a number, a boolean or null.
bool is_value(const token& t);
/// What makes up text when it stands side by side: a value, unquoted text or a substitution.
bool is_simple(const token& t);
/// Unquoted text of white space only.
bool is_unquoted_blank(const token& t);
/// The token as an error names it: `'='`, `end of file`.
std::string describe(const token& t);

/// Splits a text into tokens, one at a time; after the last one `end` for ever. Borrows the text.
///
/// Never fails: what cannot be read is a `bad` token. Columns count code points.
class lexer {
public:
  explicit lexer(std::string_view text) : text_{text} {}

  token next();

private:
  /// White space seen since the last token: text if simple values stand on both sides of it.
  struct spacing {
    std::string seen = {};
    int line = 1;
    int column = 1;
    bool after_simple = false;
  };
  static constexpr char32_t none = 0xffffffff;
  static constexpr char32_t malformed = 0xfffffffe;

  token pull(spacing& space, int nesting);
  static std::vector<token> with_blank(spacing& space, token t);
  void skip_blanks(spacing& space);
  token start() const;
  token one_char(token_kind kind);
  token pull_comment();
  token pull_number();
  token pull_unquoted();
  token pull_quoted();
  token pull_triple_quoted(token t);
  token pull_substitution(int nesting);
  bool pull_escape(token& t);
  bool pull_unicode_escape(token& t);
  char32_t hex4();
  token bad(token at, std::string message, std::string advice) const;
  token reserved(token at, char32_t c) const;

  char32_t peek() const;
  char peek_byte(std::size_t ahead) const;
  bool at_comment() const;
  char32_t take();

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  spacing space_;
  std::vector<token> ready_;
};

}  // namespace cloudflow::config::detail
