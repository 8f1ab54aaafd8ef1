/// What generated codecs are made of: for each Avro type one `as_...` with
///   `owner`, `view`              the types of a member in the owning struct and in its view
///   `read(reader&, view&)`       takes one value; borrows; errors are sticky in the reader
///   `write(view or owner, byte_writer&)`
///   `own(view) -> owner`, `borrow(const owner&) -> view`
/// Only generated code and this module use it.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/schema/codec.hpp"
#include "cloudflow/schema/views.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cloudflow::generated {

// -- numbers --------------------------------------------------------------------------------------

template <class T>
struct as_plain {
  using owner = T;
  using view = T;
  static T own(T v) { return v; }
  static T borrow(T v) { return v; }
};

struct as_null : as_plain<std::monostate> {
  static void read(reader&, std::monostate&) noexcept {}
  static void write(std::monostate, byte_writer&) {}
};

struct as_boolean : as_plain<bool> {
  static void read(reader& r, bool& v) noexcept {
    const auto byte = r.get_byte();
    if (byte > 1) [[unlikely]]
      r.fail();
    v = byte == 1;
  }
  static void write(bool v, byte_writer& w) { w.put_byte(v ? 1 : 0); }
};

inline std::int32_t read_int(reader& r) noexcept {
  const auto wide = r.get_long();
  const auto narrow = static_cast<std::int32_t>(wide);
  if (narrow != wide) [[unlikely]]
    r.fail();
  return narrow;
}

struct as_int : as_plain<std::int32_t> {
  static void read(reader& r, std::int32_t& v) noexcept { v = read_int(r); }
  static void write(std::int32_t v, byte_writer& w) { w.put_long(v); }
};

struct as_long : as_plain<std::int64_t> {
  static void read(reader& r, std::int64_t& v) noexcept { v = r.get_long(); }
  static void write(std::int64_t v, byte_writer& w) { w.put_long(v); }
};

template <class Number>
struct as_real : as_plain<Number> {
  static void read(reader& r, Number& v) noexcept { v = r.template get_fixed<Number>(); }
  static void write(Number v, byte_writer& w) { w.put_fixed(v); }
};
using as_float = as_real<float>;
using as_double = as_real<double>;

/// A point in time, `Time` with its own unit, encoded as `Encoded`: a long (a date: an int).
template <class Time, class Encoded = as_long>
struct as_time : as_plain<Time> {
  static void read(reader& r, Time& v) noexcept {
    typename Encoded::view count{};
    Encoded::read(r, count);
    v = Time{typename Time::duration{count}};
  }
  static void write(Time v, byte_writer& w) { w.put_long(v.time_since_epoch().count()); }
};
using as_timestamp_millis = as_time<timestamp>;
using as_timestamp_micros = as_time<std::chrono::sys_time<std::chrono::microseconds>>;
using as_local_timestamp_millis = as_time<std::chrono::local_time<std::chrono::milliseconds>>;
using as_local_timestamp_micros = as_time<std::chrono::local_time<std::chrono::microseconds>>;
using as_date = as_time<std::chrono::sys_days, as_int>;

/// A time of day in `Unit`, encoded as `Encoded`.
template <class Unit, class Encoded>
struct as_time_of_day : as_plain<Unit> {
  static void read(reader& r, Unit& v) noexcept {
    typename Encoded::view count{};
    Encoded::read(r, count);
    v = Unit{count};
  }
  static void write(Unit v, byte_writer& w) { w.put_long(v.count()); }
};
using as_time_millis = as_time_of_day<std::chrono::milliseconds, as_int>;
using as_time_micros = as_time_of_day<std::chrono::microseconds, as_long>;

/// `Enum` has the values 0 to `Count` - 1.
template <class Enum, std::int64_t Count>
struct as_enum : as_plain<Enum> {
  static void read(reader& r, Enum& v) noexcept {
    const auto index = r.get_long();
    if (index < 0 || index >= Count) [[unlikely]] {
      r.fail();
      return;
    }
    v = static_cast<Enum>(index);
  }
  static void write(Enum v, byte_writer& w) { w.put_long(static_cast<std::int64_t>(v)); }
};

// -- bytes ----------------------------------------------------------------------------------------

struct as_string {
  using owner = std::string;
  using view = std::string_view;
  static void read(reader& r, view& v) noexcept { v = r.get_text(); }
  static void write(view v, byte_writer& w) { w.put_utf8(v); }
  static owner own(view v) { return owner{v}; }
  static view borrow(const owner& v) { return v; }
};

struct as_bytes {
  using owner = std::vector<std::byte>;
  using view = bytes_view;
  static void read(reader& r, view& v) noexcept { v = bytes_view{r.get_text()}; }
  static void write(view v, byte_writer& w) { w.put_text(v.text()); }
  static void write(const owner& v, byte_writer& w) { w.put_text(bytes_view{v}.text()); }
  static owner own(view v) { return {v.begin(), v.end()}; }
  static view borrow(const owner& v) { return bytes_view{v}; }
};

template <std::size_t Size>
struct as_fixed {
  using owner = std::array<std::byte, Size>;
  using view = owner;
  static void read(reader& r, view& v) noexcept {
    const auto raw = r.get_raw(Size);
    if (raw.size() == Size && Size != 0) std::memcpy(v.data(), raw.data(), Size);
  }
  static void write(const view& v, byte_writer& w) { w.put_raw(v.data(), Size); }
  static owner own(const view& v) { return v; }
  static view borrow(const owner& v) { return v; }
};

// -- records --------------------------------------------------------------------------------------

template <class Record>
struct as_record {
  using owner = Record;
  using view = typename Record::view;
  static void read(reader& r, view& v) noexcept { codec<Record>::read(r, v); }
  static void write(const view& v, byte_writer& w) { codec<Record>::encode(v, w); }
  static void write(const owner& v, byte_writer& w) { codec<Record>::encode(v, w); }
  static owner own(const view& v) { return codec<Record>::own(v); }
  static view borrow(const owner& v) { return codec<Record>::borrow(v); }
};

/// A record in a record of its own kind: on the heap in the owning struct, decoded when looked at
/// in the view.
template <class Record>
struct as_boxed {
  using owner = box<Record>;
  using view = lazy_view<Record>;
  static void read(reader& r, view& v) noexcept {
    const nesting_level level{r};
    if (!r.ok()) return;  // what is read after an error may lead here again without end
    const auto before = r;
    typename codec<Record>::view inner;
    codec<Record>::read(r, inner);
    v = view{r.since(before)};
  }
  static void write(const view& v, byte_writer& w) {
    if (v.owner() != nullptr)
      codec<Record>::encode(*v.owner(), w);
    else if (!v.encoded().empty())
      w.put_raw(v.encoded());
    else
      codec<Record>::encode(*v, w);
  }
  static void write(const owner& v, byte_writer& w) { codec<Record>::encode(*v, w); }
  static owner own(const view& v) { return owner{codec<Record>::own(*v)}; }
  static view borrow(const owner& v) { return view{*v}; }
};

// -- arrays and maps ------------------------------------------------------------------------------

template <class Item>
struct as_array {
  using owner = std::vector<typename Item::owner>;
  using view = array_view<Item>;
  static void read(reader& r, view& v) noexcept { v = view::read(r); }
  static void write(const view& v, byte_writer& w) {
    if (v.owner() != nullptr) return write(*v.owner(), w);
    v.write_encoded(w);
  }
  static void write(const owner& v, byte_writer& w) {
    if (!v.empty()) w.put_long(static_cast<std::int64_t>(v.size()));
    for (const auto& item : v) Item::write(item, w);
    w.put_long(0);
  }
  static owner own(const view& v) {
    owner out;
    out.reserve(v.size());
    for (const auto& item : v) out.push_back(Item::own(item));
    return out;
  }
  static view borrow(const owner& v) { return view{v}; }
};

template <class Value>
struct as_map {
  using owner = std::map<std::string, typename Value::owner, std::less<>>;
  using view = map_view<Value>;
  static void read(reader& r, view& v) noexcept { v = view::read(r); }
  static void write(const view& v, byte_writer& w) {
    if (v.owner() != nullptr) return write(*v.owner(), w);
    v.write_encoded(w);
  }
  static void write(const owner& v, byte_writer& w) {
    if (!v.empty()) w.put_long(static_cast<std::int64_t>(v.size()));
    for (const auto& [key, value] : v) {
      w.put_utf8(key);
      Value::write(value, w);
    }
    w.put_long(0);
  }
  /// The last of several values with the same key stays.
  static owner own(const view& v) {
    owner out;
    for (const auto& [key, value] : v) out.insert_or_assign(std::string{key}, Value::own(value));
    return out;
  }
  static view borrow(const owner& v) { return view{v}; }
};

// -- unions ---------------------------------------------------------------------------------------

/// A union of null and one other type; `NullIndex` is the place of null.
template <class Value, std::int64_t NullIndex>
struct as_optional {
  using owner = std::optional<typename Value::owner>;
  using view = std::optional<typename Value::view>;
  static void read(reader& r, view& v) noexcept {
    const auto index = r.get_long();
    if (index == NullIndex)
      v.reset();
    else if (index == 1 - NullIndex)
      Value::read(r, v.emplace());
    else
      r.fail();
  }
  template <class Either>
  static void write(const Either& v, byte_writer& w) {
    w.put_long(v ? 1 - NullIndex : NullIndex);
    if (v) Value::write(*v, w);
  }
  static owner own(const view& v) { return v ? owner{Value::own(*v)} : owner{}; }
  static view borrow(const owner& v) { return v ? view{Value::borrow(*v)} : view{}; }
};

/// Any other union: a variant with the branches in their order.
template <class... Branches>
struct as_union {
  using owner = std::variant<typename Branches::owner...>;
  using view = std::variant<typename Branches::view...>;
  using indexes = std::index_sequence_for<Branches...>;

  static void read(reader& r, view& v) noexcept {
    const auto index = r.get_long();
    if (!read_branch(index, r, v, indexes{})) [[unlikely]]
      r.fail();
  }
  template <class Either>
  static void write(const Either& v, byte_writer& w) {
    w.put_long(static_cast<std::int64_t>(v.index()));
    write_branch(v, w, indexes{});
  }
  static owner own(const view& v) {
    owner out;
    own_branch(v, out, indexes{});
    return out;
  }
  static view borrow(const owner& v) {
    view out;
    borrow_branch(v, out, indexes{});
    return out;
  }

private:
  template <std::size_t... I>
  static bool read_branch(std::int64_t index, reader& r, view& v,
                          std::index_sequence<I...>) noexcept {
    return ((index == static_cast<std::int64_t>(I) &&
             (Branches::read(r, v.template emplace<I>()), true)) ||
            ...);
  }
  template <class Either, std::size_t... I>
  static void write_branch(const Either& v, byte_writer& w, std::index_sequence<I...>) {
    (void)((v.index() == I && (Branches::write(*std::get_if<I>(&v), w), true)) || ...);
  }
  template <std::size_t... I>
  static void own_branch(const view& v, owner& out, std::index_sequence<I...>) {
    (void)((v.index() == I &&
            (out.template emplace<I>(Branches::own(*std::get_if<I>(&v))), true)) ||
           ...);
  }
  template <std::size_t... I>
  static void borrow_branch(const owner& v, view& out, std::index_sequence<I...>) {
    (void)((v.index() == I &&
            (out.template emplace<I>(Branches::borrow(*std::get_if<I>(&v))), true)) ||
           ...);
  }
};

}  // namespace cloudflow::generated
