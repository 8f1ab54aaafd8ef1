/// State by key: a bounded cache over the store, that remembers what changed since the last commit.
#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/schema/codec.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cloudflow::detail {

template <class T>
void encode_onto(const T& v, byte_writer& w) {
  codec<T>::encode(v, w);
}
template <class T>
std::string encoded(const T& v) {
  byte_writer w;
  encode_onto(v, w);
  return std::string{w.view()};
}
/// Throws storage_failure when the bytes are no T: the store was opened with another schema.
template <class T>
T decoded(std::string_view bytes) {
  view_of<T> v{};
  if (!codec<T>::decode(bytes, v))
    throw flow::storage_failure("a stored value cannot be read with the schema of its state");
  return codec<T>::own(v);
}

/// Looks up a std::string key by string_view: the key is copied when it is new, not per record.
struct key_hash {
  using is_transparent = void;
  template <class K>
  std::size_t operator()(const K& k) const noexcept {
    if constexpr (std::convertible_to<const K&, std::string_view>)
      return std::hash<std::string_view>{}(k);
    else if constexpr (requires { k.time_since_epoch().count(); })
      return std::hash<long long>{}(k.time_since_epoch().count());
    else
      return std::hash<K>{}(k);
  }
};

/// The durable values of one store whose keys start with `prefix`.
///
/// A miss reads the store, so the cache may forget what has been committed whenever it likes: `evict()` does when
/// more than `max_cached` keys are held. Confined to one thread.
template <class Key, class Value>
class keyed_state {
public:
  static constexpr std::size_t max_cached = 100'000;
  struct cell {
    Value value;
    bool is_changed = false;
    bool is_stored = false;
  };
  using map = std::unordered_map<Key, cell, key_hash, std::equal_to<>>;
  using entry = typename map::value_type;

  keyed_state(const flow::store_reader* stores, std::size_t store, std::string prefix)
    : stores_(stores), store_(store), prefix_(std::move(prefix)) {}

  /// The entry of a key; created with `initial` where there is none. Valid until evict().
  template <class K>
  entry& at(const K& key, const Value& initial) {
    const auto it = cells_.find(key);
    if (it != cells_.end()) [[likely]]
      return *it;
    return fetch(Key(key), initial);
  }
  void touch(entry& e) {
    if (!std::exchange(e.second.is_changed, true)) changed_.push_back(&e);
  }
  map& cells() noexcept { return cells_; }
  void encode_key_onto(const Key& key, byte_writer& w) const {
    w.put_raw(prefix_);
    encode_onto(key, w);
  }

  void save(flow::changes& out) {
    for (auto* e : changed_) {
      out.state.put(
          store_, [&](byte_writer& w) { encode_key_onto(e->first, w); },
          [&](byte_writer& w) { encode_onto(e->second.value, w); });
      e->second.is_changed = false;
      e->second.is_stored = true;
    }
    changed_.clear();
  }
  /// Nothing has changed since the last save.
  bool is_saved() const noexcept { return changed_.empty(); }
  /// @pre everything saved is committed.
  void evict() {
    if (cells_.size() > max_cached && is_saved()) cells_.clear();
  }

private:
  [[gnu::noinline]] entry& fetch(Key key, const Value& initial) {
    byte_writer store_key;
    encode_key_onto(key, store_key);
    const auto stored = stores_->find(store_, store_key.view());
    auto& e = *cells_.emplace(std::move(key), cell{initial}).first;
    if (stored) e.second = cell{decoded<Value>(*stored), false, true};
    return e;
  }

  const flow::store_reader* stores_;
  std::size_t store_;
  std::string prefix_;
  map cells_;
  std::vector<entry*> changed_;
};

}  // namespace cloudflow::detail
