#include "cloudflow/blueprint/internal/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {
namespace {

std::string_view list_name(bool of_outlets) { return of_outlets ? "producers" : "consumers"; }

class entry_check {
public:
  entry_check(wiring& w, std::vector<problem>& problems) : wiring_(w), problems_(problems) {}

  void run() {
    for (const auto& e : wiring_.entries()) {
      switch (e.state) {
        case entry_state::bound:
        case entry_state::unchecked: break;
        case entry_state::malformed: report_malformed(e); break;
        case entry_state::not_found: report_not_found(e); break;
        case entry_state::wrong_kind: report_wrong_kind(e); break;
      }
    }
    for (const auto& topic : wiring_.blueprint().topics)
      for (const auto& list : topic.misspelt) check_misspelt(topic, list);
  }

private:
  void report(problem_kind kind, const entry& e, std::string message, std::string suggestion) {
    if (e.meant != nullptr) suggestion = fmt::format("did you mean '{}'?", e.meant->path);
    problems_.push_back({.kind = kind,
                         .message = std::move(message),
                         .where = e.written->where,
                         .suggestion = std::move(suggestion)});
  }

  void report_malformed(const entry& e) {
    report(problem_kind::invalid_port_path, e,
           fmt::format("'{}' is not a valid path to an outlet or an inlet.", e.written->text),
           e.wants_outlet ? "write <streamlet>.<outlet>" : "write <streamlet>.<inlet>");
  }

  void report_not_found(const entry& e) {
    report(problem_kind::port_path_not_found, e,
           fmt::format("'{}' does not point to a known streamlet inlet or outlet.", e.path->text()),
           suggest_path(e));
  }

  std::string suggest_path(const entry& e) const {
    const auto* streamlet = wiring_.find_streamlet(e.path->streamlet);
    const auto own = wiring_.paths(e.wants_outlet, streamlet);
    if (streamlet != nullptr && own.empty())
      return fmt::format("'{}' has no {}", e.path->streamlet,
                         e.wants_outlet ? "outlets" : "inlets");
    return suggest(e.path->text(), own);
  }

  void report_wrong_kind(const entry& e) {
    const auto& path = e.port->path;
    report(e.wants_outlet ? problem_kind::invalid_producer_port_path
                          : problem_kind::invalid_consumer_port_path,
           e,
           fmt::format("'{}' is not a valid {} for topic '{}', must be an {}.", path,
                       e.wants_outlet ? "producer" : "consumer", e.topic->name.text,
                       e.wants_outlet ? "outlet" : "inlet"),
           fmt::format("'{}' is an {}: it goes into '{}'", path,
                       e.wants_outlet ? "inlet" : "outlet", list_name(!e.wants_outlet)));
  }

  /// An error if a port is connected nowhere but here; otherwise it does no harm.
  void check_misspelt(const topic_ref& topic, const misspelt_list& list) {
    auto level = severity::warning;
    for (const auto& written : list.paths) {
      const auto path = parse_port_path(written.text);
      if (!path) continue;
      for (auto& port : wiring_.ports()) {
        if (port.path != path->text() || !port.bindings.empty()) continue;
        if (port.is_outlet != (list.meant == list_name(true))) continue;
        port.is_meant = true;
        level = severity::error;
      }
    }
    problems_.push_back({.kind = problem_kind::unknown_key,
                         .level = level,
                         .message = fmt::format("Unknown key 'blueprint.topics.{}.{}'.",
                                                topic.id.text, list.key.text),
                         .where = list.key.where,
                         .suggestion = fmt::format("did you mean '{}'?", list.meant)});
  }

  wiring& wiring_;
  std::vector<problem>& problems_;
};

}  // namespace

void check_entries(wiring& w, std::vector<problem>& problems) { entry_check{w, problems}.run(); }

}  // namespace cloudflow::blueprint::internal
