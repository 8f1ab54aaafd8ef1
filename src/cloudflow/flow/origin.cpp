#include "cloudflow/flow/origin.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace cloudflow::flow {

namespace {

constexpr std::int64_t none = -1;

void put(const std::optional<std::string>& text, byte_writer& to) {
  if (text)
    to.put_text(*text);
  else
    to.put_long(none);
}

std::optional<std::string> get_optional(byte_reader& in) {
  const auto size = in.get_long();
  if (size < 0) return {};
  return std::string{in.get_raw(static_cast<std::size_t>(size))};
}

}  // namespace

std::string kept_origin::identity() const {
  byte_writer w;
  w.put_long(static_cast<std::int64_t>(what));
  w.put_long(static_cast<std::int64_t>(index));
  w.put_text(topic);
  w.put_long(partition);
  w.put_long(offset.value());
  if (what == origin_kind::window) {
    put(key, w);
    put(value, w);
    put_time(w, time);
  }
  return std::string{w.view()};
}

std::string kept_origin::describe() const {
  switch (what) {
    case origin_kind::inlet:
      return fmt::format("topic {}, partition {}, offset {}", topic, partition, offset.value());
    case origin_kind::source: return fmt::format("record {} of a source", offset.value());
    case origin_kind::window:
      return fmt::format("window {} to {} of key {}", to_iso8601(time), to_iso8601(end),
                         key.value_or(""));
  }
  return {};
}

void encode(const kept_origin& o, byte_writer& to) {
  to.put_long(static_cast<std::int64_t>(o.what));
  to.put_long(static_cast<std::int64_t>(o.index));
  to.put_text(o.topic);
  to.put_long(o.partition);
  to.put_long(o.offset.value());
  put(o.key, to);
  put(o.value, to);
  to.put_long(static_cast<std::int64_t>(o.headers.size()));
  for (const auto& [name, value] : o.headers) {
    to.put_text(name);
    to.put_text(value);
  }
  put_time(to, o.time);
  put_time(to, o.end);
}

kept_origin decode_origin(byte_reader& in) {
  kept_origin o;
  o.what = static_cast<origin_kind>(in.get_long());
  o.index = static_cast<std::size_t>(in.get_long());
  o.topic = in.get_text();
  o.partition = static_cast<std::int32_t>(in.get_long());
  o.offset = record_offset{in.get_long()};
  o.key = get_optional(in);
  o.value = get_optional(in);
  for (auto left = in.get_long(); left > 0 && in.ok(); --left) {
    std::string name{in.get_text()};
    o.headers.emplace_back(std::move(name), in.get_text());
  }
  o.time = get_time(in);
  o.end = get_time(in);
  return o;
}

std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text;
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    if (type == nullptr) return "an exception of an unknown type";
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name{
        abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free};
    return fmt::format("an exception of type {}", name ? name.get() : type->name());
  }
}

}  // namespace cloudflow::flow
