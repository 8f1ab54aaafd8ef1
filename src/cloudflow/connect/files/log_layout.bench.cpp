// Lines a second, from memory: splitting alone, one layout at a time, and whole records; memchr
// over the same bytes is the limit. Every run checks what it has counted.

#include "cloudflow/connect/files/log_layout.hpp"
#include "cloudflow/connect/files/line_reader.hpp"
#include "cloudflow/connect/files/log_records.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

namespace cloudflow::connect {
namespace {

constexpr int count = 20'000;

class memory_object final : public stored_object {
public:
  explicit memory_object(std::string_view bytes) : bytes_(bytes) { info_.size = bytes.size(); }
  const object_info& info() const noexcept override { return info_; }
  object_result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const auto part = bytes_.substr(std::min<std::size_t>(offset, bytes_.size()), into.size());
    std::memcpy(into.data(), part.data(), part.size());
    return part.size();
  }

private:
  std::string_view bytes_;
  object_info info_;
};

struct sample {
  std::string_view layout, line, time_format = "iso8601";
};
constexpr std::string_view text =
    "Received connection request from 10.10.34.11:45307 after 128 ms, 3 attempts\n";
const sample samples[] = {
    {"zookeeper",
     "2015-07-29 19:04:12,394 - INFO  [/10.10.34.11:3888:QuorumCnxManager$Listener@493] - "},
    {"log4j", "2015-10-18 18:01:47,978 INFO [main] org.example.mapreduce.v2.app.MasterService: "},
    {"logback", "20:32:02.123 [main] WARN  org.example.service.Parameters$ - "},
    {"json",
     R"({"time":"2015-10-18T18:01:47.978Z","level":"INFO","logger":"org.example.Service","x":")"},
    {"syslog", "<12>Oct 18 18:01:47 host service[4711]: "},
    {"iso8601",
     "2015-10-18T18:01:47.978Z INFO [main] org.example.mapreduce.v2.app.MasterService: "},
    {R"((?P<time>\S+ \S+) (?P<level>\w+) \[(?P<thread>[^\]]*)\] (?P<logger>[^:]*): (?P<message>.*))",
     "2015-10-18 18:01:47,978 INFO [main] org.example.mapreduce.v2.app.MasterService: ",
     "%Y-%m-%d %H:%M:%S,%f"},
};

std::string line_of(const sample& s) {
  std::string line = std::string{s.line} + std::string{text};
  if (s.layout == "json") line.insert(line.size() - 1, "\"}");
  return line;
}

std::string file_of(const sample& s) {
  std::string out;
  for (int i = 0; i != count; ++i) out += line_of(s);
  return out;
}

void report(benchmark::State& state, const std::string& file) {
  state.SetItemsProcessed(state.iterations() * count);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(file.size()));
}

void memchr_alone(benchmark::State& state) {
  const auto file = file_of(samples[1]);
  for (auto _ : state) {
    int lines = 0;
    for (const char* at = file.data(); at != file.data() + file.size(); ++lines)
      at = static_cast<const char*>(
               std::memchr(at, '\n', static_cast<std::size_t>(file.data() + file.size() - at))) +
           1;
    if (lines != count) return state.SkipWithError("wrong number of lines");
  }
  report(state, file);
}
BENCHMARK(memchr_alone);

void line_reader_alone(benchmark::State& state) {
  const auto file = file_of(samples[1]);
  for (auto _ : state) {
    memory_object object{file};
    line_reader reader{object};
    int lines = 0;
    while (reader.next()->has_value()) ++lines;
    if (lines != count) return state.SkipWithError("wrong number of lines");
  }
  report(state, file);
}
BENCHMARK(line_reader_alone);

void parse_line(benchmark::State& state) {
  const auto& s = samples[state.range(0)];
  auto line = line_of(s);
  line.pop_back();
  const time_context context{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::minutes{0}};
  const auto layout =
      log_layouts::make({std::string{s.layout}, std::string{s.time_format}})->choose("", context);
  for (auto _ : state) {
    auto parsed = layout->parse(line, context);
    if (parsed.kind != line_kind::record) return state.SkipWithError("not a record");
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(std::string{layout->name()});
}
BENCHMARK(parse_line)->DenseRange(0, std::size(samples) - 1);

void records_of_an_object(benchmark::State& state) {
  const auto& s = samples[state.range(0)];
  const auto file = file_of(s);
  const auto layouts =
      log_layouts::make({std::string{s.layout}, std::string{s.time_format}}).value();
  for (auto _ : state) {
    memory_object object{file};
    auto opened = log_records::open(object, layouts);
    auto& records = *opened.value();
    while (records.next()->has_value()) continue;
    if (records.counters() != log_counters{.records = count, .continuations = 0, .invalid = 0})
      return state.SkipWithError("wrong counts");
  }
  report(state, file);
  state.SetLabel(std::string{s.layout.substr(0, 20)});
}
BENCHMARK(records_of_an_object)->DenseRange(0, std::size(samples) - 1);

}  // namespace
}  // namespace cloudflow::connect
