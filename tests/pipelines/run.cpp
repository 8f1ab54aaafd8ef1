#include "run.hpp"

#include "cloudflow/pubsub/dead_letter.hpp"
#include "cloudflow/runtime/plan_builder.test.hpp"
#include "cloudflow/testkit/simulation.hpp"
#include "authors.hpp"
#include "compare.hpp"
#include "when.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace cloudflow::pipelines {

run_settings& settings() {
  static run_settings s;
  return s;
}
std::set<std::string>& effects() {
  static std::set<std::string> s;
  return s;
}
client_pool& clients() {
  static client_pool c;
  return c;
}

// -- clients
// -----------------------------------------------------------------------------------------

void client_pool::reset(std::vector<row> all, std::size_t at_once,
                        std::function<void(std::size_t)> on_answer) {
  *this = {};
  all_ = std::move(all);
  at_once_ = at_once;
  on_answer_ = std::move(on_answer);
}
/// What has not been answered is sent again; after the third time a client gives up.
void client_pool::reconnect() {
  waiting_.clear();
  for (std::size_t i = 0; i != all_.size(); ++i)
    if (sends_again(i)) waiting_.push_back(i);
}
bool client_pool::sends_again(std::size_t i) const {
  const auto sent = sends_.find(i);
  return !answered_.contains(i) &&
         (all_[i].kind.empty() || sent == sends_.end() || sent->second < 3);
}
void client_pool::send_again(std::size_t i) {
  if (sends_again(i) && std::find(waiting_.begin(), waiting_.end(), i) == waiting_.end())
    waiting_.push_back(i);
}
void client_pool::disconnect(const std::vector<std::size_t>& taken) {
  for (const auto i : taken) send_again(i);
}
std::vector<client_pool::sent> client_pool::take() {
  std::vector<sent> some;
  for (; some.size() != at_once_ && !waiting_.empty(); waiting_.pop_front()) {
    const auto i = waiting_.front();
    ++sends_[i];
    some.push_back({all_[i], i,
                    [this, i] {
                      answered_.insert(i);
                      on_answer_(i);
                    },
                    [this, i] { send_again(i); }});
  }
  return some;
}
bool client_pool::are_done() const {
  if (!waiting_.empty()) return false;
  for (std::size_t i = 0; i != all_.size(); ++i)
    if (!answered_.contains(i) && all_[i].kind.empty()) return false;
  return true;
}

// -- the application
// ---------------------------------------------------------------------------------

namespace {
const pipeline* current = nullptr;
struct any_pipeline {};  // stands for the one that runs
}  // namespace
}  // namespace cloudflow::pipelines

template <>
const cloudflow::streamlet_definition&
cloudflow::definition_of<cloudflow::pipelines::any_pipeline>() {
  return cloudflow::pipelines::current->definition();
}

namespace cloudflow::pipelines {

namespace {

using runtime::plan_builder;

blueprint::bad_record_policy policy_of(policy p) {
  constexpr blueprint::bad_record_policy all[] = {blueprint::bad_record_policy::dead_letter,
                                                  blueprint::bad_record_policy::skip,
                                                  blueprint::bad_record_policy::fail};
  return all[static_cast<int>(p)];
}

plan_builder application(const pipeline& p, const scenario& s) {
  current = &p;
  plan_builder b;
  const auto described = p.definition().describe().value();
  for (const auto& port : described.inlets) b.topic<item>(port.name, s.given.partitions);
  for (const auto& port : described.outlets) {
    auto& t = b.topic<item>(port.name, s.given.partitions);
    t.schema = port.schema;
    t.properties["max.message.bytes"] = std::to_string(large_enough);
  }
  auto& it = b.streamlet<any_pipeline>("app", policy_of(s.given.on_bad_record));
  const auto names = b.plan.names();
  for (std::size_t i = 0; i != described.states.size(); ++i)
    if (!described.states[i].window.empty())
      it.windows.push_back({.state = i,
                            .dead_letter_topic = b.add_topic(
                                names.window_dead_letter_topic("app", described.states[i].name))});
  if (described.has_sources)
    it.dead_letter_topic = b.add_topic(names.source_dead_letter_topic("app"));
  return b;
}

/// Whatever log it is.
class observer {
public:
  observer(pubsub::backend& log, const pipeline& p, const scenario& s)
    : log_(&log), pipeline_(&p), scenario_(&s) {}

  void send() {
    log_->ensure_topic({.name = "in", .partitions = scenario_->given.partitions})
        .ignore("the test would fail");
    auto opened = log_->open_producer({.transactional_id = "test"});
    while (!opened) opened = log_->open_producer({.transactional_id = "test"});
    const auto& all = scenario_->input;
    for (std::size_t begin = 0; begin < all.size(); begin += scenario_->records_in_a_commit) {
      const auto end = std::min(all.size(), begin + scenario_->records_in_a_commit);
      std::vector<record_buffer> buffers(static_cast<std::size_t>(scenario_->given.partitions));
      for (auto i = begin; i != end; ++i)
        append(buffers[static_cast<std::size_t>(all[i].partition)], all[i]);
      pubsub::transaction t;
      for (std::size_t p = 0; p != buffers.size(); ++p)
        if (!buffers[p].empty())
          t.outputs.push_back({"in", partition_id{static_cast<std::int32_t>(p)}, &buffers[p]});
      while (!(*opened)->commit(t)) {
      }
    }
  }
  template <class F>
  void each(const std::string& topic, F f) const {
    const auto info = log_->topic(topic);
    if (!info) return;
    for (std::size_t p = 0; p != info->partitions.size(); ++p) {
      const pubsub::topic_partition at{topic, partition_id{static_cast<std::int32_t>(p)}};
      for (record_offset next{0};;) {
        const auto batch = log_->read(at, next, {});
        if (!batch) throw std::runtime_error(topic + ": " + batch.error().message);
        if (!batch->next()) break;
        for (const auto& r : batch->records()) f(static_cast<std::int32_t>(p), r);
        next = *batch->next();
      }
    }
  }
  /// As it is on the log: with offsets, one partition after the other.
  std::vector<input_record> input() const {
    if (pipeline_->has_source) return scenario_->input;
    std::vector<input_record> all;
    each("in", [&](std::int32_t p, const record_view& r) {
      const auto it = read_row<item>(r.value);
      all.push_back({it ? *it : row{std::string{r.value.substr(1)}, {}, 0, 0, {}, 0}, p,
                     r.offset.value(), !it});
    });
    return all;
  }
  std::vector<row> rows(const outlet_use& o) const {
    std::vector<row> all;
    each(o.name, [&](std::int32_t, const record_view& r) {
      const auto it = o.read(r.value);
      all.push_back(it ? *it : row{"NOT OF THE SCHEMA", {}, 0, 0, {}, 0});
    });
    return all;
  }
  /// What has come of this input record, window by window left out.
  std::size_t rows_of(std::size_t number) const {
    std::size_t count = 0;
    for (const auto& outlet : pipeline_->outlets)
      for (const auto& r : rows(outlet)) count += number_of(r.id) == number;
    return count;
  }
  std::vector<std::string> letters() const {
    std::vector<std::string> all;
    each("app.app.dead-letter", [&](std::int32_t, const record_view& r) {
      const auto it = read_row<item>(r.value);
      all.push_back("source/" + (it ? it->id : std::string{"NOT OF THE SCHEMA"}));
    });
    const auto described = pipeline_->definition().describe().value();
    for (const auto& state : described.states)
      each("app.app." + state.name + ".dead-letter", [&](std::int32_t, const record_view& r) {
        all.push_back(fmt::format("{}/{}@{}", state.name, r.key, start_of(r)));
      });
    each("app.app.in.dead-letter", [&](std::int32_t, const record_view& r) {
      std::map<std::string_view, std::string_view> headers;
      for (const auto& h : r.headers) headers[h.name] = h.value;
      if (headers[pubsub::dead_letter::topic] != "in") {
        all.emplace_back("moved");
        return;
      }
      const auto it = read_row<item>(r.value);
      const auto id = it                   ? it->id
                      : r.value.size() > 1 ? std::string{r.value.substr(1)}
                                           : std::string{"WITHOUT VALUE"};
      all.push_back(fmt::format("in/{}/{} {}", headers[pubsub::dead_letter::partition],
                                headers[pubsub::dead_letter::offset], id));
    });
    return all;
  }
  /// Of folds and distinct.
  std::map<std::string, std::string> state(const std::string& name, bool is_fold) const {
    std::map<std::string, std::string> all;
    const auto partitions = pipeline_->has_source ? 1 : scenario_->given.partitions;
    log_->ensure_state("app", partitions).ignore("reading would fail");
    for (std::int32_t p = 0; p != partitions; ++p) {
      log_->restore("app", partition_id{p}, [] {}).ignore("reading would fail");
      const auto done = log_->state().scan(
          "app." + name, partition_id{p}, {}, [&](std::string_view key, std::string_view value) {
            auto& text = all[std::string{byte_reader{key}.get_text()}];
            total t;
            // Behind the number of its schema.
            if (is_fold && codec<total>::decode(value.substr(1), t))
              text = fmt::format("{} {}", t.count, t.sum);
            return true;
          });
      if (!done) throw std::runtime_error("state: " + done.error().message);
    }
    return all;
  }

  outcome look(const result<void>& end) const {
    outcome o;
    if (!end) o.failure = end.error().message;
    o.input = input();
    for (const auto& outlet : pipeline_->outlets) o.rows[outlet.name] = rows(outlet);
    o.letters = letters();
    add_states(pipeline_->ops, o);
    return o;
  }

private:
  static std::int64_t ms_of(const std::string& iso8601) {
    std::tm t{};
    std::istringstream{iso8601} >> std::get_time(&t, "%Y-%m-%dT%H:%M:%S");
    return std::int64_t{timegm(&t)} * 1000;
  }
  static std::int64_t start_of(const record_view& letter) {
    for (const auto& h : letter.headers)
      if (h.name == pubsub::dead_letter::window_start) return ms_of(std::string{h.value});
    return 0;
  }
  void add_states(const std::vector<op>& ops, outcome& o) const {
    for (const auto& each : ops) {
      const bool is_fold = each.name == "fold";
      if (is_fold || each.name == "distinct")
        o.states[state_of(each)] = state(state_of(each), is_fold);
      add_states(each.branch, o);
    }
  }
  static void append(record_buffer& to, const input_record& r) {
    byte_writer w;
    if (r.is_garbage)
      w.put_raw("\x02" + r.what.id);
    else
      codec<item>::encode(as_item(r.what), w);
    to.append(r.what.key, w.view());
  }
  pubsub::backend* log_;
  const pipeline* pipeline_;
  const scenario* scenario_;
};

constexpr std::uint64_t rough_steps = 4000;  ///< on the embedded log
constexpr std::uint64_t enough = 30'000, enough_to_stop = 400;

logger log_of(const scenario&) {
  static const bool is_loud = std::getenv("PIPELINES_LOG") != nullptr;
  return {is_loud ? make_console_sink(log_level::info) : make_null_sink(), "run"};
}

runtime::worker_options worker_of(const scenario& s) {
  runtime::worker_options w;
  w.max_uncommitted_bytes = s.max_uncommitted_bytes;
  w.tasks = {.fetch = {.max_records = s.records_in_a_fetch},
             .first_restart_delay = std::chrono::milliseconds{50},
             .longest_restart_delay = std::chrono::milliseconds{500},
             .forget_interval = std::chrono::milliseconds{100}};
  return w;
}

/// Whatever has come in has gone somewhere.
void expect_balance(const std::vector<app::task_status>& tasks,
                    std::vector<std::string>& differences) {
  for (const auto& t : tasks)
    if (t.counted.missing() != 0)
      differences.push_back(fmt::format("balance of partition {}: {} records are missing",
                                        t.partition, t.counted.missing()));
}

std::vector<std::string> run_embedded(const pipeline& p, const scenario& s) {
  const auto app = application(p, s);
  testkit::simulation* running = nullptr;
  answers answered{[&](std::size_t number) {
    return observer{running->log(), p, s}.rows_of(number);
  }};
  testkit::simulation sim{app.plan,
                          [&](const std::string& c) { return app.definitions.at(c); },
                          {.seed = s.seed,
                           .workers = s.workers,
                           .steps_between_crashes = s.steps_between_events,
                           .steps_with_crashes = rough_steps,
                           .log = log_of(s),
                           .worker = worker_of(s),
                           .after_step = [&] { answered.look(); }}};
  running = &sim;
  answered.watch(p, s);
  if (!p.has_source) observer{sim.log(), p, s}.send();
  const auto stops = s.given.on_bad_record == policy::fail && !p.has_source;
  const auto end = sim.run_to_end(stops ? enough_to_stop * 4 : enough);
  auto differences = compare(p, s, observer{sim.log(), p, s}.look(end));
  answered.expect_whole(s, differences);
  expect_balance(sim.status(), differences);
  return differences;
}

std::vector<std::string> run_kafka(const pipeline& p, const scenario& s) {
  const auto app = application(p, s);
  testkit::group_simulation* running = nullptr;
  answers answered{[&](std::size_t number) {
    return observer{running->log(), p, s}.rows_of(number);
  }};
  testkit::group_simulation sim{app.plan,
                                [&](const std::string& c) { return app.definitions.at(c); },
                                {.seed = s.seed,
                                 .processes = p.has_source && p.definition().check({}).any()
                                                  ? 1  // nobody may run more of them
                                                  : s.processes,
                                 .workers = s.workers,
                                 .fault_profile = s.faults,
                                 .steps_between_events = s.steps_between_events,
                                 .log = log_of(s),
                                 .worker = worker_of(s),
                                 .after_step = [&] { answered.look(); }}};
  running = &sim;
  observer seen{sim.log(), p, s};
  answered.watch(p, s);
  if (!p.has_source) seen.send();
  const auto stops = s.given.on_bad_record == policy::fail && !p.has_source;
  for (std::uint64_t n = 0; n != enough_to_stop; ++n) sim.step();
  const auto end = sim.run_to_end(stops ? enough_to_stop : enough);
  auto differences = compare(p, s, seen.look(end));
  answered.expect_whole(s, differences);
  for (const auto* process : sim.runtimes()) expect_balance(process->status(), differences);
  for (const auto& v : sim.brokers().violations()) differences.push_back("violation: " + v);
  return differences;
}

}  // namespace

std::vector<std::string> run(const pipeline& p, const scenario& s) {
  settings() = s.given.settings;
  effects().clear();
  calls().clear();
  auto differences = s.log == log_kind::embedded ? run_embedded(p, s) : run_kafka(p, s);
  expect_nothing_overtakes(s, differences);
  return differences;
}

}  // namespace cloudflow::pipelines
