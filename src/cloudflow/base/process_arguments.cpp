#include "cloudflow/base/process_arguments.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

namespace cloudflow {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& t : texts) all.push_back(t.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry{*e};
    if (!added.contains(std::string{entry.substr(0, entry.find('='))})) all.emplace_back(entry);
  }
  for (const auto& [name, value] : added) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

}  // namespace cloudflow
