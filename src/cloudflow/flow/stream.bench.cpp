/// What a record costs in a pipeline that is driven as the runtime drives it, in batches with
/// commits; beside each a loop written by hand over the same bytes, which is the limit. Left out:
/// what the log does with the changes. Every pass checks what came out, and that a pipeline without
/// state has not allocated.
#include "cloudflow/flow/measuring.test.hpp"
#include "flow_test_schemas/count.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {
std::atomic<std::size_t> allocated{0};
}

// Not inlined: g++ would see a malloc that is freed by delete.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace cloudflow::testing {

std::size_t allocations() noexcept { return allocated.load(); }

namespace {

using flowtest::count;
using flowtest::line;

constexpr std::size_t records = 200'000, keys = 1000, records_per_commit = 100'000;
constexpr std::size_t sampled = 97, longest_text = 85;

/// Texts of 40 to 91 bytes; a fifth of them begins with `e`.
std::span<const record_view> test_data() {
  static const auto lines = [] {
    auto all = std::make_unique<input>();
    for (std::size_t i = 0; i != records; ++i)
      all->add({"application-" + std::to_string(i * 7919 % keys),
                timestamp{static_cast<std::int64_t>(i) * std::chrono::milliseconds{5}},
                static_cast<char>('a' + i % 5) + std::string(39 + i % 52, 'x')});
    return all;
  }();
  static const auto views = lines->records();
  return views;
}

void write(flow::outlet_buffer& out, const count::view& c) {
  out.append(c.app, [&](byte_writer& w) { codec<count>::encode(c, w); });
}

// -- pipelines ------------------------------------------------------------------------------------

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

// -- by hand --------------------------------------------------------------------------------------

outcome stages_by_hand(flow::outlet_buffer& out) {
  outcome all{sampled};
  std::size_t uncommitted = 0;
  const auto commit = [&] {
    all.add(out);
    out.clear();
    uncommitted = 0;
  };
  for (const auto& r : test_data()) {
    line::view l;
    if (!codec<line>::decode(r.value, l)) continue;
    if (l.text.front() != 'e' && l.text.size() <= longest_text)
      write(out, {l.app, l.time, static_cast<std::int64_t>(l.text.size()) * 3 + 1});
    if (++uncommitted == records_per_commit) commit();
  }
  commit();
  return all;
}

// -- benchmarks -----------------------------------------------------------------------------------

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
  report(state, records);
}

/// `may_allocate`: owned records cannot do without.
template <class Streamlet>
void stages(benchmark::State& state, bool may_allocate) {
  task<Streamlet> t{sampled};
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto expected = expected_of_stages();
  t.run(test_data(), batch, records_per_commit);  // buffers grow to their size
  const auto before = allocations();
  std::size_t passes = 0;
  for (auto _ : state) {
    if (t.run(test_data(), batch, records_per_commit) != expected)
      return state.SkipWithError("wrong records");
    ++passes;
  }
  const auto allocated = allocations() - before;
  if (allocated != 0 && !may_allocate) return state.SkipWithError("it allocates");
  report(state, records);
  state.counters["allocations"] =
      static_cast<double>(allocated) / static_cast<double>(passes * records);
}

void stages_in_batches(benchmark::State& state) { stages<seven_stages>(state, false); }
void stages_over_owned_records(benchmark::State& state) { stages<seven_stages_owned>(state, true); }

BENCHMARK(stages_by_hand)->Apply(with_extremes);
BENCHMARK(stages_in_batches)->Arg(1)->Arg(64)->Arg(1024)->Apply(with_extremes);
BENCHMARK(stages_over_owned_records)->Arg(1024)->Apply(with_extremes);

}  // namespace
}  // namespace cloudflow::testing
