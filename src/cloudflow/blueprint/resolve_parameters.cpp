#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/internal/value_reader.hpp"
#include "cloudflow/blueprint/parameter_value.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::blueprint::internal {
namespace {

class parameter_resolution {
public:
  parameter_resolution(const verified_streamlet& streamlet, settings& from)
    : streamlet_(streamlet), from_(from) {}

  void run(const resolve_options& options, streamlet_plan& into) {
    const auto* given =
        from_.object_at({"cloudflow", "streamlets", streamlet_.name, "config-parameters"});
    if (given != nullptr) check_undeclared(*given);
    for (const auto& p : streamlet_.descriptor.config_parameters) {
      const auto* v = given == nullptr ? nullptr : given->get(p.key);
      if (v != nullptr && !v->is_null()) {
        take(p, *v, into);
      } else if (p.default_value) {
        const auto checked = check_value(p, *p.default_value);
        keep(p, checked ? *checked : *p.default_value, into);
      } else if (options.needs_parameters && !p.has_default) {
        report_missing(p);
      }
    }
  }

private:
  void check_undeclared(const config::value& given) {
    const auto& declared = streamlet_.descriptor.config_parameters;
    std::vector<std::string> keys;
    for (const auto& p : declared) keys.push_back(p.key);
    for (const auto& m : *given.as_object()) {
      // A dotted key, which 2.3 passes over.
      if (m.content.is_object() || std::find(keys.begin(), keys.end(), m.key) != keys.end())
        continue;
      from_.report(m.where,
                   fmt::format("Streamlet {} contains undeclared configuration parameters [{}]",
                               streamlet_.name, m.key),
                   suggest(m.key, keys));
    }
  }

  void take(const parameter_descriptor& p, const config::value& v, streamlet_plan& into) {
    const auto text = v.text();
    if (!text) {
      from_.report(v.where(),
                   fmt::format("Configuration {} for streamlet {} is not valid, expected "
                               "{}",
                               p.key, streamlet_.name, expected_value(p.validation_type)),
                   fmt::format("it is a {}", type_name(v)));
      return;
    }
    auto checked = check_value(p, *text);
    if (checked) {
      keep(p, std::move(checked).value(), into);
    } else {
      report_invalid(p, v.where(), *text, checked.error());
    }
  }

  void keep(const parameter_descriptor& p, std::string text, streamlet_plan& into) {
    into.parameters[p.key] =
        p.is_secret ? from_.keep_secret(path_of(p), std::move(text)) : setting{std::move(text)};
  }

  std::string path_of(const parameter_descriptor& p) const {
    return fmt::format("cloudflow.streamlets.{}.config-parameters.{}", streamlet_.name, p.key);
  }

  void report_invalid(const parameter_descriptor& p, const config::origin& where,
                      const std::string& text, const value_problem& why) {
    const auto shown = p.is_secret ? "***" : text;
    switch (why.kind) {
      case value_problem_kind::wrong_type:
        from_.report(where,
                     fmt::format("Configuration {} for streamlet {} is not valid, expected {}",
                                 p.key, streamlet_.name, why.detail),
                     fmt::format("it is '{}'", shown));
        break;
      case value_problem_kind::no_match:
        from_.report(where,
                     fmt::format("Configuration {} for streamlet {}, with value '{}' doesn't match "
                                 "the regular expression '{}'",
                                 p.key, streamlet_.name, shown, *p.validation_pattern),
                     p.description);
        break;
      case value_problem_kind::bad_pattern:
        from_.report(where, fmt::format("Validation RegExp for {} is not valid", p.key),
                     why.detail);
        break;
      case value_problem_kind::unknown_type:
        from_.report(
            where, fmt::format("Encountered an unknown validation type `{}`. Please make sure that "
                               "the CLI is up-to-date.",
                               why.detail));
        break;
    }
  }

  void report_missing(const parameter_descriptor& p) {
    from_.report(settings::nowhere(),
                 fmt::format("Please provide values for the following configuration parameter(s): "
                             "{}.{}",
                             streamlet_.name, p.key),
                 fmt::format("{}{}write {} = <{}> in a configuration file, or {}.{}=<{}> on the "
                             "command line",
                             p.description, p.description.empty() ? "" : "\n", path_of(p),
                             p.validation_type, streamlet_.name, p.key, p.validation_type));
  }

  const verified_streamlet& streamlet_;
  settings& from_;
};

}  // namespace

void resolve_parameters(const verified_streamlet& streamlet, const resolve_options& options,
                        settings& from, streamlet_plan& into) {
  parameter_resolution{streamlet, from}.run(options, into);
}

void resolve_mounts(const verified_streamlet& streamlet, const resolve_options& options,
                    settings& from, streamlet_plan& into) {
  const auto* given = from.object_at({"cloudflow", "streamlets", streamlet.name, "volume-mounts"});
  std::vector<std::string> names;
  for (const auto& m : streamlet.descriptor.volume_mounts) {
    names.push_back(m.name);
    const auto* v = given == nullptr ? nullptr : given->get(m.name);
    if (v == nullptr || v->is_null()) {
      into.mounts[m.name] = options.mount_root.empty() ? m.path
                                                       : fmt::format("{}/{}/{}", options.mount_root,
                                                                     streamlet.name, m.name);
    } else if (auto directory = v->text()) {
      into.mounts[m.name] = *std::move(directory);
    } else {
      from.report(v->where(),
                  fmt::format("Volume mount {} of streamlet {} has type {} rather than "
                              "STRING",
                              m.name, streamlet.name, type_name(*v)),
                  "write a directory");
    }
  }
  if (given != nullptr)
    from.check_keys(*given, streamlet.name, names, "Streamlet {path} has no volume mount '{key}'.");
}

}  // namespace cloudflow::blueprint::internal
