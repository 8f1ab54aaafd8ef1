// The listings of the modules' READMEs, each between `// from FOLDER` and `// end`, with what they
// leave to the reader around them. That this compiles, and that docs_test.py finds each listing
// here word for word, is the test: nothing of it runs.
#include "docs_schemas/listings.hpp"
#include "cloudflow/application/configure.hpp"
#include "cloudflow/application/interpretation.hpp"
#include "cloudflow/application/plan_json.hpp"
#include "cloudflow/application/provision.hpp"
#include "cloudflow/application/store_registry.hpp"
#include "cloudflow/blueprint/application.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/blueprint/resolve.hpp"
#include "cloudflow/blueprint/verify.hpp"
#include "cloudflow/cli/release.hpp"
#include "cloudflow/cli/session.hpp"
#include "cloudflow/config/layers.hpp"
#include "cloudflow/connect/files/log_layout.hpp"
#include "cloudflow/connect/files/log_records.hpp"
#include "cloudflow/connect/files/object_store.hpp"
#include "cloudflow/connect/http/json_bodies.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/connect/mail/outbox.hpp"
#include "cloudflow/connect/mail/template.hpp"
#include "cloudflow/kube/object_cache.hpp"
#include "cloudflow/net/client.hpp"
#include "cloudflow/operate/dead_letters.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operator/objects.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/simulated/cluster.hpp"
#include "cloudflow/runner/host.hpp"
#include "cloudflow/runtime/threads.hpp"
#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/resolution.hpp"
#include "cloudflow/state/timers.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "cloudflow/testkit/group_simulation.hpp"
#include "cloudflow/testkit/simulation.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <queue>

using listings::reading;

// from src/cloudflow/streamlet
struct sampler {
  cloudflow::inlet<reading> in{"readings"};
  cloudflow::outlet<reading> out{"sampled", cloudflow::key(&reading::sensor)};
  cloudflow::parameter<std::int32_t> every{"every", "One reading of so many is passed on.", 10,
                                           [](std::int32_t n) { return n > 0; }};

  auto logic(const cloudflow::context& ctx) const {
    return from(in)
        .filter([n = ctx[every], i = 0](const reading::view&) mutable { return i++ % n == 0; })
        .to(out);
  }
};

// At the end of its own file; main() then needs the name alone.
template const cloudflow::streamlet_definition& cloudflow::definition_of<sampler>();
// end

namespace cloudflow::docs {

using namespace std::chrono_literals;
using listings::entry, listings::parse_error, listings::total;

void say(const error& e) { fmt::print(stderr, "{}\n", e.message); }
int fail(const std::string& message) { return fmt::print(stderr, "{}\n", message), 1; }
bool must_stop() { return false; }
void wait_a_little() {}

namespace of_base {
// from src/cloudflow/base
result<record_offset> parse_offset(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size())
    return error{fmt::format("expected an offset, found '{}'", text)};
  return record_offset{n};
}
// end
}  // namespace of_base

void config_listing() {
  const std::vector<std::string> files{"app.conf", "local.conf"};
  const std::vector<std::string> assignments{"cloudflow.streamlets.in.replicas=2"};
  // from src/cloudflow/config
  const auto document = config::load_layers(files, assignments);
  const auto settings = document->resolve({.environment = &config::process_environment});
  if (!settings)
    for (const auto& p : settings.error()) fmt::print(stderr, "{}\n", to_string(p));
  const auto* replicas = settings->find("cloudflow.streamlets.in.replicas");
  // end
  (void)replicas;
}

result<void> schema_listing(std::string_view old_text, std::string_view payload) {
  // from src/cloudflow/schema
  // An error is file:line:column: expected ..., found ...
  const auto writer = schema::parse_avro(old_text, "LogMessage.avsc");
  const auto reader = schema::parse_avro(codec<entry>::schema_text);
  const auto resolved = schema::resolution::compile(*writer, *reader);  // once for a pair
  byte_writer bytes;
  // For each record:
  if (!resolved->is_identity())
    if (auto done = resolved->transcode(payload, bytes); !done) return done;
  entry::view message;
  codec<entry>::decode(bytes.view(), message);  // always the reader's schema
  // end
  return {};
}

struct counting {
  inlet<reading> in{"in"};
  outlet<total> out{"out", key(&total::app)};
  outlet<entry> late{"late"};
  outlet<parse_error> dead_letter{"errors"};
  state<std::int64_t> counts{"counts"};

  static result<entry, parse_error> parse(const reading::view& r) {
    return entry{std::string{r.sensor}, timestamp{}};
  }

  auto logic() const {
    // from src/cloudflow/flow
    return from(in)
        .map(parse)                          // to result<entry, parse_error>: may raise it now
        .on_error<parse_error>(dead_letter)  // and now no more
        .event_time(&entry::time, bounded_out_of_order{30s})
        .key_by(&entry::app)
        .window(tumbling{2min})
        .late_to(late)
        .fold(counts, [](std::int64_t& n, const entry&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return total{w.key, w.window.start, w.value};
        })
        .to(out);
    // end
  }
};

namespace of_sandbox {
using http_ingress = sampler;
using stat_aggregator = counting;
// from src/cloudflow/sandbox
int main(int argc, char** argv) {
  return cloudflow::application<http_ingress, stat_aggregator>(argc, argv);
}
// end
}  // namespace of_sandbox

int embedded_listing() {
  // from src/cloudflow/pubsub/embedded
  const system_clock clock;
  pubsub::embedded::options how;
  how.directory = ".cloudflow/log";
  how.disk_bound = 8'000'000'000;
  auto opened = pubsub::embedded::open(how, clock);
  if (!opened) return fail(opened.error().message);  // errc::in_use: another process has it
  const auto& log = opened.value();
  log->ensure_topic({.name = "log-messages", .partitions = 3}).value();
  // end
  return 0;
}

std::string compute(std::string_view value) { return std::string{value}; }

pubsub::result<void> pubsub_listing(pubsub::backend& log, const pubsub::consumer_options& options) {
  // from src/cloudflow/pubsub
  auto in = log.open_consumer(options).value();  // of the group app.stats.in, on log-messages
  auto out = log.open_producer({.transactional_id = "app.0.worker"}).value();
  std::map<pubsub::topic_partition, record_offset> next;
  for (const auto& change : in->poll_assignments().value()) next[change.source] = change.next;
  for (auto& [source, position] : next) {
    const auto batch = in->fetch(source, {}).value();
    record_buffer results;
    for (const auto& record : batch.records()) results.append(record.key, compute(record.value));
    if (batch.next()) position = *batch.next();
    pubsub::transaction changes;
    changes.outputs.push_back({"log-stats", partition_id{0}, &results});
    changes.positions.push_back({"app.stats.in", source.topic, source.partition, position});
    if (auto done = out->commit(changes); !done) return done;
  }
  // end
  return {};
}

int kafka_listing() {
  // from src/cloudflow/pubsub/kafka
  const system_clock clock;
  auto opened =
      pubsub::kafka::open({.connection = {{"bootstrap.servers", "kafka-0:9093"},
                                          {"security.protocol", "SASL_SSL"},
                                          {"ssl.ca.location", "/certs/ca.crt"},
                                          {"sasl.mechanism", "SCRAM-SHA-512"},
                                          {"sasl.username", "app"},
                                          {"sasl.password.location", "/secrets/password"}},
                           .application = "log-processor",
                           .state_directory = "/state"},
                          clock);
  if (!opened) return fail(opened.error().message);  // cluster, broker, cause, what to check
  // end
  return 0;
}

void run(pubsub::backend&) {}

void simulated_listing(const virtual_clock& clock, std::uint64_t seed) {
  using ::testing::IsEmpty;
  namespace simulated = pubsub::simulated;
  // from src/cloudflow/pubsub/simulated
  simulated::cluster brokers{
      clock, seed, {.longest_phase = 5, .retriable_commits = 20, .leaves_marks = true}};
  const auto first = brokers.connect(), second = brokers.connect();  // two processes
  run(*first), run(*second);
  first->hang();  // as by SIGSTOP; after the time-outs others get its partitions
  EXPECT_THAT(brokers.violations(), IsEmpty());  // what nobody may do
  // end
}

void state_listing(stores::state_changes& changes, const stores::store_reader& stores,
                   timestamp end_of_window, timestamp watermark) {
  using cells = detail::keyed_state<keyed<std::string, std::int64_t>, detail::timer_note>;
  cells changed{&changes, &stores, 0, "v", {}};
  detail::timers<cells::cell> due{&changes, &stores, 0};
  auto& cell = changed.at(std::string_view{"billing"});
  const auto recall = [&](timestamp, std::string_view key) {
    return &changed.at(detail::decoded<std::string>(key));
  };
  const auto emit = [](const auto&) {};
  // from src/cloudflow/state
  // A cell has one timer. It is durable with the next commit, in which the owner saves the cell.
  due.set(end_of_window, cell);
  changed.save([&](auto& each) { due.save(end_of_window, each); });
  // The clock is the owner's: here the watermark. What has been forgotten is recalled.
  while (auto* fired = due.pop(watermark, recall)) emit(fired->row);
  // end
}

result<void> registry_listing(const pubsub::backend& log, pubsub::producer& producer,
                              const std::string& counts_schema) {
  const auto resolvable = [](const std::string&, const std::string&) { return result<void>{}; };
  // from src/cloudflow/application
  const auto store =
      cloudflow::app::open_store(log, producer,
                                 {.name = "log-statistics.counts",
                                  .key_schema = R"("string")",
                                  .value_schema = counts_schema,
                                  .window = "tumbling 2m",
                                  .partitions = 3},
                                 [&](const std::string& writer, const std::string& reader) {
                                   return resolvable(writer, reader);
                                 });
  if (!store) return store.error();  // names each difference and the next step
  // end
  return {};
}

int blueprint_listing(const std::string& text, const config::value& configuration,
                      const std::vector<blueprint::streamlet_descriptor>& descriptors) {
  // from src/cloudflow/blueprint
  const auto found = blueprint::verify(text, "src/blueprint.conf", descriptors);
  fmt::print(stderr, "{}", blueprint::to_string(found.problems));
  if (!found.is_valid()) return 1;
  const auto app = blueprint::make_application("log-processor", "1.0", found.blueprint);
  const auto made = blueprint::resolve(app, configuration, {.mount_root = ".cloudflow/mounts"});
  fmt::print(stderr, "{}", blueprint::to_string(made.problems));
  if (made.result) fmt::print("{}", blueprint::draw(*made.result));
  // end
  return 0;
}

void application_listing(const application_info& info, pubsub::backend& log,
                         const std::vector<blueprint::streamlet_descriptor>& descriptors) {
  // from src/cloudflow/application
  const auto configured =
      app::configure(info, descriptors, {.files = {"local.conf"}, .assignments = {}}, {}).value();
  const auto facts = app::provision(configured.plan, log).value();
  fmt::print("{}\n", app::to_json(configured.plan));
  // end
  (void)facts;
}

void operate_listing(pubsub::backend& log, const blueprint::plan& plan) {
  // from src/cloudflow/operate
  const auto inlet = operate::find_inlet(plan, "parser.lines").value();
  auto letters = operate::dead_letter_topic::of(log, inlet).value();
  const auto retried = letters.retry({.reason = "no such file"}).value();
  // end
  (void)retried;
}

struct streamlets {
  const streamlet_definition* definition_of(const std::string&) const { return nullptr; }
};

result<void> runtime_listing(const blueprint::plan& plan, pubsub::backend* log,
                             const system_clock& clock, const logger& lines) {
  const streamlets program;
  // from src/cloudflow/runtime
  auto facts = app::provision(plan, *log);
  if (!facts) return facts.error();
  auto started = runtime::native_runtime::create(
      plan, std::move(facts).value(),
      {.log = log,
       .time = &clock,
       .log_lines = lines,
       .definition_of = [&](const std::string& name) { return program.definition_of(name); },
       .endpoint_of = {},
       .on_listening = {}},
      {.workers = 2, .worker = {}, .instance = {}});
  if (!started) return started.error();
  // Or step the workers yourself, as the simulation does.
  const runtime::worker_threads threads{**started};
  while (!(*started)->advance_to_end()) wait_a_little();
  // end
  return {};
}

void runner_listing(const blueprint::plan& plan, const blueprint::secret_texts& secrets,
                    const runner::host_surroundings& around) {
  // from src/cloudflow/runner
  auto process = runner::host::open(plan, secrets,
                                    {.log = ".cloudflow/log",
                                     .kafka = ".cloudflow/kafka",
                                     .crash_note = ".cloudflow/crash-note",
                                     .crash_history = ".cloudflow/crash-history"},
                                    around)
                     .value();
  if (auto started = process->start(); !started) return say(started.error());
  while (!must_stop()) process->look();
  process->stop(true);
  // end
}

namespace of_http {
using connect::http_handler, connect::http_request, connect::http_responder, connect::http_server,
    connect::http_server_options, connect::split_json_body, connect::text_response;
struct {
  void push(http_request&&, http_responder&&) {}
} queue;
// from src/cloudflow/connect/http
struct take_orders final : http_handler {
  void handle(http_request request, http_responder responder) override {
    auto documents = split_json_body(request.body);
    if (!documents) return responder.answer(text_response(400, documents.error().message));
    // Whoever commits calls responder.answer({.status = 202}).
    queue.push(std::move(request), std::move(responder));
  }
};

result<void> serve_orders(const logger& log) {
  http_server_options how;
  how.port = 3000;
  auto server = http_server::open(how, {{"POST", "/", std::make_shared<take_orders>()}}, log);
  if (!server) return server.error();
  (*server)->start();
  while (!must_stop()) wait_a_little();
  (*server)->stop(10s);  // answers what is in flight
  return {};
}
// end
}  // namespace of_http

void retry_later(const error&) {}

void mail_listing(const connect::mail_address& from, const connect::mail_address& to,
                  const std::vector<std::string_view>& fields,
                  const std::vector<connect::template_value>& values, const std::string& text,
                  timestamp window_start, timestamp window_end, const std::string& app) {
  using connect::mail_outbox, connect::text_template;
  // from src/cloudflow/connect/mail
  auto outbox = mail_outbox::open("outbox").value();
  auto subject = text_template::parse("{app}: {numErrors} problems", fields).value();
  auto put = outbox.put({.from = from,
                         .to = {to},
                         .subject = subject.render(values),
                         .body = text,
                         .date = window_end,
                         .idempotency_key = fmt::format("{}:{}", app, to_iso8601(window_start))});
  if (!put) retry_later(put.error());
  // end
}

// from src/cloudflow/net
void follow(net::client& client, std::string token, const std::stop_token& stop) {
  const net::request watch{
      .url = "https://kubernetes.default.svc/api/v1/pods?watch=1",
      .authorization = net::bearer_token{std::move(token)},
      .timeouts = {.total = std::nullopt, .idle = 5min},
      .tls = {.authority = net::pem_file{"ca.crt"}},
  };
  const auto answer = client.stream(watch, stop, [](const auto&, std::string_view piece) {
    fmt::print("{}", piece);
    return net::after_piece::go_on;
  });
  if (!answer) return say(net::plain(answer.error()));
  if (answer->status != 200) fmt::print(stderr, "{}: {}\n", answer->status, answer->body);
}
// end

void look_at_object(std::string_view) {}
void wait_until(const std::stop_token&) {}

namespace of_kube {
// from src/cloudflow/kube
const kube::resource config_maps{.group = "", .version = "v1", .plural = "configmaps"};

kube::result<void> mark(kube::client& api, const kube::object_key& key, std::string_view hash) {
  const kube::object wanted{{{"apiVersion", "v1"},
                             {"kind", "ConfigMap"},
                             {"metadata", {{"name", key.name}, {"namespace", key.name_space}}},
                             {"data", {{"hash", hash}}}}};
  CLOUDFLOW_TRY(api.apply(config_maps, wanted, {.field_manager = "cloudflow"}));
  return {};
}

kube::result<void> follow(const logger& log, const std::stop_token& stop) {
  kube::client api{CLOUDFLOW_TRY(kube::find_access({}))};
  const kube::object_cache maps{
      api,
      config_maps,
      {.of = {.name_space = api.how().name_space}},
      log,
      [](const kube::change& c) { look_at_object(kube::to_string(c.key)); }};
  wait_until(stop);
  return {};
}
// end
}  // namespace of_kube

void count(std::string_view, timestamp) {}
void report(std::uint64_t, std::string_view) {}

void files_listing(connect::line_position resume_from) {
  using connect::log_layouts, connect::log_records, connect::open_directory_store;
  // from src/cloudflow/connect/files
  auto store = open_directory_store("logs").value();
  auto layouts = log_layouts::make({.line_pattern = "auto"}).value();
  auto object = store->open("payments.log").value();
  auto records = log_records::open(*object, layouts, resume_from).value();
  while (auto item = records->next().value()) {
    if (item->is_record())
      count(item->fields.level, item->fields.time);
    else
      report(item->at.line, item->reason);
    // records->cursor() is where to go on after a commit at this point
  }
  // end
}

void look_at(pubsub::backend&) {}

void simulation_listing(const blueprint::plan& plan, const pubsub::topic_spec& keys) {
  const streamlets program;
  // from src/cloudflow/testkit
  testkit::simulation sim{plan,
                          [&](const std::string& name) { return program.definition_of(name); },
                          {.seed = 7, .steps_between_crashes = 40}};
  sim.log().ensure_topic(keys).value();  // put the input in
  const auto done = sim.run_to_end(100'000);
  ASSERT_TRUE(done) << done.error().message;  // names the seed
  look_at(sim.log());                         // equal to a run without crashes
  // end
}

void group_simulation_listing(const blueprint::plan& plan) {
  using ::testing::IsEmpty;
  const streamlets program;
  // from src/cloudflow/testkit
  testkit::group_simulation sim{
      plan,
      [&](const std::string& name) { return program.definition_of(name); },
      {.seed = 7, .fault_profile = {.longest_phase = 6}, .steps_between_events = 60}};
  for (int n = 0; n != 2000; ++n) sim.step();
  ASSERT_TRUE(sim.settle(20'000));      // nothing goes wrong any more: all is processed
  ASSERT_TRUE(sim.run_to_end(20'000));  // one process goes on to the end of the input
  EXPECT_THAT(sim.brokers().violations(), IsEmpty());
  // end
}

void operator_listing(const std::string& json, const std::map<std::string, std::string>& clusters,
                      const std::string& uid) {
  // from src/cloudflow/operator
  const auto shop = app::interpret({.resource = json, .kafka_clusters = clusters}).value();
  for (const auto& object : controller::objects_of(shop, {.key = {"shop", "shop"}, .uid = uid}))
    fmt::print("{}\n", object.dump());
  // end
}

void cli_listing(const std::string& file, const cli::cluster_view& cluster, cli::session& session) {
  // from src/cloudflow/cli
  const auto made = cli::release_of({.resource = file, .name_space = "shop"}, cluster).value();
  session.write(made).value();
  // end
}

}  // namespace cloudflow::docs
