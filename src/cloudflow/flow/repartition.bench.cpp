/// What a record costs in a windowed count whose key_by goes through an internal topic, beside the
/// same pipeline where records stay in their task. The topic is what the upstream half has written;
/// what a log does with it is left out. All windows of both are compared.
#include "cloudflow/flow/measuring.test.hpp"
#include "flow_test_schemas/count.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <string>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

constexpr std::size_t records = 200'000, keys = 1000, batch = 1024, batches_per_commit = 10;
constexpr std::int32_t partitions = 4;

struct per_minute {
  inlet<line> in{"in"};
  outlet<count> out{"out", key(&count::app)};
  state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count::view{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

std::span<const record_view> test_data() {
  static const auto lines = [] {
    auto all = std::make_unique<input>();
    for (std::size_t i = 0; i != records; ++i)
      all->add({"application-" + std::to_string(i * 7919 % keys),
                timestamp{static_cast<std::int64_t>(i) * 5ms}, std::string(40 + i % 52, 'x')});
    return all;
  }();
  static const auto views = lines->records();
  return views;
}

/// A task for each partition; the inlet's records take turns between them. Without a topic they all
/// go to the first.
class tasks {
public:
  explicit tasks(bool is_repartitioned) : is_repartitioned_(is_repartitioned) {
    for (std::int32_t p = 0; p != partitions; ++p) {
      auto& t = all_[static_cast<std::size_t>(p)];
      t.changes.outputs.emplace_back(1);
      t.changes.outputs.emplace_back(partitions);
      const std::vector<const void*> inlets{&streamlet_.in}, outlets{&streamlet_.out},
          states{&streamlet_.lines};
      flow::wiring::dependencies around{
          .out = &t.changes, .stores = &stores_, .time = &time_, .wake = {}, .partition = p};
      if (is_repartitioned) around.repartitions = {{.state = 0, .inlet = 1, .outlet = 1}};
      flow::wiring w{inlets, outlets, states, around};
      auto pipeline = streamlet_.logic();
      t.program =
          detail::make_operator_chain(t.changes, pipeline.bind(detail::end{&t.changes.counted}, w));
      (void)t.program->load();
    }
  }
  outcome run() {
    outcome rows{1};
    const auto all = test_data();
    std::size_t n = 0;
    for (std::size_t at = 0; at < all.size(); at += batch, ++n) {
      const auto p = is_repartitioned_ ? n % partitions : 0;
      (void)all_[p].program->run({0, "in", 0, all.subspan(at, std::min(batch, all.size() - at))});
      if (n % batches_per_commit == 0) commit(rows);
    }
    commit(rows);
    for (auto& t : all_) (void)t.program->finish();
    commit(rows);
    commit(rows);  // what the ends have fired
    return rows;
  }

private:
  struct task {
    flow::changes changes;
    std::unique_ptr<flow::operator_chain> program;
    std::vector<record_view> moved;
  };

  void commit(outcome& rows) {
    for (auto& t : all_) t.program->save();
    for (std::size_t p = 0; p != all_.size(); ++p) deliver(p);
    for (auto& t : all_) {
      t.changes.outputs[1].clear();
      t.changes.state.clear();
      rows.add(t.changes.outputs[0]);
      t.changes.outputs[0].clear();
      t.program->committed();
    }
  }
  /// What all tasks have written for this one.
  void deliver(std::size_t p) {
    auto& to = all_[p];
    for (const auto& from : all_) {
      const auto& buffer = from.changes.outputs[1].by_partition()[p];
      to.moved.clear();
      for (const auto& e : buffer.entries())
        to.moved.push_back({buffer.key(e), buffer.value(e), {}, {}, {}});
      if (!to.moved.empty()) (void)to.program->run({1, "moved", 0, to.moved});
    }
  }

  bool is_repartitioned_;
  per_minute streamlet_;
  empty_stores stores_;
  virtual_clock time_;
  std::array<task, partitions> all_;
};

void windows(benchmark::State& state, bool is_repartitioned) {
  const auto expected = tasks{false}.run();
  for (auto _ : state) {
    state.PauseTiming();
    tasks t{is_repartitioned};
    state.ResumeTiming();
    if (t.run() != expected) return state.SkipWithError("wrong windows");
  }
  report(state, records);
}

BENCHMARK_CAPTURE(windows, of_one_task, false)->Apply(with_extremes);
BENCHMARK_CAPTURE(windows, repartitioned, true)->Apply(with_extremes);

}  // namespace
}  // namespace cloudflow::testing
