#include "cloudflow/schema/internal/json_printer.hpp"

#include "cloudflow/schema/internal/skip.hpp"
#include "cloudflow/schema/iso_time.hpp"
#include "cloudflow/schema/json.hpp"
#include "cloudflow/schema/utf8.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <optional>

namespace cloudflow::schema::internal {

namespace {

std::optional<std::string> iso_text(logical_type logical, std::int64_t value) {
  switch (logical) {
    case logical_type::timestamp_millis: return iso_from_millis(value);
    case logical_type::timestamp_micros: return iso_from_micros(value);
    case logical_type::local_timestamp_millis: return iso_from_millis(value, "");
    case logical_type::local_timestamp_micros: return iso_from_micros(value, "");
    case logical_type::date: return iso_from_days(static_cast<std::int32_t>(value));
    case logical_type::none:
    case logical_type::decimal:
    case logical_type::uuid:
    case logical_type::time_millis:
    case logical_type::time_micros:
    case logical_type::duration: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

result<void> json_printer::print() {
  put(schema_.root_id(), 0);
  if (in_.complete()) return {};
  const auto wrong =
      in_.ok() ? fmt::format("expected the end of the value, found {} bytes more", in_.remaining())
               : fmt::format("expected a value of {}, found bytes that are none", schema_.name());
  const std::string_view path = path_;
  return error{fmt::format("{}{}{}", path.starts_with('.') ? path.substr(1) : path,
                           path.empty() ? "" : ": ", wrong)};
}

void json_printer::put(node_id id, unsigned depth) {
  const auto& node = schema_.node(id);
  if (depth > max_depth) in_.fail();
  if (!in_.ok()) return;  // what is read after an error may lead deeper without end
  switch (node.type) {
    case avro_type::null_type: out_ += "null"; return;
    case avro_type::boolean_type: {
      const auto byte = in_.get_byte();
      if (byte > 1) in_.fail();
      out_ += byte == 1 ? "true" : "false";
      return;
    }
    case avro_type::int_type:
    case avro_type::long_type: return put_number(node);
    case avro_type::float_type: return put_real(in_.get_fixed<float>());
    case avro_type::double_type: return put_real(in_.get_fixed<double>());
    case avro_type::string_type: return append_json_string(out_, in_.get_text());
    case avro_type::bytes_type: return put_latin1(in_.get_text());
    case avro_type::fixed_type: return put_latin1(in_.get_raw(node.size));
    case avro_type::enum_type: return put_symbol(node);
    case avro_type::record_type: return put_record(node, depth);
    case avro_type::array_type:
    case avro_type::map_type: return put_items(node, depth);
    case avro_type::union_type: return put_union(node, depth);
  }
}

void json_printer::put_number(const avro_node& node) {
  const auto value = in_.get_long();
  if (node.type == avro_type::int_type && value != static_cast<std::int32_t>(value)) in_.fail();
  if (form_ == json_form::plain && in_.ok())
    if (const auto text = iso_text(node.logical, value)) return append_json_string(out_, *text);
  fmt::format_to(std::back_inserter(out_), "{}", value);
}

template <class Real>
void json_printer::put_real(Real value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return;
  }
  out_ += std::isnan(value) ? R"("NaN")" : value > 0 ? R"("Infinity")" : R"("-Infinity")";
}

void json_printer::put_latin1(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) append_utf8(text, static_cast<unsigned char>(c));
  append_json_string(out_, text);
}

void json_printer::put_symbol(const avro_node& node) {
  const auto index = static_cast<std::uint64_t>(in_.get_long());
  if (index >= node.symbols.size()) return in_.fail();
  append_json_string(out_, node.symbols[index]);
}

void json_printer::put_record(const avro_node& node, unsigned depth) {
  out_ += '{';
  for (std::size_t i = 0; i != node.fields.size() && in_.ok(); ++i) {
    if (i != 0) out_ += ',';
    append_json_string(out_, node.fields[i].name);
    out_ += ':';
    put(node.fields[i].type, depth + 1);
    if (!in_.ok()) path_ = fmt::format(".{}{}", node.fields[i].name, path_);
  }
  out_ += '}';
}

void json_printer::put_items(const avro_node& node, unsigned depth) {
  const bool is_map = node.type == avro_type::map_type;
  out_ += is_map ? '{' : '[';
  std::size_t index = 0;
  generated::read_blocks(in_, [&] {
    if (index != 0) out_ += ',';
    if (is_map) {
      append_json_string(out_, in_.get_text());
      out_ += ':';
    }
    put(node.element, depth + 1);
    if (!in_.ok()) path_ = fmt::format("[{}]{}", index, path_);
    ++index;
  });
  out_ += is_map ? '}' : ']';
}

void json_printer::put_union(const avro_node& node, unsigned depth) {
  const auto index = static_cast<std::uint64_t>(in_.get_long());
  if (index >= node.branches.size()) return in_.fail();
  const auto& branch = schema_.node(node.branches[index]);
  const bool tagged = form_ == json_form::avro && branch.type != avro_type::null_type;
  if (tagged) {
    out_ += '{';
    append_json_string(out_, name_of(branch));
    out_ += ':';
  }
  put(node.branches[index], depth + 1);
  if (tagged) out_ += '}';
}

}  // namespace cloudflow::schema::internal
