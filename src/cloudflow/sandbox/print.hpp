#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::sandbox {

using json = nlohmann::ordered_json;

/// One line on standard output.
void print(const json& line);

/// On standard error. What cannot be written there is dropped: nobody could be told.
void say_text(std::string_view text) noexcept;
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  say_text(fmt::format(format, std::forward<Args>(args)...));
}

/// Text with control characters as JSON writes them, so that no record moves a terminal's cursor.
std::string printable(std::string_view text);

/// Standard output is a terminal, and nobody has said NO_COLOR.
bool has_colours();

/// Asks a person at the terminal; false without one.
bool is_confirmed(const std::string& question);

}  // namespace cloudflow::sandbox
