/// State that an earlier version of a streamlet has written, and names that authors give to it.
#include "cloudflow/runtime/fixture.test.hpp"

#include <string>
#include <vector>

namespace cloudflow::runtime {
namespace {

using namespace std::chrono_literals;
using texts_of = std::vector<std::string>;

/// Another version of the application, on the same log.
class versions : public application {
protected:
  template <class S, class In>
  void become() {
    kill();
    built = plan_builder{};
    topic<In>("lines");
    topic<line>("out");
    streamlet<S>("keeper");
  }
  template <class S, class In = line>
  void run(const std::vector<In>& records) {
    become<S, In>();
    start();
    send("lines", records);
    run_to_end();
  }
};

// -- a generated type with one more field ---------------------------------------------------------

template <class Kept>
struct last_line {
  inlet<line> in{"lines"};
  outlet<line> out{"out"};
  cloudflow::state<Kept> last{"last"};
  auto logic() const {
    return from(in)
        .key_by(&line::app)
        .fold(last,
              [](Kept& kept, const line::view& l) {
                if (kept.app.empty()) kept.app = l.app, kept.time = l.time;
              })
        .map([](const keyed<std::string, Kept>& k) {
          std::string text = "old";
          if constexpr (requires { k.value.text; }) text = k.value.text;
          return line{k.key, k.value.time, text};
        })
        .to(out);
  }
};

TEST_F(versions, fault_b8_state_with_one_more_field_that_has_a_default_is_resolved) {
  run<last_line<old_line>>({{"a", at(1), ""}});
  run<last_line<line>>({{"a", at(2), ""}, {"b", at(3), ""}});
  EXPECT_EQ(texts("out"), (texts_of{"old", "none", "none"}));
  // What the newer version has written is read by the older one, and by the newer one again.
  run<last_line<old_line>>({{"b", at(4), ""}});
  run<last_line<line>>({{"b", at(5), ""}});
  const auto all = read<line>("out");
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[1].time, at(1));
  EXPECT_EQ(all[3].time, at(3));
  EXPECT_EQ(all[4].time, at(3));
  EXPECT_EQ(all[4].text, "none");
}

// -- members that change their places -------------------------------------------------------------

}  // namespace

namespace before {
struct sums {
  std::int64_t calls = 0, duration = 0;
};
}  // namespace before
namespace after {
struct sums {
  std::int64_t duration = 0, calls = 0;
};
}  // namespace after
namespace renamed {
struct sums {
  std::int64_t calls = 0, seconds = 0;
};
}  // namespace renamed

namespace {

template <class Sums, bool Windowed>
struct summing {
  inlet<line> in{"lines"};
  outlet<line> out{"out"};
  cloudflow::state<Sums> sums{"sums"};

  static void add(Sums& s, const line::view& l) {
    ++s.calls;
    if constexpr (requires { s.duration; })
      s.duration += static_cast<std::int64_t>(l.text.size()) * 100;
    else
      s.seconds += static_cast<std::int64_t>(l.text.size()) * 100;
  }
  template <class Row>
  static line shown(const Row& r) {
    std::string text = std::to_string(r.value.calls);
    if constexpr (requires { r.value.duration; }) text += " " + std::to_string(r.value.duration);
    return {r.key, at(0), text};
  }
  auto logic() const {
    const auto keyed_lines = from(in).event_time(&line::time, in_order).key_by(&line::app);
    if constexpr (Windowed)
      return keyed_lines.window(tumbling{60s})
          .fold(sums, add)
          .map([](const windowed<std::string, Sums>& w) { return shown(w); })
          .to(out);
    else
      return keyed_lines.fold(sums, add)
          .map([](const keyed<std::string, Sums>& k) { return shown(k); })
          .to(out);
  }
};

TEST_F(versions, fault_b7_members_that_change_their_places_keep_their_values) {
  run<summing<before::sums, false>>({{"a", at(1), "xx"}});
  run<summing<after::sums, false>>({{"a", at(2), "x"}});
  EXPECT_EQ(texts("out"), (texts_of{"1 200", "2 300"}));
}

TEST_F(versions, fault_b7_open_windows_too) {
  become<summing<before::sums, true>, line>();
  start();
  send("lines", std::vector<line>{{"a", at(1), "xx"}});
  step(50);
  EXPECT_EQ(texts("out"), texts_of{});
  run<summing<after::sums, true>>({{"a", at(2), "x"}, {"a", at(70), "xxx"}});
  EXPECT_EQ(texts("out"), (texts_of{"2 300", "1 300"}));
}

TEST_F(versions, fault_b8_what_cannot_be_resolved_is_refused_with_what_has_changed) {
  run<summing<before::sums, false>>({{"a", at(1), "xx"}});
  become<summing<renamed::sums, false>, line>();
  const auto refused = try_start();
  ASSERT_FALSE(refused);
  const auto& text = refused.error().message;
  EXPECT_NE(text.find("keeper.sums"), std::string::npos) << text;
  EXPECT_NE(text.find("seconds: a reader without default for it cannot read"), std::string::npos)
      << text;
  EXPECT_NE(text.find("give the new state another name"), std::string::npos) << text;
}

// -- records that wait for their next attempt -----------------------------------------------------

struct attempt_failed {
  bool is_retriable() const { return true; }
  std::string reason() const { return "not yet"; }
};
template <class In, bool Fails>
struct copying {
  using state = std::int64_t;
  using output = line;
  std::string key(const view_of<In>& l) const { return std::string{l.app}; }
  result<expansion_progress, attempt_failed> advance(state&, const In& l,
                                                     expansion_output<line>& out) const {
    if (Fails) return attempt_failed{};
    std::string text = "old";
    if constexpr (requires { l.text; }) text = l.text;
    out.emit({l.app, l.time, text});
    return expansion_progress::done;
  }
};
template <class In, bool Fails>
struct expanding {
  inlet<In> in{"lines"};
  outlet<line> out{"out"};
  cloudflow::state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in)
        .expand(progress, copying<In, Fails>{},
                retry{.max_attempts = 100, .first_delay = 1h, .longest_delay = 1h})
        .template on_error<attempt_failed>(dead_letter)
        .to(out);
  }
};

TEST_F(versions, fault_b8_records_that_wait_for_a_retry_are_resolved) {
  become<expanding<old_line, true>, old_line>();
  start();
  send("lines", std::vector<old_line>{{"a", at(1)}});
  step(50);
  EXPECT_EQ(texts("out"), texts_of{});
  become<expanding<line, false>, old_line>();
  start();
  clock.advance(2h);
  step(50);
  EXPECT_EQ(texts("out"), texts_of{"none"});
}

// -- names ----------------------------------------------------------------------------------------

/// Names that the library makes others of. The key 24 is stored as the byte `0`, which is how the
/// first watermark is called.
struct names_like_ours {
  inlet<line> in{"lines"};
  outlet<line> out{"out"};
  cloudflow::state<std::int64_t> counts{"event-time"}, others{"parked"};
  cloudflow::state<std::int64_t> progress{"dead-letter"}, more{"retry"};

  static std::int64_t length(const line& l) { return static_cast<std::int64_t>(l.text.size()); }
  static auto to_text(const keyed<std::int64_t, std::int64_t>& k) {
    return line{"n", at(k.value), std::string(static_cast<std::size_t>(k.key), 'x')};
  }
  auto logic() const {
    const auto add = [](std::int64_t& n, const line&) { ++n; };
    return from(in)
        .expand(progress, copying<line, false>{})
        .template on_error<attempt_failed>(dead_letter)
        .event_time(&line::time, in_order)
        .key_by(length)
        .fold(counts, add)
        .map(to_text)
        .key_by(length)
        .fold(others, add)
        .map(to_text)
        .key_by(length)
        .fold(more, add)
        .map(to_text)
        .to(out);
  }
};

TEST_F(versions, fault_b2_names_that_look_like_ours_meet_none_of_them) {
  const std::string key(24, 'x');
  for (int n = 0; n != 3; ++n)
    run<names_like_ours>({{"a", at(1'000'000 + n), key}, {"a", at(1'000'000 + n), key}});
  const auto all = read<line>("out");
  ASSERT_EQ(all.size(), 6U);
  for (std::size_t i = 0; i != all.size(); ++i)
    EXPECT_EQ(all[i].time, at(static_cast<std::int64_t>(i) + 1));
}

}  // namespace
}  // namespace cloudflow::runtime
