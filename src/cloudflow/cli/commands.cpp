#include "cloudflow/cli/commands.hpp"

#include "cloudflow/base/time.hpp"
#include "cloudflow/cli/applications.hpp"
#include "cloudflow/cli/release.hpp"
#include "cloudflow/cli/session.hpp"
#include "cloudflow/cli/waiting.hpp"
#include "cloudflow/kube/access.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>

namespace cloudflow::cli {
namespace {

constexpr int failed = 1;

/// What the user has said; a command reads what it has options for.
struct arguments {
  std::string kubeconfig, context, name_space, operator_namespace, output;
  std::string application, file, registry, user, password, service_account;
  std::vector<std::string> files, settings, scale, mounts;
  bool reads_password = false, has_no_credentials = false, is_dry_run = false, waits = false;
  int timeout_seconds = 300;
};

error wrong(std::string text) { return error{std::move(text)}; }

/// `a=1,b=2` and `a=1 b=2` alike.
result<std::map<std::string, std::string>> pairs_of(const std::vector<std::string>& given) {
  std::map<std::string, std::string> pairs;
  for (const auto& each : given) {
    std::istringstream parts{each};
    for (std::string part; std::getline(parts, part, ',');) {
      const auto equals = part.find('=');
      if (equals == std::string::npos || equals == 0)
        return wrong(fmt::format("'{}' is no NAME=VALUE", part));
      pairs[part.substr(0, equals)] = part.substr(equals + 1);
    }
  }
  return pairs;
}

result<std::map<std::string, std::int32_t>> scale_of(const std::vector<std::string>& given) {
  const auto pairs = CLOUDFLOW_TRY(pairs_of(given));
  std::map<std::string, std::int32_t> scale;
  for (const auto& [streamlet, text] : pairs) {
    std::int32_t n = -1;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), n);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || n < 0)
      return wrong("the scale factor needs to be expressed as a number greater or equal to zero");
    scale[streamlet] = n;
  }
  return scale;
}

result<std::string> content_of(const std::string& file, const char* if_missing) {
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open()) return wrong(if_missing);
  return text;
}

/// Errors: the image names none; whose credentials these are is then for no one to know.
result<std::string> registry_of(const std::string& image) {
  const auto slash = image.find('/');
  const auto first = image.substr(0, slash);
  const bool is_registry = slash != std::string::npos &&
                           (first.find_first_of(".:") != std::string::npos || first == "localhost");
  if (is_registry) return first;
  return wrong(fmt::format(
      "Image {} names no registry, so that credentials cannot be stored for it: name the registry "
      "when the image is made, or say --no-registry-credentials and update-docker-credentials",
      image));
}

class commands {
public:
  commands(std::string_view version, CLI::App& app) : version_(version), app_(app) {
    app.set_help_flag("--help", "Print this help message and exit");
    app.require_subcommand(0, 1);
    app.add_option("--kube-config,--kubeconfig", a_.kubeconfig, "The kubeconfig file to use.");
    app.add_option("--context", a_.context, "The context of the kubeconfig to use.");
    app.add_option("-v,--log-level", ignored_, "Accepted as 2.3 has it, without effect.");
    add_version();
    add_list();
    add_status();
    add_configuration();
    add_deploy();
    add_configure();
    add_scale();
    add_undeploy();
    add_credentials();
  }

  int run() {
    if (!action_) {
      fmt::print(stderr, "Error: Command not provided\n{}", app_.help());
      return failed;
    }
    if (auto done = action_(); !done) {
      fmt::print(stderr, "Error: {}\n", done.error().message);
      return failed;
    }
    return 0;
  }

private:
  using action = std::function<result<void>()>;

  // -- what several commands have ---

  CLI::App& add(const char* name, const char* description, action what) {
    auto& c = *app_.add_subcommand(name, description);
    c.set_help_flag("--help", "Print this help message and exit");
    c.callback([this, what = std::move(what)] { action_ = what; });
    return c;
  }
  CLI::App& add_in_cluster(const char* name, const char* description, action what) {
    auto& c = add(name, description, std::move(what));
    c.add_option("-n,--namespace", a_.name_space,
                 "The namespace of the application; without it the application's id.");
    c.add_option("--operator-namespace", a_.operator_namespace, "The namespace of the operator.");
    c.add_option("-o,--output", a_.output, "classic, table, json or yaml.")
        ->envname("KUBECTL_CLOUDFLOW_OUTPUT_FORMAT");
    return c;
  }
  void add_application(CLI::App& c) {
    c.add_option("application", a_.application, "The id of the application.")->required();
  }
  void add_configuration_options(CLI::App& c) {
    c.add_option("--conf", a_.files, "A file of configuration, HOCON; a later one wins.")
        ->allow_extra_args(false);
    c.add_option("settings", a_.settings, "path=value, over all files.");
  }
  void add_waiting(CLI::App& c) {
    c.add_flag("--wait", a_.waits, "End when every pod of this version is ready.");
    c.add_option("--timeout", a_.timeout_seconds, "Of --wait, in seconds.")->capture_default_str();
  }

  std::string name_space() const { return a_.name_space.empty() ? a_.application : a_.name_space; }
  app::configuration_arguments configuration() const {
    return {.files = a_.files, .assignments = a_.settings};
  }

  result<output_format> format() const {
    if (a_.output.empty()) return output_format::table;
    if (const auto how = output_format_of(a_.output)) return *how;
    return wrong(fmt::format("'{}' is not a valid output format.", a_.output));
  }

  /// Works in the cluster, when there is an operator in it.
  result<void> in_cluster(const std::function<result<void>(session&)>& work) {
    system_clock time;
    kube::kubeconfig_options where;
    where.time = &time;
    where.context = a_.context;
    if (!a_.kubeconfig.empty()) {
      if (!std::ifstream{a_.kubeconfig})
        return wrong(
            fmt::format("Provided Kube configuration file [{}] doesn't exist", a_.kubeconfig));
      where.file = a_.kubeconfig;
    }
    auto access = kube::find_access(where);
    if (!access) return kube::plain(std::move(access).error());
    kube::client api{std::move(access).value(), fmt::format("kubectl-cloudflow/{}", version_)};
    session s{api, a_.operator_namespace};
    CLOUDFLOW_TRY(s.expect_operator());
    return work(s);
  }

  result<void> wait_if_asked(session& s) const {
    if (!a_.waits) return {};
    return wait_until_running(s, name_space(), a_.application,
                              std::chrono::seconds{a_.timeout_seconds});
  }

  // -- looking ---

  void add_version() {
    auto& c = add("version", "Prints the version of this program.", [this]() -> result<void> {
      const auto how = CLOUDFLOW_TRY(format());
      fmt::print("{}", show_version(std::string{version_}, how));
      return {};
    });
    c.add_option("-o,--output", a_.output, "classic, table, json or yaml.")
        ->envname("KUBECTL_CLOUDFLOW_OUTPUT_FORMAT");
  }

  void add_list() {
    add_in_cluster("list", "Lists the applications of the cluster.", [this] {
      return in_cluster([this](session& s) -> result<void> {
        const auto how = CLOUDFLOW_TRY(format());
        const auto all = CLOUDFLOW_TRY(s.applications(a_.name_space));
        fmt::print("{}", show_list(all, how));
        return {};
      });
    });
  }

  void add_status() {
    auto& c = add_in_cluster("status", "Shows the streamlets and pods of an application.", [this] {
      return in_cluster([this](session& s) -> result<void> {
        const auto how = CLOUDFLOW_TRY(format());
        auto waited = wait_if_asked(s);
        const auto found = CLOUDFLOW_TRY(s.application(name_space(), a_.application));
        fmt::print("{}", show_status(found, how));
        return waited;
      });
    });
    add_application(c);
    add_waiting(c);
  }

  void add_configuration() {
    auto& c = add_in_cluster("configuration", "Shows the configuration of an application.", [this] {
      return in_cluster([this](session& s) -> result<void> {
        const auto how = CLOUDFLOW_TRY(format());
        CLOUDFLOW_TRY(s.application(name_space(), a_.application));
        const auto found = CLOUDFLOW_TRY(s.configuration(name_space(), a_.application));
        if (!found)
          return wrong(
              fmt::format("There is no configuration secret for {}, the application is corrupted",
                          a_.application));
        fmt::print("{}", show_configuration(*found, how));
        return {};
      });
    });
    add_application(c);
  }

  // -- changing ---

  void add_deploy() {
    auto& c = add_in_cluster("deploy", "Deploys an application, or another version of it.",
                             [this] { return deploy(); });
    c.add_option("file", a_.file, "The custom resource, JSON, as the build writes it.")->required();
    c.add_option("-u,--username", a_.user, "Of the image registry.");
    c.add_option("-p,--password", a_.password, "Of the image registry.");
    c.add_flag("--password-stdin", a_.reads_password, "Read the password from standard input.");
    c.add_flag("--no-registry-credentials", a_.has_no_credentials,
               "Do not touch the credentials of image registries.");
    c.add_option("--volume-mount", a_.mounts, "streamlet.mount=claim; may be given several times.")
        ->allow_extra_args(false);
    c.add_option("--scale", a_.scale, "streamlet=replicas; may be given several times.")
        ->allow_extra_args(false);
    c.add_option("--serviceaccount", a_.service_account,
                 "Of the pods, instead of one of their own.");
    c.add_flag("--dry-run", a_.is_dry_run, "Check everything, write nothing.");
    add_configuration_options(c);
    add_waiting(c);
    c.footer(
        "Example:\n  kubectl cloudflow deploy log-processor.json --no-registry-credentials --conf "
        "cluster.conf cloudflow.streamlets.stat-aggregator.config-parameters.window=5m");
  }

  result<void> read_password() {
    if (a_.has_no_credentials) {
      if (!a_.user.empty() || !a_.password.empty() || a_.reads_password)
        return wrong("--no-registry-credentials but credentials provided");
      return {};
    }
    if (a_.reads_password) {
      // All of it: a key may have several lines.
      a_.password.assign(std::istreambuf_iterator<char>{std::cin}, {});
      while (a_.password.ends_with('\n') || a_.password.ends_with('\r')) a_.password.pop_back();
    }
    if (a_.user.empty() || a_.password.empty())
      return wrong(
          "Docker credentials not provided (use '-u', and '--password-stdin' or '-p'), the "
          "credentials will be stored in a Kubernetes image pull secret, so that the application "
          "can successfully be deployed");
    return {};
  }

  result<void> deploy() {
    release_options what;
    what.resource = CLOUDFLOW_TRY(content_of(a_.file, "the provided CR file doesn't exists"));
    CLOUDFLOW_TRY(read_password());
    what.name_space = a_.name_space;
    what.configuration = configuration();
    what.scale = CLOUDFLOW_TRY(scale_of(a_.scale));
    what.claims = CLOUDFLOW_TRY(pairs_of(a_.mounts));
    what.service_account = a_.service_account;
    what.cli_version = version_;
    const auto spec = nlohmann::json::parse(what.resource, nullptr, false);
    if (spec.is_object() && spec.contains("spec"))
      a_.application = spec["spec"].value("app_id", "");
    return in_cluster([&](session& s) -> result<void> {
      cluster_view cluster;
      if (!a_.application.empty())
        cluster.deployed = CLOUDFLOW_TRY(s.find_application(name_space(), a_.application));
      cluster.kafka_clusters = CLOUDFLOW_TRY(s.kafka_clusters());
      if (!what.claims.empty()) cluster.claims = CLOUDFLOW_TRY(s.claims(name_space()));
      const auto made = CLOUDFLOW_TRY(release_of(what, cluster));
      fmt::print(stderr, "{}", made.warnings);
      if (a_.is_dry_run) return {};
      if (!a_.has_no_credentials) CLOUDFLOW_TRY(add_registries(s, made.resource));
      CLOUDFLOW_TRY(s.write(made));
      return wait_if_asked(s);
    });
  }

  result<void> add_registries(session& s, const nlohmann::json& resource) {
    std::set<std::string> registries;
    for (const auto& d : resource["spec"]["deployments"]) {
      auto registry = CLOUDFLOW_TRY(registry_of(d.value("image", "")));
      registries.insert(std::move(registry));
    }
    for (const auto& registry : registries)
      CLOUDFLOW_TRY(s.add_registry(name_space(), registry, a_.user, a_.password));
    return {};
  }

  void add_configure() {
    auto& c = add_in_cluster(
        "configure", "Gives an application another configuration, instead of the one it has.",
        [this] {
          return in_cluster([this](session& s) -> result<void> {
            const auto found = CLOUDFLOW_TRY(s.application(name_space(), a_.application));
            const auto clusters = CLOUDFLOW_TRY(s.kafka_clusters());
            const auto made = CLOUDFLOW_TRY(reconfigured(found, configuration(), clusters));
            fmt::print(stderr, "{}", made.warnings);
            CLOUDFLOW_TRY(s.write(made));
            return wait_if_asked(s);
          });
        });
    add_application(c);
    add_configuration_options(c);
    add_waiting(c);
  }

  void add_scale() {
    auto& c = add_in_cluster("scale", "Changes how many pods streamlets have.", [this] {
      return in_cluster([this](session& s) -> result<void> {
        const auto scale = CLOUDFLOW_TRY(scale_of(a_.scale));
        auto found = CLOUDFLOW_TRY(s.application(name_space(), a_.application));
        const auto changed = CLOUDFLOW_TRY(scaled(std::move(found), scale));
        CLOUDFLOW_TRY(s.write_resource(changed));
        return wait_if_asked(s);
      });
    });
    add_application(c);
    c.add_option("scale", a_.scale, "streamlet=replicas");
    add_waiting(c);
  }

  void add_undeploy() {
    auto& c = add_in_cluster("undeploy", "Removes an application; its topics stay.", [this] {
      return in_cluster([this](session& s) -> result<void> {
        CLOUDFLOW_TRY(s.application(name_space(), a_.application));
        return s.remove(name_space(), a_.application);
      });
    });
    add_application(c);
  }

  void add_credentials() {
    auto& c = add_in_cluster(
        "update-docker-credentials", "Stores the credentials of an image registry.", [this] {
          return in_cluster([this](session& s) -> result<void> {
            CLOUDFLOW_TRY(read_password());
            return s.add_registry(name_space(), a_.registry, a_.user, a_.password);
          });
        });
    add_application(c);
    c.add_option("registry", a_.registry, "host:port of the registry.")->required();
    c.add_option("-u,--username", a_.user, "Of the registry.");
    c.add_option("-p,--password", a_.password, "Of the registry.");
    c.add_flag("--password-stdin", a_.reads_password, "Read the password from standard input.");
  }

  std::string_view version_;
  CLI::App& app_;
  arguments a_;
  std::string ignored_;
  action action_;
};

}  // namespace

int run_kubectl_cloudflow(std::string_view version, int argc, char** argv) {
  CLI::App app{fmt::format("kubectl-cloudflow {}", version), "kubectl-cloudflow"};
  commands all{version, app};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "Error: {}\nSee kubectl cloudflow --help\n", e.what());
    return failed;
  }
  return all.run();
}

}  // namespace cloudflow::cli
