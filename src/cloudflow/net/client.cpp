#include "cloudflow/net/client.hpp"

#include "cloudflow/net/internal/transfer.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::net {

namespace {

using detail::error_of, detail::lane, detail::prepared_request, detail::transfer;

constexpr std::size_t most_idle_lanes = 8;

/// Once in a process, and never undone: other libraries may use libcurl as well.
void initialize_libcurl() {
  static const auto code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::bad_alloc{};
}

}  // namespace

/// The lanes that no call has at the moment.
class client::lanes {
public:
  /// One that has served the same key, the last one, whose connections are the freshest; or anew.
  std::unique_ptr<lane> take(const std::string& key) {
    {
      const std::lock_guard lock{mutex_};
      const auto found = std::ranges::find(idle_.rbegin(), idle_.rend(), key,
                                           [](const auto& one) { return one->key; });
      if (found != idle_.rend()) {
        auto taken = std::move(*found);
        idle_.erase(std::next(found).base());
        return taken;
      }
    }
    auto made = std::make_unique<lane>();
    made->key = key;
    return made;
  }
  void give_back(std::unique_ptr<lane> used) {
    std::unique_ptr<lane> oldest;  // ends behind the lock: closing takes a while
    const std::lock_guard lock{mutex_};
    idle_.push_back(std::move(used));
    if (idle_.size() <= most_idle_lanes) return;
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }

private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<lane>> idle_;
};

client::client() {
  initialize_libcurl();
  lanes_ = std::make_unique<lanes>();
}

client::~client() = default;

result<response> client::send(const request& what, const std::stop_token& stop) {
  return exchange(what, stop, nullptr);
}

result<response> client::stream(const request& what, const std::stop_token& stop,
                                const body_receiver& receive) {
  return exchange(what, stop, &receive);
}

result<response> client::exchange(const request& what, const std::stop_token& stop,
                                  const body_receiver* receive) {
  if (stop.stop_requested()) return error_of({errc::cancelled, {}}, what, {});
  auto server = CLOUDFLOW_TRY(url::parse(what.url));
  auto prepared = prepared_request::of(what, std::move(server));
  if (!prepared) return error_of({prepared.error().code, prepared.error().message}, what, {});
  auto used = lanes_->take(prepared->key());
  auto answer = transfer{*used, *prepared, receive, stop}.run();
  lanes_->give_back(std::move(used));
  return answer;
}

}  // namespace cloudflow::net
