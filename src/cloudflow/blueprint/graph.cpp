#include "cloudflow/blueprint/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cloudflow::blueprint {
namespace {

using row = std::vector<std::string>;

/// Columns on a terminal: bytes of UTF-8 that begin a character. Names are ASCII; only our arrows
/// are not.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

/// Rows with their columns aligned, two spaces apart; nothing at the end of a line.
std::string table(const std::vector<row>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& r : rows) {
    widths.resize(std::max(widths.size(), r.size()));
    for (std::size_t i = 0; i < r.size(); ++i) widths[i] = std::max(widths[i], width(r[i]));
  }
  std::string out;
  for (const auto& r : rows) {
    std::string line{indent};
    for (std::size_t i = 0; i < r.size(); ++i) {
      line += r[i];
      line.append(widths[i] - width(r[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string_view streamlet_of(std::string_view port_path) {
  return port_path.substr(0, port_path.rfind('.'));
}

class picture {
public:
  picture(const plan& p, const graph_options& options)
    : plan_(p), to_(options.is_ascii ? "->" : "─▶"), from_(options.is_ascii ? "<-" : "◀─") {}

  std::string draw() const { return title() + "\n" + streamlets() + "\n" + topics(); }

private:
  std::string title() const {
    const auto visible = std::count_if(plan_.topics.begin(), plan_.topics.end(),
                                       [](const auto& t) { return !t.is_internal; });
    return fmt::format("{} {}  {}, {}\n", plan_.app_id, plan_.app_version,
                       counted(plan_.streamlets.size(), "streamlet"),
                       counted(static_cast<std::size_t>(visible), "topic"));
  }

  static std::string counted(std::size_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  }

  /// Sources first, then each streamlet after those it reads from; within a cycle, in the order of
  /// the plan.
  std::vector<const streamlet_plan*> in_order() const {
    std::vector<const streamlet_plan*> left, out;
    for (const auto& s : plan_.streamlets) left.push_back(&s);
    while (!left.empty()) {
      auto next = std::find_if(left.begin(), left.end(), [&](const auto* s) {
        return std::none_of(left.begin(), left.end(), [&](const auto* other) {
          return other != s && reads_from(*s, *other);
        });
      });
      if (next == left.end()) next = left.begin();
      out.push_back(*next);
      left.erase(next);
    }
    return out;
  }

  bool reads_from(const streamlet_plan& reader, const streamlet_plan& writer) const {
    return std::any_of(reader.inlets.begin(), reader.inlets.end(), [&](const port_plan& inlet) {
      const auto& producers = plan_.topics[inlet.topic].producers;
      return std::any_of(producers.begin(), producers.end(),
                         [&](const auto& path) { return streamlet_of(path) == writer.name; });
    });
  }

  std::string streamlets() const {
    std::vector<row> heads, ports;
    const auto order = in_order();
    for (const auto* s : order) {
      heads.push_back(head(*s));
      for (const auto& p : s->inlets) ports.push_back(inlet_row(*s, p));
      for (const auto& p : s->outlets) ports.push_back(outlet_row(p));
    }
    return interleave(order, table(heads, ""), table(ports, "  "));
  }

  /// Each streamlet's head, then its ports; the lines of all have been aligned together.
  static std::string interleave(const std::vector<const streamlet_plan*>& order,
                                std::string_view heads, std::string_view ports) {
    const auto take_line = [](std::string_view& from) {
      const auto line = from.substr(0, from.find('\n') + 1);
      from.remove_prefix(line.size());
      return line;
    };
    std::string out;
    for (const auto* s : order) {
      out += take_line(heads);
      for (std::size_t i = 0; i < s->inlets.size() + s->outlets.size(); ++i)
        out += take_line(ports);
    }
    return out;
  }

  static row head(const streamlet_plan& s) {
    row out{s.name, s.class_name, std::string{to_string(s.guarantee)}};
    if (s.runtime != "native") out.push_back(s.runtime);
    if (s.replicas != 1) out.push_back(fmt::format("x{}", s.replicas));
    return out;
  }

  row inlet_row(const streamlet_plan& s, const port_plan& p) const {
    const auto& topic = plan_.topics[p.topic];
    row out{p.name, fmt::format("{} [{}]", from_, topic.id)};
    if (topic.producers.empty()) out.push_back(from_ + " others");
    for (const auto& r : s.repartitions)
      if (r.port.name == p.name)
        out.push_back(fmt::format("(repartitioned for {})", s.states[r.state].name));
    if (p.on_bad_record == bad_record_policy::skip) out.emplace_back("(skips bad records)");
    if (p.on_bad_record == bad_record_policy::fail) out.emplace_back("(fails on a bad record)");
    return out;
  }

  row outlet_row(const port_plan& p) const {
    const auto& topic = plan_.topics[p.topic];
    const auto readers =
        topic.consumers.empty() ? "nobody" : fmt::format("{}", fmt::join(topic.consumers, ", "));
    return {p.name, fmt::format("{} [{}]", to_, topic.id), fmt::format("{} {}", to_, readers)};
  }

  std::string topics() const {
    std::vector<row> rows;
    for (const auto& t : plan_.topics) {
      if (t.is_internal) continue;
      row out{fmt::format("[{}]", t.id), t.schema.name, key_of(t),
              counted(static_cast<std::size_t>(t.partitions), "partition")};
      const auto details = describe(t);
      if (!details.empty()) out.push_back(details);
      rows.push_back(std::move(out));
    }
    return table(rows, "");
  }

  std::string key_of(const topic_plan& t) const {
    std::vector<std::string> keys;
    for (const auto& s : plan_.streamlets)
      for (const auto& p : s.outlets)
        if (&plan_.topics[p.topic] == &t && !p.key.empty() &&
            std::find(keys.begin(), keys.end(), p.key) == keys.end())
          keys.push_back(p.key);
    return keys.empty() ? "no key" : fmt::format("by {}", fmt::join(keys, " or "));
  }

  static std::string describe(const topic_plan& t) {
    row parts;
    if (t.name != t.id) parts.push_back("name = " + t.name);
    if (!t.cluster.empty()) parts.push_back("cluster = " + t.cluster);
    if (!t.is_managed) parts.emplace_back("managed by others");
    for (const auto& [key, value] : t.properties)
      parts.push_back(fmt::format("{} = {}", key, value));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  const plan& plan_;
  std::string to_, from_;
};

}  // namespace

std::string draw(const plan& p, const graph_options& options) { return picture{p, options}.draw(); }

}  // namespace cloudflow::blueprint
