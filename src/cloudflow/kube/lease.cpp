#include "cloudflow/kube/lease.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/kube/back_off.hpp"
#include "cloudflow/kube/internal/rfc3339.hpp"

#include <algorithm>
#include <utility>

namespace cloudflow::kube {

namespace {

const resource leases{.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};

std::int64_t number_in(const object& found, const char* pointer, std::int64_t otherwise) {
  const auto& number = found.at(pointer);
  return number.is_number_integer() ? number.get<std::int64_t>() : otherwise;
}

}  // namespace

std::chrono::nanoseconds lease::left() const {
  const std::lock_guard lock{mutex_};
  return std::max(held_until_ - time_.monotonic(), std::chrono::nanoseconds{0});
}

std::string lease::holder() const {
  const std::lock_guard lock{mutex_};
  return observed_.holder;
}

/// The lease as it will be when this process holds it.
object lease::with_us(object from) const {
  const auto now = internal::to_micro_time(time_.now());
  const bool is_ours = from.text("/spec/holderIdentity") == how_.identity;
  const auto transitions =
      number_in(from, "/spec/leaseTransitions", 0) + (is_ours || from.uid().empty() ? 0 : 1);
  auto& json = from.json();
  json["apiVersion"] = leases.api_version();
  json["kind"] = "Lease";
  json["metadata"]["namespace"] = how_.key.name_space;
  json["metadata"]["name"] = how_.key.name;
  auto& spec = json["spec"];
  spec["holderIdentity"] = how_.identity;
  spec["leaseDurationSeconds"] = how_.duration.count();
  spec["renewTime"] = now;
  if (!is_ours || !spec.contains("acquireTime")) spec["acquireTime"] = now;
  spec["leaseTransitions"] = transitions;
  return from;
}

void lease::observe(const object& found, std::chrono::nanoseconds now) {
  const std::lock_guard lock{mutex_};
  if (observed_.resource_version != found.resource_version() || observed_.since == now.zero()) {
    observed_.resource_version = found.resource_version();
    observed_.since = now;
  }
  observed_.holder = found.text("/spec/holderIdentity");
  observed_.duration =
      std::chrono::seconds{number_in(found, "/spec/leaseDurationSeconds", how_.duration.count())};
  if (observed_.holder != how_.identity) held_until_ = {};
}

/// What has become of an attempt to store ourselves as the holder.
result<bool> lease::settle(result<object> stored, std::chrono::nanoseconds sent) {
  if (!stored) {
    const auto code = stored.error().code;
    last_ = {};  // to be read anew
    // Another one was faster.
    if (code == errc::conflict || code == errc::already_exists || code == errc::not_found)
      return is_held();
    return std::move(stored).error();
  }
  last_ = std::move(stored).value();
  observe(last_, sent);
  const std::lock_guard lock{mutex_};
  held_until_ = sent + how_.duration;
  return true;
}

result<bool> lease::hold(const std::stop_token& stop) {
  const std::lock_guard one_at_a_time{calls_};
  if (last_.resource_version().empty() || !is_held()) {
    auto found = api_.get(leases, how_.key, stop);
    if (!found && found.error().code != errc::not_found) return std::move(found).error();
    if (!found) {
      const auto sent = time_.monotonic();
      return settle(api_.create(leases, with_us({}), {}, stop), sent);
    }
    last_ = std::move(found).value();
    observe(last_, time_.monotonic());
  }
  const auto sent = time_.monotonic();
  {
    const std::lock_guard lock{mutex_};
    const bool is_anothers = !observed_.holder.empty() && observed_.holder != how_.identity;
    if (is_anothers && sent < observed_.since + observed_.duration) return false;
  }
  return settle(api_.replace(leases, with_us(last_), {}, stop), sent);
}

result<void> lease::release() {
  const std::lock_guard one_at_a_time{calls_};
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(held_until_, {}) <= time_.monotonic()) return {};
  }
  if (last_.resource_version().empty()) {  // the last renewal has failed
    last_ = CLOUDFLOW_TRY(api_.get(leases, how_.key));
    if (last_.text("/spec/holderIdentity") != how_.identity) return {};
  }
  auto given_back = last_;
  // The API refuses a duration of zero.
  given_back.json()["spec"]["holderIdentity"] = nullptr;
  given_back.json()["spec"]["leaseDurationSeconds"] = 1;
  last_ = {};
  auto stored = api_.replace(leases, given_back);
  if (!stored && stored.error().code != errc::conflict) return std::move(stored).error();
  return {};
}

namespace {

/// A stop that comes by itself after some time, if no other one comes before.
class stop_within {
public:
  stop_within(std::chrono::milliseconds time, const std::stop_token& other)
    : other_(other, [this] { over_.request_stop(); }),
      timer_([this, time](const std::stop_token& done) {
        wait_for(time, done);
        if (!done.stop_requested()) over_.request_stop();
      }) {}
  std::stop_token token() const { return over_.get_token(); }

private:
  std::stop_source over_;
  std::stop_callback<std::function<void()>> other_;
  std::jthread timer_;
};

/// Renews until it is lost, or a stop is requested. Whether it was lost. A request that hangs is
/// given up in time.
bool renew(lease& held, const leader_options& how, const logger& log, const std::stop_token& stop) {
  using std::chrono::steady_clock, std::chrono::milliseconds;
  auto must_renew_by = steady_clock::now() + how.renew_within;
  for (;;) {
    wait_for(how.every, stop);
    if (stop.stop_requested()) return false;
    const auto sent = steady_clock::now();
    const auto left = std::chrono::floor<milliseconds>(must_renew_by - sent);
    if (left <= milliseconds{0}) return true;
    const stop_within bound{left, stop};
    const auto renewed = held.hold(bound.token());
    if (renewed && !*renewed) return true;
    if (renewed) must_renew_by = sent + how.renew_within;
    if (!renewed && !stop.stop_requested()) log.warn("{}", renewed.error().message);
  }
}

void acquire(lease& wanted, const leader_options& how, const logger& log,
             const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto got = wanted.hold(stop);
    if (got && *got) return;
    if (!got && !stop.stop_requested()) log.warn("{}", got.error().message);
    wait_for(how.every, stop);
  }
}

}  // namespace

bool lead_while_held(lease& held, const leader_options& how, const logger& log,
                     const std::stop_token& stop,
                     const std::function<void(const std::stop_token&)>& lead) {
  acquire(held, how, log, stop);
  if (stop.stop_requested() && !held.is_held()) return false;
  std::stop_source over;
  const std::stop_callback ends{stop, [&] { over.request_stop(); }};
  bool is_lost = false;
  {
    const auto leading = named_thread("kube-leader", [&] {
      lead(over.get_token());
      over.request_stop();
    });
    is_lost = renew(held, how, log, over.get_token());
    over.request_stop();
  }
  if (is_lost) {
    log.warn("the lease is lost");
  } else if (const auto released = held.release(); !released) {
    log.warn("{}", released.error().message);
  }
  return is_lost;
}

}  // namespace cloudflow::kube
