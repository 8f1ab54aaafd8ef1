/// Ports, and the entries of topics that refer to them: what the checks of wiring share.
#pragma once

#include "cloudflow/blueprint/internal/checks.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::blueprint::internal {

struct binding {
  const topic_ref* topic = nullptr;
  config::origin where;
};

/// A port of a streamlet whose class is known.
struct port_state {
  std::string path;  ///< `streamlet.port`
  const port_descriptor* port = nullptr;
  const streamlet_entry* owner = nullptr;
  bool is_outlet = false;
  std::vector<binding> bindings{};
  /// An entry that is reported for another reason evidently means this port.
  bool is_meant = false;
};

enum class entry_state { bound, malformed, not_found, wrong_kind, unchecked };

/// One element of `producers` or `consumers`.
struct entry {
  const topic_ref* topic = nullptr;
  const located_text* written = nullptr;
  bool wants_outlet = false;
  std::optional<port_path> path{};
  entry_state state = entry_state::unchecked;
  port_state* port = nullptr;   ///< bound or of the wrong kind
  port_state* meant = nullptr;  ///< what it should have been, if that is evident
};

/// Everything that topics and ports say about each other. Refers to the blueprint and the
/// streamlets given; not copyable, because entries point at ports.
class wiring {
public:
  wiring(const model& blueprint, std::span<const streamlet_entry> streamlets);
  wiring(const wiring&) = delete;
  wiring& operator=(const wiring&) = delete;

  std::vector<port_state>& ports() { return ports_; }
  std::vector<entry>& entries() { return entries_; }
  const model& blueprint() const { return blueprint_; }

  const streamlet_entry* find_streamlet(std::string_view name) const;
  /// Paths of outlets or inlets, of one streamlet or of all.
  std::vector<std::string> paths(bool outlets, const streamlet_entry* owner = nullptr) const;
  /// The distinct ports bound to a topic, by path.
  std::vector<const port_state*> ports_of(const topic_ref& topic) const;
  /// Where a topic names a port.
  static config::origin place_in(const port_state& port, const topic_ref& topic);

private:
  void collect_ports();
  void collect_entries(const topic_ref& topic, const std::vector<located_text>& list,
                       bool wants_outlet);
  void look_up(entry& e);
  void find_meaning(entry& e);
  port_state* only_or_nearest(const entry& e, const std::vector<port_state*>& candidates,
                              std::string_view name) const;
  std::vector<port_state*> free_ports(bool outlets, const streamlet_entry* owner);

  const model& blueprint_;
  std::span<const streamlet_entry> streamlets_;
  std::vector<port_state> ports_;
  std::map<std::pair<std::string, bool>, port_state*> by_path_;  ///< path, is outlet
  std::vector<entry> entries_;
};

/// Reports malformed, unknown and wrong-kind entries, and lists under misspelt keys (whose ports
/// then count as meant).
void check_entries(wiring& w, std::vector<problem>& problems);
/// Reports ports in no topic and ports in several.
void check_connections(wiring& w, std::vector<problem>& problems);
/// Reports incompatible schemas and keys.
void check_schemas(wiring& w, std::vector<problem>& problems);

}  // namespace cloudflow::blueprint::internal
