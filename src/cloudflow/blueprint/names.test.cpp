#include "cloudflow/blueprint/names.hpp"

#include <gtest/gtest.h>

namespace cloudflow::blueprint {
namespace {

TEST(names, of_streamlets_and_ports_are_lower_case_with_inner_dashes) {
  for (const auto* name : {"a", "abcd", "a-b", "ab--cd", "1ab2", "1ab", "1-2"})
    EXPECT_TRUE(is_dns_name(name)) << name;
  for (const auto* name : {"", "A", "aBcd", "9B", "-ab", "ab-", "a_b", "a/b", "a+b", "a.b", "a\n"})
    EXPECT_FALSE(is_dns_name(name)) << name;
}

TEST(names, of_volume_mounts_have_at_most_63_characters) {
  EXPECT_TRUE(is_volume_mount_name(std::string(63, 'm')));
  EXPECT_FALSE(is_volume_mount_name(std::string(64, 'm')));
  EXPECT_FALSE(is_volume_mount_name("-ml-data"));
}

TEST(names, of_classes_are_identifiers_joined_by_dots) {
  for (const auto* name : {"a", "com.acme.Foo", "com.acme.Foo$", "_a.$b", "gen.\xC3\x84rger"})
    EXPECT_TRUE(is_class_name(name)) << name;
  for (const auto* name : {"", "-ab", "ab-", "1ab", "a/b", "a+b", "a..b", ".a", "a.", "a::b"})
    EXPECT_FALSE(is_class_name(name)) << name;
}

TEST(names, a_class_name_in_the_spelling_of_cpp_gets_dots) {
  EXPECT_EQ(dotted_class_name("logproc::detail::log_statistics"), "logproc.detail.log_statistics");
  EXPECT_EQ(dotted_class_name("::logproc::ingress"), "logproc.ingress");
  EXPECT_EQ(dotted_class_name("logproc.ingress"), "logproc.ingress");
}

TEST(names, of_parameters_begin_with_a_part_of_letters_only) {
  for (const auto* key : {"a", "aB", "log-level", "a--b", "a-b-9-"})
    EXPECT_TRUE(is_parameter_key(key)) << key;
  for (const auto* key : {"", "a1", "a_b", "a.b", "-a", "a-"})
    EXPECT_FALSE(is_parameter_key(key)) << key;
}

TEST(names, of_topics_are_those_that_kafka_takes) {
  EXPECT_TRUE(is_topic_name("a.B_c-9"));
  EXPECT_TRUE(is_topic_name(std::string(249, 't')));
  EXPECT_FALSE(is_topic_name(std::string(250, 't')));
  for (const auto* name : {"", ".", "..", "a b", "a/b", "\xC3\xA4"})
    EXPECT_FALSE(is_topic_name(name)) << name;
}

TEST(names, of_servers_have_a_host_and_a_port_that_can_be_one) {
  for (const auto* list : {"a:1", "a.b-c:65535", "a", "10.0.0.1:9092, b:9092", "[::1]:9092",
                           "SSL://a:9093,PLAINTEXT://b:9092", "a:09092"})
    EXPECT_TRUE(is_server_list(list)) << list;
  for (const auto* list : {"", " ", ":9092", "a:", "a:b", "a:0", "a:65536", "a:99999999999", "a:1,",
                           ",a:1", "a b:1", "a:1;b:2", "http://a:1/x"})
    EXPECT_FALSE(is_server_list(list)) << list;
}

TEST(names, a_port_path_ends_in_the_port_and_ignores_empty_parts) {
  EXPECT_EQ(parse_port_path("a.b"), (port_path{"a", "b"}));
  EXPECT_EQ(parse_port_path(" a..b "), (port_path{"a", "b"}));
  EXPECT_EQ(parse_port_path("a.b.c"), (port_path{"a.b", "c"}));
  for (const auto* text : {"", "a", "a.", ".a.b", "..", " .a.b"})
    EXPECT_EQ(parse_port_path(text), std::nullopt) << text;
}

// The example of Cloudflow's own tests.
TEST(names, a_dns_label_loses_accents_and_what_dns_does_not_take) {
  EXPECT_EQ(to_dns_label("-monstrous-some-very-long-NAME-with-\xC3\xBC-in-the-middle-that-still-"
                         "needs-more-characters-mite-12345."),
            "monstrous-some-very-long-name-with-u-in-the-middle-that-still");
  EXPECT_EQ(to_dns_label("My_App.v1"), "my-app-v1");
  EXPECT_EQ(to_dns_label("stra\xC3\x9F"
                         "e \xE6\x97\xA5 \xC5\xBC\xC3"),
            "straez");
}

TEST(names, a_dns_subdomain_keeps_its_dots_and_has_at_most_253_characters) {
  EXPECT_EQ(to_dns_subdomain("A.b_c.-d"), "a.b-c.d");
  EXPECT_EQ(to_dns_subdomain(std::string(60, 'a') + "." + std::string(300, 'b')).size(), 124u);
  std::string many;
  for (int i = 0; i < 10; ++i) many += std::string(60, 'x') + ".";
  EXPECT_EQ(to_dns_subdomain(many).size(), 253u);
}

}  // namespace
}  // namespace cloudflow::blueprint
