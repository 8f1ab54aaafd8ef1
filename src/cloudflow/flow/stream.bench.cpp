/// What a record costs in a pipeline that is driven as the runtime drives it, in batches with commits; beside each a
/// loop written by hand over the same bytes, which is the limit. Left out: what the log does with the changes. Every
/// pass checks what came out, and that a pipeline without state has not allocated.
#include "cloudflow/flow/stream.hpp"
#include "flow_test_schemas/count.hpp"
#include "flow_test_schemas/line.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

namespace {
std::atomic<std::size_t> allocations{0};
}

// Not inlined: g++ would see a malloc that is freed by delete.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace cloudflow {
namespace {

using namespace std::chrono_literals;
using flowtest::count;
using flowtest::line;

constexpr std::size_t records = 200'000, keys = 1000, records_per_commit = 100'000;
constexpr std::size_t longest_text = 85;
constexpr std::chrono::milliseconds window_size{60'000}, between_records{5};

// -- input and outcome -------------------------------------------------------------------------------

struct input {
  byte_writer bytes;
  std::vector<record_view> views;
};

/// Texts of 40 to 91 bytes; a fifth of them begins with `e`.
const input& test_data() {
  static const auto made = [] {
    auto in = std::make_unique<input>();
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i != records; ++i) {
      const timestamp time{static_cast<std::int64_t>(i) * between_records};
      const std::string text = static_cast<char>('a' + i % 5) + std::string(39 + i % 52, 'x');
      codec<line>::encode(line{"application-" + std::to_string(i * 7919 % keys), time, text},
                          in->bytes);
      ends.push_back(in->bytes.size());
    }
    for (std::size_t i = 0, from = 0; i != records; from = ends[i++])
      in->views.push_back({{},
                           in->bytes.view().substr(from, ends[i] - from),
                           {},
                           timestamp{},
                           record_offset{static_cast<std::int64_t>(i)}});
    return in;
  }();
  return *made;
}

/// What came out, wherever commits cut it: number and bytes, and a sum over each `sampled`-th record, with 1 in any
/// order.
struct outcome {
  std::size_t sampled = 97, records = 0, bytes = 0, hash = 0;

  void add(const flow::outlet_buffer& out) {
    for (const auto& buffer : out.by_partition()) {
      const auto entries = buffer.entries();
      for (std::size_t i = (sampled - records % sampled) % sampled; i < entries.size();
           i += sampled)
        hash += std::hash<std::string_view>{}(buffer.value(entries[i]));
      records += entries.size();
      bytes += buffer.byte_size();
    }
  }
  bool operator==(const outcome&) const = default;
};

void write(flow::outlet_buffer& out, const count::view& c) {
  out.append(c.app, [&](byte_writer& w) { codec<count>::encode(c, w); });
}

// -- pipelines ---------------------------------------------------------------------------------------

struct scored {
  line::view l;
  std::int64_t score;
};
struct too_long {
  std::size_t size;
};

/// Decode, filter a fifth away, map, map that may fail, on_error, map, encode.
struct seven_stages {
  inlet<line> in{"in"};
  outlet<count> out{"out", key(&count::app)};
  std::vector<const void*> states;
  auto logic() const {
    return from(in)
        .filter([](const line::view& l) { return l.text.front() != 'e'; })
        .map([](const line::view& l) {
          return scored{l, static_cast<std::int64_t>(l.text.size()) * 3};
        })
        .map([](const scored& s) -> result<scored, too_long> {
          if (s.l.text.size() > longest_text) return too_long{s.l.text.size()};
          return scored{s.l, s.score + 1};
        })
        .on_error<too_long>([](const too_long&) {})
        .map([](const scored& s) {
          return count::view{s.l.app, s.l.time, s.score};
        })
        .to(out);
  }
};

/// The same over records that own their texts: what views save.
struct seven_stages_owned {
  inlet<line> in{"in"};
  outlet<count> out{"out", key(&count::app)};
  std::vector<const void*> states;
  auto logic() const {
    return from(in)
        .map([](const line::view& l) { return to_owned(l); })
        .filter([](const line& l) { return l.text.front() != 'e'; })
        .filter([](const line& l) { return l.text.size() <= longest_text; })
        .map([](const line& l) {
          return count{l.app, l.time, static_cast<std::int64_t>(l.text.size()) * 3 + 1};
        })
        .to(out);
  }
};

struct per_minute {
  inlet<line> in{"in"};
  outlet<count> out{"out", key(&count::app)};
  state<std::int64_t> lines{"lines"};
  std::vector<const void*> states{&lines};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{window_size})
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

// -- driving -----------------------------------------------------------------------------------------

/// Records that are in order need no value of a window that has closed.
class empty_stores final : public flow::store_reader {
public:
  std::optional<std::string> find(std::size_t, std::string_view) const override { return {}; }
  void scan(std::size_t, std::string_view,
            const std::function<bool(std::string_view, std::string_view)>&) const override {}
};

template <class Streamlet>
class task {
public:
  task() {
    changes_.outputs.emplace_back(1);
    const std::vector<const void*> inlets{&streamlet_.in}, outlets{&streamlet_.out};
    flow::wiring w{inlets, outlets, streamlet_.states, {&changes_, &stores_, &time_, {}}};
    auto pipeline = streamlet_.logic();
    program_ = detail::make_program(changes_, pipeline.bind(detail::end{}, w));
    program_->load();
  }
  /// Takes all records in batches; `finish`: open windows fire.
  outcome run(std::size_t batch, std::size_t per_commit, bool finish) {
    outcome all{finish ? 1u : 97u};
    const std::span views{test_data().views};
    std::size_t uncommitted = 0;
    for (std::size_t at = 0; at < views.size(); at += batch) {
      const auto some = views.subspan(at, std::min(batch, views.size() - at));
      program_->run({0, some});
      if ((uncommitted += some.size()) < per_commit) continue;
      commit(all);
      uncommitted = 0;
    }
    if (finish) program_->finish();
    commit(all);
    return all;
  }

private:
  void commit(outcome& all) {
    program_->save();
    all.add(changes_.outputs[0]);
    changes_.clear();
    program_->committed();
  }

  Streamlet streamlet_;
  empty_stores stores_;
  virtual_clock time_;
  flow::changes changes_;
  std::unique_ptr<flow::program> program_;
};

outcome stages_by_hand(flow::outlet_buffer& out) {
  outcome all;
  std::size_t uncommitted = 0;
  const auto commit = [&] {
    all.add(out);
    out.clear();
    uncommitted = 0;
  };
  for (const auto& r : test_data().views) {
    line::view l;
    if (!codec<line>::decode(r.value, l)) continue;
    if (l.text.front() != 'e' && l.text.size() <= longest_text)
      write(out, {l.app, l.time, static_cast<std::int64_t>(l.text.size()) * 3 + 1});
    if (++uncommitted == records_per_commit) commit();
  }
  commit();
  return all;
}

/// Nothing is noted for a commit: not which values changed, not which windows are open.
class windows_by_hand {
public:
  outcome run() {
    for (const auto& r : test_data().views) {
      line::view l;
      if (!codec<line>::decode(r.value, l)) continue;
      const timestamp start{l.time - l.time.time_since_epoch() % window_size};
      if (start != start_) fire(start);
      const auto known = counts_.find(l.app);
      ++(known != counts_.end() ? known : counts_.emplace(l.app, 0).first)->second;
    }
    fire({});
    outcome all{1};
    all.add(out_);
    return all;
  }

private:
  void fire(timestamp next) {
    for (const auto& [app, n] : counts_) write(out_, {app, start_, n});
    counts_.clear();
    start_ = next;
  }

  flow::outlet_buffer out_{1};
  std::unordered_map<std::string, std::int64_t, detail::key_hash, std::equal_to<>> counts_;
  timestamp start_{};
};

// -- benchmarks --------------------------------------------------------------------------------------

void report(benchmark::State& state) {
  using benchmark::Counter;
  state.counters["per_record"] =
      Counter(records, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records));
}

const outcome& expected_of_stages() {
  static const auto made = [] {
    flow::outlet_buffer out{1};
    return stages_by_hand(out);
  }();
  return made;
}

void stages_by_hand(benchmark::State& state) {
  flow::outlet_buffer out{1};
  const auto expected = expected_of_stages();
  for (auto _ : state)
    if (stages_by_hand(out) != expected) return state.SkipWithError("wrong records");
  report(state);
}

/// `may_allocate`: owned records cannot do without.
template <class Streamlet>
void stages(benchmark::State& state, bool may_allocate) {
  task<Streamlet> t;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto expected = expected_of_stages();
  t.run(batch, records_per_commit, false);  // buffers grow to their size
  const auto before = allocations.load();
  std::size_t passes = 0;
  for (auto _ : state) {
    if (t.run(batch, records_per_commit, false) != expected)
      return state.SkipWithError("wrong records");
    ++passes;
  }
  const auto allocated = allocations.load() - before;
  if (allocated != 0 && !may_allocate) return state.SkipWithError("it allocates");
  report(state);
  state.counters["allocations"] =
      static_cast<double>(allocated) / static_cast<double>(passes * records);
}

void stages_in_batches(benchmark::State& state) { stages<seven_stages>(state, false); }
void stages_over_owned_records(benchmark::State& state) { stages<seven_stages_owned>(state, true); }

void window_by_hand(benchmark::State& state) {
  const auto expected = windows_by_hand{}.run();
  for (auto _ : state)
    if (windows_by_hand{}.run() != expected) return state.SkipWithError("wrong windows");
  report(state);
}

void window_with_commit_every(benchmark::State& state) {
  const auto expected = windows_by_hand{}.run();
  const auto before = allocations.load();
  std::size_t passes = 0;
  for (auto _ : state) {
    const auto got = task<per_minute>{}.run(1024, static_cast<std::size_t>(state.range(0)), true);
    if (got != expected) return state.SkipWithError("wrong windows");
    ++passes;
  }
  report(state);
  state.counters["allocations"] =
      static_cast<double>(allocations.load() - before) / static_cast<double>(passes * records);
}

void with_extremes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond);
  b->ComputeStatistics("min", [](const auto& v) { return *std::min_element(v.begin(), v.end()); });
  b->ComputeStatistics("max", [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
}

BENCHMARK(stages_by_hand)->Apply(with_extremes);
BENCHMARK(stages_in_batches)->Arg(1)->Arg(64)->Arg(1024)->Apply(with_extremes);
BENCHMARK(stages_over_owned_records)->Arg(1024)->Apply(with_extremes);
BENCHMARK(window_by_hand)->Apply(with_extremes);
BENCHMARK(window_with_commit_every)->Arg(1024)->Arg(10'240)->Arg(102'400)->Apply(with_extremes);

}  // namespace
}  // namespace cloudflow
