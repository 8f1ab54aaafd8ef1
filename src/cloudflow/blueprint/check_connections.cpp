#include "cloudflow/blueprint/internal/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {
namespace {

class connection_check {
public:
  connection_check(wiring& w, std::vector<problem>& problems) : wiring_(w), problems_(problems) {}

  void run() {
    report_unconnected(true);
    report_unconnected(false);
    for (const auto& port : wiring_.ports()) check_single(port);
  }

private:
  bool is_unconnected(const port_state& port) const {
    const auto& elsewhere = wiring_.blueprint().ineffective_paths;
    return port.bindings.empty() && !port.is_meant &&
           std::find(elsewhere.begin(), elsewhere.end(), port.path) == elsewhere.end();
  }

  /// One problem for all of a kind, as 2.3 has it; a note for each port after the first.
  void report_unconnected(bool outlets) {
    std::vector<const port_state*> open;
    for (const auto& p : wiring_.ports())
      if (p.is_outlet == outlets && is_unconnected(p)) open.push_back(&p);
    if (open.empty()) return;
    std::vector<std::string> paths;
    for (const auto* p : open) paths.push_back(p->path);
    problem found{
        .kind = outlets ? problem_kind::unconnected_outlets : problem_kind::unconnected_inlets,
        .message = message(outlets ? "Outlet" : "Inlet", paths),
        .where = open.front()->owner->ref->name.where,
        .suggestion = suggest_topic(*open.front())};
    for (std::size_t i = 1; i < open.size(); ++i)
      found.notes.push_back({open[i]->owner->ref->name.where,
                             fmt::format("'{}': {}", open[i]->path, suggest_topic(*open[i]))});
    problems_.push_back(std::move(found));
  }

  static std::string message(std::string_view what, const std::vector<std::string>& paths) {
    if (paths.size() == 1) return fmt::format("{} {} is not connected.", what, paths.front());
    return fmt::format("{}s ({}) are not connected.", what, fmt::join(paths, ","));
  }

  std::string suggest_topic(const port_state& port) const {
    const auto list = port.is_outlet ? "producers" : "consumers";
    std::vector<std::string> fitting;
    for (const auto& topic : wiring_.blueprint().topics)
      for (const auto* other : wiring_.ports_of(topic))
        if (other->port->schema.fingerprint == port.port->schema.fingerprint) {
          fitting.push_back(topic.id.text);
          break;
        }
    if (!port.is_outlet && !fitting.empty())
      return fmt::format("add '{}' to the {} of a topic; with its schema there {} {}", port.path,
                         list, fitting.size() == 1 ? "is" : "are", fmt::join(fitting, ", "));
    return fmt::format("add '{}' to the {} of a topic, or make one: {}-{} {{ {} = [{}] }}",
                       port.path, list, port.owner->ref->name.text, port.port->name, list,
                       port.path);
  }

  void check_single(const port_state& port) {
    std::vector<const binding*> distinct;
    for (const auto& b : port.bindings)
      if (std::none_of(distinct.begin(), distinct.end(),
                       [&](const auto* d) { return d->topic == b.topic; }))
        distinct.push_back(&b);
    if (distinct.size() < 2) return;
    std::vector<std::string> ids;
    for (const auto* b : distinct) ids.push_back(b->topic->id.text);
    problem found{.kind = problem_kind::port_bound_to_many_topics,
                  .message = fmt::format("'{}' is bound to more than one topic: {}.", port.path,
                                         fmt::join(ids, ",")),
                  .where = distinct[1]->where,
                  .suggestion =
                      "leave it in one of them; a topic can have many producers and "
                      "consumers"};
    for (std::size_t i = 0; i < distinct.size(); ++i)
      if (i != 1)
        found.notes.push_back({distinct[i]->where, fmt::format("it is in '{}' too", ids[i])});
    problems_.push_back(std::move(found));
  }

  wiring& wiring_;
  std::vector<problem>& problems_;
};

}  // namespace

void check_connections(wiring& w, std::vector<problem>& problems) {
  connection_check{w, problems}.run();
}

}  // namespace cloudflow::blueprint::internal
