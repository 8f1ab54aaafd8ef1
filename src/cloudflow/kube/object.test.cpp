#include "cloudflow/kube/object.hpp"

#include "cloudflow/kube/resource.hpp"

#include <gtest/gtest.h>

namespace cloudflow::kube {
namespace {

TEST(kube_object, gives_what_it_has_and_nothing_for_what_it_lacks) {
  const object full{nlohmann::json::parse(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a",
      "namespace":"n","uid":"u","resourceVersion":"7","generation":3,"deletionTimestamp":"t",
      "labels":{"app.kubernetes.io/name":"x"},"annotations":{"b":"c"}}})")};
  EXPECT_EQ(full.key(), (object_key{"n", "a"}));
  EXPECT_EQ(to_string(full.key()), "n/a");
  EXPECT_EQ(full.resource_version(), "7");
  EXPECT_EQ(full.generation(), 3);
  EXPECT_TRUE(full.is_being_deleted());
  EXPECT_EQ(full.label("app.kubernetes.io/name"), "x");
  EXPECT_EQ(full.annotation("b"), "c");
  EXPECT_EQ(full.annotation("z"), "");
  for (const auto* text :
       {"{}", "[]", "5", R"({"metadata":5})", R"({"metadata":{"name":5,"labels":[]}})"}) {
    const object poor{nlohmann::json::parse(text)};
    EXPECT_EQ(poor.name(), "") << text;
    EXPECT_EQ(poor.label("x"), "") << text;
    EXPECT_EQ(poor.generation(), 0) << text;
    EXPECT_TRUE(poor.at("/spec/x").is_null()) << text;
  }
  EXPECT_EQ(to_string(object_key{"", "node"}), "node");
}

TEST(kube_resource, has_its_paths) {
  const resource core{.group = "", .version = "v1", .plural = "pods"},
      apps{.group = "apps", .version = "v1", .plural = "deployments"},
      nodes{.group = "", .version = "v1", .plural = "nodes", .is_namespaced = false};
  EXPECT_EQ(core.api_version(), "v1");
  EXPECT_EQ(apps.api_version(), "apps/v1");
  EXPECT_EQ(collection_path(core, "n"), "/api/v1/namespaces/n/pods");
  EXPECT_EQ(collection_path(core, ""), "/api/v1/pods");
  EXPECT_EQ(object_path(apps, {"n", "a"}), "/apis/apps/v1/namespaces/n/deployments/a");
  EXPECT_EQ(object_path(apps, {"n", "a"}, "status"),
            "/apis/apps/v1/namespaces/n/deployments/a/status");
  EXPECT_EQ(object_path(nodes, {"", "a"}), "/api/v1/nodes/a");
  EXPECT_EQ(object_path(core, {"../x", "a/../b?c"}),
            "/api/v1/namespaces/..%2Fx/pods/a%2F..%2Fb%3Fc");
  EXPECT_EQ(query_of({{"a", ""}, {"b", "x=y,z"}, {"c", "1"}}), "?b=x%3Dy%2Cz&c=1");
  EXPECT_EQ(query_of({{"a", ""}}), "");
}

}  // namespace
}  // namespace cloudflow::kube
