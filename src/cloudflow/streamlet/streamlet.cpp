#include "cloudflow/streamlet/streamlet.hpp"

#include "cloudflow/flow/repartition.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow::detail {

namespace {

/// `a::b` becomes `a.b`, as in a blueprint.
std::string dotted(std::string_view raw) {
  std::string out;
  for (const char c : raw) {
    if (c != ':')
      out += c;
    else if (!out.empty() && out.back() != '.')
      out += '.';
  }
  return out;
}

/// Throws std::invalid_argument if the codec's schema is none.
std::string fingerprint_of(std::string_view schema_text) {
  const auto parsed = schema::parse_avro(schema_text, "schema");
  if (!parsed) throw std::invalid_argument(parsed.error().message);
  return schema::to_base64(parsed->fingerprint());
}

blueprint::schema_descriptor describe(const schema_ref& s) {
  return {std::string{s.name}, std::string{s.text}, fingerprint_of(s.text), std::string{s.format}};
}

blueprint::port_descriptor describe(const port_base& p) {
  return {std::string{p.name_}, describe(p.schema_), std::string{p.key_field_}};
}

/// Of the values in the internal topic.
blueprint::schema_descriptor describe(const flow::moved_record& r) {
  if (r.schema.empty()) return {dotted(r.type), {}, {}, {}};
  const auto text = flow::moved_schema_of(r.schema);
  return {std::string{r.schema_name}, text, fingerprint_of(text), "avro"};
}

/// For building a logic that will not run.
class no_state final : public flow::store_reader {
public:
  std::optional<std::string> find(std::size_t, std::string_view) const override { return {}; }
  void scan(std::size_t, std::string_view,
            const std::function<bool(std::string_view, std::string_view)>&) const override {}
};

/// What a logic is bound to when it will not run.
struct dry_run {
  explicit dry_run(std::size_t outlets) {
    for (std::size_t i = 0; i != outlets; ++i) out.outputs.emplace_back(1);
  }
  flow::wiring::surroundings around() { return {&out, &stores, &time, {}}; }
  flow::changes out;
  no_state stores;
  system_clock time;
};

std::vector<std::string> names_of(const blueprint::streamlet_descriptor& d) {
  std::vector<std::string> names;
  for (const auto* ports : {&d.inlets, &d.outlets})
    for (const auto& p : *ports) names.push_back(p.name);
  for (const auto& s : d.states) names.push_back(s.name);
  return names;
}

}  // namespace

definition_base::definition_base(std::string_view raw_name) {
  described_.class_name = dotted(raw_name);
}

void definition_base::add(const inlet_base& p) {
  described_.inlets.push_back(detail::describe(p));
  inlets_.push_back(&p);
}
void definition_base::add(const outlet_base& p) {
  described_.outlets.push_back(detail::describe(p));
  outlets_.push_back(&p);
}
void definition_base::add(const state_base& p) {
  described_.states.push_back({std::string{p.name_}, {}, detail::describe(p.schema_), {}});
  states_.push_back(&p);
}
void definition_base::add(const parameter_base& p) {
  described_.config_parameters.push_back(p.describe());
  parameters_.push_back(&p);
}
void definition_base::add(const volume_mount& m) {
  described_.volume_mounts.push_back(m.describe());
  mounts_.push_back(&m);
}
void definition_base::add(const server_port&) {
  described_.attributes.push_back({"server", "cloudflow.internal.server.container-port"});
}
void definition_base::set_class_name(std::string_view name) { described_.class_name = name; }

blueprint::streamlet_descriptor definition_base::describe() const {
  const deployment nowhere;
  context ctx{nowhere};
  for (const auto* p : parameters_) ctx.set(p, p->placeholder());
  for (const auto* m : mounts_) ctx.set(m, std::make_shared<const std::string>());

  dry_run dry{outlets_.size()};
  flow::wiring w{inlets_, outlets_, states_, dry.around()};
  bind(ctx, w).reset();
  w.expect_all_used(names_of(described_));

  auto d = described_;
  const auto needs = w.needs();
  for (std::size_t i = 0; i != d.states.size(); ++i) {
    const auto& use = needs.states[i];
    d.states[i].key = {"", std::string{use.key_schema}, fingerprint_of(use.key_schema), "avro"};
    d.states[i].window = use.window;
    if (use.from_inlet) d.states[i].inlet = d.inlets[*use.from_inlet].name;
    if (use.record) d.states[i].repartition = detail::describe(*use.record);
  }
  return d;
}

context definition_base::context_of(const deployment& d) const {
  context ctx{d};
  for (const auto* p : parameters_) {
    const auto v = d.parameters.find(std::string{p->key()});
    ctx.set(p, p->resolve(v == d.parameters.end() ? nullptr : &v->second));
  }
  for (const auto* m : mounts_) {
    const auto path = d.mounts.find(std::string{m->name()});
    ctx.set(m, std::make_shared<const std::string>(path == d.mounts.end() ? std::string{}
                                                                          : path->second));
  }
  return ctx;
}

flow::store_needs definition_base::check(const deployment& d) const {
  dry_run dry{outlets_.size()};
  const auto ctx = context_of(d);
  flow::wiring w{inlets_, outlets_, states_, dry.around()};
  bind(ctx, w).reset();
  return w.needs();
}

std::unique_ptr<flow::program> definition_base::start(const deployment& d,
                                                      flow::wiring::surroundings around) const {
  const auto ctx = context_of(d);
  flow::wiring w{inlets_, outlets_, states_, std::move(around)};
  return bind(ctx, w);
}

}  // namespace cloudflow::detail
