// Writes the input of the jobs, says what has to come out, and looks at what did.
#include "kafka_client.hpp"
#include "latency.hpp"
#include "log_lines.hpp"

#include "cloudflow/base/bytes.hpp"

#include <CLI/CLI.hpp>

#include <functional>

namespace bench {
namespace {

using cloudflow::codec;

struct input {
  std::int64_t lines = 1'000'000;
  std::int32_t partitions = 1;
  bool is_uneven = false;
};

/// Calls `f(partition, line)` for all lines, taking turns so that partitions grow side by side.
template <class F>
void for_each_line(const input& of, F f) {
  constexpr std::int64_t rounds = 1000;
  const auto sizes = partition_sizes(of.lines, of.partitions, of.is_uneven);
  std::vector<log_lines> partitions;
  for (std::size_t p = 0; p != sizes.size(); ++p)
    partitions.emplace_back(static_cast<std::int32_t>(p), sizes[p], of.lines);
  for (bool has_more = true; has_more;) {
    has_more = false;
    for (std::size_t p = 0; p != sizes.size(); ++p)
      for (auto n = sizes[p] / rounds + 1; n != 0 && !partitions[p].has_ended(); --n) {
        f(static_cast<std::int32_t>(p), partitions[p].next());
        has_more = true;
      }
  }
}

// -- input ----------------------------------------------------------------------------------------

void fill(const std::string& brokers, const std::string& topic, const input& wanted) {
  const auto client = open_client(RD_KAFKA_PRODUCER, brokers,
                                  {{"linger.ms", "20"},
                                   {"batch.num.messages", "100000"},
                                   {"queue.buffering.max.messages", "200000"}});
  const owned<rd_kafka_topic_t> to{rd_kafka_topic_new(client.get(), topic.c_str(), nullptr)};
  cloudflow::byte_writer encoded;
  std::int64_t written = 0;
  for_each_line(wanted, [&](std::int32_t partition, const log_line::view& line) {
    encoded.clear();
    codec<log_line>::encode(line, encoded);
    const auto bytes = encoded.view();
    while (rd_kafka_produce(to.get(), partition, RD_KAFKA_MSG_F_COPY,
                            const_cast<char*>(bytes.data()), bytes.size(), nullptr, 0,
                            nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        check(rd_kafka_last_error(), "cannot write");
      rd_kafka_poll(client.get(), 10);
    }
    if (++written % 1000 == 0) rd_kafka_poll(client.get(), 0);
  });
  check(rd_kafka_flush(client.get(), 60'000), "cannot write");
  fmt::print("{}\n", written);
}

/// What the transformation has to write, and what has to be counted.
void expect(const input& of) {
  order_free_sum all, made;
  line_counts counts;
  std::string series;
  cloudflow::byte_writer encoded;
  const auto add = [&encoded](order_free_sum& to, auto record, auto encode) {
    encoded.clear();
    encode(record, encoded);
    to.add(encoded.view());
  };
  for_each_line(of, [&](std::int32_t, const log_line::view& line) {
    add(all, line, [](const auto& l, auto& w) { codec<log_line>::encode(l, w); });
    if (is_wanted(line))
      add(made, transformed(line), [](const auto& l, auto& w) { codec<log_out>::encode(l, w); });
    if (line.app == "end") return;
    put_series(line, series);
    ++counts[{series, line.ts - line.ts % window_ms}];
  });
  fmt::print("{}\n{}\n{}\n", all.to_string(), made.to_string(), to_string(counts));
}

// -- output ---------------------------------------------------------------------------------------

/// Calls `f(value)` for all committed records that are in the topic now.
template <class F>
void for_each_record(const std::string& brokers, const std::string& topic, F f) {
  const auto client = open_client(RD_KAFKA_CONSUMER, brokers,
                                  {{"group.id", "kafka-lines"},
                                   {"enable.partition.eof", "true"},
                                   {"fetch.queue.backoff.ms", "5"}});
  const auto partitions = partitions_of(client.get(), topic);
  const owned<rd_kafka_topic_partition_list_t> all{rd_kafka_topic_partition_list_new(partitions)};
  for (std::int32_t p = 0; p != partitions; ++p)
    rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), p)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  check(rd_kafka_assign(client.get(), all.get()), "cannot read");
  const owned<rd_kafka_queue_t> queue{rd_kafka_queue_get_consumer(client.get())};
  message_batch batch{10'000};
  for (std::int32_t ended = 0; ended != partitions;) {
    batch.fill(client.get(), queue.get(), 1000);
    for (const auto* m : batch) {
      if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        ++ended;
        continue;
      }
      check(m->err, "cannot read");
      f(value_of(*m));
    }
  }
}

void sum(const std::string& brokers, const std::string& topic) {
  order_free_sum all;
  for_each_record(brokers, topic, [&](std::string_view value) { all.add(value); });
  fmt::print("{}\n", all.to_string());
}

/// Of the rows of a series and minute the last one counts.
void counts(const std::string& brokers, const std::string& topic) {
  line_counts counted;
  for_each_record(brokers, topic, [&](std::string_view value) {
    level_count::view row;
    if (!codec<level_count>::decode(value, row)) fail("a record is no count");
    if (!row.series.starts_with("end")) counted[{std::string{row.series}, row.start}] = row.lines;
  });
  fmt::print("{}\n", to_string(counted));
}

// -- command line ---------------------------------------------------------------------------------

class commands {
public:
  commands() {
    cli_.require_subcommand(1);
    auto& fill_topic =
        add("fill", "Writes lines into a topic.", true, [this] { fill(brokers_, topic_, input_); });
    add_input(fill_topic);
    auto& expected = add(
        "expect", "Prints the sums of input and output of the transformation, and of the counts.",
        false, [this] { expect(input_); });
    add_input(expected);
    add("sum", "Prints the sum of a topic.", true, [this] { sum(brokers_, topic_); });
    add("counts", "Prints the counts in a topic.", true, [this] { counts(brokers_, topic_); });
    auto& paced = add(
        "latency",
        "Sends lines at a rate, and prints how long they took to come out of another topic, in "
        "microseconds.",
        true, [this] { fmt::print("{}\n", to_string(measure_latency(brokers_, topic_, pace_))); });
    paced.add_option("out", pace_.out, "The topic that they come out of.")->required();
    paced.add_option("rate", pace_.lines_per_second)->required();
    paced.add_option("--seconds", pace_.seconds);
  }
  int run(int argc, char** argv) {
    CLI11_PARSE(cli_, argc, argv);
    action_();
    return 0;
  }

private:
  CLI::App& add(const char* name, const char* what, bool has_topic, std::function<void()> action) {
    auto& command = *cli_.add_subcommand(name, what);
    command.callback([this, action = std::move(action)] { action_ = action; });
    if (has_topic) {
      command.add_option("brokers", brokers_, "HOST:PORT")->required();
      command.add_option("topic", topic_)->required();
    }
    return command;
  }
  void add_input(CLI::App& command) {
    command.add_option("--lines", input_.lines);
    command.add_option("--partitions", input_.partitions);
    command.add_flag("--uneven", input_.is_uneven);
  }

  CLI::App cli_{"The input of the jobs, and what becomes of it."};
  std::function<void()> action_;
  std::string brokers_, topic_;
  input input_;
  pace pace_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::commands{}.run(argc, argv); }
