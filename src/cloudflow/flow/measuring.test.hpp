/// What the benchmarks share: input as bytes, what came out, and a task that drives a pipeline as
/// the runtime does.
#pragma once

#include "cloudflow/flow/stream.hpp"
#include "flow_test_schemas/line.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace cloudflow::testing {

/// Calls of operator new so far.
std::size_t allocations() noexcept;

class input {
public:
  void add(const flowtest::line& l) {
    codec<flowtest::line>::encode(l, bytes_);
    ends_.push_back(bytes_.size());
  }
  /// Of all lines that were added; valid until the next is.
  std::vector<record_view> records() const {
    std::vector<record_view> all;
    for (std::size_t i = 0, from = 0; i != ends_.size(); from = ends_[i++])
      all.push_back({{},
                     bytes_.view().substr(from, ends_[i] - from),
                     {},
                     timestamp{},
                     record_offset{static_cast<std::int64_t>(i)}});
    return all;
  }

private:
  byte_writer bytes_;
  std::vector<std::size_t> ends_;
};

/// What came out, wherever commits cut it: number and bytes, and a sum over each `sampled`-th
/// record, with 1 in any order.
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

/// Nothing is stored: what a pipeline reads of it in the middle of a run costs what a virtual call
/// costs.
class empty_stores final : public stores::store_reader {
public:
  std::optional<std::string> find(std::size_t, std::string_view) const override { return {}; }
  void scan(std::size_t, std::string_view,
            const std::function<bool(std::string_view, std::string_view)>&) const override {}
};

/// One task over a streamlet with an inlet `in`, an outlet `out` and `states`.
template <class Streamlet>
class task {
public:
  explicit task(std::size_t sampled = 1) : sampled_(sampled) {
    changes_.outputs.emplace_back(1);
    const std::vector<const void*> inlets{&streamlet_.in}, outlets{&streamlet_.out};
    flow::wiring w{inlets, outlets, streamlet_.states, {&changes_, &stores_, &time_, {}}};
    auto pipeline = streamlet_.logic();
    chain_ =
        detail::make_operator_chain(changes_, pipeline.bind(detail::end{&changes_.counted}, w));
    (void)chain_->load();
  }
  Streamlet& streamlet() noexcept { return streamlet_; }

  /// Takes all records in batches, with a commit each `per_commit` records and at the end; gives
  /// what came out.
  outcome run(std::span<const record_view> records, std::size_t batch, std::size_t per_commit) {
    outcome all{sampled_};
    std::size_t uncommitted = 0;
    for (std::size_t at = 0; at < records.size(); at += batch) {
      const auto some = records.subspan(at, std::min(batch, records.size() - at));
      (void)chain_->run({0, "in", 0, some});
      if ((uncommitted += some.size()) < per_commit) continue;
      commit(all);
      uncommitted = 0;
    }
    commit(all);
    return all;
  }
  /// Open windows fire.
  outcome finish() {
    outcome all{sampled_};
    (void)chain_->finish();
    commit(all);
    return all;
  }

private:
  void commit(outcome& all) {
    chain_->save();
    all.add(changes_.outputs[0]);
    changes_.clear();
    chain_->committed();
  }

  std::size_t sampled_;
  Streamlet streamlet_;
  empty_stores stores_;
  virtual_clock time_;
  flow::changes changes_;
  std::unique_ptr<flow::operator_chain> chain_;
};

inline void report(benchmark::State& state, std::size_t records) {
  using benchmark::Counter;
  state.counters["per_record"] =
      Counter(static_cast<double>(records), Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records));
}

inline void with_extremes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond);
  b->ComputeStatistics("min", [](const auto& v) { return *std::min_element(v.begin(), v.end()); });
  b->ComputeStatistics("max", [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
}

}  // namespace cloudflow::testing
