#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/connect/mail/address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

/// A mail in plain text. A value.
struct mail_message {
  mail_address from;
  std::vector<mail_address> to;  ///< at least one
  std::string subject;           ///< UTF-8
  std::string body;              ///< UTF-8, lines end with LF or CR LF
  /// Of the Date header. Take it from the event and not from the clock, so that a repeat is the
  /// same mail.
  timestamp date;
  /// What makes it this mail and no other: the same key always gives the same Message-ID.
  std::string idempotency_key;
};

/// `<word@domain of the sender>`, without the angle brackets; different for different keys.
std::string message_id(const mail_message& message);

/// The mail as RFC 5322 and MIME (RFC 2045) have it, lines ending with CR LF: From, To, Subject
/// (RFC 2047), Date, Message-ID, text/plain in UTF-8. The same message gives the same bytes. No
/// value can add a header: addresses are checked when they are parsed, line ends in a subject
/// become spaces.
std::string to_rfc5322(const mail_message& message);

}  // namespace cloudflow::connect
