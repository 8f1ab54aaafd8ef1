#pragma once

#include <nlohmann/json.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::kube {

/// What is at a JSON pointer (RFC 6901); null where nothing is.
const nlohmann::json& at(const nlohmann::json& in, const char* pointer);
/// The text there, borrowed; empty where there is none.
std::string_view text_at(const nlohmann::json& in, const char* pointer);
/// The whole number there; 0 where there is none.
std::int64_t number_at(const nlohmann::json& in, const char* pointer);

/// Which object of a resource.
struct object_key {
  std::string name_space;  ///< empty for what is in no namespace
  std::string name;

  auto operator<=>(const object_key&) const = default;
};

/// `namespace/name`, or the name alone.
std::string to_string(const object_key& key);

/// An object of the API, as JSON: read what you know, keep what you do not. A value. Texts borrow
/// from it and are empty where it lacks them.
class object {
public:
  object() = default;
  explicit object(nlohmann::json json) : json_(std::move(json)) {}

  const nlohmann::json& json() const noexcept { return json_; }
  nlohmann::json& json() noexcept { return json_; }

  std::string_view kind() const { return text("/kind"); }
  std::string_view api_version() const { return text("/apiVersion"); }
  std::string_view name() const { return text("/metadata/name"); }
  std::string_view name_space() const { return text("/metadata/namespace"); }
  object_key key() const { return {std::string{name_space()}, std::string{name()}}; }
  std::string_view uid() const { return text("/metadata/uid"); }
  /// Of this very state of the object. Compare for equality only.
  std::string_view resource_version() const { return text("/metadata/resourceVersion"); }
  std::int64_t generation() const { return number_at(json_, "/metadata/generation"); }
  /// It waits for its finalizers and goes away.
  bool is_being_deleted() const { return !text("/metadata/deletionTimestamp").empty(); }
  std::string_view label(std::string_view name) const { return entry("/metadata/labels", name); }
  std::string_view annotation(std::string_view name) const {
    return entry("/metadata/annotations", name);
  }

  /// The text at a JSON pointer (RFC 6901).
  std::string_view text(const char* pointer) const { return text_at(json_, pointer); }
  /// What is at a JSON pointer; null where nothing is.
  const nlohmann::json& at(const char* pointer) const { return kube::at(json_, pointer); }

  bool operator==(const object&) const = default;

private:
  std::string_view entry(const char* pointer, std::string_view name) const;

  nlohmann::json json_ = nlohmann::json::object();
};

}  // namespace cloudflow::kube
