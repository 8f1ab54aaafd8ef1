/// Generated codecs beside a hand-written loop over the same bytes, which is the limit. Every run
/// checks what it read.
#include "codegen_test_schemas/log_message.hpp"

#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

using cloudflow::byte_reader;
using cloudflow::byte_writer;
using cloudflow::codec;
using logproc::data::log_message;

constexpr std::size_t batch = 1024;

struct payloads {
  std::vector<std::string> records;
  std::int64_t lines = 0;  ///< sum over all records: what each run has to find
  std::size_t texts = 0;   ///< length of all texts
};

const payloads& test_data() {
  static const auto made = [] {
    payloads p;
    for (std::size_t i = 0; i != batch; ++i) {
      const log_message m{
          "payments",
          cloudflow::timestamp{std::chrono::milliseconds{1'445'191'307'978 + 7 * i}},
          i % 5 == 0 ? "WARN" : "INFO",
          "Connection to 10.10.34.11:3888 is slow, attempt " + std::to_string(i),
          "a.log",
          static_cast<std::int64_t>(i)};
      byte_writer out;
      codec<log_message>::encode(m, out);
      p.records.emplace_back(out.view());
      p.lines += m.line;
      p.texts += m.app.size() + m.log_type.size() + m.message.size() + m.source.size();
    }
    return p;
  }();
  return made;
}

/// Runs `read(bytes, lines, texts)` over the batch and fails the benchmark when the sums are wrong.
template <class Read>
void over_batch(benchmark::State& state, Read&& read) {
  const auto& data = test_data();
  for (auto _ : state) {
    std::int64_t lines = 0;
    std::size_t texts = 0;
    for (const auto& record : data.records)
      if (!read(record, lines, texts)) return state.SkipWithError("a record was not read");
    if (lines != data.lines || texts != data.texts) return state.SkipWithError("wrong sums");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}

void decode_by_hand(benchmark::State& state) {
  over_batch(state, [](std::string_view in, std::int64_t& lines, std::size_t& texts) {
    byte_reader r{in};
    texts += r.get_text().size();
    benchmark::DoNotOptimize(r.get_long());
    for (int i = 0; i != 3; ++i) texts += r.get_text().size();
    lines += r.get_long();
    return r.complete();
  });
}
BENCHMARK(decode_by_hand);

void decode_view(benchmark::State& state) {
  over_batch(state, [](std::string_view in, std::int64_t& lines, std::size_t& texts) {
    log_message::view v;
    const bool good = codec<log_message>::decode(in, v);
    texts += v.app.size() + v.log_type.size() + v.message.size() + v.source.size();
    lines += v.line;
    return good;
  });
}
BENCHMARK(decode_view);

void decode_owning(benchmark::State& state) {
  over_batch(state, [](std::string_view in, std::int64_t& lines, std::size_t& texts) {
    log_message::view v;
    const bool good = codec<log_message>::decode(in, v);
    const auto m = codec<log_message>::own(v);
    texts += m.app.size() + m.log_type.size() + m.message.size() + m.source.size();
    lines += m.line;
    return good;
  });
}
BENCHMARK(decode_owning);

void encode_view(benchmark::State& state) {
  byte_writer out;
  over_batch(state, [&](std::string_view in, std::int64_t& lines, std::size_t& texts) {
    log_message::view v;
    const bool good = codec<log_message>::decode(in, v);
    out.clear();
    codec<log_message>::encode(v, out);
    texts += v.app.size() + v.log_type.size() + v.message.size() + v.source.size();
    lines += v.line;
    return good && out.size() == in.size();
  });
}
BENCHMARK(encode_view)->Name("decode_and_encode_view");

/// From another schema: two fields stand the other way round, one is an int, one is to be dropped.
void decode_view_of_another_schema(benchmark::State& state) {
  const auto reader = *cloudflow::schema::parse_avro(codec<log_message>::schema_text);
  const auto writer = *cloudflow::schema::parse_avro(
      R"({"type":"record","name":"LogMessage","namespace":"logproc.data","fields":[
          {"name":"timestamp","type":"long"},{"name":"app","type":"string"},{"name":"logType","type":"string"},
          {"name":"message","type":"string"},{"name":"source","type":"string"},{"name":"line","type":"int"},
          {"name":"host","type":"string","default":""}]})");
  const auto back = *cloudflow::schema::resolution::compile(writer, reader);
  std::vector<std::string> written;
  for (const auto& record : test_data().records) {
    byte_writer out;
    log_message::view v;
    if (!codec<log_message>::decode(record, v)) return state.SkipWithError("a record was not read");
    put_time(out, v.timestamp);
    for (const auto text : {v.app, v.log_type, v.message, v.source}) out.put_text(text);
    out.put_long(v.line);
    out.put_text("host-1");
    written.emplace_back(out.view());
  }
  byte_writer out;
  std::size_t next = 0;
  over_batch(state, [&](std::string_view, std::int64_t& lines, std::size_t& texts) {
    out.clear();
    log_message::view v;
    const bool good = back.transcode(written[next++ % batch], out).has_value() &&
                      codec<log_message>::decode(out.view(), v);
    texts += v.app.size() + v.log_type.size() + v.message.size() + v.source.size();
    lines += v.line;
    return good;
  });
}
BENCHMARK(decode_view_of_another_schema);

void print_as_json(benchmark::State& state) {
  const auto schema = *cloudflow::schema::parse_avro(codec<log_message>::schema_text);
  std::string json;
  for (auto _ : state) {
    json.clear();
    for (const auto& record : test_data().records)
      if (!cloudflow::schema::avro_to_json(schema, record, cloudflow::schema::json_form::plain,
                                           json))
        return state.SkipWithError("a record was not printed");
    benchmark::DoNotOptimize(json.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(print_as_json);

void read_from_json(benchmark::State& state) {
  const auto schema = *cloudflow::schema::parse_avro(codec<log_message>::schema_text);
  std::vector<std::string> lines;
  for (const auto& record : test_data().records)
    if (!cloudflow::schema::avro_to_json(schema, record, cloudflow::schema::json_form::plain,
                                         lines.emplace_back()))
      return state.SkipWithError("a record was not printed");
  byte_writer out;
  for (auto _ : state)
    for (std::size_t i = 0; i != batch; ++i) {
      out.clear();
      if (!cloudflow::schema::json_to_avro(schema, lines[i], out) ||
          out.view() != test_data().records[i])
        return state.SkipWithError("a record was not read as it was");
    }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(read_from_json);

}  // namespace
