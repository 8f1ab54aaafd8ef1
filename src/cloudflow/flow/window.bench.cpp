/// What a record costs in a windowed count, by the number of keys, how evenly they and the windows
/// are filled, and how often is committed; beside it a count by hand, which notes nothing for a
/// commit. Once a task has seen its keys it must not allocate. All windows of all passes are
/// compared with those counted by hand.
#include "cloudflow/flow/measuring.test.hpp"
#include "flow_test_schemas/count.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <string>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

constexpr std::chrono::milliseconds window_size{60'000}, latest_by{2'000};

// -- input ----------------------------------------------------------------------------------------

/// Lines over a whole number of windows: shifted by `span` they follow on themselves.
struct traffic {
  input lines;
  std::chrono::milliseconds span{};
  std::vector<record_view> records;
};

template <class KeyOf>
std::unique_ptr<traffic> traffic_of(std::span<const int> records_per_window, KeyOf key_of) {
  auto t = std::make_unique<traffic>();
  std::mt19937 random{1};
  int i = 0;
  for (const int n : records_per_window) {
    for (int k = 0; k != n; ++k, ++i) {
      // A second behind the others, so that windows overlap, but none is late.
      const std::chrono::milliseconds behind{random() % 8 == 0 ? 1'000 : 0};
      const auto time = t->span + window_size * k / n - behind;
      t->lines.add({"application-" + std::to_string(key_of(i, random)), timestamp{time},
                    std::string(40 + static_cast<std::size_t>(i % 52), 'x')});
    }
    t->span += window_size;
  }
  t->records = t->lines.records();
  return t;
}

/// Each key as often as any other, twelve times in each window.
const traffic& even(int keys) {
  static std::map<int, std::unique_ptr<traffic>> made;
  auto& t = made[keys];
  if (!t)
    t = traffic_of(std::array{12 * keys, 12 * keys, 12 * keys},
                   [keys](int i, auto&) { return i * 7919LL % keys; });
  return *t;
}

/// Windows with many and few records, keys with many and few.
const traffic& uneven(int keys) {
  static std::map<int, std::unique_ptr<traffic>> made;
  auto& t = made[keys];
  if (!t)
    t = traffic_of(
        std::array{12 * keys, 2 * keys, keys / 7, 6 * keys}, [keys](int, std::mt19937& random) {
          return std::lround(std::pow(static_cast<double>(random()) / 4294967296.0, 3) * keys);
        });
  return *t;
}

// -- the same twice -------------------------------------------------------------------------------

struct per_minute {
  std::chrono::milliseconds shift{};
  inlet<line> in{"in"};
  outlet<count> out{"out", key(&count::app)};
  state<std::int64_t> lines{"lines"};
  std::vector<const void*> states{&lines};
  auto logic() const {
    return from(in)
        .event_time([this](const line::view& l) { return l.time + shift; },
                    bounded_out_of_order{latest_by})
        .key_by(&line::app)
        .window(tumbling{window_size})
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count::view{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

/// Nothing is noted for a commit: not which values have changed, not which windows are open.
class by_hand {
public:
  outcome run(const traffic& t, std::chrono::milliseconds shift) {
    for (const auto& r : t.records) {
      line::view l;
      if (!codec<line>::decode(r.value, l)) continue;
      const auto time = l.time + shift;
      if (time < start_ || time - start_ >= window_size) select(time);
      const auto known = counts_->find(l.app);
      ++(known != counts_->end() ? known : counts_->emplace(l.app, 0).first)->second;
      if (time - latest_by < due_) continue;
      fire(time - latest_by);
    }
    return taken();
  }
  outcome finish() {
    fire(timestamp::max());
    return taken();
  }

private:
  using counts =
      boost::unordered_flat_map<std::string, std::int64_t, detail::key_hash, std::equal_to<>>;

  void select(timestamp time) {
    start_ = timestamp{(time.time_since_epoch() + window_size) / window_size * window_size -
                       window_size};
    counts_ = &windows_[start_];
    due_ = windows_.begin()->first + window_size;
  }
  void fire(timestamp watermark) {
    while (!windows_.empty() && windows_.begin()->first + window_size <= watermark) {
      const auto& [start, all] = *windows_.begin();
      for (const auto& [app, n] : all)
        out_.append(app, [&](byte_writer& w) {
          codec<count>::encode(count::view{app, start, n}, w);
        });
      windows_.erase(windows_.begin());
    }
    due_ = windows_.empty() ? timestamp::max() : windows_.begin()->first + window_size;
  }
  outcome taken() {
    outcome all{1};
    all.add(out_);
    out_.clear();
    return all;
  }

  flow::outlet_buffer out_{1};
  std::map<timestamp, counts> windows_;
  counts* counts_ = nullptr;
  timestamp start_ = timestamp::max(), due_ = timestamp::max();
};

// -- benchmarks -----------------------------------------------------------------------------------

outcome operator+(const outcome& a, const outcome& b) {
  return {1, a.records + b.records, a.bytes + b.bytes, a.hash + b.hash};
}

outcome expected(const traffic& t, int passes) {
  by_hand counts;
  outcome all{1};
  for (int pass = 0; pass != passes; ++pass) all = all + counts.run(t, t.span * pass);
  return all + counts.finish();
}

void window_by_hand(benchmark::State& state, const traffic& (*traffic_with)(int)) {
  const auto& t = traffic_with(static_cast<int>(state.range(0)));
  by_hand counts;
  std::size_t rows = 0;
  int passes = 0;
  for (auto _ : state) rows += counts.run(t, t.span * passes++).records;
  rows += counts.finish().records;
  if (rows != expected(t, passes).records) return state.SkipWithError("wrong windows");
  report(state, t.records.size());
}

void window(benchmark::State& state, const traffic& (*traffic_with)(int)) {
  const auto& t = traffic_with(static_cast<int>(state.range(0)));
  const auto per_commit = static_cast<std::size_t>(state.range(1));
  task<per_minute> counts;
  int passes = 0;
  const auto pass = [&] {
    counts.streamlet().shift = t.span * passes++;
    return counts.run(t.records, 1024, per_commit);
  };
  auto all = pass() + pass() + pass();  // it learns its keys, and buffers grow to their size
  const auto before = allocations();
  for (auto _ : state) all = all + pass();
  if (allocations() != before) return state.SkipWithError("it allocates");
  all = all + counts.finish();
  if (all != expected(t, passes)) return state.SkipWithError("wrong windows");
  report(state, t.records.size());
}

BENCHMARK_CAPTURE(window_by_hand, even, even)->Arg(1000)->Arg(7000)->Apply(with_extremes);
BENCHMARK_CAPTURE(window, even, even)
    ->ArgNames({"keys", "commit"})
    ->ArgsProduct({{1000, 7000}, {1024, 10'240, 102'400}})
    ->Apply(with_extremes);
BENCHMARK_CAPTURE(window_by_hand, uneven, uneven)->Arg(7000)->Apply(with_extremes);
BENCHMARK_CAPTURE(window, uneven, uneven)
    ->ArgNames({"keys", "commit"})
    ->ArgsProduct({{7000}, {1024, 10'240, 102'400}})
    ->Apply(with_extremes);

}  // namespace
}  // namespace cloudflow::testing
