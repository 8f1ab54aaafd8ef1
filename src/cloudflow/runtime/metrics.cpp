#include "cloudflow/runtime/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>

namespace cloudflow::runtime {

void task_metrics::describe(app::task_status& into, timestamp now) const {
  const auto read = [](const std::atomic<std::uint64_t>& n) {
    return n.load(std::memory_order_relaxed);
  };
  into.records_in = read(records_in);
  into.records_out = read(records_out);
  into.bytes_out = read(bytes_out);
  into.records_late = read(records_late);
  into.records_rejected = read(records_rejected);
  for (std::size_t i = 0; i != counted.size(); ++i) into.counted.counts[i] = read(counted[i]);
  into.commits = read(commits);
  into.restarts = read(restarts);
  if (const auto at = watermark.load(std::memory_order_relaxed); at != timestamp::min())
    into.watermark_delay = now - at;
}

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric metric(std::vector<ClientMetric::Label> labels, MetricType type, double value) {
  ClientMetric m;
  m.label = std::move(labels);
  if (type == MetricType::Counter)
    m.counter.value = value;
  else
    m.gauge.value = value;
  return m;
}

/// One number of every task.
MetricFamily of_tasks(const char* name, const char* help, MetricType type,
                      const std::string& app_id, const std::vector<task_status>& tasks,
                      double (*value)(const task_status&)) {
  MetricFamily family{name, help, type, {}};
  for (const auto& t : tasks)
    family.metric.push_back(metric({{"application", app_id},
                                    {"streamlet", t.streamlet},
                                    {"partition", std::to_string(t.partition)}},
                                   type, value(t)));
  return family;
}

MetricFamily of_workers(const char* name, const char* help, const std::string& app_id,
                        const std::vector<worker_status>& workers,
                        std::uint64_t worker_status::*value) {
  MetricFamily family{name, help, MetricType::Counter, {}};
  for (const auto& w : workers)
    family.metric.push_back(metric({{"application", app_id}, {"worker", w.name}},
                                   MetricType::Counter, static_cast<double>(w.*value)));
  return family;
}

MetricFamily lag_of(const std::string& app_id, const std::vector<task_status>& tasks) {
  MetricFamily family{"cloudflow_lag_records",
                      "Records between the position and the end of the topic.",
                      MetricType::Gauge,
                      {}};
  for (const auto& t : tasks)
    for (const auto& s : t.sources)
      family.metric.push_back(metric({{"application", app_id},
                                      {"streamlet", t.streamlet},
                                      {"inlet", s.inlet},
                                      {"topic", s.topic},
                                      {"partition", std::to_string(s.partition)}},
                                     MetricType::Gauge, static_cast<double>(s.lag())));
  return family;
}

MetricFamily balance_of(const std::string& app_id, const std::vector<task_status>& tasks) {
  MetricFamily family{"cloudflow_balance_records_total",
                      "Records by the way they came in or went; commits only.",
                      MetricType::Counter,
                      {}};
  for (const auto& t : tasks)
    for (std::size_t i = 0; i != record_way_names.size(); ++i)
      if (t.counted.counts[i] != 0)
        family.metric.push_back(metric({{"application", app_id},
                                        {"streamlet", t.streamlet},
                                        {"partition", std::to_string(t.partition)},
                                        {"way", std::string{record_way_names[i]}}},
                                       MetricType::Counter,
                                       static_cast<double>(t.counted.counts[i])));
  return family;
}

MetricFamily watermark_delay_of(const std::string& app_id, const std::vector<task_status>& tasks) {
  std::vector<task_status> known;
  std::copy_if(tasks.begin(), tasks.end(), std::back_inserter(known),
               [](const task_status& t) { return t.watermark_delay.has_value(); });
  return of_tasks("cloudflow_watermark_delay_seconds",
                  "How far the watermark is behind the time of day.", MetricType::Gauge, app_id,
                  known, [](const task_status& t) {
                    return std::chrono::duration<double>(*t.watermark_delay).count();
                  });
}

}  // namespace

std::string to_prometheus(const std::string& app_id, const std::vector<task_status>& tasks,
                          const std::vector<worker_status>& workers) {
  const auto counter = [&](const char* name, const char* help,
                           double (*value)(const task_status&)) {
    return of_tasks(name, help, MetricType::Counter, app_id, tasks, value);
  };
  const std::vector<MetricFamily> families{
      counter("cloudflow_records_in_total", "Records read from inlets and sources.",
              [](const task_status& t) { return static_cast<double>(t.records_in); }),
      counter("cloudflow_records_out_total", "Records committed to outlets.",
              [](const task_status& t) { return static_cast<double>(t.records_out); }),
      counter("cloudflow_bytes_out_total", "Bytes of keys and values committed to outlets.",
              [](const task_status& t) { return static_cast<double>(t.bytes_out); }),
      counter("cloudflow_records_late_total", "Records dropped because their window had closed.",
              [](const task_status& t) { return static_cast<double>(t.records_late); }),
      counter("cloudflow_records_rejected_total", "Records that could not be processed.",
              [](const task_status& t) { return static_cast<double>(t.records_rejected); }),
      counter("cloudflow_commits_total", "Commits.",
              [](const task_status& t) { return static_cast<double>(t.commits); }),
      counter("cloudflow_restarts_total", "Restarts after a failure.",
              [](const task_status& t) { return static_cast<double>(t.restarts); }),
      of_tasks("cloudflow_task_up", "1 while the task runs, 0 while it waits after a failure.",
               MetricType::Gauge, app_id, tasks,
               [](const task_status& t) { return t.is_running ? 1.0 : 0.0; }),
      of_tasks("cloudflow_task_restoring", "1 while the state of the task is being brought here.",
               MetricType::Gauge, app_id, tasks,
               [](const task_status& t) { return t.is_restoring ? 1.0 : 0.0; }),
      balance_of(app_id, tasks),
      of_tasks("cloudflow_missing_records",
               "Records that have come in and gone nowhere: 0, or a defect.", MetricType::Gauge,
               app_id, tasks,
               [](const task_status& t) { return static_cast<double>(t.counted.missing()); }),
      lag_of(app_id, tasks),
      watermark_delay_of(app_id, tasks),
      of_workers("cloudflow_commit_retries_total",
                 "Commits that could not be done, and were tried again.", app_id, workers,
                 &worker_status::retries),
      of_workers("cloudflow_commit_aborts_total", "Commits that failed: their work was done again.",
                 app_id, workers, &worker_status::aborts),
  };
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace cloudflow::runtime
