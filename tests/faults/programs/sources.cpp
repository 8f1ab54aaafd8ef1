// Rows A2, A11, C7 and the rows C about a log under an ingress.
#include "cloudflow/connect/http/receive.hpp"
#include "programs/parts.hpp"
#include "programs/rows.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;
using cloudflow::flow::source_status;

/// Three records in its first poll, and then its end.
class three_at_once final : public cloudflow::source<item> {
public:
  source_status poll(cloudflow::emitter<item>& emit) override {
    if (is_done_) return source_status::ended;
    is_done_ = true;
    for (const char* name : {"a", "b", "c"}) emit(item{name, 0, {}, {}});
    return source_status::produced;
  }

private:
  bool is_done_ = false;
};

struct source_then_expand {
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> parts{"parts"};

  auto logic(const cloudflow::context&) const {
    return from(std::shared_ptr<cloudflow::source<item>>{std::make_shared<three_at_once>()})
        .expand(parts, in_parts{.count = 3})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a2_source =
    add_row<source_then_expand>("a2-source", one_source("source_then_expand"));

struct receive_then_expand {
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<progress> parts{"parts"};
  cloudflow::server_port server{};

  auto logic(const cloudflow::context& ctx) const {
    return cloudflow::http::receive<item>(ctx, server)
        .expand(parts, in_parts{.count = 100, .pause = 10ms})
        .on_error<hiccup>(ignore)
        .to(out);
  }
};
const bool has_a2_receive =
    add_row<receive_then_expand>("a2-receive", one_source("receive_then_expand"));

/// Three records, one each second, and then its end.
class ticks final : public cloudflow::source<item> {
public:
  void open(std::function<void()> wake) override {
    waker_ = std::jthread{[this, wake = std::move(wake)](const std::stop_token& stop) {
      for (due_ = 1; due_ <= 3 && !stop.stop_requested(); ++due_) {
        wake();
        std::this_thread::sleep_for(1s);
      }
    }};
  }
  source_status poll(cloudflow::emitter<item>& emit) override {
    if (sent_ == 3) return source_status::ended;
    if (sent_ >= due_) return source_status::idle;
    emit(item{"tick", sent_++, {}, {}});
    return source_status::produced;
  }

private:
  std::atomic<std::int64_t> due_{0};
  std::int64_t sent_ = 0;
  std::jthread waker_;
};

struct ticking {
  cloudflow::outlet<item> out{"out", key(&item::key)};

  auto logic(const cloudflow::context&) const {
    return from(std::shared_ptr<cloudflow::source<item>>{std::make_shared<ticks>()}).to(out);
  }
};
const bool has_a11 = add_row<ticking>("a11", one_source("ticking"));

// -- an ingress, and state behind it ---

struct ingress {
  cloudflow::outlet<item> out{"items", key(&item::key)};
  cloudflow::server_port server{};

  auto logic(const cloudflow::context& ctx) const {
    return cloudflow::http::receive<item>(ctx, server)
        .map([](item i) {
          if (i.text == "throw") throw std::runtime_error("this request is wrong");
          return i;
        })
        .to(out);
  }
};

struct counting {
  cloudflow::inlet<item> in{"items"};
  cloudflow::outlet<item> out{"totals", key(&item::key)};
  cloudflow::state<std::int64_t> counts{"counts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .key_by(&item::key)
        .fold(counts, [](std::int64_t& n, const item::view&) { ++n; })
        .map([](const cloudflow::keyed<std::string, std::int64_t>& k) {
          return item{k.key, k.value, {}, {}};
        })
        .to(out);
  }
};
const bool has_counts = add_row<ingress, counting>("counts", R"(blueprint {
  streamlets { ingress = faults.ingress, counting = faults.counting }
  topics {
    items { producers = [ingress.items], consumers = [counting.items] }
    totals { producers = [counting.totals] }
  }
})");

struct passing {
  cloudflow::inlet<item> in{"items"};
  cloudflow::outlet<item> out{"out", key(&item::key)};

  auto logic(const cloudflow::context&) const {
    return from(in).filter([](const item::view& i) { return i.n >= 0; }).to(out);
  }
};
const bool has_passing = add_row<ingress, passing>("passing", R"(blueprint {
  streamlets { ingress = faults.ingress, s = faults.passing }
  topics {
    items { producers = [ingress.items], consumers = [s.items] }
    out { producers = [s.out] }
  }
})");

}  // namespace faults
