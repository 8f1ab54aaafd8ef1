#include "cloudflow/kube/client.hpp"

#include "cloudflow/kube/internal/status.hpp"
#include "cloudflow/kube/internal/watch_stream.hpp"
#include "cloudflow/net/client.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::kube {

namespace {

using internal::error_of;

constexpr std::string_view json_type = "application/json";
constexpr std::string_view page_size = "500";  // as kubectl
/// How long a watch or a log may say nothing although it should have ended.
constexpr std::chrono::seconds slack{30};

/// A call, and what it is in messages: `get pods default/web`.
struct call {
  std::string what;
  std::string method;
  std::string path;  ///< with its query
  std::string content_type{};
  std::string body{};
  net::timeouts timeouts{};
};

std::string described(std::string_view verb, const resource& of, const object_key& key) {
  return fmt::format("{} {} {}", verb, of.plural, to_string(key));
}
std::string described(std::string_view verb, const resource& of, const selection& which) {
  return fmt::format("{} {}{}{}", verb, of.plural, which.name_space.empty() ? "" : " in ",
                     which.name_space);
}

result<void> check_key(const std::string& what, const resource& of, const object_key& key) {
  if (of.is_namespaced && key.name_space.empty())
    return error{errc::invalid_settings, fmt::format("{}: it needs a namespace", what)};
  if (key.name.empty())
    return error{errc::invalid_settings, fmt::format("{}: it needs a name", what)};
  return {};
}

std::string write_query(const write_options& how, bool is_apply) {
  return query_of({{"fieldManager", how.field_manager},
                   {"force", is_apply && how.is_forced ? "true" : ""},
                   {"dryRun", how.is_dry_run ? "All" : ""}});
}

bool is_success(int status) { return status / 100 == 2; }

result<object> object_in(const net::response& answer, std::string_view what) {
  auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (json.is_object()) return object{std::move(json)};
  return error{errc::malformed_response, fmt::format("{}: the response is no JSON object", what)};
}

void append_items(object page, std::vector<object>& to) {
  auto kind = std::string{page.kind()};
  constexpr std::string_view suffix = "List";
  if (kind.ends_with(suffix)) kind.resize(kind.size() - suffix.size());
  const auto version = std::string{page.api_version()};
  for (auto& item : page.json()["items"]) {
    if (!item.is_object()) continue;
    item.emplace("kind", kind);
    item.emplace("apiVersion", version);
    to.emplace_back(std::move(item));
  }
}

/// JSON is UTF-8; what is not cannot be sent.
result<std::string> text_of(const nlohmann::json& json, std::string_view what) {
  try {
    return json.dump();
  } catch (const nlohmann::json::exception&) {
    return error{errc::invalid_settings, fmt::format("{}: a text in it is not UTF-8", what)};
  }
}

std::string_view name_of(propagation dependents) {
  switch (dependents) {
    case propagation::background: return "Background";
    case propagation::foreground: return "Foreground";
    case propagation::orphan: return "Orphan";
  }
  return "";
}

nlohmann::json body_of(const delete_options& how) {
  nlohmann::json body = {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (!how.uid.empty()) body["preconditions"]["uid"] = how.uid;
  if (!how.resource_version.empty())
    body["preconditions"]["resourceVersion"] = how.resource_version;
  if (how.dependents) body["propagationPolicy"] = name_of(*how.dependents);
  if (how.grace) body["gracePeriodSeconds"] = how.grace->count();
  return body;
}

}  // namespace

/// Sends calls, with the credentials of the moment.
class client::caller {
public:
  caller(access how, std::string user_agent)
    : how_(std::move(how)), user_agent_(std::move(user_agent)) {}

  const access& how() const noexcept { return how_; }

  result<object> object_of(const call& what, const std::stop_token& stop) {
    const auto answer = CLOUDFLOW_TRY(answer_to(what, stop, nullptr));
    return object_in(answer, what.what);
  }

  /// The object as the server has it then.
  result<object> store(call what, const nlohmann::json& wanted, const std::stop_token& stop) {
    what.body = CLOUDFLOW_TRY(text_of(wanted, what.what));
    return object_of(what, stop);
  }

  /// A limit that is empty: all in one page.
  result<object_list> pages_of(const resource& of, const selection& which, std::string_view limit,
                               const std::stop_token& stop) {
    object_list all;
    std::string next;
    do {
      const auto query = query_of({{"limit", limit},
                                   {"continue", next},
                                   {"labelSelector", which.label_selector},
                                   {"fieldSelector", which.field_selector}});
      auto page = CLOUDFLOW_TRY(object_of({.what = described("list", of, which),
                                           .method = "GET",
                                           .path = collection_path(of, which.name_space) + query},
                                          stop));
      next = page.text("/metadata/continue");
      all.resource_version = page.resource_version();
      append_items(std::move(page), all.items);
    } while (!next.empty());
    return all;
  }

  /// Of a status that is a success. `receive`, if there is one, gets its body.
  result<net::response> answer_to(const call& what, const std::stop_token& stop,
                                  const net::body_receiver* receive) {
    auto answer = CLOUDFLOW_TRY(send(what, stop, receive));
    constexpr int unauthorized = 401;
    if (answer.status == unauthorized && how_.credentials && how_.credentials->renew())
      answer = CLOUDFLOW_TRY(send(what, stop, receive));
    if (is_success(answer.status)) return answer;
    return error_of(answer, what.what);
  }

private:
  result<net::response> send(const call& what, const std::stop_token& stop,
                             const net::body_receiver* receive) {
    net::request request{
        .method = what.method,
        .url = how_.server + what.path,
        .headers = {{"Accept", std::string{json_type}}, {"User-Agent", user_agent_}},
        .body = what.body,
        .timeouts = what.timeouts,
        .tls = how_.tls,
        .proxy = how_.proxy};
    if (!what.content_type.empty()) request.headers.push_back({"Content-Type", what.content_type});
    if (how_.credentials) {
      auto shown = how_.credentials->current(stop);
      if (!shown) {
        auto failure = std::move(shown).error();
        failure.message.insert(0, what.what + ": ");
        return failure;
      }
      request.authorization = std::move(shown->authorization);
      request.tls.identity = std::move(shown->identity);
    }
    auto answer =
        receive == nullptr ? http_.send(request, stop) : http_.stream(request, stop, *receive);
    if (!answer) return error_of(answer.error(), what.what);
    return std::move(answer).value();
  }

  access how_;
  std::string user_agent_;
  net::client http_;
};

client::client(access how, std::string user_agent)
  : caller_(std::make_unique<caller>(std::move(how), std::move(user_agent))) {}

client::~client() = default;

const access& client::how() const noexcept { return caller_->how(); }

// -- reading ---

result<object> client::get(const resource& of, const object_key& key, const std::stop_token& stop) {
  const auto what = described("get", of, key);
  CLOUDFLOW_TRY(check_key(what, of, key));
  return caller_->object_of({.what = what, .method = "GET", .path = object_path(of, key)}, stop);
}

result<object_list> client::list(const resource& of, const selection& which,
                                 const std::stop_token& stop) {
  auto paged = caller_->pages_of(of, which, page_size, stop);
  if (paged || paged.error().code != errc::expired) return paged;
  return caller_->pages_of(of, which, "", stop);
}

result<void> client::watch(const resource& of, const watch_options& how,
                           const std::stop_token& stop, const event_receiver& receive) {
  const auto what = described("watch", of, how.of);
  const auto query = query_of({{"watch", "1"},
                               {"allowWatchBookmarks", "true"},
                               {"resourceVersion", how.resource_version},
                               {"timeoutSeconds", std::to_string(how.longest.count())},
                               {"labelSelector", how.of.label_selector},
                               {"fieldSelector", how.of.field_selector}});
  internal::watch_stream events{what, receive};
  const net::body_receiver take = [&](const net::response&, std::string_view piece) {
    return events.take(piece) ? net::after_piece::go_on : net::after_piece::stop;
  };
  const auto answer =
      caller_->answer_to({.what = what,
                          .method = "GET",
                          .path = collection_path(of, how.of.name_space) + query,
                          .timeouts = {.total = std::nullopt, .idle = how.longest + slack}},
                         stop, &take);
  if (events.failure()) return *events.failure();
  if (!answer) return answer.error();
  return {};
}

result<void> client::read_log(const object_key& pod, const log_options& how,
                              const std::stop_token& stop, const text_receiver& receive) {
  const resource pods{.group = "", .version = "v1", .plural = "pods"};
  const auto what = described("log of", pods, pod);
  CLOUDFLOW_TRY(check_key(what, pods, pod));
  const auto query =
      query_of({{"container", how.container},
                {"follow", how.is_followed ? "true" : ""},
                {"previous", how.is_previous ? "true" : ""},
                {"timestamps", how.has_timestamps ? "true" : ""},
                {"tailLines", how.last_lines ? std::to_string(*how.last_lines) : ""},
                {"sinceSeconds", how.since ? std::to_string(how.since->count()) : ""}});
  const net::body_receiver take = [&](const net::response&, std::string_view piece) {
    const bool is_over = !piece.empty() && receive(piece) == after_event::stop;
    return is_over ? net::after_piece::stop : net::after_piece::go_on;
  };
  // A container may say nothing for as long as it likes.
  const net::timeouts bounds{
      .total = std::nullopt,
      .idle = how.is_followed ? std::optional<std::chrono::milliseconds>{} : slack};
  const auto answer = caller_->answer_to({.what = what,
                                          .method = "GET",
                                          .path = object_path(pods, pod, "log") + query,
                                          .timeouts = bounds},
                                         stop, &take);
  if (!answer) return answer.error();
  return {};
}

// -- changing ---

result<object> client::create(const resource& of, const object& wanted, const write_options& how,
                              const std::stop_token& stop) {
  call what{.what = described("create", of, wanted.key()),
            .method = "POST",
            .path = collection_path(of, wanted.name_space()) + write_query(how, false),
            .content_type = std::string{json_type}};
  if (of.is_namespaced && wanted.name_space().empty())
    return error{errc::invalid_settings, fmt::format("{}: it needs a namespace", what.what)};
  return caller_->store(std::move(what), wanted.json(), stop);
}

result<object> client::replace(const resource& of, const object& wanted, const write_options& how,
                               const std::stop_token& stop) {
  call what{.what = described("replace", of, wanted.key()),
            .method = "PUT",
            .path = object_path(of, wanted.key(), how.subresource) + write_query(how, false),
            .content_type = std::string{json_type}};
  CLOUDFLOW_TRY(check_key(what.what, of, wanted.key()));
  return caller_->store(std::move(what), wanted.json(), stop);
}

result<object> client::apply(const resource& of, const object& wanted, const write_options& how,
                             const std::stop_token& stop) {
  call what{.what = described("apply", of, wanted.key()),
            .method = "PATCH",
            .path = object_path(of, wanted.key(), how.subresource) + write_query(how, true),
            .content_type = "application/apply-patch+yaml"};  // JSON is YAML
  CLOUDFLOW_TRY(check_key(what.what, of, wanted.key()));
  if (how.field_manager.empty())
    return error{errc::invalid_settings, fmt::format("{}: it needs a field manager", what.what)};
  return caller_->store(std::move(what), wanted.json(), stop);
}

result<object> client::merge_patch(const resource& of, const object_key& key,
                                   const nlohmann::json& patch, const write_options& how,
                                   const std::stop_token& stop) {
  call what{.what = described("patch", of, key),
            .method = "PATCH",
            .path = object_path(of, key, how.subresource) + write_query(how, false),
            .content_type = "application/merge-patch+json"};
  CLOUDFLOW_TRY(check_key(what.what, of, key));
  return caller_->store(std::move(what), patch, stop);
}

result<void> client::remove(const resource& of, const object_key& key, const delete_options& how,
                            const std::stop_token& stop) {
  const auto what = described("delete", of, key);
  CLOUDFLOW_TRY(check_key(what, of, key));
  const auto body = CLOUDFLOW_TRY(text_of(body_of(how), what));
  CLOUDFLOW_TRY(caller_->answer_to({.what = what,
                                    .method = "DELETE",
                                    .path = object_path(of, key),
                                    .content_type = std::string{json_type},
                                    .body = body},
                                   stop, nullptr));
  return {};
}

}  // namespace cloudflow::kube
