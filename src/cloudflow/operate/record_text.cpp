#include "cloudflow/operate/record_text.hpp"

#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/json.hpp"
#include "cloudflow/schema/schema_header.hpp"
#include "cloudflow/schema/utf8.hpp"

#include <fmt/format.h>

namespace cloudflow::operate {

namespace {

/// UTF-8 without control characters but for those that shape text.
bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto c = static_cast<unsigned char>(bytes.front());
    const bool is_control = (c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
    const auto length = schema::utf8_length(bytes);
    if (is_control || length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

/// What nobody has a schema for.
std::string undecoded_json(std::string_view bytes) {
  std::string out;
  if (is_text(bytes)) {
    out = "{\"text\":";
    schema::append_json_string(out, bytes);
    return out + "}";
  }
  out = "{\"hex\":\"";
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out + "\"}";
}

}  // namespace

result<const schema::avro_schema*> record_text::schema_of(const std::string& fingerprint_prefix) {
  if (fingerprint_prefix.empty()) return nullptr;
  if (const auto it = known_.find(fingerprint_prefix); it != known_.end()) return &it->second;
  const auto text = log_->schemas().find(fingerprint_prefix);
  if (!text) return error{text.error().message};
  if (!*text) return nullptr;
  auto parsed = CLOUDFLOW_TRY(schema::parse_avro(**text, "schema store"));
  return &known_.emplace(fingerprint_prefix, std::move(parsed)).first->second;
}

result<shown_record> record_text::show(const record_view& r, std::int32_t partition) {
  shown_record s{.partition = partition,
                 .offset = r.offset.value(),
                 .time = r.time,
                 .key = {},
                 .value_json = "null",
                 .headers = {}};
  if (r.key.data() != nullptr) s.key = std::string{r.key};
  std::string schema = base_;
  for (const auto& h : r.headers) {
    if (h.name == schema::schema_header_name)
      schema = h.value;
    else
      s.headers.emplace_back(h.name, h.value);
  }
  if (r.value.data() == nullptr) return s;
  s.value_json = CLOUDFLOW_TRY(show_value(r.value, schema));
  return s;
}

result<std::string> record_text::show_value(std::string_view value, const std::string& schema) {
  const auto known = CLOUDFLOW_TRY(schema_of(schema));
  std::string json;
  const auto form = has_readable_times_ ? schema::json_form::plain : schema::json_form::numbers;
  if (known == nullptr || !schema::avro_to_json(*known, value, form, json))
    return undecoded_json(value);
  return json;
}

result<std::string> record_text::encode(const std::string& json) {
  const auto schema = CLOUDFLOW_TRY(schema_of(base_));
  if (schema == nullptr)
    return error{"the topic's schema is not known here, so that JSON cannot be encoded for it"};
  byte_writer out;
  CLOUDFLOW_TRY(schema::json_to_avro(*schema, json, out, {.check_uuids = true}));
  return std::string{out.view()};
}

}  // namespace cloudflow::operate
