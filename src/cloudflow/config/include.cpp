#include "cloudflow/config/include.hpp"

#include "cloudflow/config/parser.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace cloudflow::config::detail {

namespace {

namespace fs = std::filesystem;

// A chain this long is a file that includes itself.
constexpr int max_files = 50;

parsed failed(problem_kind kind, const include_request& request, std::string message,
              std::string suggestion) {
  parsed out;
  out.problems.push_back({kind, request.where, std::move(message), std::move(suggestion)});
  return out;
}

parsed empty(const include_request& request) {
  parsed out;
  out.root = make_object(request.where);
  return out;
}

bool is_file(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored) && !fs::is_directory(file, ignored);
}

/// The files that a name stands for, the strongest first. Without a suffix that HOCON knows it
/// stands for all that are there; one that it does not know may be that of the file (`x.avsc`).
std::vector<fs::path> candidates(const fs::path& named) {
  const auto suffix = named.extension();
  if (suffix == ".conf" || suffix == ".json" || suffix == ".properties") return {named};
  std::vector<fs::path> out;
  if (named.has_extension()) out.push_back(named);
  for (const auto* each : {".conf", ".json", ".properties"}) {
    auto file = named;
    file += each;
    out.push_back(std::move(file));
  }
  return out;
}

parsed read_file(const fs::path& file, const include_request& request, const include_base& base) {
  if (file.extension() == ".properties") {
    return failed(
        problem_kind::io, request,
        fmt::format("cannot include {}: properties files are not supported", file.string()),
        "Write it as a .conf file; most properties are valid there as they are.");
  }
  auto content = read_text(file.string(), request.where);
  if (!content) {
    parsed out;
    out.problems.push_back(std::move(content).error());
    return out;
  }
  const auto source = std::make_shared<const std::string>(file.string());
  return parser{*content, {source, base.policy, base.files + 1, base.nesting}}.run();
}

parsed merged(parsed upper, parsed lower) {
  if (upper.problems.empty() && lower.problems.empty()) upper.root = over(upper.root, lower.root);
  const auto append = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(upper.problems, lower.problems);
  append(upper.duplicates, lower.duplicates);
  return upper;
}

}  // namespace

parsed read_included(const include_request& request, const include_base& base) {
  if (base.policy == include_policy::refuse)
    return failed(
        problem_kind::io, request,
        fmt::format("nothing can be included here, and this includes \"{}\"", request.name),
        "Write its content here; clients such as kubectl cloudflow do so with files.");
  if (request.kind == include_kind::url || request.kind == include_kind::classpath) {
    const auto* kind = request.kind == include_kind::url ? "url" : "classpath";
    return failed(
        problem_kind::io, request,
        fmt::format("cannot include {}(\"{}\"): only files can be included", kind, request.name),
        "Copy it into a file and include that.");
  }
  if (base.files >= max_files) {
    return failed(problem_kind::parse, request,
                  fmt::format("more than {} files include one another", max_files),
                  fmt::format("Check whether \"{}\" includes itself.", request.name));
  }
  const auto named = fs::path{*base.source}.parent_path() / request.name;
  std::optional<parsed> all;
  for (const auto& file : candidates(named)) {
    if (!is_file(file)) continue;
    auto one = read_file(file, request, base);
    all = all ? merged(std::move(*all), std::move(one)) : std::move(one);
  }
  if (all) return std::move(*all);
  if (!request.required) return empty(request);
  return failed(problem_kind::io, request,
                fmt::format("the required include \"{}\" does not exist (looked for {})",
                            request.name, candidates(named).front().string()),
                "Correct the name; it is relative to the file that includes it.");
}

result<std::string> read_text(const std::string& file, const origin& where) {
  std::error_code failure;
  if (fs::is_directory(file, failure)) {
    return problem{problem_kind::io, where, fmt::format("{} is a directory, not a file", file),
                   "Name a file in it."};
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    const auto there = fs::exists(file, failure);
    return problem{
        problem_kind::io, where,
        fmt::format("cannot read {}: {}", file, there ? "no permission" : "no such file"),
        there ? "Check its permissions." : "Check the name."};
  }
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) {
    return problem{problem_kind::io, where, fmt::format("reading {} failed", file), {}};
  }
  return content;
}

}  // namespace cloudflow::config::detail
