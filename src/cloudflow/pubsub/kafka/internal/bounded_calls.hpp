/// Calls of librdkafka that may never return: what waits for them does not wait for ever.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace cloudflow::pubsub::kafka {

/// How long the calls of a session may take, and how many have not returned. Thread-safe.
class call_limits {
public:
  /// So many calls may be abandoned at a time. Each holds a client of librdkafka with its threads
  /// and its memory; with more, only a new process can go on.
  static constexpr int most_abandoned = 8;

  int abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed); }
  bool are_too_many_abandoned() const noexcept { return abandoned() > most_abandoned; }

  /// What is left of the time that the ends of this session's clients may take, all together: so a
  /// process ends in time whatever does not answer. It is there again when nothing has ended for a
  /// minute.
  std::chrono::milliseconds patience_at_end() const;
  void note_waited_at_end(std::chrono::milliseconds waited);

private:
  friend class call_thread;

  std::atomic<int> abandoned_ = 0;
  mutable std::mutex mutex_;  ///< guards the next two
  std::chrono::milliseconds waited_{0};
  std::chrono::steady_clock::time_point waited_until_;
};

/// A thread for calls that may never return, one at a time.
///
/// A call that has not returned in time is abandoned: its thread is left behind and counted. The
/// call owns whatever it touches, so nothing dangles; when it returns after all, its result is
/// dropped, and its thread ends. Everything that is to be run here afterwards is refused.
///
/// Concurrency: one caller at a time. The thread starts with the first call.
class call_thread {
public:
  /// `name`: of the thread, 15 characters at most; it lives as long as the program.
  call_thread(const char* name, std::shared_ptr<call_limits> limits)
    : name_(name), limits_(std::move(limits)) {}
  call_thread(const call_thread&) = delete;
  call_thread& operator=(const call_thread&) = delete;
  /// Never blocks: there is no call under way but an abandoned one.
  ~call_thread();

  /// What `call` returns. None: it has been abandoned after `patience`; or sooner, when `stop` was
  /// requested and call_limits::patience_at_end() has passed; or an earlier one has been.
  template <class Call>
  auto run(Call call, std::chrono::milliseconds patience, const std::stop_token& stop = {})
      -> std::optional<std::invoke_result_t<Call&>> {
    auto wrapped = std::make_shared<job_of<Call>>(std::move(call));
    if (!wait_for(wrapped, patience, stop)) return std::nullopt;
    return std::move(wrapped->result);
  }

  bool has_abandoned() const noexcept { return has_abandoned_; }

private:
  struct job {
    virtual ~job() = default;
    virtual void run() = 0;
  };
  template <class Call>
  struct job_of final : job {
    explicit job_of(Call wrapped) : call(std::move(wrapped)) {}
    void run() override { result.emplace(call()); }

    Call call;
    std::optional<std::invoke_result_t<Call&>> result;
  };
  struct shared;

  bool wait_for(const std::shared_ptr<job>& what, std::chrono::milliseconds patience,
                const std::stop_token& stop);
  bool start();
  static void serve(const std::shared_ptr<shared>& with);

  const char* const name_;
  const std::shared_ptr<call_limits> limits_;
  std::shared_ptr<shared> shared_;  ///< with the thread, which is detached; null: not started
  bool has_abandoned_ = false;
};

}  // namespace cloudflow::pubsub::kafka
