#include "cloudflow/kube/internal/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <string>

namespace cloudflow::kube::internal {

namespace {

/// Aliases of aliases make much of little.
constexpr int most_values = 1'000'000;

class converter {
public:
  nlohmann::json convert(const YAML::Node& node) {
    if (++count_ > most_values) throw YAML::Exception{node.Mark(), "it has too many values"};
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return nullptr;
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: {
        auto list = nlohmann::json::array();
        for (const auto& one : node) list.push_back(convert(one));
        return list;
      }
      case YAML::NodeType::Map: {
        auto map = nlohmann::json::object();
        for (const auto& one : node) map[one.first.as<std::string>()] = convert(one.second);
        return map;
      }
    }
    return nullptr;
  }

private:
  static nlohmann::json scalar(const YAML::Node& node) {
    const auto& text = node.Scalar();
    const bool is_plain = node.Tag() == "?";
    if (is_plain && text == "true") return true;
    if (is_plain && text == "false") return false;
    return text;
  }

  int count_ = 0;
};

}  // namespace

cloudflow::result<nlohmann::json> read_yaml(std::string_view text) {
  try {
    return converter{}.convert(YAML::Load(std::string{text}));
  } catch (const YAML::Exception& e) {
    return cloudflow::error{
        fmt::format("line {}, column {}: {}", e.mark.line + 1, e.mark.column + 1, e.msg)};
  }
}

}  // namespace cloudflow::kube::internal
