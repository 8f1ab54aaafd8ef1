/// What a task keeps of its sources when its operator chain is built anew: the source itself, so
/// that a server goes on to listen, and what it has emitted that is not committed yet.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace cloudflow::flow {

/// One source of a task. Confined to the task's thread.
class source_memory {
public:
  virtual ~source_memory() = default;
  /// A commit begins: it takes what has been processed so far.
  virtual void saved() = 0;
  /// The commit is durable.
  virtual void committed() = 0;
  /// Whether the commit is durable is not known: what it holds is not processed again.
  virtual void unknown() = 0;
  /// What is not committed was dropped: it will be processed again.
  virtual void dropped() = 0;
};

/// The sources of a task, in the order in which its pipelines mention them. Confined to one thread.
class source_registry {
public:
  /// Null: not there yet, or forgotten.
  source_memory* find(std::size_t index) const noexcept {
    return index < sources_.size() ? sources_[index].get() : nullptr;
  }
  source_memory& add(std::size_t index, std::unique_ptr<source_memory> added) {
    if (sources_.size() <= index) sources_.resize(index + 1);
    sources_[index] = std::move(added);
    return *sources_[index];
  }
  void saved() {
    each([](auto& s) { s.saved(); });
  }
  void committed() {
    each([](auto& s) { s.committed(); });
  }
  void unknown() {
    each([](auto& s) { s.unknown(); });
  }
  void dropped() {
    each([](auto& s) { s.dropped(); });
  }
  /// The sources themselves have failed: they are made anew. What they had emitted and was not
  /// committed is lost, and whoever waits for it is told so.
  void clear() noexcept { sources_.clear(); }

private:
  template <class F>
  void each(F f) {
    for (auto& s : sources_)
      if (s) f(*s);
  }
  std::vector<std::unique_ptr<source_memory>> sources_;
};

}  // namespace cloudflow::flow
