#include "cloudflow/connect/mail/message.hpp"

#include "cloudflow/base/base64.hpp"
#include "cloudflow/connect/mail/internal/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace cloudflow::connect {

namespace {

constexpr std::size_t longest_body_line = 998;  // RFC 5322, 2.1.1
constexpr std::size_t longest_id = 150;
constexpr std::size_t base64_line = 57;  // bytes that give 76 characters (RFC 2045, 6.8)

std::string date_text(timestamp t) {
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(t - day)};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
                     days[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string address_text(const mail_address& a, std::size_t used) {
  if (a.name().empty()) return a.address();
  return fmt::format("{} <{}>", detail::phrase(a.name(), used), a.address());
}

std::string recipients(const std::vector<mail_address>& to) {
  std::string out;
  for (const auto& one : to) {
    if (!out.empty()) out += ",\r\n ";
    out += address_text(one, out.empty() ? std::string_view{"To: "}.size() : 1);
  }
  return out;
}

/// With CR LF at the end of each line.
std::string with_line_ends(std::string_view body) {
  std::string out;
  for (std::size_t i = 0; i != body.size(); ++i) {
    const bool ends = body[i] == '\n' || (body[i] == '\r' && !body.substr(i + 1).starts_with('\n'));
    if (ends) {
      out += "\r\n";
    } else if (body[i] != '\r') {
      out += body[i];
    }
  }
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out;
}

bool has_only_short_lines(std::string_view lines) noexcept {
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    if (end > longest_body_line) return false;
    lines.remove_prefix(end + 2);
  }
  return true;
}

std::string in_base64(std::string_view lines) {
  std::string out;
  for (; !lines.empty(); lines.remove_prefix(std::min(lines.size(), base64_line))) {
    out += to_base64(lines.substr(0, base64_line));
    out += "\r\n";
  }
  return out;
}

}  // namespace

std::string message_id(const mail_message& message) {
  return fmt::format("{}@{}", detail::word_for(message.idempotency_key, longest_id),
                     message.from.domain());
}

std::string to_rfc5322(const mail_message& message) {
  const auto lines = with_line_ends(message.body);
  const bool is_ascii = std::ranges::all_of(
      lines, [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != 0; });
  // A NUL has no place in a mail that is not encoded (RFC 5322, 4).
  const bool is_plain = has_only_short_lines(lines) && lines.find('\0') == lines.npos;
  std::string out;
  const auto add = std::back_inserter(out);
  fmt::format_to(add, "From: {}\r\n",
                 address_text(message.from, std::string_view{"From: "}.size()));
  fmt::format_to(add, "To: {}\r\n", recipients(message.to));
  fmt::format_to(add, "Subject: {}\r\n",
                 detail::header_text(message.subject, std::string_view{"Subject: "}.size()));
  fmt::format_to(add, "Date: {}\r\n", date_text(message.date));
  fmt::format_to(add, "Message-ID: <{}>\r\n", message_id(message));
  fmt::format_to(add, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
  fmt::format_to(add, "Content-Transfer-Encoding: {}\r\n\r\n",
                 !is_plain  ? "base64"
                 : is_ascii ? "7bit"
                            : "8bit");
  return out + (is_plain ? lines : in_base64(lines));
}

}  // namespace cloudflow::connect
