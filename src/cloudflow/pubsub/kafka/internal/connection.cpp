#include "cloudflow/pubsub/kafka/internal/connection.hpp"

#include "cloudflow/pubsub/kafka/internal/properties.hpp"
#include "cloudflow/pubsub/secret_properties.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::string_view mask = "***";
// A shorter text is found in too many words to be masked, and no password.
constexpr std::size_t shortest_secret = 4;

const property_map ours = {
    {"client.id", "cloudflow"},
    {"enable.metrics.push", "false"},
    {"socket.keepalive.enable", "true"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"reconnect.backoff.max.ms", "2000"},
    // Half of it librdkafka also waits between the connections that a client starts with.
    {"reconnect.backoff.ms", "20"},
};

property_map over(property_map below, const property_map& above) {
  for (const auto& [name, value] : above) below[name] = value;
  return below;
}

const std::string* find(const property_map& in, const std::string& name) {
  const auto found = in.find(name);
  return found == in.end() ? nullptr : &found->second;
}

error unsupported(std::string message) {
  return {.code = errc::unsupported, .message = std::move(message)};
}

bool uses_sasl(const property_map& properties) {
  const auto* protocol = find(properties, "security.protocol");
  return protocol != nullptr && (protocol->starts_with("sasl") || protocol->starts_with("SASL"));
}

const std::string* mechanism_of(const property_map& properties) {
  const auto* one = find(properties, "sasl.mechanism");
  return one != nullptr ? one : find(properties, "sasl.mechanisms");
}

result<void> check_sasl(const property_map& properties) {
  if (!uses_sasl(properties)) return {};
  const auto* mechanism = mechanism_of(properties);
  if (mechanism == nullptr)
    return unsupported(
        "property \"sasl.mechanism\" is missing: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or "
        "OAUTHBEARER");
  if (*mechanism == "GSSAPI")
    return unsupported("property \"sasl.mechanism\": Kerberos (GSSAPI) is not built in");
  const auto has_token = properties.contains(std::string{token_location}) ||
                         properties.contains("sasl.oauthbearer.method") ||
                         properties.contains("enable.sasl.oauthbearer.unsecure.jwt");
  if (*mechanism == "OAUTHBEARER" && !has_token)
    return unsupported(
        "property \"sasl.mechanism\": OAUTHBEARER needs a token: set "
        "sasl.oauthbearer.token.location to a file that has one, or sasl.oauthbearer.method=oidc "
        "and the token.endpoint.url, client.id and client.secret of sasl.oauthbearer");
  return {};
}

const std::string* servers_of(const property_map& properties) {
  const auto* servers = find(properties, "bootstrap.servers");
  return servers != nullptr ? servers : find(properties, "metadata.broker.list");
}

std::size_t index_of(client_role role) { return static_cast<std::size_t>(role); }

}  // namespace

// -- opening --------------------------------------------------------------------------------------

result<std::shared_ptr<connection>> connection::make(const options& wanted, const clock& time) {
  auto made = std::make_shared<connection>(wanted, time);
  if (auto ok = made->read_properties(); !ok) return made->located(std::move(ok).error());
  for (const auto role : {client_role::admin, client_role::consumer, client_role::producer})
    if (auto tried = made->configure({.role = role, .name = {}, .is_internal = true}); !tried)
      return made->located(std::move(tried).error());
  return made;
}

connection::connection(const options& wanted, const clock& time) : wanted_(wanted), time_(time) {
  const auto* servers = servers_of(wanted.connection);
  where_ = fmt::format("cluster \"{}\" ({})", wanted.name.empty() ? "default" : wanted.name,
                       servers != nullptr ? *servers : "no bootstrap.servers");
}

connection::~connection() = default;

error connection::located(error e) const {
  e.message = where_ + ": " + masked(e.message);
  return e;
}

result<void> connection::read_properties() {
  std::set<std::string> ignored;
  const property_map none;
  for (const auto& [role, more] : {std::pair{client_role::admin, &none},
                                   {client_role::consumer, &wanted_.consumer},
                                   {client_role::producer, &wanted_.producer}}) {
    auto translated = CLOUDFLOW_TRY(translate(over(wanted_.connection, *more)));
    ignored.insert(translated.ignored.begin(), translated.ignored.end());
    properties_[index_of(role)] = std::move(translated.properties);
  }
  const auto& common = properties_[index_of(client_role::admin)];
  if (servers_of(common) == nullptr)
    return unsupported("property \"bootstrap.servers\" is missing");
  CLOUDFLOW_TRY(check_sasl(common));
  credentials_ = CLOUDFLOW_TRY(credentials::read(common));
  for (const auto& properties : properties_)
    for (const auto& [name, value] : properties)
      if (is_secret_property(name)) secrets_.push_back(value);
  for (const auto& secret : {credentials_.password(), credentials_.token()})
    if (secret) secrets_.push_back(*secret);
  if (!ignored.empty())
    log().warn("{}: these properties only mean something to Kafka's Java client: {}", where_,
               fmt::join(ignored, ", "));
  return {};
}

// -- clients --------------------------------------------------------------------------------------

result<void> connection::set_all(rd_kafka_conf_t* conf, const property_map& properties) const {
  for (const auto& [name, value] : properties) {
    if (name == password_location || name == token_location) continue;
    CLOUDFLOW_TRY(set_property(conf, name, value));
  }
  return {};
}

result<void> connection::set_secrets(rd_kafka_conf_t* conf) const {
  const std::lock_guard lock{secrets_mutex_};
  if (!credentials_.password()) return {};
  return set_property(conf, "sasl.password", *credentials_.password());
}

result<conf_handle> connection::configure(const client_spec& spec) {
  conf_handle conf{rd_kafka_conf_new()};
  const auto own = CLOUDFLOW_TRY(translate(spec.properties));
  const auto& session = properties_[index_of(spec.role)];
  for (const auto* layer : {&ours, &spec.defaults, &session, &own.properties, &spec.required})
    CLOUDFLOW_TRY(set_all(conf.get(), *layer));
  CLOUDFLOW_TRY(set_secrets(conf.get()));
  if (!spec.is_internal) warn_of_ignored(spec, {&session, &own.properties});
  if (spec.configure) spec.configure(conf.get());
  return conf;
}

void connection::warn_of_ignored(const client_spec& spec,
                                 std::initializer_list<const property_map*> of_user) {
  for (const auto& [name, value] : spec.required)
    for (const auto* layer : of_user)
      if (const auto* other = find(*layer, name); other != nullptr && *other != value)
        warn_once(
            fmt::format("{}: {} is ignored: Cloudflow decides on it by itself", where_, name));
}

void connection::listen(rd_kafka_conf_t* conf, client* opaque) const {
  rd_kafka_conf_set_opaque(conf, opaque);
  rd_kafka_conf_set_log_cb(
      conf, [](const rd_kafka_t* rk, int level, const char* facility, const char* text) {
        const auto& from = *static_cast<client*>(rd_kafka_opaque(rk));
        if (from.is_silent_.load(std::memory_order_relaxed)) return;
        from.session_.note_log(level, facility, from.name_, text);
      });
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int, const char* text, void* to) {
    const auto& from = *static_cast<client*>(to);
    if (!from.is_silent_.load(std::memory_order_relaxed)) from.session_.note_error(text);
  });
  rd_kafka_conf_set_ssl_cert_verify_cb(
      conf, [](rd_kafka_t*, const char* broker, std::int32_t, int* problem, int, const char*,
               std::size_t, char* text, std::size_t size, void* to) {
        if (*problem == 0) return 1;
        static_cast<client*>(to)->session_.note_certificate(broker, *problem);
        std::string_view{"not accepted"}.copy(text, size - 1);
        return 0;
      });
  if (find(properties_[0], std::string{token_location}) == nullptr) return;
  rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, [](rd_kafka_t* rk, const char*, void* to) {
    static_cast<client*>(to)->session_.give_token(rk);
  });
}

result<connection::running> connection::start(client_role role, conf_handle conf) const {
  std::array<char, 512> text{};
  const auto type = role == client_role::consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  running made{rd_kafka_new(type, conf.get(), text.data(), text.size())};
  if (!made) return unsupported(text.data());
  static_cast<void>(conf.release());  // librdkafka's now
  return made;
}

result<owned_client> connection::open_client(const client_spec& spec) {
  owned_client opened{new client{*this, spec.name, spec.owner, spec.on_outdated},
                      client_ender{shared_from_this()}};
  opened->generation_ = generation();
  auto conf = configure(spec);
  if (!conf) return located(std::move(conf).error());
  const auto* mechanism = mechanism_of(properties_[0]);
  const auto by_token = mechanism != nullptr && *mechanism == "OAUTHBEARER";
  listen(conf->get(), opened.get());
  if (by_token) rd_kafka_conf_enable_sasl_queue(conf->get(), 1);
  auto started = start(spec.role, std::move(conf).value());
  if (!started) return located(std::move(started).error());
  opened->handle_ = std::move(started).value();
  if (by_token) {
    const error_handle problem{rd_kafka_sasl_background_callbacks_enable(opened->get())};
    if (problem) return located(unsupported(rd_kafka_error_string(problem.get())));
  }
  const std::lock_guard lock{clients_mutex_};
  clients_.insert(opened.get());
  give_password(opened->get());  // it may have changed meanwhile
  return opened;
}

// -- credentials that change ----------------------------------------------------------------------

void connection::give_password(rd_kafka_t* to) const {
  std::unique_lock lock{secrets_mutex_};
  if (!credentials_.password()) return;
  const auto password = *credentials_.password();
  lock.unlock();
  const auto* user = find(properties_[0], "sasl.username");
  const error_handle problem{
      rd_kafka_sasl_set_credentials(to, user != nullptr ? user->c_str() : "", password.c_str())};
  if (problem)
    log().warn("{}: the password of {} is not taken: {}", where_, password_location,
               rd_kafka_error_string(problem.get()));
}

void connection::give_token(rd_kafka_t* to) const {
  std::unique_lock lock{secrets_mutex_};
  if (!credentials_.token()) return;
  const auto token = parse_token(*credentials_.token(), time_.now());
  lock.unlock();
  if (token.expires <= time_.now()) {
    const auto problem =
        fmt::format("the one in {} has expired at {}",
                    *find(properties_[0], std::string{token_location}), to_iso8601(token.expires));
    rd_kafka_oauthbearer_set_token_failure(to, problem.c_str());
    return;
  }
  std::array<char, 512> text{};
  const auto given = rd_kafka_oauthbearer_set_token(
      to, token.text.c_str(), token.expires.time_since_epoch().count(), token.principal.c_str(),
      nullptr, 0, text.data(), text.size());
  if (given == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  rd_kafka_oauthbearer_set_token_failure(to, text.data());
}

bool connection::can_start_anew() {
  auto conf = configure({.role = client_role::admin, .name = {}, .is_internal = true});
  if (!conf) return false;
  // Connects to nothing: this only has librdkafka read the files.
  rd_kafka_conf_set(conf->get(), "bootstrap.servers", "", nullptr, 0);
  rd_kafka_conf_set_log_cb(conf->get(), nullptr);
  const auto tried = start(client_role::admin, std::move(conf).value());
  if (!tried)
    warn_once(fmt::format("{}: the certificates have changed and cannot be used yet: {}", where_,
                          masked(tried.error().message)));
  return tried.has_value();
}

void connection::take_up_changes() {
  credentials::changes seen;
  {
    const std::lock_guard lock{secrets_mutex_};
    seen = credentials_.look_again();
    if (seen.password) secrets_.push_back(*credentials_.password());
    if (seen.token) secrets_.push_back(*credentials_.token());
  }
  has_news_of_certificates_ |= seen.certificates;
  // Key and certificate are two files that do not change at once: wait until they fit.
  const auto start_anew = has_news_of_certificates_ && can_start_anew();
  if (start_anew) {
    has_news_of_certificates_ = false;
    generation_.fetch_add(1, std::memory_order_release);
    log().info("{}: the certificates have changed; connections are made anew", where_);
  }
  if (seen.password) log().info("{}: the password has changed", where_);
  if (seen.token) log().info("{}: the token has changed", where_);
  const std::lock_guard lock{clients_mutex_};
  for (auto* each : clients_) {
    if (seen.password) give_password(each->get());
    if (seen.token) give_token(each->get());
    if (start_anew && each->on_outdated_) each->on_outdated_();
  }
}

// -- what is heard --------------------------------------------------------------------------------

std::string connection::masked(std::string_view text) const {
  std::string out{text};
  const std::lock_guard lock{secrets_mutex_};
  for (const auto& secret : secrets_) {
    if (secret.size() < shortest_secret) continue;
    for (auto at = out.find(secret); at != std::string::npos;
         at = out.find(secret, at + mask.size()))
      out.replace(at, secret.size(), mask);
  }
  return out;
}

void connection::warn_once(const std::string& text) {
  const std::lock_guard lock{clients_mutex_};
  if (warned_.insert(text).second) log().warn("{}", text);
}

void connection::note_log(int level, std::string_view facility, std::string_view who,
                          std::string_view text) {
  const auto clean = masked(text);
  // The report begins behind the name of librdkafka's thread.
  const auto report = std::string_view{clean}.substr(
      clean.starts_with("[thrd:") ? std::min(clean.find("]: ") + 3, clean.size()) : 0);
  if (facility == "FAIL") note(explain(report));
  constexpr int warning = 4, notice = 5;
  // Troubles with brokers are told in our words, a property for the other kind of client is none,
  // and a coordinator that is not ready yet is asked again.
  const auto is_told = facility == "FAIL" || facility == "ERROR" || facility == "CONFWARN" ||
                       facility == "SSLCERTVRFY" || facility == "GETPID";
  const auto how = is_told || level > notice ? log_level::debug
                   : level < warning         ? log_level::error
                                             : log_level::warn;
  log().log(how, "{}: {}: {}", who, facility, clean);
}

void connection::note_error(std::string_view text) { note(explain(masked(text))); }

void connection::note_certificate(std::string_view broker, int reason) {
  note(explain_certificate(broker, reason));
}

void connection::note(finding found) {
  // Idle connections are ended by brokers all the time, and the rest is told by those that are not.
  constexpr int weight_of_news = 30;
  if (is_established_ && found.weight >= weight_of_news && is_news(found.message))
    log().warn("{}: {}", where_, found.message);
  heard_.note(std::move(found));
}

bool connection::is_news(const std::string& trouble) {
  constexpr std::chrono::seconds silence{30};
  const auto now = time_.monotonic();
  constexpr std::size_t enough = 256;
  const std::lock_guard lock{told_mutex_};
  if (told_.size() > enough) told_.clear();
  const auto [entry, is_new] = told_.try_emplace(trouble, now);
  if (!is_new && now - entry->second < silence) return false;
  entry->second = now;
  return true;
}

}  // namespace cloudflow::pubsub::kafka
