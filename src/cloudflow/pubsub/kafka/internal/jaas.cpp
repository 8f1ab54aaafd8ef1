#include "cloudflow/pubsub/kafka/internal/jaas.hpp"

#include <algorithm>
#include <optional>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::string_view blanks = " \t\r\n";

class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) { skip_blanks(); }

  bool at_end() const noexcept { return rest_.empty(); }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    advance(1);
    skip_blanks();
    return true;
  }
  /// Up to a blank, `=` or `;`; empty where there is none.
  std::string take_word(std::string_view ends = " \t\r\n=;") {
    const auto size = std::min(rest_.find_first_of(ends), rest_.size());
    std::string word{rest_.substr(0, size)};
    advance(size);
    skip_blanks();
    return word;
  }
  /// A word, which may have `=` in it, or a text in double quotes in which `\` takes the meaning
  /// from the next character.
  std::optional<std::string> take_value() {
    if (rest_.empty() || rest_.front() != '"') return take_word(" \t\r\n;");
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        advance(i + 1);
        skip_blanks();
        return value;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      value.push_back(rest_[i]);
    }
    return std::nullopt;
  }

private:
  void advance(std::size_t by) { rest_.remove_prefix(by); }
  void skip_blanks() { advance(std::min(rest_.find_first_not_of(blanks), rest_.size())); }

  std::string_view rest_;
};

}  // namespace

cloudflow::result<jaas_entry> parse_jaas(std::string_view text) {
  scanner in{text};
  const auto login_class = in.take_word();
  if (login_class.empty()) return cloudflow::error{"expected the class of a login module first"};
  const auto flag = in.take_word();
  if (flag != "required" && flag != "requisite" && flag != "sufficient" && flag != "optional")
    return cloudflow::error{"expected \"required\" after the class of the login module"};
  jaas_entry entry{.login_module = login_class.substr(login_class.rfind('.') + 1), .options = {}};
  while (!in.take(';')) {
    if (in.at_end()) return cloudflow::error{"expected ; at the end"};
    const auto name = in.take_word();
    if (name.empty() || !in.take('=')) return cloudflow::error{"expected <name>=\"<value>\""};
    auto value = in.take_value();
    if (!value) return cloudflow::error{"the quote of option " + name + " is not closed"};
    entry.options[name] = *std::move(value);
  }
  if (!in.at_end()) return cloudflow::error{"expected one login module, found more behind the ;"};
  return entry;
}

}  // namespace cloudflow::pubsub::kafka
