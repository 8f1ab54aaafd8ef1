#include "cloudflow/net/internal/prepared_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace cloudflow::net::detail {

namespace {

constexpr long most_redirects = 10;

bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
}

/// `token` of RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view separators = "\"(),/:;<=>?@[\\]{} \t";
  return !text.empty() && std::ranges::none_of(text, [&](char c) {
    return is_control(c) || static_cast<unsigned char>(c) > 0x7E ||
           separators.find(c) != separators.npos;
  });
}

/// Nothing that could end a header and begin another.
result<void> check_text(std::string_view what, std::string_view text) {
  if (std::ranges::none_of(text, is_control)) return {};
  return error{errc::invalid_request,
               fmt::format("{} has a line end or another control character", what)};
}

result<void> check(const request& what) {
  if (!is_token(what.method))
    return error{errc::invalid_request, "the method is no word such as GET"};
  if (what.method == "HEAD" && !what.body.empty())
    return error{errc::invalid_request, "a HEAD has no body"};
  for (const auto& [name, value] : what.headers) {
    if (!is_token(name))
      return error{errc::invalid_request, fmt::format("'{}' is no name of a header", name)};
    CLOUDFLOW_TRY(check_text(fmt::format("the value of the header {}", name), value));
  }
  if (const auto* bearer = std::get_if<bearer_token>(&what.authorization)) {
    CLOUDFLOW_TRY(check_text("the bearer token", bearer->token));
  } else if (const auto* basic = std::get_if<basic_credentials>(&what.authorization)) {
    CLOUDFLOW_TRY(check_text("the user", basic->user));
    CLOUDFLOW_TRY(check_text("the password", basic->password));
    if (basic->user.find(':') != std::string::npos)
      return error{errc::invalid_request,
                   "the user has a colon, which basic credentials cannot say"};
  }
  return check_text("the server name", what.tls.server_name);
}

bool has_header(const request& what, std::string_view name) {
  return !response{.headers = what.headers}.header(name).empty();
}

result<std::string> read(std::string_view what, const pem_source& source) {
  if (const auto* text = std::get_if<pem_text>(&source)) return text->text;
  const auto& path = std::get<pem_file>(source).path;
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (in.is_open() && !in.bad() && !text.empty()) return text;
  return error{errc::invalid_tls_settings,
               fmt::format("{} cannot be read from '{}': {}", what, path.string(),
                           in.is_open() ? "there is nothing in it"
                                        : std::generic_category().message(errno))};
}

/// As it stands in a URL.
std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

bool prepared_request::is_idempotent() const noexcept {
  return what_->method != "POST" && what_->method != "PATCH" && what_->method != "CONNECT";
}

bool prepared_request::follows_redirects() const noexcept {
  return what_->follows_redirects && (what_->method == "GET" || what_->method == "HEAD");
}

result<prepared_request> prepared_request::of(const request& what, url server) {
  CLOUDFLOW_TRY(check(what));
  prepared_request prepared{what, std::move(server)};
  prepared.proxy_ = CLOUDFLOW_TRY(choose_proxy(what.proxy, prepared.server_, process_environment));
  CLOUDFLOW_TRY(prepared.read_certificates());
  prepared.called_url_ = what.url;
  prepared.collect_headers();
  if (prepared.server_.scheme == "https" && !what.tls.server_name.empty())
    prepared.redirect_to_server_name();
  return prepared;
}

result<void> prepared_request::read_certificates() {
  const auto& tls = what_->tls;
  if (server_.scheme != "https") return {};
  if (tls.authority)
    authority_ = CLOUDFLOW_TRY(read("the authority's certificate", *tls.authority));
  if (tls.identity) {
    certificate_ = CLOUDFLOW_TRY(read("the client's certificate", tls.identity->certificate));
    key_ = CLOUDFLOW_TRY(read("the client's key", tls.identity->key));
  }
  return {};
}

void prepared_request::collect_headers() {
  // libcurl reads `Name: value`, `Name:` as "do not send it", and `Name;` as one without a value.
  for (const auto& [name, value] : what_->headers)
    append(headers_, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  // What it would add by itself: a type that nobody said, and a wait for the server's consent.
  for (const auto* name : {"Content-Type", "Expect"})
    if (!has_header(*what_, name)) append(headers_, fmt::format("{}:", name));
}

/// libcurl takes the name for TLS from the URL, so the URL gets that name, and the connection and
/// the header Host get the server's.
void prepared_request::redirect_to_server_name() {
  const auto& name = what_->tls.server_name;
  const url_handle renamed{present(curl_url())};
  curl_url_set(renamed.get(), CURLUPART_URL, what_->url.c_str(), CURLU_PATH_AS_IS);
  curl_url_set(renamed.get(), CURLUPART_HOST, bracketed(name).c_str(), 0);
  char* text = nullptr;
  curl_url_get(renamed.get(), CURLUPART_URL, &text, 0);
  called_url_ = present(text_handle{text}).get();
  append(connect_to_, fmt::format("{}:{}:{}:{}", bracketed(name), server_.port,
                                  bracketed(server_.host), server_.port));
  constexpr std::uint16_t default_port = 443;
  const auto host = bracketed(server_.host);
  if (!has_header(*what_, "Host"))
    append(headers_, server_.port == default_port ? fmt::format("Host: {}", host)
                                                  : fmt::format("Host: {}:{}", host, server_.port));
}

result<void> prepared_request::apply_to(CURL* easy) const {
  option_setter set{easy};
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // a cancelled look-up is not waited for
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_URL, called_url_.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(what_->timeouts.connect.count()));
  if (follows_redirects()) {
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, most_redirects);
    set(CURLOPT_REDIR_PROTOCOLS_STR, server_.scheme == "https" ? "https" : "http,https");
  }
  set_method(set);
  set_authorization(set);
  set_way(set);
  set_tls(set);
  if (set.first_failure() == CURLE_OK) return {};
  return error{errc::failed, fmt::format("libcurl {} lacks an option that is needed here: {}",
                                         curl_version_info(CURLVERSION_NOW)->version,
                                         curl_easy_strerror(set.first_failure()))};
}

void prepared_request::set_method(option_setter& set) const {
  const auto& method = what_->method;
  const bool has_body =
      !what_->body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what_->body.size()));
    set(CURLOPT_POSTFIELDS, what_->body.data());
  }
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method != "GET" || has_body) {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

void prepared_request::set_authorization(option_setter& set) const {
  if (const auto* bearer = std::get_if<bearer_token>(&what_->authorization)) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    set(CURLOPT_XOAUTH2_BEARER, bearer->token.c_str());
  } else if (const auto* basic = std::get_if<basic_credentials>(&what_->authorization)) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, basic->user.c_str());
    set(CURLOPT_PASSWORD, basic->password.c_str());
  }
}

void prepared_request::set_way(option_setter& set) const {
  set(CURLOPT_PROXY, proxy_.url.c_str());  // "" is none, and no look into the environment
  set(CURLOPT_NOPROXY, "");
  if (connect_to_) set(CURLOPT_CONNECT_TO, connect_to_.get());
}

void prepared_request::set_tls(option_setter& set) const {
  const auto& tls = what_->tls;
  const bool is_verified = !tls.dangerously_accept_any_certificate;
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, is_verified ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, is_verified ? 2L : 0L);
  set(CURLOPT_CERTINFO, 1L);  // for messages: which names the certificate has
  if (tls.authority) {
    set.blob(CURLOPT_CAINFO_BLOB, authority_);
    set(CURLOPT_CAPATH, nullptr);  // else the system's directory would be trusted as well
  }
  if (tls.identity) {
    set.blob(CURLOPT_SSLCERT_BLOB, certificate_);
    set.blob(CURLOPT_SSLKEY_BLOB, key_);
    set(CURLOPT_KEYPASSWD, "");  // without one OpenSSL would ask at the terminal
  }
}

}  // namespace cloudflow::net::detail
