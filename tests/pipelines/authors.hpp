/// The functions of functions.hpp as authors write them for the operators, for records of all types
/// that occur in the pipelines.
#pragma once

#include "cloudflow/streamlet/streamlet.hpp"
#include "functions.hpp"
#include "pipeline.hpp"
#include "pipelines_schemas/item.hpp"
#include "pipelines_schemas/refusal.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cloudflow::pipelines {

using namespace std::chrono_literals;
using ::pipelines::item;
using ::pipelines::refusal;
using folded = keyed<std::string, total>;
using counted = windowed<std::string, total>;

inline std::int64_t ms(timestamp t) { return t.time_since_epoch() / 1ms; }
inline timestamp at(std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; }

template <class X>
row as_row(const X& x)
  requires requires { x.trace; }
{
  return {std::string{x.id}, std::string{x.key}, ms(x.time), x.value, std::string{x.kind}, x.trace};
}
inline row as_row(const folded& x) { return row_of_fold(x.key, x.value); }
inline row as_row(const counted& x) { return row_of_window(x.key, ms(x.window.start), x.value); }
inline item as_item(const row& r) { return {r.id, r.key, at(r.time), r.value, r.kind, r.trace}; }

inline void note_call(const row& r, int stage) {
  if (const auto number = number_of(r.id)) calls().push_back({stage, *number});
}

struct mapping {
  int stage;
  template <class X>
  item operator()(const X& x) const {
    return as_item(mapped(as_row(x), stage));
  }
};
struct refused_item {
  refusal what;
  std::string reason() const { return "refused"; }
};
/// The refusal itself is what goes to an outlet; a dead letter needs a reason.
struct refusing {
  int stage;
  template <class X>
  result<item, refusal> operator()(const X& x) const {
    const auto r = as_row(x);
    if (is_refused(r, stage)) return refusal{r.id, r.key, r.value};
    return as_item(accepted(r, stage));
  }
};
struct refusing_with_reason {
  int stage;
  template <class X>
  result<item, refused_item> operator()(const X& x) const {
    const auto r = as_row(x);
    if (is_refused(r, stage)) return refused_item{{r.id, r.key, r.value}};
    return as_item(accepted(r, stage));
  }
};
/// An effect that happens at least once.
struct noting {
  int stage;
  void operator()(const refusal& r) const { effects().insert(r.id); }
  template <class E>
  void operator()(const E& e) const {
    effects().insert(e.what.id);
  }
};
struct doing {
  int stage;
  template <class X>
  void operator()(const X& x) const {
    const auto r = as_row(x);
    strike(r, stage);
    effects().insert(r.id);
  }
};
struct keeping {
  int stage;
  template <class X>
  bool operator()(const X& x) const {
    return is_kept(as_row(x), stage);
  }
};
struct multiplying {
  int stage;
  template <class X>
  std::vector<item> operator()(const X& x) const {
    std::vector<item> all;
    for (const auto& r : several(as_row(x), stage)) all.push_back(as_item(r));
    return all;
  }
};
struct sorting {
  int stage;
  template <class X>
  std::variant<item, item> operator()(const X& x) const {
    const auto r = as_row(x);
    using sorted = std::variant<item, item>;
    return branch_of(r, stage) == 0 ? sorted{std::in_place_index<0>, as_item(r)}
                                    : sorted{std::in_place_index<1>, as_item(r)};
  }
};
struct away {
  refusal what;
  bool may_come_back;
  bool is_retriable() const { return may_come_back; }
  std::string reason() const { return "away"; }
};
struct parts {
  using state = std::int64_t;
  using output = item;
  int stage;
  template <class X>
  std::string key(const X& x) const {
    const auto r = as_row(x);
    strike_key(r, stage);
    return r.id;
  }
  template <class X>
  result<expansion_progress, away> advance(std::int64_t& done, const X& x,
                                           expansion_output<item>& out) const {
    const auto r = as_row(x);
    note_call(r, stage);
    switch (work_on(r, stage, done, [&](const row& p) { out.emit(as_item(p)); })) {
      case call_end::more: return expansion_progress::more;
      case call_end::done: return expansion_progress::done;
      case call_end::fails_for_now: return away{{r.id, r.key, r.value}, true};
      case call_end::fails: break;
    }
    return away{{r.id, r.key, r.value}, false};
  }
};
inline constexpr retry patience{
    .max_attempts = max_attempts, .first_delay = 20ms, .longest_delay = 100ms};

struct at_time {
  int stage;
  template <class X>
  timestamp operator()(const X& x) const {
    const auto r = as_row(x);
    note_call(r, stage);
    strike(r, stage);
    return at(r.time);
  }
};
struct by_key {
  int stage;
  template <class X>
  std::string operator()(const X& x) const {
    auto r = as_row(x);
    strike_key(r, stage);
    return r.key;
  }
};
struct by_id {
  int stage;
  template <class X>
  std::string operator()(const X& x) const {
    auto r = as_row(x);
    strike_key(r, stage);
    return r.id;
  }
};
struct folding {
  int stage;
  template <class X>
  void operator()(total& t, const X& x) const {
    fold_into(t, as_row(x), stage);
  }
};
struct counting {
  int stage;
  template <class X>
  void operator()(total& t, const X& x) const {
    count_into(t, as_row(x), stage);
  }
};
inline bounded_out_of_order bound() { return {std::chrono::milliseconds{settings().bound_ms}}; }
inline allowed_lateness late_by() {
  if (settings().lateness_ms < 0) return unlimited_lateness;
  return {std::chrono::milliseconds{settings().lateness_ms}};
}

/// Clients that send several items at once, want to know when they are durable, and send them again
/// when the connection has broken, or ends because nobody knows.
struct sending final : source<item> {
  sending() = default;
  sending(const sending&) = delete;
  sending& operator=(const sending&) = delete;
  ~sending() override { clients().disconnect(taken); }
  std::vector<std::size_t> taken;
  void open(std::function<void()>) override { clients().reconnect(); }
  flow::source_status poll(emitter<item>& emit) override {
    const auto sent = clients().take();
    for (const auto& s : sent) {
      taken.push_back(s.number);
      emit(as_item(s.what));
      acknowledgement answer{.when_durable = s.when_durable, .when_unknown = s.when_unknown};
      if (can_be_refused(s.number)) answer.when_refused = [](const auto&) {};
      emit.acknowledge(std::move(answer));
    }
    if (!sent.empty()) return flow::source_status::produced;
    return clients().are_done() ? flow::source_status::ended : flow::source_status::idle;
  }
};
inline auto from_clients() {
  return from(std::shared_ptr<source<item>>{std::make_shared<sending>()});
}

/// Reads back what an outlet of T has.
template <class T>
std::optional<row> read_row(std::string_view bytes) {
  view_of<T> v{};
  if (!codec<T>::decode(bytes, v)) return {};
  if constexpr (std::same_as<T, refusal>)
    return row{std::string{v.id}, std::string{v.key}, 0, v.value, {}, 0};
  else
    return as_row(v);
}

}  // namespace cloudflow::pipelines

namespace cloudflow {

/// Ports do not take derived codecs: these are named, so that each operator can be followed by
/// to().
template <class T>
struct named_codec {
  using view = T;
  static constexpr std::string_view schema_text{derived::schema_text_of<T>.data(),
                                                derived::schema_text_of<T>.size()};
  static constexpr std::string_view schema_name = derived::schema_name_of<T>();
  static constexpr std::string_view schema_format = "avro";
  static inline const std::string_view fingerprint = derived::fingerprint_of(schema_text);
  static bool decode(std::string_view in, T& out) {
    generated::reader r{in};
    derived::form<T>::read(r, out);
    return r.complete();
  }
  static void encode(const T& v, byte_writer& w) { derived::form<T>::write(v, w); }
  static T own(const T& v) { return v; }
  static const T& borrow(const T& v) noexcept { return v; }
};
template <>
struct codec<pipelines::folded> : named_codec<pipelines::folded> {};
template <>
struct codec<pipelines::counted> : named_codec<pipelines::counted> {};

}  // namespace cloudflow
