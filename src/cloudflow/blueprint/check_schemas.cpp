#include "cloudflow/blueprint/compatibility.hpp"
#include "cloudflow/blueprint/internal/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {
namespace {

bool are_compatible(const port_state& a, const port_state& b) {
  return !incompatibility(a.port->schema, b.port->schema);
}

class schema_check {
public:
  schema_check(wiring& w, std::vector<problem>& problems) : wiring_(w), problems_(problems) {}

  void run() {
    for (const auto& topic : wiring_.blueprint().topics) {
      auto ports = wiring_.ports_of(topic);
      std::erase_if(ports, [&](const auto* p) { return is_at_home_elsewhere(*p, topic); });
      check_schemas_of(topic, ports);
      for (const auto* inlet : ports)
        if (!inlet->is_outlet && !inlet->port->key.empty()) check_key(topic, *inlet, ports);
    }
  }

private:
  /// Whether a port in several topics evidently belongs to another one: there is what it reads or
  /// what reads it. That it does not fit here follows from its being in too many topics, which is
  /// reported.
  bool is_at_home_elsewhere(const port_state& port, const topic_ref& here) const {
    return std::any_of(port.bindings.begin(), port.bindings.end(), [&](const binding& b) {
      if (b.topic == &here) return false;
      const auto others = wiring_.ports_of(*b.topic);
      return std::any_of(others.begin(), others.end(), [&](const auto* other) {
        return other->is_outlet != port.is_outlet && are_compatible(port, *other);
      });
    });
  }

  /// The producer that agrees with most of the topic's ports; without producers, the consumer that
  /// does.
  static const port_state* pick_base(const std::vector<const port_state*>& ports) {
    const auto has_outlet =
        std::any_of(ports.begin(), ports.end(), [](const auto* p) { return p->is_outlet; });
    const port_state* base = nullptr;
    std::ptrdiff_t most = -1;
    for (const auto* p : ports) {
      if (p->is_outlet != has_outlet) continue;
      const auto agreeing = std::count_if(ports.begin(), ports.end(), [&](const auto* other) {
        return are_compatible(*p, *other);
      });
      if (agreeing > most) std::tie(base, most) = std::tuple{p, agreeing};
    }
    return base;
  }

  /// Every pair has to agree. Of the pairs that do not, those are reported that differ from the
  /// base, and those that agree with the base but not with each other; the rest follows from these.
  void check_schemas_of(const topic_ref& topic, const std::vector<const port_state*>& ports) {
    if (ports.empty()) return;
    const auto* base = pick_base(ports);
    std::vector<const port_state*> agreeing;
    for (const auto* p : ports) {
      if (p == base) continue;
      if (const auto reason = incompatibility(base->port->schema, p->port->schema)) {
        report(topic, *base, *p, *reason);
        continue;
      }
      for (const auto* other : agreeing)
        if (const auto inner = incompatibility(other->port->schema, p->port->schema))
          report(topic, *other, *p, *inner);
      agreeing.push_back(p);
    }
  }

  void report(const topic_ref& topic, const port_state& base, const port_state& odd,
              const std::string& reason) {
    const auto [first, second] = std::minmax(base.path, odd.path);
    problems_.push_back(
        {.kind = problem_kind::incompatible_schema,
         .message = fmt::format("Outlet {} is not compatible with inlet {}.", first, second),
         .where = wiring::place_in(odd, topic),
         .suggestion = fmt::format("{}; give '{}' a topic of its own, or change its schema", reason,
                                   odd.path),
         .notes = {{wiring::place_in(base, topic),
                    fmt::format("'{}' has {}", base.path, base.port->schema.name)}}});
  }

  void check_key(const topic_ref& topic, const port_state& inlet,
                 const std::vector<const port_state*>& ports) {
    for (const auto* outlet : ports) {
      if (!outlet->is_outlet || outlet->port->key == inlet.port->key) continue;
      // Classes of other runtimes do not say how they key their records.
      const auto is_unknown =
          outlet->port->key.empty() && outlet->owner->descriptor->runtime != "native";
      problems_.push_back(
          {.kind = problem_kind::key_mismatch,
           .level = is_unknown ? severity::warning : severity::error,
           .message = fmt::format("Inlet '{}' needs records keyed by '{}', but outlet '{}' {}.",
                                  inlet.path, inlet.port->key, outlet->path, keying(*outlet)),
           .where = wiring::place_in(*outlet, topic),
           .suggestion =
               fmt::format("key '{}' by '{}', or let '{}' regroup its records with key_by",
                           outlet->path, inlet.port->key, inlet.owner->ref->name.text),
           .notes = {{wiring::place_in(inlet, topic), fmt::format("'{}' is here", inlet.path)}}});
    }
  }

  static std::string keying(const port_state& outlet) {
    if (!outlet.port->key.empty()) return fmt::format("keys them by '{}'", outlet.port->key);
    return "does not say by which field it keys them";
  }

  wiring& wiring_;
  std::vector<problem>& problems_;
};

}  // namespace

void check_schemas(wiring& w, std::vector<problem>& problems) { schema_check{w, problems}.run(); }

}  // namespace cloudflow::blueprint::internal
