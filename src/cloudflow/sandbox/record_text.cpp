#include "cloudflow/sandbox/record_text.hpp"

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/schema/avro_json.hpp"

#include <fmt/format.h>

namespace cloudflow::sandbox {

namespace {

std::string hex_json(std::string_view bytes) {
  std::string out = "{\"hex\":\"";
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out + "\"}";
}

}  // namespace

result<const schema::avro_schema*> record_text::schema_of(const std::string& fingerprint_prefix) {
  if (const auto it = known_.find(fingerprint_prefix); it != known_.end()) return &it->second;
  const auto text = log_->schemas().find(fingerprint_prefix);
  if (!text) return error{text.error().message};
  if (!*text) return nullptr;
  auto parsed = schema::parse_avro(**text, "schema store");
  if (!parsed) return std::move(parsed).error();
  return &known_.emplace(fingerprint_prefix, std::move(parsed).value()).first->second;
}

result<shown_record> record_text::show(const record_view& r, std::int32_t partition) {
  shown_record s{.partition = partition,
                 .offset = r.offset.value(),
                 .time = r.time,
                 .key = {},
                 .value_json = "null",
                 .headers = {}};
  if (r.key.data() != nullptr) s.key = std::string{r.key};
  std::string fingerprint = base_;
  for (const auto& h : r.headers) {
    if (h.name == flow::schema_header_name)
      fingerprint = h.value;
    else
      s.headers.emplace_back(h.name, h.value);
  }
  if (r.value.data() == nullptr) return s;
  s.value_json.clear();
  const auto schema =
      fingerprint.empty() ? result<const schema::avro_schema*>{nullptr} : schema_of(fingerprint);
  if (!schema) return schema.error();
  if (*schema == nullptr || !schema::avro_to_json(**schema, r.value,
                                                  has_readable_times_ ? schema::json_form::plain
                                                                      : schema::json_form::numbers,
                                                  s.value_json))
    s.value_json = hex_json(r.value);
  return s;
}

result<std::string> record_text::encode(const std::string& json) {
  const auto schema = schema_of(base_);
  if (!schema) return schema.error();
  if (*schema == nullptr)
    return error{"the topic's schema is not known here, so that JSON cannot be encoded for it"};
  byte_writer out;
  if (const auto done = schema::json_to_avro(**schema, json, out, {.check_uuids = true}); !done)
    return done.error();
  return std::string{out.view()};
}

}  // namespace cloudflow::sandbox
