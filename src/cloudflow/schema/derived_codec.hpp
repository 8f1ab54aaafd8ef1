/// Codecs for plain C++ types, derived from the types: what streamlets keep as state without
/// writing a schema for it.
///
///     struct counts { std::int64_t messages = 0, problems = 0; };
///     codec<counts>::schema_text
///     // {"type":"record","name":"counts","fields":[{"name":"messages","type":"long"}, ...
///
/// Numbers, bool, enums, std::string, times and durations, std::optional, containers, maps, pairs,
/// tuples, and aggregates of these. The encoding is Avro's. Members and enumerators are in the
/// schema by their names: what was written before they changed their places is read rightly
/// (`schema::resolution`), and a new name is another member. Members of a tuple are `f0`, `f1` ...
#pragma once

#include "cloudflow/schema/codec.hpp"
#include "cloudflow/schema/detail/enumerators.hpp"
#include "cloudflow/schema/detail/member_names.hpp"
#include "cloudflow/schema/detail/type_text.hpp"
#include "cloudflow/schema/views.hpp"

#include <boost/pfr/core.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cloudflow {

namespace derived {

using generated::reader;

/// One kind of type each: `describe` (its schema, at compile time), `read` (false never: errors are
/// sticky in the reader), `write`. No member: the type is of no kind that can be derived.
template <class T>
struct form {};

template <class T>
concept has_form = requires(reader& r, T& v, const T& c, byte_writer& w) {
  form<T>::read(r, v);
  form<T>::write(c, w);
};

// -- numbers and text -----------------------------------------------------------------------------

template <std::integral T>
struct form<T> {
  static constexpr bool is_long = sizeof(T) > 4 || (sizeof(T) == 4 && std::unsigned_integral<T>);
  static constexpr void describe(schema::detail::type_text& out) {
    out.put(is_long ? R"("long")" : R"("int")");
  }
  static void read(reader& r, T& v) noexcept {
    const auto wide = r.get_long();
    v = static_cast<T>(wide);
    if (static_cast<std::int64_t>(v) != wide) [[unlikely]]
      r.fail();
  }
  static void write(T v, byte_writer& w) { w.put_long(static_cast<std::int64_t>(v)); }
};

template <>
struct form<bool> {
  static constexpr void describe(schema::detail::type_text& out) { out.put(R"("boolean")"); }
  static void read(reader& r, bool& v) noexcept {
    const auto byte = r.get_byte();
    if (byte > 1) [[unlikely]]
      r.fail();
    v = byte == 1;
  }
  static void write(bool v, byte_writer& w) { w.put_byte(v ? 1 : 0); }
};

template <class T>
  requires std::same_as<T, float> || std::same_as<T, double>
struct form<T> {
  static constexpr void describe(schema::detail::type_text& out) {
    out.put(sizeof(T) == sizeof(float) ? R"("float")" : R"("double")");
  }
  static void read(reader& r, T& v) noexcept { v = r.template get_fixed<T>(); }
  static void write(T v, byte_writer& w) { w.put_fixed(v); }
};

/// A record of one field, which is the enumerator; a number where the value has no name, or the
/// enum's first values have none. (A union cannot stand in a union, a record can.)
template <class T>
  requires std::is_enum_v<T>
struct form<T> {
  using number = form<std::underlying_type_t<T>>;
  static constexpr auto named = static_cast<std::int64_t>(schema::detail::enumerators<T>);
  static constexpr void describe(schema::detail::type_text& out) {
    if (!out.template begin_record<T>()) return;
    out.begin_field(0, "value");
    if constexpr (named == 0) {
      number::describe(out);
    } else {
      out.put(R"([{"type":"enum","name":")");
      out.put_name(schema::detail::raw_type_name<T>());
      out.put(R"(_enumerator","symbols":[)");
      describe_symbols(out, std::make_index_sequence<schema::detail::enumerators<T>>{});
      out.put("]},");
      number::describe(out);
      out.put("]");
    }
    out.put("}]}");
  }
  static void read(reader& r, T& v) noexcept {
    if (named != 0 && r.get_long() == 0) {
      const auto index = r.get_long();
      if (index < 0 || index >= named) [[unlikely]]
        r.fail();
      v = static_cast<T>(index);
      return;
    }
    std::underlying_type_t<T> value{};
    number::read(r, value);
    v = static_cast<T>(value);
  }
  static void write(T v, byte_writer& w) {
    const auto value = static_cast<std::underlying_type_t<T>>(v);
    if constexpr (named != 0) {
      const bool has_name = std::cmp_greater_equal(value, 0) && std::cmp_less(value, named);
      w.put_long(has_name ? 0 : 1);
    }
    number::write(value, w);
  }

private:
  template <std::size_t... I>
  static constexpr void describe_symbols(schema::detail::type_text& out,
                                         std::index_sequence<I...>) {
    (void)((out.put(I == 0 ? "\"" : ",\""),
            out.put_identifier(schema::detail::enumerator_name<T, I>()), out.put("\"")),
           ...);
  }
};

template <>
struct form<std::string> {
  static constexpr void describe(schema::detail::type_text& out) { out.put(R"("string")"); }
  static void read(reader& r, std::string& v) { v = r.get_text(); }
  static void write(const std::string& v, byte_writer& w) { w.put_text(v); }
};

// -- time -----------------------------------------------------------------------------------------

template <class Rep, class Period>
struct form<std::chrono::duration<Rep, Period>> {
  /// Its unit is the name of a record: a number of seconds is never read as one of minutes.
  using duration = std::chrono::duration<Rep, Period>;
  static constexpr void describe(schema::detail::type_text& out) {
    const auto put_unit = [](schema::detail::type_text& text) {
      text.put("ticks_");
      text.put_number(Period::den);
      text.put("_per_");
      text.put_number(Period::num);
      text.put("_s");
    };
    if (!out.begin_record(put_unit)) return;
    out.begin_field(0, "count");
    out.put(std::integral<Rep> ? R"("long")" : R"("double")");
    out.put("}]}");
  }
  static void read(reader& r, duration& v) noexcept {
    if constexpr (std::integral<Rep>) {
      std::int64_t count = 0;
      form<std::int64_t>::read(r, count);
      v = duration{static_cast<Rep>(count)};
      if (static_cast<std::int64_t>(v.count()) != count) r.fail();
    } else {
      v = duration{static_cast<Rep>(r.get_fixed<double>())};
    }
  }
  static void write(duration v, byte_writer& w) {
    if constexpr (std::integral<Rep>)
      w.put_long(static_cast<std::int64_t>(v.count()));
    else
      w.put_fixed(static_cast<double>(v.count()));
  }
};

template <class Clock, class Duration>
struct form<std::chrono::time_point<Clock, Duration>> {
  using time = std::chrono::time_point<Clock, Duration>;
  static constexpr void describe(schema::detail::type_text& out) {
    if constexpr (std::same_as<time, timestamp>)
      out.put(R"({"type":"long","logicalType":"timestamp-millis"})");
    else
      form<Duration>::describe(out);
  }
  static void read(reader& r, time& v) noexcept {
    Duration since{};
    form<Duration>::read(r, since);
    v = time{since};
  }
  static void write(time v, byte_writer& w) { form<Duration>::write(v.time_since_epoch(), w); }
};

// -- containers -----------------------------------------------------------------------------------

template <has_form T>
struct form<std::optional<T>> {
  static constexpr void describe(schema::detail::type_text& out) {
    out.put(R"(["null",)");
    form<T>::describe(out);
    out.put("]");
  }
  static void read(reader& r, std::optional<T>& v) {
    const auto index = r.get_long();
    if (index == 1)
      form<T>::read(r, v.emplace());
    else
      v.reset();
    if (index < 0 || index > 1) r.fail();
  }
  static void write(const std::optional<T>& v, byte_writer& w) {
    w.put_long(v ? 1 : 0);
    if (v) form<T>::write(*v, w);
  }
};

/// std::vector, deque, list, set, unordered_set: an array.
template <class C>
concept sequence = requires(C& c, typename C::value_type item) {
  c.insert(c.end(), std::move(item));
  c.clear();
  c.size();
} && !requires { typename C::mapped_type; } && !requires { typename C::traits_type; };

template <sequence C>
  requires has_form<typename C::value_type>
struct form<C> {
  using item = typename C::value_type;
  static constexpr void describe(schema::detail::type_text& out) {
    out.put(R"({"type":"array","items":)");
    form<item>::describe(out);
    out.put("}");
  }
  static void read(reader& r, C& v) {
    v.clear();
    generated::read_blocks(r, [&] {
      item one{};
      form<item>::read(r, one);
      v.insert(v.end(), std::move(one));
    });
  }
  static void write(const C& v, byte_writer& w) {
    if (v.size() != 0) w.put_long(static_cast<std::int64_t>(v.size()));
    for (const item& one : v) form<item>::write(one, w);
    w.put_long(0);
  }
};

/// std::map, unordered_map: a map where the keys are text, otherwise an array of pairs.
template <class C>
  requires requires { typename C::mapped_type; } && has_form<typename C::key_type> &&
           has_form<typename C::mapped_type>
struct form<C> {
  using key = typename C::key_type;
  using value = typename C::mapped_type;
  static constexpr void describe(schema::detail::type_text& out) {
    if constexpr (std::same_as<key, std::string>) {
      out.put(R"({"type":"map","values":)");
      form<value>::describe(out);
    } else {
      out.put(R"({"type":"array","items":)");
      form<std::pair<key, value>>::describe(out);
    }
    out.put("}");
  }
  static void read(reader& r, C& v) {
    v.clear();
    generated::read_blocks(r, [&] {
      key k{};
      form<key>::read(r, k);
      form<value>::read(r, v[std::move(k)]);
    });
  }
  static void write(const C& v, byte_writer& w) {
    if (v.size() != 0) w.put_long(static_cast<std::int64_t>(v.size()));
    for (const auto& [k, one] : v) {
      form<key>::write(k, w);
      form<value>::write(one, w);
    }
    w.put_long(0);
  }
};

// -- pairs, tuples, aggregates: records -----------------------------------------------------------

template <class T>
concept tuple_like = requires { std::tuple_size<T>::value; };
template <class T>
concept plain_aggregate =
    std::is_aggregate_v<T> && std::is_class_v<T> && !tuple_like<T> && !sequence<T>;

/// Members of both, by index.
template <class T>
struct members;
template <tuple_like T>
struct members<T> {
  static constexpr std::size_t count = std::tuple_size_v<T>;
  template <std::size_t I>
  using type = std::remove_cv_t<std::tuple_element_t<I, T>>;
  template <std::size_t I, class Either>
  static auto& get(Either& v) noexcept {
    return std::get<I>(v);
  }
  template <std::size_t I>
  static constexpr void begin_field(schema::detail::type_text& out) {
    if constexpr (requires(T& pair) { pair.second; })
      out.begin_field(I, I == 0 ? "first" : "second");
    else
      out.begin_field(I);
  }
};
template <plain_aggregate T>
struct members<T> {
  static constexpr std::size_t count = boost::pfr::tuple_size_v<T>;
  template <std::size_t I>
  using type = boost::pfr::tuple_element_t<I, T>;
  template <std::size_t I, class Either>
  static auto& get(Either& v) noexcept {
    return boost::pfr::get<I>(v);
  }
  template <std::size_t I>
  static constexpr void begin_field(schema::detail::type_text& out) {
    out.begin_field(I, schema::detail::member_name<T, I>());
  }
};

template <class T, std::size_t... I>
consteval bool all_have_form(std::index_sequence<I...>) {
  return (has_form<typename members<T>::template type<I>> && ...);
}
template <class T>
concept record_like = (tuple_like<T> || plain_aggregate<T>)&&all_have_form<T>(
    std::make_index_sequence<members<T>::count>{});

template <class T>
  requires record_like<T>
struct form<T> {
  using indexes = std::make_index_sequence<members<T>::count>;
  template <std::size_t I>
  using member_form = form<typename members<T>::template type<I>>;

  static constexpr void describe(schema::detail::type_text& out) { describe(out, indexes{}); }
  static void read(reader& r, T& v) { read(r, v, indexes{}); }
  static void write(const T& v, byte_writer& w) { write(v, w, indexes{}); }

private:
  template <std::size_t... I>
  static constexpr void describe(schema::detail::type_text& out, std::index_sequence<I...>) {
    if (!out.template begin_record<T>()) return;
    (void)((members<T>::template begin_field<I>(out), member_form<I>::describe(out), out.put("}")),
           ...);
    out.put("]}");
  }
  template <std::size_t... I>
  static void read([[maybe_unused]] reader& r, [[maybe_unused]] T& v, std::index_sequence<I...>) {
    (void)(member_form<I>::read(r, members<T>::template get<I>(v)), ...);
  }
  template <std::size_t... I>
  static void write([[maybe_unused]] const T& v, [[maybe_unused]] byte_writer& w,
                    std::index_sequence<I...>) {
    (void)(member_form<I>::write(members<T>::template get<I>(v), w), ...);
  }
};

/// The schema of T as text in static storage, built by the compiler.
template <class T>
consteval std::size_t schema_size_of() {
  schema::detail::type_text text;
  form<T>::describe(text);
  return text.view().size();
}
template <class T>
inline constexpr auto schema_text_of = [] {
  schema::detail::type_text text;
  form<T>::describe(text);
  std::array<char, schema_size_of<T>()> copy{};
  std::copy(text.view().begin(), text.view().end(), copy.begin());
  return copy;
}();

/// Where the name of T's schema stands in its text. (Looking into the text in static storage is no
/// constant expression for gcc 12 with -fsanitize=undefined.)
template <class T>
consteval std::pair<std::size_t, std::size_t> name_place_of() {
  schema::detail::type_text text;
  form<T>::describe(text);
  const auto all = text.view();
  constexpr std::string_view record = R"({"type":"record","name":")", object = R"({"type":")";
  const auto start = all.starts_with(record)   ? record.size()
                     : all.starts_with(object) ? object.size()
                     : all.starts_with('"')    ? 1
                                               : std::string_view::npos;
  if (start == std::string_view::npos) return {0, 0};
  return {start, all.find('"', start) - start};
}
template <class T>
consteval std::string_view schema_name_of() {
  constexpr auto place = name_place_of<T>();
  if constexpr (place.second == 0)
    return "union";
  else
    return {schema_text_of<T>.data() + place.first, place.second};
}

/// Computed once for each text; the result stays valid.
std::string_view fingerprint_of(std::string_view schema_text);

template <class T>
concept derivable = has_form<T> && owning<T> && !std::same_as<T, std::string> &&
                    !requires { typename T::view::owner_type; };

}  // namespace derived

/// A type that has no schema of its own. `view` is the type itself: reading state owns it.
template <derived::derivable T>
struct codec<T> {
  using view = T;
  /// Tells it from a codec of a schema.
  static constexpr bool is_derived = true;
  static constexpr std::string_view schema_text{derived::schema_text_of<T>.data(),
                                                derived::schema_text_of<T>.size()};
  static constexpr std::string_view schema_name = derived::schema_name_of<T>();
  static constexpr std::string_view schema_format = "avro";
  static inline const std::string_view fingerprint = derived::fingerprint_of(schema_text);

  /// @post when false, `out` is valid and its value is unspecified
  static bool decode(std::string_view in, T& out) {
    generated::reader r{in};
    derived::form<T>::read(r, out);
    return r.complete();
  }
  static void encode(const T& v, byte_writer& w) { derived::form<T>::write(v, w); }
  static T own(const T& v) { return v; }
  static const T& borrow(const T& v) noexcept { return v; }
};

}  // namespace cloudflow
