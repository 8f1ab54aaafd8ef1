#include "cloudflow/pubsub/kafka/internal/credentials.hpp"

#include "cloudflow/config/value.hpp"
#include "cloudflow/pubsub/kafka/internal/properties.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr auto certificate_files = std::to_array<std::string_view>(
    {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location",
     "ssl.crl.location"});

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in || text.empty()) return std::nullopt;
  return text;
}

/// An editor ends a file with a line break, which is no part of a password.
std::optional<std::string> secret_in(const std::string& path) {
  auto text = content_of(path);
  if (!text) return std::nullopt;
  text->erase(std::min(text->find_last_not_of("\r\n") + 1, text->size()));
  if (text->empty()) return std::nullopt;
  return text;
}

error unreadable(std::string_view property, const std::string& path) {
  return {.code = errc::unsupported,
          .message = fmt::format("property \"{}\": the file {} is empty or cannot be read",
                                 property, path)};
}

result<std::optional<std::string>> secret_of(const property_map& properties,
                                             std::string_view property, std::string& file) {
  const auto named = properties.find(std::string{property});
  if (named == properties.end()) return std::optional<std::string>{};
  file = named->second;
  auto secret = secret_in(file);
  if (!secret) return unreadable(property, file);
  return secret;
}

/// True when the file holds another secret than before, which is taken over.
bool has_changed(const std::string& file, std::optional<std::string>& held) {
  if (file.empty()) return false;
  auto now = secret_in(file);
  if (!now || now == held) return false;
  held = std::move(now);
  return true;
}

std::string decode_base64url(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) break;
    held = held << 6 | static_cast<unsigned>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(held >> bits & 0xff));
  }
  return bytes;
}

/// The claims of a JWT; none when it is none.
std::optional<config::value> claims_of(std::string_view token) {
  const auto begin = token.find('.') + 1;
  const auto end = token.find('.', begin);
  if (begin == 0 || end == std::string_view::npos) return std::nullopt;
  const auto parsed =
      config::parse_text(decode_base64url(token.substr(begin, end - begin)), "token");
  if (!parsed) return std::nullopt;
  auto claims = parsed->resolve({});
  if (!claims) return std::nullopt;
  return std::move(claims).value();
}

}  // namespace

bearer_token parse_token(std::string text, timestamp now) {
  bearer_token token{
      .text = std::move(text), .principal = "unknown", .expires = now + std::chrono::hours{1}};
  const auto claims = claims_of(token.text);
  if (!claims) return token;
  if (const auto* sub = claims->get("sub"); sub != nullptr && sub->as_string() != nullptr)
    token.principal = *sub->as_string();
  const auto* exp = claims->get("exp");
  const auto digits = exp == nullptr ? std::nullopt : exp->text();
  std::int64_t seconds = 0;
  if (digits &&
      std::from_chars(digits->data(), digits->data() + digits->size(), seconds).ec == std::errc{})
    token.expires = timestamp{std::chrono::seconds{seconds}};
  return token;
}

// -- credentials ----------------------------------------------------------------------------------

result<credentials> credentials::read(const property_map& properties) {
  credentials made;
  made.password_ = CLOUDFLOW_TRY(secret_of(properties, password_location, made.password_file_));
  made.token_ = CLOUDFLOW_TRY(secret_of(properties, token_location, made.token_file_));
  for (const auto name : certificate_files) {
    const auto named = properties.find(std::string{name});
    // A directory of authorities is for librdkafka to read, as it is when a client is opened.
    if (named == properties.end() || named->second == "probe" ||
        std::filesystem::is_directory(named->second))
      continue;
    auto content = content_of(named->second);
    if (!content) return unreadable(name, named->second);
    made.certificates_[named->second] = *std::move(content);
  }
  return made;
}

credentials::changes credentials::look_again() {
  changes seen{.password = has_changed(password_file_, password_),
               .token = has_changed(token_file_, token_)};
  for (auto& [file, held] : certificates_) {
    auto now = content_of(file);
    if (!now || *now == held) continue;
    held = *std::move(now);
    seen.certificates = true;
  }
  return seen;
}

}  // namespace cloudflow::pubsub::kafka
