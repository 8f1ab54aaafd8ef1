/// Runs the blocks of testdata/*.txt.
#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace {

using cloudflow::schema::json_to_avro;
using cloudflow::schema::parse_avro;

/// Lines of a block; comments and empty lines are not among them.
using block = std::vector<std::string>;

std::vector<block> blocks_of(const std::string& name) {
  std::ifstream in{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/schema/testdata/" + name};
  std::vector<block> blocks(1);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    if (!line.empty())
      blocks.back().push_back(line);
    else if (!blocks.back().empty())
      blocks.emplace_back();
  }
  if (blocks.back().empty()) blocks.pop_back();
  return blocks;
}

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

TEST(invalid_schema, is_refused_with_its_place_and_what_was_expected_and_found) {
  const auto blocks = blocks_of("invalid_schemas.txt");
  ASSERT_GT(blocks.size(), 25U);
  for (const auto& lines : blocks) {
    std::string text;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) text += (i == 0 ? "" : "\n") + lines[i];
    const auto parsed = parse_avro(text, "test.avsc");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ("=> " + parsed.error().message, lines.back()) << text;
  }
}

TEST(json_to_avro, gives_the_bytes_or_says_which_field_is_wrong) {
  const auto blocks = blocks_of("json_to_avro.txt");
  ASSERT_GT(blocks.size(), 25U);
  for (const auto& lines : blocks) {
    ASSERT_EQ(lines.size(), 3U) << lines[0];
    const auto schema = parse_avro(lines[0]);
    ASSERT_TRUE(schema) << schema.error().message;
    cloudflow::byte_writer out;
    const auto done = json_to_avro(*schema, lines[1], out);
    EXPECT_EQ(done ? "=> " + hex_of(out.view()) : "=! " + done.error().message, lines[2])
        << lines[0] << lines[1];
    if (!done) {
      EXPECT_TRUE(out.empty());
    }
  }
}

}  // namespace
