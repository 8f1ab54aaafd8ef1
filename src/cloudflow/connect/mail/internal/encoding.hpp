/// How mail writes what is not plain ASCII; private to this folder.
#pragma once

#include <string>
#include <string_view>

namespace cloudflow::connect::detail {

/// The text of a header: as it is where it is printable ASCII and short enough for a line, else
/// encoded words (RFC 2047, UTF-8, B) folded over as many lines as needed. Control characters
/// become spaces, so that no value can begin a header of its own. `used`: bytes of the first line
/// before it.
std::string header_text(std::string_view text, std::size_t used);

/// A name before `<address>`: quoted or encoded where it has to be.
std::string phrase(std::string_view name, std::size_t used);

/// One word of letters, digits, `-`, `_` and `.` for any key, and different ones for different
/// keys: other bytes become `%XX`; a word that would be longer than `limit` ends in `%-` and the
/// SHA-256 of the key instead.
std::string word_for(std::string_view key, std::size_t limit);

}  // namespace cloudflow::connect::detail
