#include "cloudflow/runtime/runtime.hpp"

#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/state/stores.hpp"

#include <fmt/format.h>

#include <algorithm>

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

error in_streamlet(const std::string& streamlet, const std::string& message) {
  return error{fmt::format("streamlet {}: {}", streamlet, message)};
}

}  // namespace

native_runtime::native_runtime(const blueprint::plan& plan, surroundings around,
                               const runtime_options& options)
  : plan_(&plan), around_(std::move(around)), options_(options) {
  for (std::size_t i = 0; i != options.workers; ++i) {
    auto name = fmt::format("{}{}.{}", plan.prefix, plan.app_id, i);
    auto open = [log = around_.log, name] {
      return log->open_producer({.transactional_id = name});
    };
    workers_.push_back(std::make_unique<worker>(name, std::move(open), *around_.time,
                                                options.worker, around_.log_lines));
  }
}

native_runtime::~native_runtime() = default;

result<std::unique_ptr<native_runtime>> native_runtime::create(const blueprint::plan& plan,
                                                               surroundings around,
                                                               const runtime_options& options) {
  std::unique_ptr<native_runtime> r{new native_runtime(plan, std::move(around), options)};
  if (auto done = r->start_topics(); !done) return std::move(done).error();
  for (const auto& s : plan.streamlets)
    if (auto done = r->start_streamlet(s); !done) return std::move(done).error();
  return r;
}

result<void> native_runtime::start_topics() {
  for (const auto& t : plan_->topics) {
    const auto fingerprint = fingerprint_of(t.schema.schema);
    if (!fingerprint.empty()) {
      if (auto put = around_.log->schemas().put(fingerprint, t.schema.schema); !put)
        return error{
            fmt::format("topic {}: its schema cannot be stored: {}", t.name, put.error().message)};
    }
    // The base schema is recorded when a topic is created; producers with another one say so in a header.
    const auto there = around_.log->topic(t.name);
    auto made =
        around_.log->ensure_topic({.name = t.name,
                                   .partitions = t.partitions,
                                   .properties = t.properties,
                                   .base_schema = there ? there->spec.base_schema : fingerprint});
    if (!made) return error{fmt::format("topic {}: {}", t.name, made.error().message)};
  }
  return {};
}

result<void> native_runtime::start_streamlet(const blueprint::streamlet_plan& s) {
  const auto* definition = around_.definition_of(s.class_name);
  if (definition == nullptr)
    return in_streamlet(
        s.name,
        fmt::format("this program has no class {}: add it to the list in main()", s.class_name));
  auto instance = std::make_unique<streamlet_instance>();
  instance->plan = &s;
  instance->definition = definition;
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
  if (auto done = open_outlets(added); !done) return done;
  try {
    added.store_uses = definition->check(added.where);
  } catch (const std::exception& e) {
    return in_streamlet(s.name, e.what());
  }
  return open_inlets(added);
}

result<void> native_runtime::open_outlets(streamlet_instance& s) const {
  for (const auto& port : s.plan->outlets) {
    const auto* topic = plan_->find_topic(port.topic_id);
    const auto own = fingerprint_of(port.schema.schema);
    const auto info = around_.log->topic(topic->name);
    if (!info) return in_streamlet(s.plan->name, info.error().message);
    const bool is_base = info->spec.base_schema == own;
    if (!is_base) {
      if (auto put = around_.log->schemas().put(own, port.schema.schema); !put)
        return in_streamlet(s.plan->name, put.error().message);
    }
    s.outlet_topics.push_back(topic->name);
    s.outlet_partitions.push_back(static_cast<std::int32_t>(info->partitions.size()));
    s.outlet_schema_headers.push_back(is_base ? "" : own.substr(0, schema_header_size));
  }
  return {};
}

result<void> native_runtime::open_inlets(streamlet_instance& s) {
  std::int32_t tasks = s.plan->inlets.empty() ? 1 : 0;
  std::vector<std::vector<pubsub::assignment>> assigned;
  for (std::size_t i = 0; i != s.plan->inlets.size(); ++i) {
    const auto& port = s.plan->inlets[i];
    const auto* topic = plan_->find_topic(port.topic_id);
    auto consumer =
        around_.log->open_consumer({.group = port.group,
                                    .topics = {topic->name},
                                    .start_at = pubsub::consumer_options::start::earliest,
                                    .on_ready = [this] { wake_all(); }});
    if (!consumer) return in_streamlet(s.plan->name, consumer.error().message);
    const auto info = around_.log->topic(topic->name);
    if (!info) return in_streamlet(s.plan->name, info.error().message);
    auto reader =
        schema_reader::open(around_.log->schemas(), info->spec.base_schema, port.schema.schema);
    if (!reader)
      return in_streamlet(s.plan->name,
                          fmt::format("inlet {}: {}", port.name, reader.error().message));
    const auto own = fingerprint_of(port.schema.schema);
    if (auto put = around_.log->schemas().put(own, port.schema.schema); !put)
      return in_streamlet(s.plan->name, put.error().message);
    s.inlet_schema_headers.push_back(own.substr(0, schema_header_size));
    s.readers.push_back(std::move(reader).value());
    s.inputs.push_back(
        std::make_unique<input>(i, topic->name, port.group, std::move(consumer).value()));
    auto events = s.inputs.back()->poll();
    if (!events) return in_streamlet(s.plan->name, events.error().message);
    tasks = std::max(tasks, static_cast<std::int32_t>(info->partitions.size()));
    assigned.push_back(std::move(events).value());
  }
  if (auto done = open_stores(s, tasks); !done) return done;
  start_tasks(s, tasks, assigned);
  return {};
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
  if (states.empty()) return {};
  auto writer = around_.log->open_producer({.transactional_id = s.plan->name + ".stores"});
  if (!writer) return in_streamlet(s.plan->name, writer.error().message);
  for (std::size_t i = 0; i != states.size(); ++i) {
    const auto& d = states[i];
    const stores::store_spec spec{.name = name(d.name, ""),
                                  .key_schema = d.key.schema,
                                  .value_schema = d.value.schema,
                                  .window = s.store_uses[i].window,
                                  .partitions = partitions};
    if (auto opened = stores::open_store(*around_.log, **writer, spec, refuse_other_schema);
        !opened)
      return in_streamlet(s.plan->name, opened.error().message);
  }
  return {};
}

void native_runtime::start_tasks(streamlet_instance& s, std::int32_t partitions,
                                 const std::vector<std::vector<pubsub::assignment>>& assigned) {
  for (std::int32_t p = 0; p != partitions; ++p) {
    // Each streamlet begins one worker further, so that the consumers of one partition are on different ones.
    auto& w = *workers_[(streamlets_.size() + static_cast<std::size_t>(p)) % workers_.size()];
    auto t = std::make_unique<task>(s, p, around_.log->state(), *around_.time,
                                    options_.worker.tasks, [&w] { w.waker().notify(); });
    for (std::size_t i = 0; i != assigned.size(); ++i)
      for (const auto& a : assigned[i])
        if (a.what == pubsub::assignment::kind::assigned && a.source.partition.value() == p)
          t->assign(i, a.next);
    w.add(std::move(t));
  }
}

// -- status ------------------------------------------------------------------------------------------

std::vector<task_status> native_runtime::status() const {
  std::vector<task_status> all;
  for (const auto& w : workers_)
    for (const auto& t : w->tasks()) all.push_back(t->status());
  std::sort(all.begin(), all.end(), [](const task_status& a, const task_status& b) {
    return std::tie(a.streamlet, a.partition) < std::tie(b.streamlet, b.partition);
  });
  return all;
}

bool native_runtime::is_ready() const {
  for (const auto& w : workers_)
    for (const auto& t : w->tasks())
      if (!t->is_running()) return false;
  return true;
}

void native_runtime::wake_all() {
  for (const auto& w : workers_) w->waker().notify();
}

// -- the end of input --------------------------------------------------------------------------------

/// Nothing moves and nothing is left to read. A record that is on its way shows as lag or as a task that is not
/// idle; commits are counted before and after, so that one which moves from here to there in between is seen.
bool native_runtime::is_quiet() const {
  const auto commits = [this] {
    std::uint64_t sum = 0;
    for (const auto& w : workers_)
      for (const auto& t : w->tasks()) sum += t->commits();
    return sum;
  };
  const auto all = [this](auto is) {
    return std::all_of(workers_.begin(), workers_.end(), [&](const auto& w) {
      return std::all_of(w->tasks().begin(), w->tasks().end(),
                         [&](const auto& t) { return is(*t); });
    });
  };
  const auto before = commits();
  const auto is_idle = [](const task& t) { return t.is_idle(); };
  return all(is_idle) && all([](const task& t) { return t.has_read_everything(); }) &&
         all(is_idle) && commits() == before;
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
  for (const auto& w : workers_)
    for (const auto& t : w->tasks())
      if (std::find(now.begin(), now.end(), t->streamlet().plan->name) != now.end())
        t->request_finish();
  finished_.insert(finished_.end(), now.begin(), now.end());
  wake_all();
  return false;
}

}  // namespace cloudflow::runtime
