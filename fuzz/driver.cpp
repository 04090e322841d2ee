// Runs a fuzz target without libFuzzer: its seeds, the files and folders that are given, and a number
// of mutations of all these, the same in every run.
//
//   fuzz_idx [-runs=2000] [file or folder...]

#include "target.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

namespace {

using fuzz::Bytes;
namespace fs = std::filesystem;

Bytes read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.string().c_str());
    std::exit(1);
  }
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& corpus) : corpus_(corpus) {}

  Bytes next() {
    Bytes bytes = pick();
    for (std::size_t count = 1 + below(4); count > 0; --count) change(bytes);
    if (bytes.size() > longest) bytes.resize(longest);
    return bytes;
  }

 private:
  static constexpr std::size_t longest = 1 << 15;

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  const Bytes& pick() { return corpus_[below(corpus_.size())]; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(engine_()); }

  void change(Bytes& bytes) {
    const auto at = [&] { return static_cast<std::ptrdiff_t>(below(bytes.size() + 1)); };
    if (bytes.empty()) {
      bytes.push_back(byte());
      return;
    }
    switch (below(7)) {
      case 0:
        bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        bytes[below(bytes.size())] = byte();
        break;
      case 2:
        bytes.insert(bytes.begin() + at(), byte());
        break;
      case 3: {  // numbers at which counts go wrong
        constexpr std::uint64_t edges[] = {0,
                                           1,
                                           0x7f,
                                           0x80,
                                           0xff,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           std::uint64_t{1} << 40,
                                           ~std::uint64_t{0}};
        const std::uint64_t edge = edges[below(std::size(edges))];
        const std::size_t begin = below(bytes.size());
        const std::size_t count = std::min(std::size_t{1} << below(4), bytes.size() - begin);
        for (std::size_t i = 0; i < count; ++i) {
          bytes[begin + i] = static_cast<std::uint8_t>(edge >> (8 * i));
        }
        break;
      }
      case 4: {  // a part of another input
        const Bytes& other = pick();
        if (other.empty()) break;
        const std::size_t from = below(other.size());
        const std::size_t count = 1 + below(other.size() - from);
        const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
        bytes.insert(bytes.begin() + at(), begin, begin + static_cast<std::ptrdiff_t>(count));
        break;
      }
      case 5: {
        const std::size_t from = below(bytes.size());
        const std::size_t count = 1 + below(std::min<std::size_t>(bytes.size() - from, 16));
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(from);
        bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
        break;
      }
      default:
        bytes.resize(below(bytes.size() + 1));
    }
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937_64 engine_{20241};
};

/// Runs the input, which is first written where it can be found after an abort.
void run(const Bytes& bytes) {
  static const char* const keep = std::getenv("LDMAT_FUZZ_LAST_INPUT");
  if (keep != nullptr) {
    std::ofstream(keep, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  fuzz::run(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t mutations = 2000;
  std::vector<Bytes> corpus = fuzz::seeds();
  const std::size_t seeds = corpus.size();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view runs = "-runs=";
    if (argument.starts_with(runs)) {
      const char* const end = argument.data() + argument.size();
      if (std::from_chars(argument.data() + runs.size(), end, mutations).ptr != end) {
        std::fprintf(stderr, "%s is not a number of runs\n", argv[i]);
        return 1;
      }
    } else if (fs::is_directory(argument)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(argument)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
      std::ranges::sort(files);
      for (const auto& file : files) corpus.push_back(read(file));
    } else {
      corpus.push_back(read(argument));
    }
  }
  for (const Bytes& bytes : corpus) run(bytes);
  Mutator mutator(corpus);
  for (std::size_t i = 0; i < mutations; ++i) run(mutator.next());
  std::printf("%zu seeds, %zu files, %zu mutations: all properties hold\n", seeds,
              corpus.size() - seeds, mutations);
}
