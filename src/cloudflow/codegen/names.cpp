#include "cloudflow/codegen/names.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace cloudflow::codegen {

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::array reserved{"alignas",    "alignof",      "and",           "and_eq",
                              "asm",        "auto",         "bitand",        "bitor",
                              "bool",       "break",        "case",          "catch",
                              "char",       "char16_t",     "char32_t",      "char8_t",
                              "class",      "cloudflow",    "co_await",      "co_return",
                              "co_yield",   "compl",        "concept",       "const",
                              "const_cast", "consteval",    "constexpr",     "constinit",
                              "continue",   "decltype",     "default",       "delete",
                              "do",         "double",       "dynamic_cast",  "else",
                              "enum",       "explicit",     "export",        "extern",
                              "false",      "float",        "for",           "friend",
                              "goto",       "if",           "inline",        "int",
                              "long",       "mutable",      "namespace",     "new",
                              "noexcept",   "not",          "not_eq",        "nullptr",
                              "operator",   "or",           "or_eq",         "private",
                              "protected",  "public",       "register",      "reinterpret_cast",
                              "requires",   "return",       "short",         "signed",
                              "sizeof",     "static",       "static_assert", "static_cast",
                              "std",        "struct",       "switch",        "template",
                              "this",       "thread_local", "throw",         "true",
                              "try",        "typedef",      "typeid",        "typename",
                              "union",      "unsigned",     "using",         "virtual",
                              "void",       "volatile",     "wchar_t",       "while",
                              "xor",        "xor_eq"};

std::string without_keyword(std::string name) {
  if (std::find(reserved.begin(), reserved.end(), std::string_view{name}) != reserved.end())
    name += '_';
  return name;
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i != name.size(); ++i) {
    const bool after_lower = i != 0 && is_lower(name[i - 1]);
    const bool last_capital = i != 0 && is_upper(name[i - 1]) && i + 1 != name.size() &&
                              name[i + 1] >= 'a' && name[i + 1] <= 'z';
    if (is_upper(name[i]) && (after_lower || last_capital)) out += '_';
    out += lower(name[i]);
  }
  return out;
}

std::string identifier(std::string_view name) { return without_keyword(snake_case(name)); }

std::vector<std::string> identifiers(const std::vector<std::string>& names,
                                     const std::vector<std::string>& taken) {
  std::map<std::string, int> uses;
  for (const auto& name : names) ++uses[identifier(name)];
  std::vector<std::string> out;
  for (const auto& name : names) {
    auto id = identifier(name);
    if (uses[id] > 1) id = without_keyword(name);
    while (std::find(taken.begin(), taken.end(), id) != taken.end() ||
           std::find(out.begin(), out.end(), id) != out.end())
      id += '_';
    out.push_back(std::move(id));
  }
  return out;
}

std::string_view short_name(std::string_view full_name) {
  const auto dot = full_name.rfind('.');
  return dot == std::string_view::npos ? full_name : full_name.substr(dot + 1);
}

std::string cpp_namespace(std::string_view full_name) {
  std::string out;
  for (auto dot = full_name.find('.'); dot != std::string_view::npos; dot = full_name.find('.')) {
    if (!out.empty()) out += "::";
    out += identifier(full_name.substr(0, dot));
    full_name.remove_prefix(dot + 1);
  }
  return out;
}

std::string cpp_type(std::string_view full_name) {
  const auto space = cpp_namespace(full_name);
  return (space.empty() ? "::" : "::" + space + "::") + identifier(short_name(full_name));
}

}  // namespace cloudflow::codegen
