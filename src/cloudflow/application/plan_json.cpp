#include "cloudflow/application/plan_json.hpp"

#include "cloudflow/application/internal/plan_members.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace cloudflow::app {
namespace {

using json = nlohmann::ordered_json;
using blueprint::schema_descriptor;
using blueprint::setting;

/// Changes whenever a reader of before would misunderstand a plan.
constexpr int format = 1;

// -- writing --------------------------------------------------------------------------------------

/// Schemas by a name of their own: that of the schema, and a number where several have it.
class named_schemas {
public:
  const std::string& name_of(const schema_descriptor& schema) {
    for (const auto& [name, known] : all_)
      if (known == schema) return name;
    auto name = schema.name;
    for (int n = 2; has(name); ++n) name = fmt::format("{}~{}", schema.name, n);
    return all_.emplace_back(std::move(name), schema).first;
  }
  json as_json() const {
    auto out = json::object();
    for (const auto& [name, s] : all_)
      out[name] = {{"name", s.name},
                   {"format", s.format},
                   {"fingerprint", s.fingerprint},
                   {"schema", s.schema}};
    return out;
  }

private:
  bool has(const std::string& name) const {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& e) { return e.first == name; });
  }
  std::vector<std::pair<std::string, schema_descriptor>> all_;
};

class writer {
public:
  explicit writer(const blueprint::plan& plan) : plan_(plan) {}

  json write() {
    out_["format"] = format;
    auto copy = plan_;
    internal::visit(*this, copy);
    out_["schemas"] = schemas_.as_json();
    return std::move(out_);
  }

  void text(const char* name, const std::string& value) {
    if (!value.empty()) out_[name] = value;
  }
  void flag(const char* name, bool value) { out_[name] = value; }
  template <class Number>
  void number(const char* name, Number value) {
    out_[name] = value;
  }
  void milliseconds(const char* name, std::chrono::milliseconds value) {
    out_[name] = value.count();
  }
  template <class Word>
  void word(const char* name, Word value, std::initializer_list<Word>) {
    out_[name] = to_string(value);
  }
  void schema(const char* name, const schema_descriptor& value) {
    if (value != schema_descriptor{}) out_[name] = schemas_.name_of(value);
  }
  void topic(const char* name, std::size_t index) { out_[name] = plan_.topics[index].id; }
  void topic(const char* name, const std::optional<std::size_t>& index) {
    if (index) topic(name, *index);
  }
  void names(const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) out_[name] = values;
  }
  void texts(const char* name, const std::map<std::string, std::string>& values) {
    for (const auto& [key, value] : values) out_[name][key] = value;
  }
  void settings(const char* name, const blueprint::settings_by_name& values) {
    for (const auto& [key, value] : values)
      out_[name][key] = value.is_secret() ? json{{"secret", value.secret_path}} : json(value.text);
  }
  template <class T>
  void object(const char* name, T& value) {
    auto outer = std::exchange(out_, json::object());
    internal::visit(*this, value);
    auto inner = std::exchange(out_, std::move(outer));
    out_[name] = std::move(inner);
  }
  template <class T>
  void list(const char* name, std::vector<T>& values) {
    auto items = json::array();
    for (auto& value : values) {
      auto outer = std::exchange(out_, json::object());
      internal::visit(*this, value);
      items.push_back(std::exchange(out_, std::move(outer)));
    }
    if (!values.empty()) out_[name] = std::move(items);
  }

private:
  const blueprint::plan& plan_;
  named_schemas schemas_;
  json out_ = json::object();
};

// -- reading --------------------------------------------------------------------------------------

/// Reads what a writer wrote; the first thing that is wrong stays as the failure.
class reader {
public:
  result<blueprint::plan> read(const json& whole) {
    at_ = &whole;
    if (!whole.is_object()) return error{"A plan is a JSON object."};
    if (const auto found = whole.find("format"); found == whole.end() || *found != format)
      return error{fmt::format(
          "This plan has format {}, and this program reads format {}: it was written by another "
          "version of Cloudflow.",
          found == whole.end() ? "none" : found->dump(), format)};
    seen_ = {"format", "schemas"};
    read_schemas();
    read_ids();
    blueprint::plan plan;
    internal::visit(*this, plan);
    expect_all_seen();
    if (failure_) return *std::move(failure_);
    return plan;
  }

  void text(const char* name, std::string& into) {
    const auto* v = optional_member(name);
    if (v != nullptr) into = text_of(*v, name);
  }
  void flag(const char* name, bool& into) {
    const auto* v = member(name);
    if (v == nullptr) return;
    if (v->is_boolean())
      into = v->get<bool>();
    else
      fail(name, "is neither true nor false");
  }
  template <class Number>
  void number(const char* name, Number& into) {
    const auto* v = member(name);
    if (v == nullptr) return;
    if (v->is_number_integer() && std::in_range<Number>(v->get<std::int64_t>()))
      into = static_cast<Number>(v->get<std::int64_t>());
    else
      fail(name, "is no whole number in range");
  }
  void milliseconds(const char* name, std::chrono::milliseconds& into) {
    std::int64_t count = 0;
    number(name, count);
    into = std::chrono::milliseconds{count};
  }
  template <class Word>
  void word(const char* name, Word& into, std::initializer_list<Word> words) {
    const auto* v = member(name);
    if (v == nullptr) return;
    for (const auto each : words)
      if (v->is_string() && to_string(each) == v->get<std::string>()) {
        into = each;
        return;
      }
    fail(name, fmt::format("is {}, which is none of its values", v->dump()));
  }
  void schema(const char* name, schema_descriptor& into) {
    const auto* v = optional_member(name);
    if (v == nullptr) return;
    const auto found = schemas_.find(text_of(*v, name));
    if (found == schemas_.end()) return fail(name, "is no schema of this plan");
    into = found->second;
  }
  void topic(const char* name, std::size_t& into) {
    const auto* v = member(name);
    if (v != nullptr) into = topic_of(*v, name);
  }
  void topic(const char* name, std::optional<std::size_t>& into) {
    const auto* v = optional_member(name);
    if (v != nullptr) into = topic_of(*v, name);
  }
  void names(const char* name, std::vector<std::string>& into) {
    const auto* v = optional_member(name);
    if (v == nullptr) return;
    if (!v->is_array()) return fail(name, "is no array");
    for (const auto& each : *v) into.push_back(text_of(each, name));
  }
  void texts(const char* name, std::map<std::string, std::string>& into) {
    for_each_member(
        name, [&](const std::string& key, const json& value) { into[key] = text_of(value, name); });
  }
  void settings(const char* name, blueprint::settings_by_name& into) {
    for_each_member(name, [&](const std::string& key, const json& value) {
      const bool is_secret = value.is_object() && value.size() == 1 && value.contains("secret");
      into[key] = is_secret ? setting::secret(text_of(value["secret"], name))
                            : setting{text_of(value, name)};
    });
  }
  template <class T>
  void object(const char* name, T& into) {
    if (const auto* v = member(name)) read_object(*v, name, into);
  }
  template <class T>
  void list(const char* name, std::vector<T>& into) {
    const auto* v = optional_member(name);
    if (v == nullptr) return;
    if (!v->is_array()) return fail(name, "is no array");
    for (std::size_t i = 0; i != v->size(); ++i)
      read_object((*v)[i], fmt::format("{}[{}]", name, i), into.emplace_back());
  }

private:
  void fail(std::string_view name, std::string_view what) {
    if (!failure_) failure_ = error{fmt::format("{}{} {}.", path_, name, what)};
  }

  const json* optional_member(const char* name) {
    seen_.insert(name);
    const auto found = at_->find(name);
    return found == at_->end() ? nullptr : &*found;
  }
  const json* member(const char* name) {
    const auto* found = optional_member(name);
    if (found == nullptr) fail(name, "is missing");
    return found;
  }

  std::string text_of(const json& v, std::string_view name) {
    if (v.is_string()) return v.get<std::string>();
    fail(name, "is no text");
    return {};
  }
  std::size_t topic_of(const json& v, std::string_view name) {
    const auto found = topics_.find(text_of(v, name));
    if (found != topics_.end()) return found->second;
    fail(name, "is no topic of this plan");
    return 0;
  }

  template <class F>
  void for_each_member(const char* name, F f) {
    const auto* v = optional_member(name);
    if (v == nullptr) return;
    if (!v->is_object()) return fail(name, "is no object");
    for (const auto& [key, value] : v->items()) f(key, value);
  }

  template <class T>
  void read_object(const json& v, const std::string& name, T& into) {
    if (!v.is_object()) return fail(name, "is no object");
    const auto* outer = std::exchange(at_, &v);
    auto outer_seen = std::exchange(seen_, {});
    const auto outer_path = path_;
    path_ += name + ".";
    internal::visit(*this, into);
    expect_all_seen();
    path_ = outer_path;
    seen_ = std::move(outer_seen);
    at_ = outer;
  }

  /// Nothing is passed over: it may change what the rest means.
  void expect_all_seen() {
    for (const auto& [key, value] : at_->items())
      if (!seen_.contains(key)) fail(key, "is not known to this version of Cloudflow");
  }

  void read_schemas() {
    const auto found = at_->find("schemas");
    if (found == at_->end() || !found->is_object()) return;
    for (const auto& [name, s] : found->items()) {
      const auto member = [&, &of = s](const char* key) {
        return text_of(of.is_object() && of.contains(key) ? of[key] : json{},
                       "schemas." + name + "." + key);
      };
      schemas_[name] = {member("name"), member("schema"), member("fingerprint"), member("format")};
    }
  }

  void read_ids() {
    const auto found = at_->find("topics");
    if (found == at_->end() || !found->is_array()) return;
    for (const auto& t : *found)
      topics_.emplace(t.is_object() && t.contains("id") ? text_of(t["id"], "topics.id") : "",
                      topics_.size());
  }

  const json* at_ = nullptr;
  std::string path_;
  std::set<std::string, std::less<>> seen_;  ///< members of `*at_`
  std::map<std::string, schema_descriptor> schemas_;
  std::map<std::string, std::size_t> topics_;
  std::optional<error> failure_;
};

}  // namespace

std::string to_json(const blueprint::plan& plan) {
  return writer{plan}.write().dump(2, ' ', false, json::error_handler_t::replace);
}

result<blueprint::plan> plan_from_json(std::string_view text) {
  const auto parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return error{"The plan is no JSON."};
  return reader{}.read(parsed);
}

}  // namespace cloudflow::app
