#include "cloudflow/state/timers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsNull;

timestamp at(std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; }

class memory_store final : public stores::store_reader {
public:
  std::optional<std::string> find(std::size_t, std::string_view key) const override {
    const auto found = entries.find(std::string{key});
    return found == entries.end() ? std::nullopt : std::optional{found->second};
  }
  void scan(std::size_t, std::string_view prefix,
            const std::function<bool(std::string_view, std::string_view)>& f) const override {
    for (auto it = entries.lower_bound(std::string{prefix}); it != entries.end(); ++it)
      if (!it->first.starts_with(prefix) || !f(it->first, it->second)) return;
  }
  void commit(stores::state_changes& changes) {
    for (const auto& e : changes.entries()) {
      const std::string key{changes.key(e)};
      if (const auto value = changes.value(e))
        entries[key] = *value;
      else
        entries.erase(key);
    }
    changes.clear();
  }
  std::map<std::string, std::string> entries;
};

/// An owner with a cell for each name, which it may forget.
class owner {
public:
  struct cell {
    std::string name;
    timestamp due{};
    timer_note timer{};
    const std::string& key() const noexcept { return name; }
  };

  explicit owner(memory_store& store) : store_(&store), timers_(&changes_, &store, 0) {
    timers_.load();
  }
  bool set(const std::string& name, timestamp t) {
    auto& c = cell_of(name, t);
    if (c.timer.is_set || (c.timer.has_changed && c.due != t)) return false;
    c.due = t;
    timers_.set(t, c);
    return true;
  }
  /// Names, in the order in which they are due.
  std::vector<std::string> pop_all(timestamp now) {
    std::vector<std::string> names;
    const auto recall = [this](timestamp t, std::string_view stored) -> cell* {
      const auto name = decoded<std::string>(stored);
      return find(name) == nullptr ? &cell_of(name, t) : nullptr;
    };
    while (auto* c = timers_.pop(now, recall)) names.push_back(c->name);
    return names;
  }
  void commit() {
    for (auto& c : cells_) timers_.save(c.due, c);
    store_->commit(changes_);
  }
  /// Of those that are committed. Cells move.
  void forget(const std::set<std::string>& names) {
    std::set<timestamp> times;
    for (const auto& c : cells_) times.insert(c.due);
    auto kept = std::exchange(cells_, {});
    std::erase_if(kept, [&](const cell& c) { return names.contains(c.name); });
    cells_ = kept;
    for (const auto t : times)
      timers_.held_are(t, [&](auto f) {
        for (auto& c : cells_)
          if (c.due == t) f(c);
      });
  }
  timestamp next() const { return timers_.next(); }

private:
  cell* find(const std::string& name) {
    const auto found =
        std::find_if(cells_.begin(), cells_.end(), [&](const cell& c) { return c.name == name; });
    return found == cells_.end() ? nullptr : &*found;
  }
  cell& cell_of(const std::string& name, timestamp due) {
    if (auto* c = find(name)) return *c;
    cells_.push_back({.name = name, .due = due});
    return cells_.back();
  }

  memory_store* store_;
  stores::state_changes changes_;
  timers<cell> timers_;
  std::deque<cell> cells_;
};

TEST(timers, are_due_in_the_order_of_time_and_then_in_that_in_which_they_were_set) {
  memory_store store;
  owner o{store};
  EXPECT_EQ(o.next(), timestamp::max());
  o.set("c", at(20));
  o.set("b", at(-5));
  o.set("a", at(20));
  EXPECT_EQ(o.next(), at(-5));
  EXPECT_THAT(o.pop_all(at(-6)), IsEmpty());
  EXPECT_THAT(o.pop_all(at(19)), ElementsAre("b"));
  EXPECT_THAT(o.pop_all(at(20)), ElementsAre("c", "a"));
  EXPECT_EQ(o.next(), timestamp::max());
}

TEST(timers, are_durable_once_they_are_saved) {
  memory_store store;
  {
    owner o{store};
    o.set("a", at(1));
    o.commit();
    o.set("b", at(2));  // not saved
  }
  owner o{store};
  EXPECT_EQ(o.next(), at(1));
  EXPECT_THAT(o.pop_all(at(5)), ElementsAre("a"));
  EXPECT_THAT(store.entries, testing::SizeIs(1));
  o.commit();
  EXPECT_THAT(store.entries, IsEmpty());
}

TEST(timers,
     of_cells_that_were_forgotten_are_recalled_and_those_of_others_are_not_taken_from_there) {
  memory_store store;
  owner o{store};
  o.set("a", at(1));
  o.set("b", at(1));
  o.commit();
  o.forget({"a"});
  EXPECT_THAT(o.pop_all(at(1)), ElementsAre("b", "a"));
  EXPECT_THAT(o.pop_all(at(1)), IsEmpty()) << "what is stored is older";
}

TEST(timers, that_are_set_again_before_the_save_are_there_once) {
  memory_store store;
  owner o{store};
  o.set("a", at(1));
  o.commit();
  EXPECT_THAT(o.pop_all(at(1)), ElementsAre("a"));
  o.set("a", at(1));
  o.commit();
  EXPECT_THAT(o.pop_all(at(1)), ElementsAre("a"));
}

TEST(timers, of_an_owner_who_holds_all_cells_are_given_to_them_and_those_of_nobody_go) {
  memory_store store;
  {
    owner o{store};
    o.set("a", at(1));
    o.set("gone", at(2));
    o.commit();
  }
  stores::state_changes changes;
  timers<owner::cell> t{&changes, &store, 0};
  owner::cell a{.name = "a"};
  t.load([&](timestamp, std::string_view key) {
    return decoded<std::string>(key) == "a" ? &a : nullptr;
  });
  store.commit(changes);
  EXPECT_TRUE(a.timer.is_set);
  EXPECT_EQ(t.pop(at(5)), &a);
  EXPECT_THAT(t.pop(at(5)), IsNull());
  EXPECT_THAT(store.entries, testing::SizeIs(1));
}

/// Any order of what an owner may do, beside a set of times and names.
RC_GTEST_PROP(timers, are_those_of_a_set, ()) {
  memory_store store;
  auto o = std::make_unique<owner>(store);
  std::set<std::pair<timestamp, std::string>> model, committed;
  std::set<std::string> unsaved;
  auto now = at(0);
  const auto steps = *rc::gen::inRange(1, 60);
  for (int n = 0; n != steps; ++n) {
    const std::string name(1, static_cast<char>('a' + *rc::gen::inRange(0, 5)));
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
      case 1: {
        const auto t = now + std::chrono::milliseconds{*rc::gen::inRange(0, 6)};
        const bool is_known = std::any_of(model.begin(), model.end(),
                                          [&](const auto& m) { return m.second == name; });
        if (!is_known && o->set(name, t)) {
          model.insert({t, name});
          unsaved.insert(name);
        }
        break;
      }
      case 2: {
        now += std::chrono::milliseconds{*rc::gen::inRange(0, 6)};
        auto fired = o->pop_all(now);
        std::vector<std::string> expected;
        std::erase_if(model, [&](const auto& m) {
          if (m.first > now) return false;
          expected.push_back(m.second);
          return true;
        });
        unsaved.insert(expected.begin(), expected.end());
        std::sort(fired.begin(), fired.end());
        std::sort(expected.begin(), expected.end());
        RC_ASSERT(fired == expected);
        break;
      }
      case 3:
        o->commit();
        committed = model;
        unsaved.clear();
        break;
      case 4:
        if (!unsaved.contains(name)) o->forget({name});
        break;
      default:
        o = std::make_unique<owner>(store);
        model = committed;
        unsaved.clear();
    }
    RC_ASSERT((model.empty() || o->next() <= model.begin()->first));
  }
}

}  // namespace
}  // namespace cloudflow::detail
