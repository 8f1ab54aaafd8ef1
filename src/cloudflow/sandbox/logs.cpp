#include "cloudflow/sandbox/logs.hpp"

#include "cloudflow/pubsub/kafka/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;
constexpr auto first_pause = 500ms, longest_pause = 10'000ms, look_every = 20ms;

/// What a place is called in a path.
std::string directory_of(const std::string& place) {
  std::string name;
  for (const char c : place)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
  return name;
}

pubsub::kafka::options session_options(const blueprint::plan& plan, const std::string& place,
                                       const log_options& how) {
  pubsub::kafka::options out;
  out.name = place;
  out.application = plan.prefix + plan.app_id;
  if (!how.kafka.empty()) out.state_directory = how.kafka / directory_of(place);
  out.log = how.log_lines.named("kafka");
  for (const auto& t : plan.topics) {
    if (t.place != place) continue;
    out.connection = t.connection;
    out.replication = std::max(out.replication, static_cast<std::int16_t>(t.replicas));
    // A worker has one producer for all its topics.
    for (const auto& [name, value] : t.producer) {
      const auto& taken = out.producer.try_emplace(name, value).first->second;
      if (taken != value)
        how.log_lines.warn(
            "topic {}: producer-config {} = {} is not used: another topic of {} has {}", t.id, name,
            value, place, taken);
    }
  }
  return out;
}

/// Where the state of a streamlet is: where its input comes from, or else its output goes.
const std::string& home_of(const blueprint::plan& plan, const blueprint::streamlet_plan& s) {
  static const std::string embedded;
  const auto& ports = s.inlets.empty() ? s.outlets : s.inlets;
  return ports.empty() ? embedded : plan.find_topic(ports.front().topic_id)->place;
}

std::set<std::string> places_of(const blueprint::plan& plan) {
  std::set<std::string> places;
  for (const auto& t : plan.topics) places.insert(t.place);
  for (const auto& s : plan.streamlets) places.insert(home_of(plan, s));
  return places;
}

/// Waits, in small steps. False when it is time to stop.
bool wait_out(std::chrono::milliseconds pause, const std::function<bool()>& must_stop) {
  for (auto waited = 0ms; waited < pause && !must_stop(); waited += look_every)
    std::this_thread::sleep_for(look_every);
  return !must_stop();
}

pubsub::result<std::unique_ptr<pubsub::backend>> connect(const pubsub::kafka::options& cluster,
                                                         const log_options& how,
                                                         const clock& time) {
  std::string said;
  for (auto pause = first_pause;; pause = std::min(2 * pause, longest_pause)) {
    auto opened = pubsub::kafka::open(cluster, time);
    if (opened || !how.must_stop) return opened;
    if (opened.error().message != said)
      how.log_lines.error("{}; tries again until it works", opened.error().message);
    said = opened.error().message;
    if (!wait_out(pause, how.must_stop))
      return pubsub::error{pubsub::errc::unavailable, "stopped before a cluster could be reached"};
  }
}

}  // namespace

pubsub::result<std::unique_ptr<logs>> logs::open(const blueprint::plan& plan,
                                                 const log_options& how, const clock& time) {
  auto made = std::make_unique<logs>();
  std::map<std::string, pubsub::backend*> at;
  for (const auto& place : places_of(plan)) {
    if (place.empty()) {
      pubsub::embedded::options embedded;
      embedded.directory = how.embedded;
      embedded.disk_bound = how.disk_bound;
      embedded.read_only = how.is_read_only;
      auto log = pubsub::embedded::open(embedded, time);
      if (!log) return std::move(log).error();
      made->embedded_ = log->get();
      made->sessions_.push_back(std::move(log).value());
    } else {
      auto session = connect(session_options(plan, place, how), how, time);
      if (!session) return std::move(session).error();
      made->sessions_.push_back(std::move(session).value());
    }
    at[place] = made->sessions_.back().get();
  }
  if (made->sessions_.size() == 1) return made;
  pubsub::routes where;
  for (const auto& session : made->sessions_) where.logs.push_back(session.get());
  for (const auto& t : plan.topics) where.topics[t.name] = at.at(t.place);
  for (const auto& s : plan.streamlets) where.streamlets[s.name] = at.at(home_of(plan, s));
  made->routed_.emplace(std::move(where));
  return made;
}

}  // namespace cloudflow::sandbox
