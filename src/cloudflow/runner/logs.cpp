#include "cloudflow/runner/logs.hpp"

#include "cloudflow/pubsub/secret_properties.hpp"
#include "cloudflow/runner/waiting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace cloudflow::runner {

namespace {

using namespace std::chrono_literals;
constexpr auto first_pause = 500ms, longest_pause = 10'000ms;
constexpr auto longest_disk_pause = 5'000ms;

/// What a place is called in a path.
std::string directory_of(const std::string& place) {
  std::string name;
  for (const char c : place)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
  return name;
}

pubsub::cluster_options session_options(const blueprint::plan& plan,
                                        const blueprint::secret_texts& secrets,
                                        const std::string& place, const log_options& how) {
  pubsub::cluster_options out;
  out.name = place;
  out.application = plan.prefix + plan.app_id;
  if (!how.kafka.empty()) out.state_directory = how.kafka / directory_of(place);
  out.log = how.log_lines.named("kafka");
  out.must_stop = how.must_stop;
  for (const auto& t : plan.topics) {
    if (t.cluster_key != place) continue;
    out.connection = texts_of(t.connection, secrets);
    out.replication = std::max(out.replication, static_cast<std::int16_t>(t.replicas));
    // A worker has one producer for all its topics.
    for (const auto& [name, value] : texts_of(t.producer, secrets)) {
      const auto& taken = out.producer.try_emplace(name, value).first->second;
      if (taken == value) continue;
      const bool is_secret = pubsub::is_secret_property(name);
      how.log_lines.warn(
          "topic {}: producer-config {} = {} is not used: another topic of {} has {}", t.id, name,
          is_secret ? "***" : value, place, is_secret ? "another one" : taken);
    }
  }
  return out;
}

std::set<std::string> cluster_keys_of(const blueprint::plan& plan) {
  std::set<std::string> places;
  for (const auto& t : plan.topics) places.insert(t.cluster_key);
  for (const auto& s : plan.streamlets) places.insert(s.state_cluster_key);
  return places;
}

pubsub::result<std::unique_ptr<pubsub::backend>> connect(const pubsub::cluster_options& cluster,
                                                         const log_options& how,
                                                         const clock& time) {
  if (how.open_kafka == nullptr)
    return pubsub::error{
        pubsub::errc::unsupported,
        fmt::format("{}: this program is built without Kafka. Add BACKENDS kafka to its "
                    "cloudflow_application() in CMakeLists.txt, and build it again.",
                    cluster.name.empty() ? "the default cluster" : "cluster " + cluster.name)};
  std::string said;
  for (waiting between{first_pause, longest_pause, how.must_stop};;) {
    auto opened = how.open_kafka(cluster, time);
    if (opened || !how.must_stop) return opened;
    if (opened.error().message != said)
      how.log_lines.error("tries again until it works: {}", opened.error().message);
    said = opened.error().message;
    if (!between.wait())
      return pubsub::error{pubsub::errc::failed, "stopped before a cluster could be reached"};
  }
}

/// Opens the embedded log. What may pass (a disk without room, writes that fail, another process
/// that looks into the log) is waited for, if there is somebody to say when to stop.
pubsub::result<std::unique_ptr<pubsub::embedded::log>> open_embedded(const log_options& how,
                                                                     const clock& time) {
  pubsub::embedded::options embedded;
  embedded.directory = how.embedded;
  embedded.disk_bound = how.disk_bound;
  embedded.read_only = how.is_read_only;
  std::optional<pubsub::errc> said;  // once: the number of bytes in it changes all the time
  std::unique_ptr<pubsub::embedded::log> log;
  for (waiting between{first_pause, longest_disk_pause, how.must_stop};;) {
    std::optional<pubsub::error> problem;
    if (!log) {
      auto opened = pubsub::embedded::open(embedded, time);
      if (opened)
        log = std::move(opened).value();
      else
        problem = std::move(opened).error();
    }
    if (log && !how.is_read_only && how.must_stop) problem = log->lacks_room();
    if (!problem) return log;
    if (!problem->is_retriable() || !how.must_stop) return *std::move(problem);
    if (std::exchange(said, problem->code) != problem->code)
      how.log_lines.error("{} The application waits until that has passed.", problem->message);
    if (!between.wait())
      return pubsub::error{pubsub::errc::failed, "stopped before the log could be opened"};
  }
}

}  // namespace

pubsub::result<std::unique_ptr<logs>> logs::open(const blueprint::plan& plan,
                                                 const blueprint::secret_texts& secrets,
                                                 const log_options& how, const clock& time) {
  auto made = std::make_unique<logs>();
  std::map<std::string, pubsub::backend*> at;
  for (const auto& place : cluster_keys_of(plan)) {
    if (place.empty()) {
      auto log = CLOUDFLOW_TRY(open_embedded(how, time));
      made->embedded_ = log.get();
      made->sessions_.push_back(std::move(log));
    } else {
      auto session = CLOUDFLOW_TRY(connect(session_options(plan, secrets, place, how), how, time));
      made->sessions_.push_back(std::move(session));
    }
    at[place] = made->sessions_.back().get();
  }
  if (made->sessions_.size() == 1) return made;
  pubsub::routes where;
  for (const auto& session : made->sessions_) where.logs.push_back(session.get());
  for (const auto& t : plan.topics) where.topics[t.name] = at.at(t.cluster_key);
  for (const auto& s : plan.streamlets) where.streamlets[s.name] = at.at(s.state_cluster_key);
  made->routed_.emplace(std::move(where));
  return made;
}

}  // namespace cloudflow::runner
