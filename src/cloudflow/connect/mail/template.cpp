#include "cloudflow/connect/mail/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cloudflow::connect {

namespace {

error objection(std::string_view text, std::size_t at, std::string_view why) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  const auto line_begin = text.substr(0, at).rfind('\n') + 1;  // npos + 1 is 0
  return error{fmt::format("template, line {}, column {}: {}", line, at - line_begin + 1, why)};
}

struct append_value {
  std::string& out;

  void operator()(std::string_view text) const { out += text; }
  void operator()(std::int64_t number) const {
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
  void operator()(double number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(bool flag) const { out += flag ? "true" : "false"; }
  void operator()(timestamp time) const { out += to_iso8601(time); }
};

}  // namespace

result<text_template> text_template::parse(std::string_view text,
                                           std::span<const std::string_view> fields) {
  text_template parsed;
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_brace = text[i] == '{' || text[i] == '}';
    if (!is_brace || text.substr(i + 1).starts_with(text[i])) {
      literal += text[i];
      if (is_brace) ++i;
      continue;
    }
    if (text[i] == '}')
      return objection(text, i, "there is no '{' before this '}'; write }} for the character");
    const auto close = text.find('}', i);
    if (close == text.npos)
      return objection(text, i, "there is no '}' to this '{'; write {{ for the character");
    const auto name = text.substr(i + 1, close - i - 1);
    const auto known = std::ranges::find(fields, name);
    if (known == fields.end())
      return objection(
          text, i,
          fmt::format("there is no field '{}'; there are {}", name, fmt::join(fields, ", ")));
    parsed.parts_.push_back({std::move(literal), static_cast<std::size_t>(known - fields.begin())});
    literal.clear();
    i = close;
  }
  parsed.parts_.push_back({std::move(literal), no_field});
  return parsed;
}

std::string text_template::render(std::span<const template_value> values) const {
  std::string out;
  for (const auto& p : parts_) {
    out += p.literal;
    if (p.field == no_field) continue;
    CLOUDFLOW_ASSERT(p.field < values.size(),
                     "a template was given fewer values than it has fields");
    std::visit(append_value{out}, values[p.field]);
  }
  return out;
}

}  // namespace cloudflow::connect
