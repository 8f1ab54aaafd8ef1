// Rows A3, A6, A7, A12, B6, C9 and C16: what an author's function does to its process.
#include "cloudflow/connect/http/receive.hpp"
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <thread>

namespace faults {

using namespace std::chrono_literals;
using cloudflow::key;

/// Does what the record's text says; `n` is for how many milliseconds.
inline bool act(const item::view& i) {
  if (i.text.starts_with("sleep")) std::this_thread::sleep_for(std::chrono::milliseconds{i.n});
  if (i.text == "print") {
    std::puts("printed");
    std::fflush(stdout);
  }
  if (i.text == "throw 42") throw 42;
  if (i.text.ends_with("crash")) std::raise(SIGSEGV);  // a sanitizer would end it otherwise
  volatile bool is_endless = i.text == "loop";
  while (is_endless) {
  }
  return true;
}

struct acting {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  auto logic(const cloudflow::context&) const { return from(in).filter(act).to(out); }
};
struct neighbour {
  cloudflow::inlet<item> in{"beside"};
  cloudflow::outlet<item> out{"beside-out", key(&item::key)};
  auto logic(const cloudflow::context&) const { return from(in).to(out); }
};
const bool has_acts = add_row<acting, neighbour>("acts", R"(blueprint {
  streamlets { s = faults.acting, neighbour = faults.neighbour }
  topics {
    in { consumers = [s.in] }
    out { producers = [s.out] }
    beside { consumers = [neighbour.beside] }
    beside-out { producers = [neighbour.beside-out] }
  }
})");

struct ingress_beside {
  cloudflow::outlet<item> out{"beside", key(&item::key)};
  cloudflow::server_port server{};
  auto logic(const cloudflow::context& ctx) const {
    return cloudflow::http::receive<item>(ctx, server).to(out);
  }
};
const bool has_neighbours = add_row<acting, neighbour, ingress_beside>("neighbours", R"(blueprint {
  streamlets {
    s = faults.acting
    ingress = faults.ingress_beside
    neighbour = faults.neighbour
  }
  topics {
    in { consumers = [s.in] }
    out { producers = [s.out] }
    beside { producers = [ingress.beside], consumers = [neighbour.beside] }
    beside-out { producers = [neighbour.beside-out] }
  }
})");

struct bad_window {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::state<std::int64_t> sums{"sums"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .event_time(&item::at, cloudflow::in_order)
        .key_by(&item::key)
        .window(cloudflow::tumbling{1min})
        .fold(sums, [](std::int64_t& sum, const item::view& i) { sum += i.n; })
        .map([](const cloudflow::windowed<std::string, std::int64_t>& w) {
          if (w.value < 0) throw std::runtime_error("a sum below zero");
          return item{w.key, w.value, w.window.start, {}};
        })
        .to(out);
  }
};
const bool has_a3 = add_row<bad_window>("a3", one_streamlet("bad_window"));

struct refers_to_the_context {
  cloudflow::inlet<item> in{"in"};
  cloudflow::outlet<item> out{"out", key(&item::key)};
  cloudflow::parameter<std::int64_t> limit{"limit", "Numbers above this are passed on.", 10};

  auto logic(const cloudflow::context& ctx) const {
    return from(in).filter([&](const item::view& i) { return i.n > ctx[limit]; }).to(out);
  }
};
const bool has_b6 = add_row<refers_to_the_context>("b6", one_streamlet("refers_to_the_context"));

}  // namespace faults
