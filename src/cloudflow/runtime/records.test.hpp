/// Puts records into a log, and looks at what came out.
#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "runtime_test_schemas/count.hpp"
#include "runtime_test_schemas/line.hpp"
#include "runtime_test_schemas/old_line.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cloudflow::runtime {

using runtimetest::count;
using runtimetest::line;
using runtimetest::old_line;

inline timestamp at(std::int64_t seconds) { return timestamp{std::chrono::seconds{seconds}}; }

class records_of_a_log {
protected:
  virtual ~records_of_a_log() = default;
  virtual pubsub::backend& test_log() = 0;

  template <class T>
  void send(const std::string& to, const std::vector<T>& records, std::int32_t partition = 0) {
    record_buffer buffer;
    for (const auto& r : records) append(buffer, r);
    send(to, buffer, partition);
  }
  void send(const std::string& to, const record_buffer& buffer, std::int32_t partition = 0) {
    auto producer = test_log().open_producer({.transactional_id = "test"});
    ASSERT_TRUE(producer);
    pubsub::transaction t;
    t.outputs.push_back({to, partition_id{partition}, &buffer});
    ASSERT_TRUE((*producer)->commit(t));
  }
  template <class T>
  static void append(record_buffer& to, const T& record) {
    byte_writer w;
    codec<T>::encode(record, w);
    to.append(record.app, w.view());
  }
  template <class T>
  std::vector<T> read(const std::string& from) {
    std::vector<T> all;
    each(from, [&](const record_view& r) {
      view_of<T> v{};
      EXPECT_TRUE(codec<T>::decode(r.value, v));
      all.push_back(codec<T>::own(v));
    });
    return all;
  }
  void each(const std::string& from, const std::function<void(const record_view&)>& f) {
    const auto info = test_log().topic(from);
    ASSERT_TRUE(info);
    for (std::size_t p = 0; p != info->partitions.size(); ++p) {
      const pubsub::topic_partition at{from, partition_id{static_cast<std::int32_t>(p)}};
      for (record_offset next{0};;) {
        const auto batch = test_log().read(at, next, {});
        ASSERT_TRUE(batch) << batch.error().message;
        if (!batch->next()) break;
        for (const auto& r : batch->records()) f(r);
        next = *batch->next();
      }
    }
  }
  std::vector<std::string> texts(const std::string& from) {
    std::vector<std::string> all;
    for (const auto& l : read<line>(from)) all.push_back(l.text);
    return all;
  }
  /// One map of headers for each record.
  std::vector<std::map<std::string, std::string>> headers(const std::string& from) {
    std::vector<std::map<std::string, std::string>> all;
    each(from, [&](const record_view& r) {
      auto& of = all.emplace_back();
      for (const auto& h : r.headers) of[std::string{h.name}] = h.value;
    });
    return all;
  }
};

}  // namespace cloudflow::runtime
