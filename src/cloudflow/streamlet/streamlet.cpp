#include "cloudflow/streamlet/streamlet.hpp"

#include "cloudflow/base/base64.hpp"
#include "cloudflow/flow/repartition.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>

#include <optional>
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
  return to_base64(parsed->fingerprint());
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
class no_state final : public stores::store_reader {
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
  flow::wiring::dependencies around() { return {&out, &stores, &time, {}}; }
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

void definition_base::add(std::string_view member, const inlet_base& p) {
  names_.push_back({"inlet", p.name_, member});
  described_.inlets.push_back(detail::describe(p));
  inlets_.push_back(&p);
}
void definition_base::add(std::string_view member, const outlet_base& p) {
  names_.push_back({"outlet", p.name_, member});
  described_.outlets.push_back(detail::describe(p));
  outlets_.push_back(&p);
}
void definition_base::add(std::string_view member, const state_base& p) {
  names_.push_back({"state", p.name_, member});
  described_.states.push_back({std::string{p.name_}, {}, detail::describe(p.schema_), {}});
  states_.push_back(&p);
}
void definition_base::add(std::string_view member, const parameter_base& p) {
  names_.push_back({"parameter", p.key(), member});
  described_.config_parameters.push_back(p.describe());
  parameters_.push_back(&p);
}
void definition_base::add(std::string_view member, const volume_mount& m) {
  names_.push_back({"volume mount", m.name(), member});
  described_.volume_mounts.push_back(m.describe());
  mounts_.push_back(&m);
}
void definition_base::add(std::string_view, const server_port&) {
  described_.attributes.push_back({"server", "cloudflow.internal.server.container-port"});
}
void definition_base::set_class_name(std::string_view name) { described_.class_name = name; }

void definition_base::has_no_members() {
  try {
    throw_logic_failure();
  } catch (const logic_failure& e) {
    no_members_because_ = fmt::format("its members cannot be made: {}", e.what());
  }
}

// -- what is wrong with it ------------------------------------------------------------------------

void throw_logic_failure() {
  try {
    throw;
  } catch (const std::exception& e) {
    throw logic_failure(e.what());
  } catch (...) {
    throw logic_failure("it throws something that is no std::exception");
  }
}

namespace {

/// An inlet and a state of one name would both have the topic
/// `<app>.<streamlet>.<name>.dead-letter`. An inlet and an outlet may share a name, as in
/// Cloudflow 2.3.
bool may_not_share(std::string_view one, std::string_view other) {
  return one == other || (one == "inlet" && other == "state") ||
         (one == "state" && other == "inlet");
}

std::optional<std::string> mistake_of(const declared_name& one, const declared_name& other) {
  if (one.name != other.name || !may_not_share(one.kind, other.kind)) return {};
  if (one.kind == other.kind)
    return fmt::format("{} `{}` is declared twice: by the members {} and {}", one.kind, one.name,
                       one.member, other.member);
  return fmt::format("`{}` is declared twice: by {} {} and {} {}", one.name, one.kind, one.member,
                     other.kind, other.member);
}

}  // namespace

std::vector<std::string> definition_base::mistakes_of_declarations() const {
  if (!no_members_because_.empty()) return {no_members_because_};
  std::vector<std::string> mistakes;
  for (auto one = names_.begin(); one != names_.end(); ++one)
    for (auto other = one + 1; other != names_.end(); ++other)
      if (auto mistake = mistake_of(*one, *other)) mistakes.push_back(std::move(*mistake));
  for (const auto* p : parameters_)
    if (auto mistake = p->mistake(); !mistake.empty()) mistakes.push_back(std::move(mistake));
  return mistakes;
}

/// The outcome of building the logic without configuration.
struct definition_base::attempt {
  flow::store_needs needs;
  std::vector<std::string> mistakes;
};

namespace {

/// Values that required parameters without example may have, one after the other.
class trial_values {
public:
  trial_values(const std::vector<const parameter_base*>& parameters, context& to) : to_(&to) {
    to.watch(&last_read_);
    for (const auto* p : parameters) {
      auto values = p->placeholders();
      to.set(p, values.front());
      if (values.size() > 1) left_.push_back({p, std::move(values), 1});
    }
  }
  /// The parameter that was read last gets its next value; false: it has no more.
  bool go_on() {
    for (auto& [parameter, values, next] : left_) {
      if (parameter != last_read_ || next == values.size()) continue;
      to_->set(parameter, values[next++]);
      last_read_ = nullptr;
      return true;
    }
    return false;
  }
  std::string advice() const {
    std::string text;
    for (const auto& some : left_)
      text += fmt::format(
          "; parameter `{}` is required, so that its value was made up: if logic() does not take "
          "it, "
          "write cloudflow::example{{...}} behind the parameter's description",
          some.parameter->key());
    return text;
  }

private:
  struct trial {
    const parameter_base* parameter;
    std::vector<std::shared_ptr<const void>> values;
    std::size_t next;
  };
  context* to_;
  const void* last_read_ = nullptr;
  std::vector<trial> left_;
};

}  // namespace

definition_base::attempt definition_base::build_with_placeholders() const {
  context ctx{streamlet_config{}};
  trial_values trials{parameters_, ctx};
  for (const auto* m : mounts_) ctx.set(m, std::make_shared<const std::string>());
  std::string first_failure;
  do {
    dry_run dry{outlets_.size()};
    flow::wiring w{inlets_, outlets_, states_, dry.around()};
    try {
      bind(ctx, w).reset();
      return {w.needs(), w.unused(names_of(described_))};
    } catch (const logic_failure& e) {
      if (first_failure.empty()) first_failure = e.what();
    } catch (const std::exception& e) {
      return {{}, {e.what()}};
    }
  } while (trials.go_on());
  return {
      {},
      {fmt::format("logic() throws where it is described: {}{}", first_failure, trials.advice())}};
}

result<blueprint::streamlet_descriptor> definition_base::describe() const {
  auto mistakes = mistakes_of_declarations();
  if (mistakes.empty()) {
    auto built = build_with_placeholders();
    if (built.mistakes.empty()) return described_with(built.needs);
    mistakes = std::move(built.mistakes);
  }
  std::string all;
  for (const auto& mistake : mistakes)
    all +=
        fmt::format("{}streamlet {}: {}", all.empty() ? "" : "\n", described_.class_name, mistake);
  return error{std::move(all)};
}

blueprint::streamlet_descriptor definition_base::described_with(
    const flow::store_needs& needs) const {
  auto d = described_;
  for (std::size_t i = 0; i != d.states.size(); ++i) {
    const auto& use = needs.states[i];
    d.states[i].key = {"", std::string{use.key_schema}, fingerprint_of(use.key_schema), "avro"};
    d.states[i].window = use.window;
    if (use.from_inlet) d.states[i].inlet = d.inlets[*use.from_inlet].name;
    if (!use.record) continue;
    d.states[i].repartition = detail::describe(*use.record);
    d.states[i].inlet_field = use.record->inlet_field;
  }
  d.has_sources = needs.sources != 0;
  return d;
}

// -- starting it ----------------------------------------------------------------------------------

context definition_base::context_of(const streamlet_config& d) const {
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

flow::store_needs definition_base::check(const streamlet_config& d) const {
  if (!no_members_because_.empty()) throw std::invalid_argument(no_members_because_);
  dry_run dry{outlets_.size()};
  const auto ctx = context_of(d);
  flow::wiring w{inlets_, outlets_, states_, dry.around()};
  bind(ctx, w).reset();
  return w.needs();
}

std::unique_ptr<flow::operator_chain> definition_base::start(
    const streamlet_config& d, flow::wiring::dependencies around) const {
  if (!no_members_because_.empty()) throw std::invalid_argument(no_members_because_);
  const auto ctx = std::make_shared<const context>(context_of(d));
  flow::wiring w{inlets_, outlets_, states_, std::move(around)};
  auto program = bind(*ctx, w);
  program->keep(ctx);
  return program;
}

}  // namespace cloudflow::detail
