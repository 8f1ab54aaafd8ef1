#include "cloudflow/schema/internal/json_encoder.hpp"

#include "cloudflow/schema/iso_time.hpp"
#include "cloudflow/schema/utf8.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace cloudflow::schema::internal {

namespace {

/// The value as a message shows it: short, and no nested data.
std::string describe(const json_value& json) {
  constexpr std::size_t longest = 40;
  if (json.kind == json_kind::boolean) return json.flag ? "true" : "false";
  if (json.kind == json_kind::number && json.text.size() <= longest) return json.text;
  if (json.kind != json_kind::string) return std::string{to_text(json.kind)};
  std::string text;
  std::size_t length = 0;
  while (length < json.text.size() && length < longest)
    length += std::max<std::size_t>(1, utf8_length(std::string_view{json.text}.substr(length)));
  append_json_string(text, std::string_view{json.text}.substr(0, length));
  return "the string " + text + (length < json.text.size() ? "..." : "");
}

std::optional<std::int64_t> integer_of(const json_value& json) {
  if (json.kind != json_kind::number) return std::nullopt;
  std::int64_t value = 0;
  const auto* last = json.text.data() + json.text.size();
  const auto [end, bad] = std::from_chars(json.text.data(), last, value);
  return bad == std::errc{} && end == last ? std::optional{value} : std::nullopt;
}

/// ISO 8601 for those types whose value is a time, in the unit of the type.
std::optional<std::int64_t> time_of(logical_type logical, const json_value& json) {
  if (json.kind != json_kind::string) return std::nullopt;
  if (logical == logical_type::date) {
    const auto day = parse_iso_date(json.text);
    return day ? std::optional<std::int64_t>{day->time_since_epoch().count()} : std::nullopt;
  }
  const bool millis =
      logical == logical_type::timestamp_millis || logical == logical_type::local_timestamp_millis;
  if (!millis && logical != logical_type::timestamp_micros &&
      logical != logical_type::local_timestamp_micros)
    return std::nullopt;
  const auto time = parse_iso_time(json.text);
  if (!time) return std::nullopt;
  return millis ? std::chrono::floor<std::chrono::milliseconds>(*time).time_since_epoch().count()
                : time->time_since_epoch().count();
}

bool in_range(const avro_node& node, std::int64_t value) {
  return node.type == avro_type::long_type || (value >= std::numeric_limits<std::int32_t>::min() &&
                                               value <= std::numeric_limits<std::int32_t>::max());
}

std::optional<std::int64_t> integer_for(const avro_node& node, const json_value& json,
                                        json_dialect dialect) {
  auto value = integer_of(json);
  if (!value && dialect == json_dialect::plain) value = time_of(node.logical, json);
  return value && in_range(node, *value) ? value : std::nullopt;
}

/// A number as text; beyond the range of a double: 0 where it is too small, nothing where it is too
/// large.
std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (bad == std::errc{}) return value;
  const bool tiny =
      text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
  return bad == std::errc::result_out_of_range && tiny ? std::optional{0.0} : std::nullopt;
}

std::optional<double> real_for(const json_value& json, json_dialect dialect) {
  if (json.kind == json_kind::number) return parse_real(json.text);
  if (json.kind != json_kind::string) return std::nullopt;
  if (json.text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (json.text == "Infinity") return std::numeric_limits<double>::infinity();
  if (json.text == "-Infinity") return -std::numeric_limits<double>::infinity();
  // Schemas written for Java may have a number in quotes as a default.
  return dialect == json_dialect::schema_default ? parse_real(json.text) : std::nullopt;
}

/// Avro's JSON for bytes: each character stands for the byte of its number.
std::optional<std::string> latin1(const json_value& json) {
  if (json.kind != json_kind::string) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < json.text.size(); ++i) {
    const auto c = static_cast<unsigned char>(json.text[i]);
    if (c > 0xC3) return std::nullopt;
    if (c < 0x80)
      bytes += json.text[i];
    else
      bytes +=
          static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(json.text[++i]) & 0x3F));
  }
  return bytes;
}

bool is_known(const avro_node& record, std::string_view name) {
  return std::any_of(record.fields.begin(), record.fields.end(),
                     [&](const avro_field& f) { return f.name == name; });
}

/// Where several branches of a union fit, the lowest is meant: it says most precisely what stands
/// there.
int rank(const avro_node& node) {
  switch (node.type) {
    case avro_type::double_type:
    case avro_type::map_type: return 1;
    case avro_type::float_type:
    case avro_type::bytes_type:
    case avro_type::fixed_type: return 2;
    default: return 0;
  }
}

/// RFC 4122: 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), form.begin(), form.end(), [](char c, char f) {
    return f == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
  });
}

std::string expectation(const avro_node& node, bool names_uuid = false) {
  switch (node.type) {
    case avro_type::null_type: return "null";
    case avro_type::record_type: return fmt::format("an object for {}", node.name);
    case avro_type::enum_type: return fmt::format("one of {}", fmt::join(node.symbols, ", "));
    case avro_type::array_type: return "an array";
    case avro_type::map_type: return "an object";
    case avro_type::bytes_type: return "bytes (a string of characters up to U+00FF)";
    case avro_type::fixed_type:
      return fmt::format("{} bytes (a string of characters up to U+00FF)", node.size);
    default: break;
  }
  auto text =
      fmt::format("{} {}", node.type == avro_type::int_type ? "an" : "a", to_text(node.type));
  if (node.logical != logical_type::none && (node.logical != logical_type::uuid || names_uuid))
    text += fmt::format(" ({})", to_text(node.logical));
  return text;
}

}  // namespace

bool json_encoder::fail(const json_value& json, std::string_view expected) {
  if (!problem_.empty()) return false;
  const std::string_view path = path_;
  problem_ = fmt::format("{}{}expected {}, found {}", path.starts_with('.') ? path.substr(1) : path,
                         path.empty() ? "" : ": ", expected, describe(json));
  problem_at_ = json.begin;
  return false;
}

bool json_encoder::encode(node_id id, const json_value& json) {
  const auto& node = nodes_[id];
  switch (node.type) {
    case avro_type::null_type: return json.kind == json_kind::null || fail(json, "null");
    case avro_type::boolean_type:
      if (json.kind != json_kind::boolean) return fail(json, expectation(node));
      out_.put_byte(json.flag ? 1 : 0);
      return true;
    case avro_type::int_type:
    case avro_type::long_type: return encode_integer(node, json);
    case avro_type::float_type:
    case avro_type::double_type: return encode_real(node, json);
    case avro_type::string_type:
      if (!fits(node, json)) return fail(json, expectation(node, settings_.check_uuids));
      out_.put_text(json.text);
      return true;
    case avro_type::bytes_type:
    case avro_type::fixed_type: return encode_bytes(node, json);
    case avro_type::record_type: return encode_record(node, json);
    case avro_type::enum_type: return encode_enum(node, json);
    case avro_type::array_type: return encode_array(node, json);
    case avro_type::map_type: return encode_map(node, json);
    case avro_type::union_type: return encode_union(node, json);
  }
  return false;
}

bool json_encoder::encode_integer(const avro_node& node, const json_value& json) {
  const auto value = integer_for(node, json, settings_.dialect);
  if (!value) return fail(json, expectation(node));
  out_.put_long(*value);
  return true;
}

bool json_encoder::encode_real(const avro_node& node, const json_value& json) {
  const auto value = real_for(json, settings_.dialect);
  const bool is_float = node.type == avro_type::float_type;
  const bool too_large = is_float && value && std::isfinite(*value) &&
                         std::fabs(*value) > static_cast<double>(std::numeric_limits<float>::max());
  if (!value || too_large) return fail(json, expectation(node));
  if (is_float)
    out_.put_fixed(static_cast<float>(*value));
  else
    out_.put_fixed(*value);
  return true;
}

bool json_encoder::encode_bytes(const avro_node& node, const json_value& json) {
  const auto bytes = latin1(json);
  const bool fixed = node.type == avro_type::fixed_type;
  if (!bytes || (fixed && bytes->size() != node.size)) return fail(json, expectation(node));
  if (fixed)
    out_.put_raw(*bytes);
  else
    out_.put_text(*bytes);
  return true;
}

bool json_encoder::encode_enum(const avro_node& node, const json_value& json) {
  const auto found = std::find(node.symbols.begin(), node.symbols.end(), json.text);
  if (json.kind != json_kind::string || found == node.symbols.end())
    return fail(json, expectation(node));
  out_.put_long(found - node.symbols.begin());
  return true;
}

bool json_encoder::encode_array(const avro_node& node, const json_value& json) {
  if (json.kind != json_kind::array) return fail(json, expectation(node));
  if (!json.items.empty()) out_.put_long(static_cast<std::int64_t>(json.items.size()));
  for (std::size_t i = 0; i != json.items.size(); ++i) {
    const auto length = path_.size();
    path_ += fmt::format("[{}]", i);
    if (!encode(node.element, json.items[i])) return false;
    path_.resize(length);
  }
  out_.put_long(0);
  return true;
}

bool json_encoder::encode_map(const avro_node& node, const json_value& json) {
  if (json.kind != json_kind::object) return fail(json, expectation(node));
  if (!json.items.empty()) out_.put_long(static_cast<std::int64_t>(json.items.size()));
  for (std::size_t i = 0; i != json.items.size(); ++i) {
    const auto length = path_.size();
    path_ += fmt::format("[\"{}\"]", json.names[i]);
    out_.put_text(json.names[i]);
    if (!encode(node.element, json.items[i])) return false;
    path_.resize(length);
  }
  out_.put_long(0);
  return true;
}

bool json_encoder::encode_record(const avro_node& node, const json_value& json) {
  if (json.kind != json_kind::object) return fail(json, expectation(node));
  for (const auto& field : node.fields)
    if (!encode_field(field, json)) return false;
  return check_fields_known(node, json);
}

bool json_encoder::encode_field(const avro_field& field, const json_value& record) {
  const auto length = path_.size();
  path_ += '.';
  path_ += field.name;
  if (const auto* value = record.find(field.name)) {
    if (!encode(field.type, *value)) return false;
  } else if (field.default_bytes) {
    out_.put_raw(*field.default_bytes);
  } else {
    const auto& type = nodes_[field.type];
    const bool circular = field.default_json.has_value();
    problem_ = fmt::format(
        "{}: expected {}, found {}", std::string_view{path_}.substr(1), expectation(type),
        circular ? "a default that contains itself" : "no such field, and it has no default");
    problem_at_ = record.begin;
    return false;
  }
  path_.resize(length);
  return true;
}

bool json_encoder::check_fields_known(const avro_node& node, const json_value& json) {
  if (settings_.ignore_unknown_fields || settings_.dialect == json_dialect::schema_default)
    return true;
  for (std::size_t i = 0; i != json.names.size(); ++i) {
    if (is_known(node, json.names[i])) continue;
    std::vector<std::string_view> names;
    for (const auto& field : node.fields) names.push_back(field.name);
    return fail(json.items[i], fmt::format("only the fields of {} ({}), not \"{}\"", node.name,
                                           fmt::join(names, ", "), json.names[i]));
  }
  return true;
}

/// Whether the value looks like one of this type, without looking into it: decides between the
/// branches of a union.
bool json_encoder::fits(const avro_node& node, const json_value& json) const {
  switch (node.type) {
    case avro_type::null_type: return json.kind == json_kind::null;
    case avro_type::boolean_type: return json.kind == json_kind::boolean;
    case avro_type::int_type:
    case avro_type::long_type: return integer_for(node, json, settings_.dialect).has_value();
    case avro_type::float_type:
    case avro_type::double_type: return real_for(json, settings_.dialect).has_value();
    case avro_type::string_type:
      return json.kind == json_kind::string &&
             (node.logical != logical_type::uuid || !settings_.check_uuids || is_uuid(json.text));
    case avro_type::bytes_type: return latin1(json).has_value();
    case avro_type::fixed_type: {
      const auto bytes = latin1(json);
      return bytes && bytes->size() == node.size;
    }
    case avro_type::enum_type:
      return json.kind == json_kind::string &&
             std::find(node.symbols.begin(), node.symbols.end(), json.text) != node.symbols.end();
    case avro_type::array_type: return json.kind == json_kind::array;
    case avro_type::map_type: return json.kind == json_kind::object;
    case avro_type::record_type:
      return json.kind == json_kind::object &&
             std::all_of(json.names.begin(), json.names.end(),
                         [&](auto& name) { return is_known(node, name); }) &&
             std::all_of(node.fields.begin(), node.fields.end(), [&](const avro_field& f) {
               return f.default_bytes || json.find(f.name) != nullptr;
             });
    case avro_type::union_type: return false;
  }
  return false;
}

bool json_encoder::encode_branch(const avro_node& node, std::size_t index, const json_value& json) {
  out_.put_long(static_cast<std::int64_t>(index));
  return encode(node.branches[index], json);
}

bool json_encoder::encode_union(const avro_node& node, const json_value& json) {
  if (settings_.dialect == json_dialect::schema_default)
    return node.branches.empty() ? fail(json, "nothing (the union is empty)")
                                 : encode_branch(node, 0, json);
  // Avro's own JSON names the branch: {"long": 5}.
  if (json.kind == json_kind::object && json.names.size() == 1)
    for (std::size_t i = 0; i != node.branches.size(); ++i) {
      const auto& branch = nodes_[node.branches[i]];
      if (name_of(branch) == json.names[0] && !fits(branch, json))
        return encode_branch(node, i, json.items[0]);
    }
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i != node.branches.size(); ++i)
    if (fits(nodes_[node.branches[i]], json) &&
        (!best || rank(nodes_[node.branches[i]]) < rank(nodes_[node.branches[*best]])))
      best = i;
  if (best) return encode_branch(node, *best, json);
  // The only branch that can be meant tells more precisely what is wrong.
  std::optional<std::size_t> only;
  for (std::size_t i = 0; i != node.branches.size() && json.kind == json_kind::object; ++i)
    if (nodes_[node.branches[i]].type == avro_type::record_type)
      only = only ? node.branches.size() : i;
  if (only && *only < node.branches.size()) return encode_branch(node, *only, json);
  std::vector<std::string> expected;
  for (const auto branch : node.branches) expected.push_back(expectation(nodes_[branch]));
  return fail(json, fmt::format("{}", fmt::join(expected, " or ")));
}

result<std::string> encode_default(std::span<const avro_node> nodes, node_id type,
                                   const json_value& json) {
  byte_writer out;
  json_encoder encoder{nodes, {.dialect = json_dialect::schema_default}, out};
  if (!encoder.encode(type, json)) return error{encoder.problem()};
  return std::string{out.view()};
}

}  // namespace cloudflow::schema::internal
