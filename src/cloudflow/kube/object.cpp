#include "cloudflow/kube/object.hpp"

namespace cloudflow::kube {

namespace {

const nlohmann::json nothing;

std::string_view text_of(const nlohmann::json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text == nullptr ? std::string_view{} : *text;
}

}  // namespace

std::string to_string(const object_key& key) {
  return key.name_space.empty() ? key.name : key.name_space + "/" + key.name;
}

const nlohmann::json& at(const nlohmann::json& in, const char* pointer) {
  const nlohmann::json::json_pointer where{pointer};
  return in.contains(where) ? in.at(where) : nothing;
}

std::string_view text_at(const nlohmann::json& in, const char* pointer) {
  return text_of(at(in, pointer));
}

std::int64_t number_at(const nlohmann::json& in, const char* pointer) {
  const auto& found = at(in, pointer);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

std::string_view object::entry(const char* pointer, std::string_view name) const {
  const auto& all = at(pointer);
  if (!all.is_object()) return {};
  const auto found = all.find(name);
  return found == all.end() ? std::string_view{} : text_of(*found);
}

}  // namespace cloudflow::kube
