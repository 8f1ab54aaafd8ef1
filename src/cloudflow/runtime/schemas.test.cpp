/// Topics and windows that were made with other schemas and settings than the program has.
#include "cloudflow/runtime/fixture.test.hpp"
#include "cloudflow/runtime/streamlets.test.hpp"

#include <string>
#include <vector>

namespace cloudflow::runtime {

struct regrouping {
  inlet<line> in{"lines"};
  outlet<count> out{"counts"};
  cloudflow::state<std::int64_t> seen{"seen"};
  cloudflow::parameter<std::chrono::milliseconds> window{"window", "Length of a window.", 60s};
  auto logic(const context& ctx) const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{ctx[window]})
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

namespace {

struct changed_schema : application {
  changed_schema() {
    topic<line>("lines");
    topic<line>("shouted");
    streamlet<shouting>("shouter");
  }
};

TEST_F(changed_schema, is_named_in_a_header_where_the_topic_was_made_with_an_older_one) {
  ASSERT_TRUE(log->schemas().put(codec<old_line>::fingerprint, codec<old_line>::schema_text));
  ASSERT_TRUE(log->ensure_topic({.name = "shouted",
                                 .partitions = 1,
                                 .properties = {},
                                 .base_schema = std::string{codec<old_line>::fingerprint}}));
  start();
  send("lines", std::vector<line>{{"a", at(0), "new"}});
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"new!"}));
  each("shouted", [](const record_view& r) {
    ASSERT_EQ(r.headers.size(), 1u);
    EXPECT_EQ(r.headers[0].value, codec<line>::fingerprint.substr(0, 8));
  });
}

struct changed_window : application {
  changed_window() {
    topic<line>("lines");
    topic<count>("counts");
    streamlet<regrouping>("grouper");
  }
};

TEST_F(changed_window, is_refused_because_the_state_is_of_other_windows) {
  start();
  kill();
  plan.streamlets[0].parameters["window"] = "30 s";
  const auto refused = try_start();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("tumbling 30000 ms"), std::string::npos)
      << refused.error().message;
}

struct reading_new : application {
  reading_new() {
    topic<old_line>("lines");
    topic<line>("shouted");
    streamlet<shouting>("shouter");
  }
};

TEST_F(reading_new, takes_records_of_an_older_schema_with_the_default_of_the_new_field) {
  start();
  send("lines", std::vector<old_line>{{"a", at(0)}});
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"none!"}));
}

TEST_F(reading_new, reads_a_record_that_names_its_schema_in_a_header) {
  start();
  record_buffer mixed;
  byte_writer w;
  codec<old_line>::encode(old_line{"a", at(0)}, w);
  mixed.append("a", w.view());
  w.clear();
  codec<line>::encode(line{"a", at(0), "new"}, w);
  mixed.append("a", w.view());
  mixed.add_header(flow::schema_header_name, codec<line>::fingerprint.substr(0, 8));
  ASSERT_TRUE(log->schemas().put(codec<line>::fingerprint, codec<line>::schema_text));
  send("lines", mixed);
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"none!", "new!"}));
}

struct reading_unreadable : application {
  reading_unreadable() {
    topic<count>("lines");
    topic<line>("shouted");
    streamlet<shouting>("shouter");
  }
};

TEST_F(reading_unreadable, fault_b12_an_incompatible_topic_is_refused_at_start_with_field_and_fix) {
  ASSERT_TRUE(log->schemas().put(codec<count>::fingerprint, codec<count>::schema_text));
  ASSERT_TRUE(log->ensure_topic({.name = "lines",
                                 .partitions = 1,
                                 .properties = {},
                                 .base_schema = std::string{codec<count>::fingerprint}}));
  send("lines", std::vector<count>{{"a", at(0), 1}});
  const auto refused = try_start();
  ASSERT_FALSE(refused);
  const auto& text = refused.error().message;
  for (const auto* part :
       {"streamlet shouter", "inlet lines", "topic lines", "time: ", "default", "alias"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

}  // namespace
}  // namespace cloudflow::runtime
