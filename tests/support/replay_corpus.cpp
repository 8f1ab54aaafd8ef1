/// Feeds the files named by its arguments, or found below the folders named, to a fuzz target: the
/// way a build without libFuzzer runs one. Fails when there is none, so that a lost corpus is
/// noticed.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::fprintf(stderr, "%s (%zu bytes)\n", file.c_str(), bytes.size());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

int replay_all(const std::filesystem::path& root) {
  if (std::filesystem::is_regular_file(root)) {
    replay(root);
    return 1;
  }
  int count = 0;
  if (!std::filesystem::is_directory(root)) return count;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    replay(entry.path());
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i != argc; ++i) count += replay_all(argv[i]);
  if (count == 0)
    std::fputs("no input found: a fuzz target needs corpus/<name>/ with at least one file\n",
               stderr);
  return count == 0 ? 1 : 0;
}
