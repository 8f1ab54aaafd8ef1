#include "cloudflow/connect/mail/address.hpp"
#include "cloudflow/connect/mail/message.hpp"
#include "cloudflow/connect/mail/outbox.hpp"
#include "cloudflow/connect/mail/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace cloudflow::connect {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

mail_message a_mail(std::string subject = "payments: 12 problems", std::string body = "Hello.\n") {
  return {.from = mail_address::parse("Cloudflow <alerts@example.org>").value(),
          .to = mail_address::parse_list("ops@example.org").value(),
          .subject = std::move(subject),
          .body = std::move(body),
          .date = timestamp{std::chrono::milliseconds{1445191307978}},
          .idempotency_key = "payments:1445191200000"};
}

TEST(mail_address, has_a_name_or_none) {
  const auto plain = mail_address::parse(" ops@example.org ");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->address(), "ops@example.org");
  EXPECT_EQ(plain->domain(), "example.org");
  const auto named = mail_address::parse("\"Ops, \\\"night\\\"\" <ops@example.org>");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->name(), "Ops, \"night\"");
  EXPECT_EQ(mail_address::parse_list("\"a, b\" <a@x.org>,c@y.org").value().size(), 2u);
}

TEST(mail_address, is_refused_when_it_is_none) {
  for (const std::string bad :
       {"", "ops", "@example.org", "ops@", "a b@example.org", "ops@exa mple.org", "a..b@x.org",
        "ops@example.org\r\nBcc: all@example.org", "Ops\r\nBcc: all@b.org <ops@example.org>",
        "Ops\x7F <ops@example.org>", "x <ops@example.org", "\xC3\xBC@example.org", "a@b@c.org",
        "<a@b.org>c@d.org"})
    EXPECT_FALSE(mail_address::parse(bad)) << bad;
  EXPECT_FALSE(mail_address::parse(std::string(250, 'a') + "@example.org"));
  EXPECT_FALSE(mail_address::parse_list("a@x.org,,b@x.org"));
  EXPECT_FALSE(mail_address::parse_list(""));
}

TEST(mail_message, is_written_as_rfc_5322_has_it) {
  EXPECT_EQ(to_rfc5322(a_mail()),
            "From: Cloudflow <alerts@example.org>\r\n"
            "To: ops@example.org\r\n"
            "Subject: payments: 12 problems\r\n"
            "Date: Sun, 18 Oct 2015 18:01:47 +0000\r\n"
            "Message-ID: <payments%3A1445191200000@example.org>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Hello.\r\n");
}

TEST(mail_message, gives_every_recipient_a_line) {
  auto mail = a_mail();
  mail.to = mail_address::parse_list(
                "ops@example.org, J\xC3\xBCrgen <j@example.org>, \"a.b\" <c@example.org>")
                .value();
  EXPECT_THAT(to_rfc5322(mail),
              HasSubstr("To: ops@example.org,\r\n =?UTF-8?B?SsO8cmdlbg==?= <j@example.org>,\r\n"
                        " \"a.b\" <c@example.org>\r\n"));
}

TEST(mail_message, encodes_a_subject_in_words_of_whole_characters) {
  EXPECT_THAT(to_rfc5322(a_mail("Gr\xC3\xBC\xC3\x9F"
                                "e")),
              HasSubstr("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"));
  std::string eighty;
  for (int i = 0; i != 80; ++i) eighty += "\xE2\x82\xAC";
  const auto text = to_rfc5322(a_mail(eighty));
  std::size_t words = 0;
  for (auto at = text.find("=?UTF-8?B?"); at != text.npos; at = text.find("=?UTF-8?B?", at + 1)) {
    const auto end = text.find("?=", at);
    // Whole characters: each is three bytes, which are four characters of base64 without padding.
    EXPECT_EQ(text.substr(at, end - at).find('='), 0u);
    EXPECT_EQ(text.substr(at, end - at).find('=', 1), std::string::npos);
    EXPECT_LE(end + 2 - at, 75u);
    ++words;
  }
  EXPECT_EQ(words, 6u);
}

TEST(mail_message, lets_no_value_begin_a_header_of_its_own) {
  auto mail = a_mail("ok\r\nBcc: all@example.org\r\n\r\nbody");
  mail.idempotency_key = "k\r\nBcc: all@example.org";
  mail.from = mail_address::parse("=?UTF-8?Q?x?= <a@example.org>").value();
  const auto text = to_rfc5322(mail);
  EXPECT_THAT(text, HasSubstr("Subject: ok  Bcc: all@example.org    body\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nBcc:")));
  EXPECT_THAT(text, HasSubstr("From: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?= <a@example.org>\r\n"));
}

TEST(mail_message, says_how_its_body_is_written) {
  EXPECT_THAT(to_rfc5322(a_mail("s", "a\nb\r\nc\rd")),
              HasSubstr("7bit\r\n\r\na\r\nb\r\nc\r\nd\r\n"));
  EXPECT_THAT(to_rfc5322(a_mail("s", "gr\xC3\xBC\xC3\x9F")),
              HasSubstr("8bit\r\n\r\ngr\xC3\xBC\xC3\x9F\r\n"));
  EXPECT_THAT(to_rfc5322(a_mail("s", std::string(998, 'x'))), HasSubstr("7bit"));
  EXPECT_THAT(to_rfc5322(a_mail("s", std::string(999, 'x'))), HasSubstr("base64\r\n\r\neHh4"));
  EXPECT_THAT(to_rfc5322(a_mail("s", std::string{"a\0b", 3})),
              HasSubstr("base64\r\n\r\nYQBiDQo=\r\n"));
  EXPECT_THAT(to_rfc5322(a_mail("s", "")), testing::EndsWith("7bit\r\n\r\n"));
}

class mail_outbox_test : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cloudflow-outbox-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_))
      names.insert(entry.path().filename());
    return names;
  }
  fs::path directory_;
};

std::string content_of(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST_F(mail_outbox_test, writes_one_file_for_each_key_however_often_it_is_put) {
  const auto outbox = mail_outbox::open(directory_ / "new" / "outbox");
  ASSERT_TRUE(outbox) << outbox.error().message;
  const auto first = outbox->put(a_mail());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->filename(), "payments%3A1445191200000.eml");
  EXPECT_EQ(content_of(*first), to_rfc5322(a_mail()));
  EXPECT_TRUE(outbox->put(a_mail()));
  directory_ /= "new/outbox";
  EXPECT_EQ(files().size(), 1u);
  directory_ = directory_.parent_path().parent_path();
}

TEST_F(mail_outbox_test, gives_different_keys_different_names_that_stay_inside) {
  const auto outbox = mail_outbox::open(directory_);
  ASSERT_TRUE(outbox);
  const std::string long_key(500, 'k');
  const std::vector<std::string> keys = {
      "a/b", "a_b",     "a%2Fb",        "..",           ".",          "",    ".a", "a..b",
      "a.b", "../../x", long_key + "1", long_key + "2", "gr\xC3\xBC", "a\nb"};
  for (const auto& key : keys) {
    auto mail = a_mail();
    mail.idempotency_key = key;
    const auto path = outbox->put(mail);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(path->parent_path(), directory_);
    EXPECT_FALSE(path->filename().string().starts_with('.'));
  }
  EXPECT_EQ(files().size(), keys.size());
}

TEST_F(mail_outbox_test, says_that_it_cannot_write) {
  std::ofstream{directory_ / "file"} << "x";
  EXPECT_FALSE(mail_outbox::open(directory_ / "file"));
  const auto outbox = mail_outbox::open(directory_ / "outbox");
  ASSERT_TRUE(outbox);
  fs::remove(directory_ / "outbox");
  const auto put = outbox->put(a_mail());
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message, HasSubstr("No such file or directory"));
}

TEST_F(mail_outbox_test, leaves_nothing_behind_of_a_mail_that_it_cannot_put) {
  const auto outbox = mail_outbox::open(directory_);
  ASSERT_TRUE(outbox);
  const std::string in_the_way = "payments%3A1445191200000.eml";
  fs::create_directory(directory_ / in_the_way);
  const auto put = outbox->put(a_mail());
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message, HasSubstr("cannot rename"));
  EXPECT_EQ(files(), std::set<std::string>{in_the_way});
}

constexpr std::string_view fields[] = {"app", "numErrors", "share", "flagErrors", "windowstart"};

TEST(text_template, fills_its_placeholders) {
  const auto parsed = text_template::parse(
      "{app}{app}: {numErrors} ({share}) {{{flagErrors}}} from {windowstart}.", fields);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const template_value values[] = {std::string_view{"pay{}ments"}, std::int64_t{-12}, 0.5, true,
                                   timestamp{std::chrono::milliseconds{1445191307978}}};
  EXPECT_EQ(parsed->render(values),
            "pay{}mentspay{}ments: -12 (0.5) {true} from 2015-10-18T18:01:47.978Z.");
}

TEST(text_template, says_what_is_wrong_with_it) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a\nb {nobody}",
       "template, line 2, column 3: there is no field 'nobody'; there are app, numErrors, share, "
       "flagErrors, windowstart"},
      {"{app",
       "template, line 1, column 1: there is no '}' to this '{'; write {{ for the character"},
      {"app}",
       "template, line 1, column 4: there is no '{' before this '}'; write }} for the character"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = text_template::parse(text, fields);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message, message);
  }
}

}  // namespace
}  // namespace cloudflow::connect
