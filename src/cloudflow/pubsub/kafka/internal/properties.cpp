#include "cloudflow/pubsub/kafka/internal/properties.hpp"

#include "cloudflow/config/value.hpp"
#include "cloudflow/pubsub/kafka/internal/jaas.hpp"
#include "cloudflow/pubsub/secret_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <span>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

error wrong(std::string_view name, std::string_view what) {
  return {.code = errc::unsupported, .message = fmt::format("property \"{}\": {}", name, what)};
}

// -- names ----------------------------------------------------------------------------------------

/// Java's name, librdkafka's. Where librdkafka has Java's name as an alias there is nothing to do.
constexpr auto renamed = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"compression.gzip.level", "compression.level"},
    {"compression.lz4.level", "compression.level"},
    {"compression.zstd.level", "compression.level"},
    {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    {"max.request.size", "message.max.bytes"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    {"request.timeout.ms", "socket.timeout.ms"},
    {"sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"},
    {"sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"},
    {"send.buffer.bytes", "socket.send.buffer.bytes"},
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem"},
    {"ssl.keystore.key", "ssl.key.pem"},
    {"ssl.truststore.certificates", "ssl.ca.pem"},
});

/// Names and, with a dot at the end, prefixes of what only a JVM can do, or what the session
/// decides by itself.
constexpr auto only_java = std::to_array<std::string_view>({
    "auto.include.jmx.reporter",
    "config.providers",
    "default.api.timeout.ms",
    "exclude.internal.topics",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "max.block.ms",
    "max.poll.records",
    "metadata.max.idle.ms",
    "metric.reporters",
    "metrics.",
    "partition.assignment.strategy",
    "partitioner.",
    "sasl.client.callback.handler.class",
    "sasl.login.",
    "sasl.oauthbearer.jwt.",
    "security.providers",
    "ssl.enabled.protocols",
    "ssl.engine.factory.class",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "transaction.two.phase.commit.enable",
    "value.deserializer",
    "value.serializer",
});

bool is_only_java(std::string_view name) {
  return std::ranges::any_of(only_java, [&](std::string_view known) {
    return known.ends_with('.') ? name.starts_with(known) : name == known;
  });
}

// -- stores of keys and certificates --------------------------------------------------------------

std::optional<std::string> take(property_map& from, const std::string& name) {
  auto found = from.extract(name);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

bool is_pem_file(const std::string& path) {
  std::ifstream in{path};
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with("-----BEGIN ")) return true;
  return false;
}

/// What kind of store a file is: as said, or PEM if it looks like that, or what Java takes it for.
std::string type_of_store(std::optional<std::string> said, const std::optional<std::string>& file) {
  if (said) {
    std::ranges::transform(*said, said->begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    return *std::move(said);
  }
  return file && is_pem_file(*file) ? "PEM" : "JKS";
}

result<void> translate_trust_store(property_map& given, property_map& to) {
  const auto file = take(given, "ssl.truststore.location");
  const auto type = type_of_store(take(given, "ssl.truststore.type"), file);
  given.erase("ssl.truststore.password");
  if (!file) return {};
  if (type != "PEM")
    return wrong(
        "ssl.truststore.location",
        fmt::format("a trust store of type {} cannot be read; write its certificates to a PEM file "
                    "(keytool -list -rfc -keystore <store>) and set ssl.truststore.type=PEM",
                    type));
  to["ssl.ca.location"] = *file;
  return {};
}

result<void> translate_key_store(property_map& given, property_map& to) {
  const auto file = take(given, "ssl.keystore.location");
  const auto password = take(given, "ssl.keystore.password");
  const auto said = take(given, "ssl.keystore.type");
  if (!file) return {};
  const auto type = type_of_store(said, file);
  if (type == "PEM") {
    to["ssl.certificate.location"] = to["ssl.key.location"] = *file;
    return {};
  }
  // librdkafka's own property of this name is of that type.
  if (type == "PKCS12" || !said) {
    to["ssl.keystore.location"] = *file;
    if (password) to["ssl.keystore.password"] = *password;
    return {};
  }
  return wrong(
      "ssl.keystore.location",
      fmt::format(
          "a key store of type {} cannot be read; turn it into PKCS12 "
          "(keytool -importkeystore -deststoretype PKCS12) or PEM, and set ssl.keystore.type",
          type));
}

// -- who logs in ----------------------------------------------------------------------------------

void copy_option(const jaas_entry& from, const std::string& option, property_map& to,
                 const std::string& name) {
  if (const auto found = from.options.find(option); found != from.options.end())
    to[name] = found->second;
}

result<void> translate_oauth(const jaas_entry& login, property_map& to) {
  if (const auto user = login.options.find("unsecuredLoginStringClaim_sub");
      user != login.options.end()) {
    to["enable.sasl.oauthbearer.unsecure.jwt"] = "true";
    to["sasl.oauthbearer.config"] = "principal=" + user->second;
    return {};
  }
  copy_option(login, "clientId", to, "sasl.oauthbearer.client.id");
  copy_option(login, "clientSecret", to, "sasl.oauthbearer.client.secret");
  copy_option(login, "scope", to, "sasl.oauthbearer.scope");
  if (to.contains("sasl.oauthbearer.client.id")) to.emplace("sasl.oauthbearer.method", "oidc");
  return {};
}

result<void> translate_jaas(property_map& given, property_map& to) {
  const auto text = take(given, "sasl.jaas.config");
  if (!text) return {};
  const auto login = parse_jaas(*text);
  if (!login) return wrong("sasl.jaas.config", login.error().message);
  if (login->login_module == "OAuthBearerLoginModule") return translate_oauth(*login, to);
  if (login->login_module != "PlainLoginModule" && login->login_module != "ScramLoginModule")
    return wrong("sasl.jaas.config",
                 fmt::format("{} is not supported; PlainLoginModule, ScramLoginModule and "
                             "OAuthBearerLoginModule are",
                             login->login_module));
  copy_option(*login, "username", to, "sasl.username");
  copy_option(*login, "password", to, "sasl.password");
  return {};
}

// -- values ---------------------------------------------------------------------------------------

/// Java counts this buffer in bytes, librdkafka in kilobytes.
result<void> translate_buffer(property_map& given, property_map& to) {
  const auto text = take(given, "buffer.memory");
  if (!text) return {};
  std::int64_t bytes = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), bytes);
  if (problem != std::errc{} || end != text->data() + text->size() || bytes < 1024)
    return wrong("buffer.memory", fmt::format("expected 1024 bytes or more, found \"{}\"", *text));
  to["queue.buffering.max.kbytes"] = std::to_string(bytes / 1024);
  return {};
}

std::string translated_value(std::string_view name, const std::string& value) {
  if (name == "ssl.endpoint.identification.algorithm" && value.empty()) return "none";
  if (name.ends_with(".buffer.bytes") && value == "-1") return "0";  // as the system has it
  return value;
}

}  // namespace

result<translation> translate(const property_map& given) {
  translation done;
  auto rest = given;
  for (const auto step :
       {translate_trust_store, translate_key_store, translate_jaas, translate_buffer})
    CLOUDFLOW_TRY(step(rest, done.properties));
  for (const auto& [name, value] : rest) {
    if (is_only_java(name)) {
      done.ignored.push_back(name);
      continue;
    }
    const auto* other =
        std::ranges::find(renamed, name, [](const auto& pair) { return pair.first; });
    const auto known = other == renamed.end() ? name : std::string{other->second};
    done.properties[known] = translated_value(name, value);
  }
  return done;
}

// -- setting --------------------------------------------------------------------------------------

namespace {

std::vector<std::string> known_names() {
  std::vector<std::string> names{std::string{password_location}, std::string{token_location}};
  const auto add = [&](const char** all, std::size_t count) {
    for (std::size_t i = 0; i < count; i += 2) names.emplace_back(all[i]);
    rd_kafka_conf_dump_free(all, count);
  };
  std::size_t count = 0;
  const conf_handle conf{rd_kafka_conf_new()};
  const char** all = rd_kafka_conf_dump(conf.get(), &count);
  add(all, count);
  const handle<rd_kafka_topic_conf_t, rd_kafka_topic_conf_destroy> topic{rd_kafka_topic_conf_new()};
  all = rd_kafka_topic_conf_dump(topic.get(), &count);
  add(all, count);
  for (const auto& [java, ours] : renamed) names.emplace_back(java);
  for (const auto* java :
       {"acks", "batch.size", "compression.type", "delivery.timeout.ms", "linger.ms", "retries",
        "sasl.jaas.config", "sasl.mechanism", "ssl.truststore.location", "ssl.truststore.type",
        "ssl.keystore.location", "ssl.keystore.type", "buffer.memory"})
    names.emplace_back(java);
  return names;
}

}  // namespace

result<void> set_property(rd_kafka_conf_t* conf, const std::string& name,
                          const std::string& value) {
  std::array<char, 512> text{};
  switch (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size())) {
    case RD_KAFKA_CONF_OK: return {};
    case RD_KAFKA_CONF_INVALID:
      return wrong(name, is_secret_property(name)
                             ? "the value is not understood"
                             : fmt::format("\"{}\" is not understood: {}", value, text.data()));
    case RD_KAFKA_CONF_UNKNOWN: break;
  }
  const auto meant = config::nearest(name, known_names());
  return wrong(name, meant ? fmt::format("there is none of this name; is {} meant?", *meant)
                           : "there is none of this name");
}

}  // namespace cloudflow::pubsub::kafka
