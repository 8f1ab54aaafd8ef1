/// What a new process is given, in the form that the system takes.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cloudflow {

/// Borrowed from `texts`, and a null pointer behind them.
std::vector<char*> pointers_to(std::vector<std::string>& texts);

/// The environment of this process, `NAME=value`, with others added or in their place.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& added);

}  // namespace cloudflow
