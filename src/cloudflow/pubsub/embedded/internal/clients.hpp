/// What the log hands out to read and to write.
#pragma once

#include "cloudflow/pubsub/at_once.hpp"
#include "cloudflow/pubsub/embedded/internal/committer.hpp"
#include "cloudflow/pubsub/embedded/internal/reader.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::pubsub::embedded {

class embedded_producer final : public producer_at_once {
public:
  embedded_producer(committer& log, committer::identity owner)
    : log_(log), owner_(std::move(owner)) {}
  result<void> commit(const transaction& changes) override { return log_.commit(owner_, changes); }

private:
  committer& log_;
  committer::identity owner_;
};

/// The one member of its group: it has all partitions of its topics from the first
/// poll_assignments() on.
class embedded_consumer final : public consumer {
public:
  static result<std::unique_ptr<consumer>> open(const consumer_options& wanted, const storage& disk,
                                                const topic_table& topics);
  ~embedded_consumer() override;

  result<std::vector<assignment>> poll_assignments() override;
  result<record_batch> fetch(const topic_partition& source, fetch_limits limits) override;
  result<void> seek(const topic_partition& source, record_offset next) override;
  result<record_offset> end_offset(const topic_partition& source) const override;
  void release(const topic_partition& source) override;
  bool has_joined() const override { return true; }
  std::string why_not_joined() const override { return {}; }

private:
  struct assigned {
    partition_log* partition;
    partition_reader reader;
  };

  explicit embedded_consumer(const consumer_options& wanted)
    : group_(wanted.group), waker_(std::make_shared<waker>(wanted.on_ready)) {}
  result<void> join(topic_state& topic, const storage& disk, consumer_options::start start);
  error not_assigned(const topic_partition& source) const;

  const std::string group_;
  const std::shared_ptr<waker> waker_;
  std::vector<topic_state*> joined_;
  std::map<topic_partition, assigned> sources_;
  bool is_announced_ = false;
};

}  // namespace cloudflow::pubsub::embedded
