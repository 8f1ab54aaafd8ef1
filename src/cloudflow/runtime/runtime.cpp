#include "cloudflow/runtime/runtime.hpp"

#include "cloudflow/runtime/limits.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/state/stores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace cloudflow::runtime {

namespace {

constexpr std::size_t schema_header_size = 8;

/// Fingerprint of a schema's text; empty when it is not Avro (raw bytes).
std::string fingerprint_of(const std::string& schema_text) {
  if (schema_text.empty()) return {};
  const auto parsed = schema::parse_avro(schema_text);
  return parsed ? parsed->fingerprint() : std::string{};
}

/// State is read with the schema it was written with, and no other.
result<void> refuse_other_schema(const std::string&, const std::string&) {
  return error{"the members of the state's type are not those that it was written with"};
}

/// Repartition topics behind the ports.
void add_ways(streamlet_instance& s) {
  for (const auto& port : s.plan->inlets) s.inlets.push_back(&port);
  for (const auto& port : s.plan->outlets) s.outlets.push_back(&port);
  const auto& states = s.plan->descriptor.states;
  for (const auto& r : s.plan->repartitions) {
    const auto state = std::find_if(states.begin(), states.end(),
                                    [&](const auto& each) { return each.name == r.state; });
    s.repartitions.push_back({.state = static_cast<std::size_t>(state - states.begin()),
                              .inlet = s.inlets.size(),
                              .outlet = s.outlets.size()});
    s.inlets.push_back(&r.port);
    s.outlets.push_back(&r.port);
  }
}

error in_streamlet(const std::string& streamlet, const std::string& message) {
  return error{fmt::format("streamlet {}: {}", streamlet, message)};
}

}  // namespace

native_runtime::native_runtime(const blueprint::plan& plan, surroundings around,
                               const runtime_options& options)
  : plan_(&plan), around_(std::move(around)), options_(options) {}

/// The consumers go first: they wake workers.
native_runtime::~native_runtime() {
  for (const auto& s : streamlets_) s->inputs.clear();
}

result<std::unique_ptr<native_runtime>> native_runtime::create(const blueprint::plan& plan,
                                                               surroundings around,
                                                               const runtime_options& options) {
  std::unique_ptr<native_runtime> r{new native_runtime(plan, std::move(around), options)};
  if (auto done = r->start_topics(); !done) return std::move(done).error();
  for (const auto& s : plan.streamlets)
    if (auto done = r->start_streamlet(s); !done) return std::move(done).error();
  r->share_memory();
  for (auto* w : r->workers_)
    if (auto opened = w->open(); !opened)
      return error{fmt::format("worker {}: {}", w->name(), opened.error().message)};
  return r;
}

void native_runtime::share_memory() const {
  const auto busy = std::ranges::count_if(workers_, [](const auto* w) { return w->has_tasks(); });
  for (auto* w : workers_)
    w->limit_uncommitted(options_.worker.max_uncommitted_bytes /
                         static_cast<std::size_t>(std::max<std::ptrdiff_t>(busy, 1)));
}

/// Made when the first streamlet needs them. What is committed together keeps one promise: of several guarantees it
/// would be the weakest, and nothing is exactly once over several clusters.
std::vector<std::unique_ptr<worker>>& native_runtime::workers_for(
    const blueprint::streamlet_plan& s) {
  const bool is_exact = s.guarantee == blueprint::delivery::exactly_once;
  std::string promise{to_string(s.guarantee)};
  if (is_exact && !(s.inlets.empty() && s.outlets.empty()))
    promise +=
        " at " + plan_->find_topic((s.inlets.empty() ? s.outlets : s.inlets)[0].topic_id)->place;
  auto& workers = by_promise_[promise];
  if (!workers.empty()) return workers;
  for (std::size_t n = 0; n != options_.workers; ++n) {
    const auto i = workers_.size();
    auto name = fmt::format("{}{}.{}{}{}", plan_->prefix, plan_->app_id, options_.instance,
                            options_.instance.empty() ? "" : ".", i);
    const pubsub::producer_options how{
        .transactional_id = name,
        .delivery = is_exact ? pubsub::guarantee::exactly_once : pubsub::guarantee::at_least_once};
    auto open = [log = around_.log, how](std::function<void()> wake) {
      auto with_wake = how;
      with_wake.on_outcome = std::move(wake);
      return log->open_producer(with_wake);
    };
    workers.push_back(std::make_unique<worker>(name, std::move(open), *around_.time,
                                               options_.worker, around_.log_lines));
    workers_.push_back(workers.back().get());
  }
  return workers;
}

// -- topics ------------------------------------------------------------------------------------------

result<void> native_runtime::start_topics() {
  for (const auto& t : plan_->topics)
    if (auto done = start_topic(t); !done) return done;
  return {};
}

/// What is retried comes in the partition that it was in. Others may have given their topic more than is configured.
std::int32_t native_runtime::wanted_partitions(const blueprint::topic_plan& t) const {
  if (t.retries_of.empty()) return t.partitions;
  const auto source = around_.log->topic(plan_->find_topic(t.retries_of)->name);
  return source ? std::max(t.partitions, source->spec.partitions) : t.partitions;
}

result<void> native_runtime::start_topic(const blueprint::topic_plan& t) {
  const auto in_topic = [&](const pubsub::error& e) {
    return error{fmt::format("topic {}: {}", t.name, e.message)};
  };
  const auto there = around_.log->topic(t.name);
  if (!t.is_managed && !there) return in_topic(there.error());
  const auto& schema = t.base_schema.empty() ? t.schema.schema : t.base_schema;
  const auto fingerprint = fingerprint_of(schema);
  if (!fingerprint.empty()) {
    if (auto put = around_.log->schemas().put(fingerprint, schema); !put)
      return in_topic(put.error());
  }
  if (!t.is_managed) {
    // What its producers write is not for us to say, but where it is configured.
    if (t.base_schema.empty()) return {};
    auto noted = around_.log->ensure_topic({.name = t.name,
                                            .partitions = there->spec.partitions,
                                            .properties = {},
                                            .base_schema = fingerprint});
    if (!noted) return in_topic(noted.error());
    return {};
  }
  // The base schema is recorded when a topic is created, or first met; producers with another one say so in a header.
  const bool has_base = there && !there->spec.base_schema.empty();
  auto made =
      around_.log->ensure_topic({.name = t.name,
                                 .partitions = wanted_partitions(t),
                                 .properties = t.properties,
                                 .base_schema = has_base ? there->spec.base_schema : fingerprint,
                                 .replication = static_cast<std::int16_t>(t.replicas),
                                 .may_grow = !t.retries_of.empty()});
  if (!made) return in_topic(made.error());
  return {};
}

// -- streamlets --------------------------------------------------------------------------------------

result<void> native_runtime::start_streamlet(const blueprint::streamlet_plan& s) {
  const auto* definition = around_.definition_of(s.class_name);
  if (definition == nullptr)
    return in_streamlet(
        s.name,
        fmt::format("this program has no class {}: add it to the list in main()", s.class_name));
  auto instance = std::make_unique<streamlet_instance>();
  instance->plan = &s;
  instance->definition = definition;
  instance->log = around_.log;
  auto& where = instance->where;
  where.streamlet = s.name;
  where.parameters = s.parameters;
  where.mounts = s.mounts;
  where.log = around_.log_lines.named(s.name);
  if (s.has_server && around_.endpoint_of) where.server = around_.endpoint_of(s.name);
  where.on_listening = [this, name = s.name](std::string_view url) {
    if (around_.on_listening) around_.on_listening(name, url);
  };
  streamlets_.push_back(std::move(instance));
  auto& added = *streamlets_.back();
  add_ways(added);
  if (auto done = open_outlets(added); !done) return done;
  try {
    added.needs = definition->check(added.where);
  } catch (const std::exception& e) {
    return in_streamlet(s.name, e.what());
  }
  if (auto done = open_readers(added); !done) return done;
  return start_tasks(added);
}

result<void> native_runtime::open_outlets(streamlet_instance& s) const {
  for (const auto* port : s.outlets) {
    const auto* topic = plan_->find_topic(port->topic_id);
    const auto own = fingerprint_of(port->schema.schema);
    const auto info = around_.log->topic(topic->name);
    if (!info) return in_streamlet(s.plan->name, info.error().message);
    const bool is_base = info->spec.base_schema == own;
    if (!is_base) {
      if (auto put = around_.log->schemas().put(own, port->schema.schema); !put)
        return in_streamlet(s.plan->name, put.error().message);
    }
    s.outlet_topics.push_back(topic->name);
    s.outlet_partitions.push_back(static_cast<std::int32_t>(info->partitions.size()));
    s.outlet_limits.emplace_back(record_limit_of(info->spec));
    s.outlet_schema_headers.push_back(is_base ? "" : own.substr(0, schema_header_size));
  }
  return {};
}

result<void> native_runtime::open_readers(streamlet_instance& s) const {
  for (const auto* port : s.inlets) {
    const auto* topic = plan_->find_topic(port->topic_id);
    const auto info = around_.log->topic(topic->name);
    if (!info) return in_streamlet(s.plan->name, info.error().message);
    auto reader =
        schema_reader::open(around_.log->schemas(), info->spec.base_schema, port->schema.schema);
    if (!reader)
      return in_streamlet(s.plan->name,
                          fmt::format("inlet {}: {}", port->name, reader.error().message));
    const auto own = fingerprint_of(port->schema.schema);
    if (auto put = around_.log->schemas().put(own, port->schema.schema); !put)
      return in_streamlet(s.plan->name, put.error().message);
    s.inlet_schema_headers.push_back(own.substr(0, schema_header_size));
    s.readers.push_back(std::move(reader).value());
    auto& limit = s.letter_limits.emplace_back(std::numeric_limits<std::size_t>::max());
    if (port->dead_letter_topic.empty()) continue;
    if (const auto letters = around_.log->topic(port->dead_letter_topic))
      limit = record_limit_of(letters->spec);
  }
  return {};
}

/// As many as its inlet with the most has; a source has one.
result<std::int32_t> native_runtime::partitions_of(const streamlet_instance& s) const {
  std::int32_t most = 1;
  for (const auto* port : s.inlets) {
    const auto info = around_.log->topic(plan_->find_topic(port->topic_id)->name);
    if (!info) return in_streamlet(s.plan->name, info.error().message);
    most = std::max(most, static_cast<std::int32_t>(info->partitions.size()));
  }
  for (const auto& r : s.repartitions)
    if (s.outlet_partitions[r.outlet] != most)
      return in_streamlet(
          s.plan->name,
          fmt::format("its topics have up to {} partitions, but {} has {}; if others manage the "
                      "topics, configure how many partitions they have",
                      most, s.outlet_topics[r.outlet], s.outlet_partitions[r.outlet]));
  return most;
}

/// Stores are recognised by name, schemas and window; see flow::wiring for their order.
result<void> native_runtime::open_stores(streamlet_instance& s, std::int32_t partitions) {
  const auto name = [&](const std::string& state, const char* suffix) {
    return s.plan->name + "." + state + suffix;
  };
  const auto& states = s.plan->descriptor.states;
  for (const auto& d : states) s.store_names.push_back(name(d.name, ""));
  for (const auto& d : states) s.store_names.push_back(name(d.name, ".parked"));
  s.store_names.push_back(name("", "event-time"));
  if (!s.needs.any()) return {};
  if (auto done = around_.log->ensure_state(s.plan->name, partitions); !done)
    return in_streamlet(s.plan->name, done.error().message);
  if (states.empty()) return {};
  auto writer = around_.log->open_producer(
      {.transactional_id =
           fmt::format("{}{}.{}.{}{}stores", plan_->prefix, plan_->app_id, s.plan->name,
                       options_.instance, options_.instance.empty() ? "" : ".")});
  if (!writer) return in_streamlet(s.plan->name, writer.error().message);
  for (std::size_t i = 0; i != states.size(); ++i) {
    const auto& d = states[i];
    const stores::store_spec spec{.name = name(d.name, ""),
                                  .key_schema = d.key.schema,
                                  .value_schema = d.value.schema,
                                  .window = s.needs.states[i].window,
                                  .partitions = partitions};
    if (auto opened = stores::open_store(*around_.log, **writer, spec, refuse_other_schema);
        !opened)
      return in_streamlet(s.plan->name, opened.error().message);
  }
  return {};
}

result<void> native_runtime::start_tasks(streamlet_instance& s) {
  const auto partitions = partitions_of(s);
  if (!partitions) return partitions.error();
  if (auto done = open_stores(s, *partitions); !done) return done;
  auto& workers = workers_for(*s.plan);
  std::vector<task*> tasks;
  for (std::int32_t p = 0; p != *partitions; ++p) {
    // Each streamlet begins one worker further, so that the consumers of one partition are on different ones.
    auto& w = *workers[(streamlets_.size() + static_cast<std::size_t>(p)) % workers.size()];
    auto t = std::make_unique<task>(s, p, *around_.time, options_.worker.tasks,
                                    [&w] { w.waker().notify(); });
    tasks.push_back(t.get());
    w.add(std::move(t));
  }
  return join(s, tasks);
}

/// Becomes a member of the groups of the streamlet. Inlets that share a group are joined: their partitions come
/// together, those of their retries with them.
result<void> native_runtime::join(streamlet_instance& s, const std::vector<task*>& tasks) {
  std::map<std::string, std::map<std::string, std::size_t>> topics_of;
  for (std::size_t i = 0; i != s.inlets.size(); ++i) {
    const auto& port = *s.inlets[i];
    auto& topics = topics_of[port.group];
    topics[plan_->find_topic(port.topic_id)->name] = i;
    if (!port.retry_topic.empty()) topics[port.retry_topic] = i;
  }
  auto& workers = workers_for(*s.plan);
  for (const auto& [group, inlets] : topics_of) {
    auto& w = *workers[(streamlets_.size() + s.inputs.size()) % workers.size()];
    pubsub::consumer_options how{.group = group,
                                 .topics = {},
                                 .start_at = pubsub::consumer_options::start::earliest,
                                 .on_ready = [this] { wake_all(); },
                                 .is_joined = s.needs.any()};
    for (const auto& [topic, inlet] : inlets) {
      how.topics.push_back(topic);
      if (const auto* planned = plan_->find_topic(s.inlets[inlet]->topic_id))
        how.properties.insert(planned->consumer.begin(), planned->consumer.end());
    }
    auto consumer = around_.log->open_consumer(how);
    if (!consumer) return in_streamlet(s.plan->name, consumer.error().message);
    s.inputs.push_back(std::make_unique<input>(group, std::move(consumer).value()));
    membership m{*s.inputs.back(), inlets, tasks, around_.log_lines};
    m.poll();  // what is known at once need not wait for the first round
    w.add(std::move(m));
  }
  return {};
}

// -- status ------------------------------------------------------------------------------------------

template <class F>
void native_runtime::each_task(F f) const {
  for (const auto* w : workers_)
    for (const auto& t : w->tasks()) f(*t);
}

std::vector<task_status> native_runtime::status() const {
  std::vector<task_status> all;
  each_task([&](const task& t) { all.push_back(t.status()); });
  std::sort(all.begin(), all.end(), [](const task_status& a, const task_status& b) {
    return std::tie(a.streamlet, a.partition) < std::tie(b.streamlet, b.partition);
  });
  return all;
}

std::vector<worker_status> native_runtime::worker_statuses() const {
  std::vector<worker_status> all;
  for (const auto* w : workers_) all.push_back(w->status());
  return all;
}

bool native_runtime::is_ready() const {
  bool is_ready = true;
  each_task([&](const task& t) { is_ready &= t.is_running(); });
  for (const auto& s : streamlets_)
    for (const auto& in : s->inputs) is_ready &= in->has_joined();
  return is_ready;
}

void native_runtime::wake_all() {
  for (auto* w : workers_) w->waker().notify();
}

// -- the end of input --------------------------------------------------------------------------------

/// Nothing moves and nothing is left to read. A record that is on its way shows as lag or as a task that is not
/// idle; commits are counted before and after, so that one which moves from here to there in between is seen.
bool native_runtime::is_quiet() const {
  const auto commits = [this] {
    std::uint64_t sum = 0;
    each_task([&](const task& t) { sum += t.commits(); });
    return sum;
  };
  const auto is_idle = [this] {
    bool all = true;
    each_task([&](const task& t) { all &= t.is_idle(); });
    return all;
  };
  const auto before = commits();
  return is_idle() && has_read_everything() && is_idle() && commits() == before;
}

/// Every partition of every inlet is here, and committed to its end.
bool native_runtime::has_read_everything() const {
  std::map<std::string, std::map<pubsub::topic_partition, record_offset>> positions;
  each_task([&](const task& t) {
    for (const auto& [at, next] : t.positions())
      positions[t.streamlet().plan->name].insert_or_assign(at, next);
  });
  const auto has_read = [&](const streamlet_instance& s, const std::string& topic) {
    const auto info = around_.log->topic(topic);
    if (!info) return false;
    for (std::size_t p = 0; p != info->partitions.size(); ++p) {
      const auto& of = positions[s.plan->name];
      const auto at = of.find({topic, partition_id{static_cast<std::int32_t>(p)}});
      if (at == of.end() || at->second < info->partitions[p].end) return false;
    }
    return true;
  };
  return std::all_of(streamlets_.begin(), streamlets_.end(), [&](const auto& s) {
    return std::all_of(s->inlets.begin(), s->inlets.end(), [&](const auto* port) {
      return has_read(*s, plan_->find_topic(port->topic_id)->name) &&
             (port->retry_topic.empty() || has_read(*s, port->retry_topic));
    });
  });
}

bool native_runtime::advance_to_end() {
  if (!is_quiet()) return false;
  if (finished_.size() == streamlets_.size()) return true;
  const auto is_finished = [this](const std::string& s) {
    return std::find(finished_.begin(), finished_.end(), s) != finished_.end();
  };
  const auto has_ended_input = [&](const blueprint::streamlet_plan& s) {
    return std::all_of(s.inlets.begin(), s.inlets.end(), [&](const blueprint::port_plan& port) {
      const auto& producers = plan_->find_topic(port.topic_id)->producers;
      return std::all_of(producers.begin(), producers.end(), [&](const std::string& p) {
        return is_finished(p.substr(0, p.rfind('.')));
      });
    });
  };
  std::vector<std::string> now;
  for (const auto& s : streamlets_)
    if (!is_finished(s->plan->name) && has_ended_input(*s->plan)) now.push_back(s->plan->name);
  if (now.empty())  // a circle: there is no first, so all of it ends together
    for (const auto& s : streamlets_)
      if (!is_finished(s->plan->name)) now.push_back(s->plan->name);
  for (const auto* w : workers_)
    for (const auto& t : w->tasks())
      if (std::find(now.begin(), now.end(), t->streamlet().plan->name) != now.end())
        t->request_finish();
  finished_.insert(finished_.end(), now.begin(), now.end());
  wake_all();
  return false;
}

}  // namespace cloudflow::runtime
