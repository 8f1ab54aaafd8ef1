#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace cloudflow::sandbox {

using json = nlohmann::ordered_json;

/// One line on standard output.
void print(const json& line);

/// Standard output is a terminal, and nobody has said NO_COLOR.
bool has_colours();

/// Asks a person at the terminal; false without one.
bool is_confirmed(const std::string& question);

}  // namespace cloudflow::sandbox
