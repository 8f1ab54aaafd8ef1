/// The log processor in simulated time, on a simulated disk that loses power in the middle of its
/// writes, with its workers in an order that a seed decides: whatever the seed, the results are
/// those of an undisturbed run.
#include "cloudflow/testkit/simulation.hpp"
#include "cloudflow/sandbox/project.hpp"
#include "log_schemas/log_key.hpp"
#include "log_schemas/log_message.hpp"
#include "log_schemas/log_stats.hpp"
#include "streamlets/app_name.hpp"
#include "streamlets/streamlets.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

namespace logproc {
namespace {

namespace fs = std::filesystem;
using cloudflow::partition_id, cloudflow::record_offset;

/// Everything that a user would look at after a run.
struct outcome {
  std::map<std::tuple<std::string, std::int64_t>, std::tuple<std::int64_t, std::int64_t, bool>>
      windows;
  std::map<std::tuple<std::string, std::int64_t>, std::string>
      messages;                              ///< (source, line) -> text
  std::map<std::string, std::string> mails;  ///< file -> content
  bool operator==(const outcome&) const = default;
};

class log_processor {
public:
  explicit log_processor(std::uint64_t seed) : seed_(seed) {
    std::string name = (fs::temp_directory_path() / "cloudflow-simulation-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    const cloudflow::streamlet_definition* const all[] = {
        &cloudflow::definition_of<http_ingress>(),   &cloudflow::definition_of<key_logger>(),
        &cloudflow::definition_of<file_ingestor>(),  &cloudflow::definition_of<message_printer>(),
        &cloudflow::definition_of<message_logger>(), &cloudflow::definition_of<stat_aggregator>(),
        &cloudflow::definition_of<stat_logger>(),    &cloudflow::definition_of<email_processor>(),
        &cloudflow::definition_of<invalid_logger>()};
    app_ = std::make_unique<cloudflow::sandbox::project>(
        cloudflow::sandbox::project::load(all, cloudflow::this_application()).value());
    plan_ = app_->make_plan(
                    {.files = {},
                     .assignments = {"bucket=" + logs(), "mail-outbox=" + directory_ + "/outbox",
                                     "alert-threshold=2"}},
                    directory_, true)
                .value()
                .plan;
    // Keys are put into the topic directly, and what only prints is left out: sockets and terminals
    // are not simulated.
    std::erase_if(plan_.streamlets, [](const auto& s) {
      return s.name == "http-ingress" || s.name == "message-printer";
    });
  }
  ~log_processor() { fs::remove_all(directory_); }

  outcome run(std::uint64_t steps_between_crashes, std::uint64_t& crashes) {
    cloudflow::testkit::simulation sim{
        plan_,
        [this](const std::string& name) { return app_->definition_of(name); },
        {.seed = seed_, .steps_between_crashes = steps_between_crashes}};
    announce(sim);
    const auto done = sim.run_to_end(100'000);
    EXPECT_TRUE(done) << done.error().message;
    crashes = sim.crashes();
    return look_at(sim);
  }

private:
  static std::string logs() { return CLOUDFLOW_SOURCE_DIR "/examples/log-processor/testdata/logs"; }

  void announce(cloudflow::testkit::simulation& sim) {
    auto& log = sim.log();
    const auto* topic = plan_.find_topic("log-key");
    ASSERT_TRUE(log.ensure_topic(
        {.name = topic->name,
         .partitions = 1,
         .properties = {},
         .base_schema = std::string{cloudflow::codec<data::log_key>::fingerprint}}));
    cloudflow::record_buffer keys;
    std::vector<std::string> files;
    for (const auto& f : fs::directory_iterator{logs()})
      files.push_back(f.path().filename().string());
    std::sort(files.begin(), files.end());
    for (const auto& f : files) {
      cloudflow::byte_writer w;
      const data::log_key k{"11111111-1111-1111-1111-111111111111", f, app_name(f)};
      cloudflow::codec<data::log_key>::encode(k, w);
      keys.append(k.app, w.view());
    }
    cloudflow::pubsub::transaction t;
    t.outputs.push_back({topic->name, partition_id{0}, &keys});
    ASSERT_TRUE(log.open_producer({.transactional_id = "test"}).value()->commit(t));
  }

  outcome look_at(cloudflow::testkit::simulation& sim) {
    outcome o;
    each<data::log_stats>(sim, "log-stat", [&](const data::log_stats::view& s) {
      o.windows[{std::string{s.app}, s.windowstart.time_since_epoch().count()}] = {
          s.num_logs, s.num_errors, s.flag_errors};
    });
    each<data::log_message>(sim, "valid-logs", [&](const data::log_message::view& m) {
      const auto [at, is_new] =
          o.messages.emplace(std::tuple{std::string{m.source}, m.line}, m.message);
      EXPECT_TRUE(is_new) << "twice: " << m.source << " line " << m.line;
    });
    for (const auto& f : fs::directory_iterator{directory_ + "/outbox"}) {
      std::stringstream content;
      content << std::ifstream{f.path()}.rdbuf();
      o.mails[f.path().filename().string()] = content.str();
    }
    return o;
  }
  template <class T, class F>
  static void each(cloudflow::testkit::simulation& sim, const std::string& topic, F f) {
    const auto info = sim.log().topic(topic).value();
    for (std::int32_t p = 0; p != static_cast<std::int32_t>(info.partitions.size()); ++p) {
      for (record_offset next{0};;) {
        const auto batch = sim.log().read({topic, partition_id{p}}, next, {}).value();
        if (batch.empty()) break;
        for (const auto& r : batch.records()) {
          cloudflow::view_of<T> v{};
          ASSERT_TRUE(cloudflow::codec<T>::decode(r.value, v));
          f(v);
        }
        next = batch.records().back().offset + 1;
      }
    }
  }

  std::uint64_t seed_;
  std::string directory_;
  std::unique_ptr<cloudflow::sandbox::project> app_;
  cloudflow::blueprint::plan plan_;
};

TEST(log_processor, gives_the_same_results_whenever_the_power_fails) {
  std::uint64_t crashes = 0, all_crashes = 0;
  const auto undisturbed = log_processor{1}.run(0, crashes);
  EXPECT_EQ(crashes, 0u);
  EXPECT_FALSE(undisturbed.windows.empty());
  EXPECT_FALSE(undisturbed.mails.empty());
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const auto disturbed = log_processor{seed}.run(8, crashes);
    EXPECT_TRUE(disturbed == undisturbed) << "seed " << seed;
    all_crashes += crashes;
  }
  EXPECT_GT(all_crashes, 8u);
  RecordProperty("crashes", static_cast<int>(all_crashes));
}

}  // namespace
}  // namespace logproc
