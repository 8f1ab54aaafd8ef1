/// The next operator of a chain, behind virtual functions: the only place of these tests that knows
/// what operators say to each other besides records.
#pragma once

#include "authors.hpp"

#include <memory>
#include <utility>

namespace cloudflow::pipelines {

class any_next {
public:
  template <class Chain>
  explicit any_next(Chain chain) : next_(std::make_unique<of<Chain>>(std::move(chain))) {}

  flow::step operator()(const item& x, const record_info& i) { return next_->take(x, i); }
  template <class Signal>
  void on(Signal& s) {
    next_->on(s);
  }

private:
  struct base {
    virtual ~base() = default;
    virtual flow::step take(const item& x, const record_info& i) = 0;
    virtual void on(flow::signals::watermark& s) = 0;
    virtual void on(flow::signals::resume& s) = 0;
    virtual void on(flow::signals::tick& s) = 0;
    virtual void on(flow::signals::moved& s) = 0;
    virtual void on(flow::signals::idle& s) = 0;
    virtual void on(flow::signals::moved_idle& s) = 0;
    virtual void on(flow::signals::finish& s) = 0;
    virtual void on(flow::signals::save& s) = 0;
    virtual void on(flow::signals::load& s) = 0;
    virtual void on(flow::signals::committed& s) = 0;
  };
  template <class Chain>
  struct of final : base {
    Chain chain;
    explicit of(Chain c) : chain(std::move(c)) {}
    flow::step take(const item& x, const record_info& i) override { return chain(x, i); }
    void on(flow::signals::watermark& s) override { chain.on(s); }
    void on(flow::signals::resume& s) override { chain.on(s); }
    void on(flow::signals::tick& s) override { chain.on(s); }
    void on(flow::signals::moved& s) override { chain.on(s); }
    void on(flow::signals::idle& s) override { chain.on(s); }
    void on(flow::signals::moved_idle& s) override { chain.on(s); }
    void on(flow::signals::finish& s) override { chain.on(s); }
    void on(flow::signals::save& s) override { chain.on(s); }
    void on(flow::signals::load& s) override { chain.on(s); }
    void on(flow::signals::committed& s) override { chain.on(s); }
  };
  std::unique_ptr<base> next_;
};

/// A part of a chain: what `apply` makes of a stream of items, in front of `next`.
template <class Apply>
any_next bound(Apply apply, any_next next, flow::wiring& w) {
  auto s = apply(stream<item, errors<>, detail::branch_source<true, false>>{{}});
  return any_next{s.chain(std::move(next), w)};
}
template <class Apply>
any_next bound_end(Apply apply, flow::wiring& w) {
  auto s = apply(stream<item, errors<>, detail::branch_source<true, false>>{{}});
  return any_next{s.chain(detail::end{&w.out().counted}, w)};
}

}  // namespace cloudflow::pipelines
