#include "cloudflow/runtime/chain_driver.hpp"

#include "cloudflow/pubsub/record_limit.hpp"

#include <algorithm>
#include <utility>

namespace cloudflow::runtime {

chain_driver::chain_driver(surroundings s)
  : at_(std::move(s)), stores_(*at_.streamlet, partition_id{at_.partition}) {
  for (const auto& outlet : at_.streamlet->outlets) {
    outlet_limits_.push_back(outlet.record_limit);
    changes_.outputs.emplace_back(outlet.partitions, outlet.schema_header);
  }
  quarantine_suspects();
}

/// Records that are known to end the process: an operator may have taken one over already, and no
/// source gives it again.
void chain_driver::quarantine_suspects() {
  for (const auto& c : at_.streamlet->suspects)
    for (std::size_t i = 0; c.is_found() && i != at_.streamlet->inlets.size(); ++i)
      quarantine_.add({.what = flow::origin_kind::inlet,
                       .index = i,
                       .topic = c.topic,
                       .partition = c.partition,
                       .offset = record_offset{c.first}},
                      c.reason());
}

void chain_driver::build() {
  const auto& of = *at_.streamlet;
  for (std::size_t i = 0; i != changes_.outputs.size(); ++i)
    changes_.outputs[i].set_limit(of.outlets[i].topic, outlet_limits_[i]);
  const auto has_sources = at_.has_source_functions;
  chain_ = of.definition->start(of.where,
                                {.out = &changes_,
                                 .stores = &stores_,
                                 .time = at_.time,
                                 .wake = has_sources ? at_.wake : nullptr,
                                 .sources = has_sources ? &author_sources_ : nullptr,
                                 .bad = &quarantine_,
                                 .must_leave = at_.must_leave,
                                 .repartitions = of.repartitions,
                                 .partition = at_.partition,
                                 .is_partitioned = std::ranges::any_of(
                                     of.inlets, [](const auto& in) { return in.partitions > 1; }),
                                 .idle_timeout = of.plan->idle_timeout});
  idleness_.clear();
  if (!of.repartitions.empty())
    for (std::size_t i = 0; i != of.inlets.size(); ++i)
      idleness_.emplace_back(i, of.plan->idle_timeout);
  is_suspended_ = chain_->load() == flow::step::suspended;
}

void chain_driver::halt() {
  chain_.reset();
  changes_.clear();
  changes_.count = {};
  is_suspended_ = false;
  waits_for_clock_ = false;
}

void chain_driver::rewind() {
  author_sources_.dropped();
  quarantine_.dropped();
}

// -- steps ----------------------------------------------------------------------------------------

void chain_driver::tick(timestamp now) {
  const auto ticked = chain_->tick(now);
  waits_for_clock_ = ticked.is_waiting;
  note(ticked.result);
}

void chain_driver::resume(std::size_t most_bytes) {
  do {
    is_suspended_ = chain_->resume() == flow::step::suspended;
  } while (is_suspended_ && !at_.must_leave->load(std::memory_order_relaxed) &&
           changes_.byte_size() < most_bytes);
}

std::size_t chain_driver::run(const flow::batch& records) {
  const auto ran = chain_->run(records);
  note(ran.result);
  return ran.processed;
}

bool chain_driver::poll() {
  if (!at_.has_source_functions) return false;
  const auto polled = chain_->poll();
  waits_for_clock_ |= polled.status == flow::source_status::idle;
  note(polled.result);
  return polled.status == flow::source_status::produced;
}

void chain_driver::finish() { note(chain_->finish()); }

void chain_driver::mark_idle_inlets(timestamp now, idleness_monitor::sources of_task) {
  for (std::size_t i = 0; i != idleness_.size(); ++i)
    if (idleness_[i].is_idle(now, of_task, *at_.streamlet->log)) chain_->mark_idle(i);
}

// -- what it has done -----------------------------------------------------------------------------

void chain_driver::save(flow::changes& into) {
  chain_->save();
  changes_.hand_over(into);
  author_sources_.saved();
  quarantine_.saved();
}

void chain_driver::committed() {
  author_sources_.committed();
  quarantine_.committed();
  if (chain_) chain_->committed();
}

void chain_driver::outcome_unknown() { author_sources_.unknown(); }

bool chain_driver::has_raised_limit() {
  bool has_risen = false;
  for (std::size_t i = 0; i != outlet_limits_.size(); ++i) {
    if (!changes_.outputs[i].has_refused()) continue;
    const auto info = at_.streamlet->log->topic(at_.streamlet->outlets[i].topic);
    if (!info) continue;
    const auto limit = record_limit_of(info->spec);
    has_risen |= std::exchange(outlet_limits_[i], limit) < limit;
  }
  return has_risen;
}

}  // namespace cloudflow::runtime
