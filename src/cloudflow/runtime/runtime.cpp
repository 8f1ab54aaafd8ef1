#include "cloudflow/runtime/runtime.hpp"

#include "cloudflow/application/store_registry.hpp"
#include "cloudflow/runtime/store_values.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/schema_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace cloudflow::runtime {

namespace {

constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

/// Fingerprint of a schema's text; empty when it is not Avro (raw bytes).
std::string fingerprint_of(const std::string& schema_text) {
  if (schema_text.empty()) return {};
  const auto parsed = schema::parse_avro(schema_text);
  return parsed ? parsed->fingerprint() : std::string{};
}

error in_streamlet(const std::string& streamlet, error cause) {
  return within("streamlet " + streamlet, std::move(cause));
}
error in_streamlet(const std::string& streamlet, pubsub::error cause) {
  return in_streamlet(streamlet, pubsub::plain(std::move(cause)));
}

}  // namespace

native_runtime::native_runtime(const blueprint::plan& plan, app::topic_facts facts,
                               dependencies around, const runtime_options& options)
  : plan_(&plan), facts_(std::move(facts)), dependencies_(std::move(around)), options_(options) {}

/// The consumers go first: they wake workers.
native_runtime::~native_runtime() {
  for (const auto& s : streamlets_) s->inputs.clear();
}

result<std::unique_ptr<native_runtime>> native_runtime::create(const blueprint::plan& plan,
                                                               app::topic_facts facts,
                                                               dependencies around,
                                                               const runtime_options& options) {
  std::unique_ptr<native_runtime> r{
      new native_runtime(plan, std::move(facts), std::move(around), options)};
  CLOUDFLOW_TRY(r->check_facts());
  auto program = CLOUDFLOW_TRY(
      facts_of_program(plan, r->dependencies_.secrets, r->dependencies_.definition_of));
  for (std::size_t i = 0; i != plan.streamlets.size(); ++i)
    CLOUDFLOW_TRY(r->start_streamlet(plan.streamlets[i], std::move(program.streamlets[i])));
  r->share_memory();
  for (auto* w : r->workers_)
    if (auto opened = w->open(); !opened)
      return within("worker " + w->name(), pubsub::plain(std::move(opened).error()));
  return r;
}

void native_runtime::share_memory() const {
  const auto busy = std::ranges::count_if(workers_, [](const auto* w) { return w->has_tasks(); });
  for (auto* w : workers_)
    w->limit_uncommitted(options_.worker.max_uncommitted_bytes /
                         static_cast<std::size_t>(std::max<std::ptrdiff_t>(busy, 1)));
}

/// Made when the first streamlet needs them. What is committed together keeps one promise: of
/// several guarantees it would be the weakest, and nothing is exactly once over several clusters.
std::vector<std::unique_ptr<worker>>& native_runtime::workers_for(
    const blueprint::streamlet_plan& s) {
  const bool is_exact = s.guarantee == blueprint::delivery::exactly_once;
  std::string promise{to_string(s.guarantee)};
  if (is_exact) promise += " at " + s.state_cluster_key;
  auto& workers = by_commit_domain_[promise];
  if (!workers.empty()) return workers;
  for (std::size_t n = 0; n != options_.workers; ++n) {
    const auto i = workers_.size();
    auto name = plan_->names().worker_id(options_.instance, i);
    const pubsub::producer_options how{
        .transactional_id = name,
        .delivery = is_exact ? pubsub::guarantee::exactly_once : pubsub::guarantee::at_least_once};
    auto open = [log = dependencies_.log, how](std::function<void()> wake) {
      auto with_wake = how;
      with_wake.on_outcome = std::move(wake);
      return log->open_producer(with_wake);
    };
    workers.push_back(std::make_unique<worker>(name, std::move(open), *dependencies_.time,
                                               options_.worker, dependencies_.log_lines));
    workers_.push_back(workers.back().get());
  }
  return workers;
}

// -- streamlets -----------------------------------------------------------------------------------

result<void> native_runtime::check_facts() const {
  const auto is_same = [](const blueprint::topic_plan& t, const app::topic_fact& fact) {
    return t.name == fact.name;
  };
  if (!std::ranges::equal(plan_->topics, facts_.topics, is_same))
    return error{"what is known of the topics is about the topics of another plan"};
  return {};
}

result<void> native_runtime::start_streamlet(const blueprint::streamlet_plan& s,
                                             flow::store_needs needs) {
  auto instance = std::make_unique<streamlet_instance>();
  instance->plan = &s;
  instance->definition = dependencies_.definition_of(s.class_name);
  instance->needs = std::move(needs);
  instance->suspects = dependencies_.crashes.of(s.name);
  instance->log = dependencies_.log;
  auto& where = instance->where = config_of(s, dependencies_.secrets);
  where.log = dependencies_.log_lines.named(s.name);
  if (s.has_server && dependencies_.endpoint_of) where.server = dependencies_.endpoint_of(s.name);
  where.on_listening = [this, name = s.name](std::string_view url) {
    if (dependencies_.on_listening) dependencies_.on_listening(name, url);
  };
  streamlets_.push_back(std::move(instance));
  auto& added = *streamlets_.back();
  CLOUDFLOW_TRY(bind_ports(added));
  return start_tasks(added);
}

/// Repartition topics come behind the ports.
result<void> native_runtime::bind_ports(streamlet_instance& s) const {
  std::vector<const blueprint::port_plan*> inlets, outlets;
  for (const auto& port : s.plan->inlets) inlets.push_back(&port);
  for (const auto& port : s.plan->outlets) outlets.push_back(&port);
  for (const auto& r : s.plan->repartitions) {
    s.repartitions.push_back({.state = r.state, .inlet = inlets.size(), .outlet = outlets.size()});
    inlets.push_back(&r.port);
    outlets.push_back(&r.port);
  }
  s.windows.resize(s.plan->states.size());
  for (const auto& w : s.plan->windows) s.windows[w.state] = {&w, name_of(w.dead_letter_topic)};
  s.source_dead_letter_topic = name_of(s.plan->dead_letter_topic);
  for (const auto* port : outlets) s.outlets.push_back(bind_outlet(*port));
  for (const auto* port : inlets) {
    auto bound = bind_inlet(*port);
    if (!bound)
      return in_streamlet(s.plan->name, within("inlet " + port->name, std::move(bound).error()));
    s.inlets.push_back(std::move(bound).value());
  }
  return {};
}

outlet_binding native_runtime::bind_outlet(const blueprint::port_plan& port) const {
  const auto& topic = fact_of(port);
  const auto own = fingerprint_of(port.schema.schema);
  return {
      .port = &port,
      .topic = topic.name,
      .partitions = topic.partitions,
      .record_limit = topic.record_limit.value_or(no_limit),
      .schema_header = topic.base_schema == own ? "" : own.substr(0, schema::schema_header_size)};
}

result<inlet_binding> native_runtime::bind_inlet(const blueprint::port_plan& port) const {
  const auto& topic = fact_of(port);
  auto reader = schema_reader::open(dependencies_.log->schemas(), topic.base_schema,
                                    port.schema.schema, topic.is_empty);
  if (!reader) return within("topic " + topic.name, pubsub::plain(std::move(reader).error()));
  return inlet_binding{
      .port = &port,
      .reader = std::move(reader).value(),
      .partitions = topic.partitions,
      .schema_header = fingerprint_of(port.schema.schema).substr(0, schema::schema_header_size),
      .dead_letter_topic = name_of(port.dead_letter_topic)};
}

/// As many as its inlet with the most has; a source has one.
result<std::int32_t> native_runtime::partitions_of(const streamlet_instance& s) const {
  std::int32_t most = 1;
  for (const auto& inlet : s.inlets) most = std::max(most, fact_of(*inlet.port).partitions);
  for (const auto& r : s.repartitions) {
    const auto& between = s.outlets[r.outlet];
    if (between.partitions != most)
      return in_streamlet(
          s.plan->name,
          error{fmt::format(
              "its topics have up to {} partitions, but {} has {}; if others manage the "
              "topics, configure how many partitions they have",
              most, between.topic, between.partitions)});
  }
  return most;
}

/// Stores are recognised by name, schemas and window; see flow::wiring for their order.
result<void> native_runtime::open_stores(streamlet_instance& s, std::int32_t partitions) {
  const auto& streamlet = s.plan->name;
  const auto& states = s.plan->states;
  for (const auto& state : states) s.store_names.push_back(state.store);
  for (const auto& state : states) s.store_names.push_back(state.parked_store);
  s.store_names.push_back(s.plan->event_time_store);
  s.store_values.resize(s.store_names.size());
  if (!s.needs.any()) return {};
  if (auto done = dependencies_.log->ensure_state(streamlet, partitions); !done)
    return in_streamlet(streamlet, done.error());
  if (states.empty()) return {};
  auto writer = dependencies_.log->open_producer(
      {.transactional_id = plan_->names().stores_id(streamlet, options_.instance)});
  if (!writer) return in_streamlet(streamlet, writer.error());
  const auto open = [&](std::size_t store, app::store_spec spec) -> result<void> {
    spec.name = s.store_names[store];
    spec.partitions = partitions;
    auto values = open_values(*dependencies_.log, **writer, spec);
    if (!values) return in_streamlet(streamlet, values.error());
    s.store_values[store] = std::move(values).value();
    return {};
  };
  for (std::size_t i = 0; i != states.size(); ++i) {
    const auto& use = s.needs.states[i];
    if (auto done = open(i, {.name = {},
                             .key_schema = states[i].key.schema,
                             .value_schema = states[i].value.schema,
                             .window = use.window});
        !done)
      return done;
    if (use.parked_schema.empty()) continue;
    if (auto done = open(states.size() + i, {.name = {},
                                             .key_schema = R"("long")",
                                             .value_schema = std::string{use.parked_schema},
                                             .window = {}});
        !done)
      return done;
  }
  return {};
}

result<void> native_runtime::start_tasks(streamlet_instance& s) {
  const auto partitions = CLOUDFLOW_TRY(partitions_of(s));
  CLOUDFLOW_TRY(open_stores(s, partitions));
  auto& workers = workers_for(*s.plan);
  std::vector<task*> tasks;
  for (std::int32_t p = 0; p != partitions; ++p) {
    // Each streamlet begins one worker further, so that the consumers of one partition are on
    // different ones.
    auto& w = *workers[(streamlets_.size() + static_cast<std::size_t>(p)) % workers.size()];
    auto t = std::make_unique<task>(s, p, *dependencies_.time, options_.worker.tasks,
                                    w.must_leave(), [&w] { w.waker().notify(); });
    tasks.push_back(t.get());
    w.add(std::move(t));
  }
  return join(s, tasks);
}

/// Becomes a member of the groups of the streamlet. Inlets that share a group are joined: their
/// partitions come together, those of their retries with them.
result<void> native_runtime::join(streamlet_instance& s, const std::vector<task*>& tasks) {
  struct group_topics {
    std::map<std::string, std::size_t> inlets;
    std::map<std::string, std::int32_t> partitions;
  };
  std::map<std::string, group_topics> topics_of;
  for (std::size_t i = 0; i != s.inlets.size(); ++i) {
    const auto& port = *s.inlets[i].port;
    const auto read = [&topics = topics_of[port.group], i](const app::topic_fact& of) {
      topics.inlets[of.name] = i;
      topics.partitions[of.name] = of.partitions;
    };
    read(fact_of(port));
    if (port.retry_topic) read(facts_.topics[*port.retry_topic]);
  }
  auto& workers = workers_for(*s.plan);
  for (auto& [group, topics] : topics_of) {
    auto& w = *workers[(streamlets_.size() + s.inputs.size()) % workers.size()];
    pubsub::consumer_options how{.group = group,
                                 .topics = {},
                                 .start_at = pubsub::consumer_options::start::earliest,
                                 .on_ready = [this] { wake_all(); },
                                 .is_joined = s.needs.any()};
    for (const auto& [topic, inlet] : topics.inlets) {
      how.topics.push_back(topic);
      how.properties.merge(
          texts_of(plan_->topics[s.inlets[inlet].port->topic].consumer, dependencies_.secrets));
    }
    auto consumer = dependencies_.log->open_consumer(how);
    if (!consumer) return in_streamlet(s.plan->name, consumer.error());
    s.inputs.push_back(
        std::make_unique<input>(group, std::move(topics.partitions), std::move(consumer).value()));
    membership m{*s.inputs.back(), topics.inlets, tasks, dependencies_.log_lines};
    m.poll_assignments();  // what is known at once need not wait for the first round
    w.add(std::move(m));
  }
  return {};
}

// -- status ---------------------------------------------------------------------------------------

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

std::string native_runtime::why_not_ready() const {
  for (const auto& s : streamlets_)
    for (const auto& in : s->inputs)
      if (auto why = in->why_not_joined(); !why.empty()) return why;
  for (const auto* w : workers_)
    if (auto why = w->trouble(); !why.empty()) return why;
  std::string why;
  each_task([&](const task& t) {
    if (!why.empty() || t.is_running()) return;
    const auto status = t.status();
    why = fmt::format("streamlet {}, partition {}: {}", status.streamlet, status.partition,
                      !status.failure.empty() ? status.failure : "does not run yet");
  });
  return why;
}

bool native_runtime::must_end() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto* w) { return w->must_end(); });
}

void native_runtime::wake_all() {
  for (auto* w : workers_) w->waker().notify();
}

// -- the end of input -----------------------------------------------------------------------------

/// Nothing moves and nothing is left to read. A record that is on its way shows as lag or as a task
/// that is not idle; commits are counted before and after, so that one which moves from here to
/// there in between is seen.
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
    const auto info = dependencies_.log->topic(topic);
    if (!info) return false;
    for (std::size_t p = 0; p != info->partitions.size(); ++p) {
      const auto& of = positions[s.plan->name];
      const auto at = of.find({topic, partition_id{static_cast<std::int32_t>(p)}});
      if (at == of.end() || at->second < info->partitions[p].end) return false;
    }
    return true;
  };
  return std::all_of(streamlets_.begin(), streamlets_.end(), [&](const auto& s) {
    return std::all_of(s->inlets.begin(), s->inlets.end(), [&](const auto& inlet) {
      const auto& port = *inlet.port;
      return has_read(*s, fact_of(port).name) &&
             (!port.retry_topic || has_read(*s, facts_.topics[*port.retry_topic].name));
    });
  });
}

bool native_runtime::advance_to_end() {
  if (!is_quiet()) return false;
  // All of it ends once more, what comes behind as well: what has fired does not fire again.
  bool is_lost = false;
  each_task([&](task& t) { is_lost |= t.take_lost_end(); });
  if (is_lost) finished_.clear();
  if (finished_.size() == streamlets_.size()) return true;
  const auto is_finished = [this](const std::string& s) {
    return std::find(finished_.begin(), finished_.end(), s) != finished_.end();
  };
  const auto has_ended_input = [&](const blueprint::streamlet_plan& s) {
    return std::all_of(s.inlets.begin(), s.inlets.end(), [&](const blueprint::port_plan& port) {
      const auto& producers = plan_->topics[port.topic].producers;
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
