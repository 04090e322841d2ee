#include "app/interrupt.hpp"
#include "app/plot.hpp"
#include "app/progress.hpp"
#include "app/report.hpp"
#include "rng.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

using namespace test;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

struct Points {
  tiny::RowMatrix<float> features;
  std::vector<int> labels;
};

Points points(int number) {
  Points p{tiny::RowMatrix<float>(number, 2), {}};
  tiny::Rng rng(4);
  for (int i = 0; i < number; ++i) {
    p.labels.push_back(i % 10);
    p.features(i, 0) = static_cast<float>(rng.normal());
    p.features(i, 1) = static_cast<float>(rng.normal());
  }
  return p;
}

}  // namespace

TEST_CASE("features.csv has a head, a line per sample and numbers that read back exactly") {
  tiny::RowMatrix<float> features(2, 3);
  features << 0.1f, -2.0f, 1e-20f, 3.4028235e38f, 0.33333334f, 0.0f;
  const std::vector<int> labels{7, 0};
  CHECK(tiny::features_csv(features, labels) ==
        "label,f0,f1,f2\n7,0.1,-2,1e-20\n0,3.4028235e+38,0.33333334,0\n");
  const std::vector<int> one{1};
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::features_csv(features, one); }),
            {"2 rows", "1 labels"}));
}

TEST_CASE("the table's columns are aligned") {
  CHECK(tiny::aligned({{"a", "1.00 %"}, {"longer", "7"}}) ==
        "  a       1.00 %\n  longer       7\n");
  CHECK(tiny::percent(0.98765) == "98.77 %");
  CHECK(tiny::fixed(-1.0625, 3) == "-1.062");
}

TEST_CASE("times are written as clocks") {
  CHECK(tiny::clock_text(0.4) == "0:00");
  CHECK(tiny::clock_text(59.6) == "1:00");
  CHECK(tiny::clock_text(3599) == "59:59");
  CHECK(tiny::clock_text(4000) == "1:06:40");
  CHECK(tiny::clock_text(-1) == "0:00");
}

TEST_CASE("on a terminal the progress line is overwritten and says what is left") {
  using namespace std::chrono_literals;
  std::ostringstream out;
  tiny::Progress progress(out, true, 100, 200, 10);
  const auto start = tiny::Progress::Clock::now();
  progress.update(150, 3, 4, 0.25, start + 5s);
  // 50 steps of 10 images in 5 s; as many steps are left.
  CHECK(has(out.str(), {"\repoch 3/4", " 75 %", "loss 0.2500", "100 images/s", "0:05 left"}));
  CHECK(out.str().find('\n') == std::string::npos);
  const auto shown = out.str();
  progress.update(151, 3, 4, 0.25, start + 5050ms);
  CHECK(out.str() == shown);  // too soon for another one
  progress.update(200, 4, 4, 0.125, start + 5060ms);
  CHECK(has(out.str(), {"100 %", "loss 0.1250", "0:00 left"}));  // but the last one is shown
  progress.note("end");
  const auto text = out.str();
  CHECK(text.ends_with("\rend\n"));  // after the line was wiped out
  CHECK(text[text.size() - 6] == ' ');
}

TEST_CASE("without a terminal only whole lines are written") {
  std::ostringstream out;
  tiny::Progress progress(out, false, 0, 10, 1);
  for (std::size_t step = 1; step <= 10; ++step) progress.update(step, 1, 1, 1.0);
  CHECK(out.str() == "");
  progress.note("epoch 1");
  CHECK(out.str() == "epoch 1\n");
  CHECK(progress.images_per_second() > 0);
}

TEST_CASE("a signal only sets a mark while the guard lives") {
  static volatile std::sig_atomic_t outer = 0;
  const auto before = std::signal(SIGTERM, [](int signal) { outer = signal; });
  {
    const tiny::InterruptGuard guard;
    CHECK(tiny::InterruptGuard::received() == 0);
    std::raise(SIGTERM);
    CHECK(tiny::InterruptGuard::received() == SIGTERM);
    CHECK(outer == 0);
  }
  std::raise(SIGTERM);  // the handler from before is back
  CHECK(outer == SIGTERM);
  {
    const tiny::InterruptGuard guard;
    CHECK(tiny::InterruptGuard::received() == 0);  // an old mark is gone
  }
  std::signal(SIGTERM, before);
}

TEST_CASE("the picture's program has every finite point once and quotes names") {
  auto p = points(40);
  p.features(3, 0) = std::numeric_limits<float>::quiet_NaN();
  auto names = tiny::numbered_names(10);
  names[2] = "it's `rm` {x}";
  const auto program = tiny::scatter_program(p.features, p.labels, {"title", names}, "out's.svg");
  CHECK(has(program, {"set output 'out''s.svg'", "title 'it''s `rm` {x}'", "noenhanced"}));
  const auto block = program.substr(program.find("$class3 <<"), 200);
  CHECK(count(block.substr(0, block.find("EOD\n", 15)), "\n") == 1 + 3);  // 3, 13 and 33; not 3
  CHECK(program.find("nan") == std::string::npos);
}

TEST_CASE("axes have the same length, and many points are thinned out evenly") {
  auto p = points(1000);
  p.features.col(1) *= 0.01f;
  const auto program =
      tiny::scatter_program(p.features, p.labels, {"t", tiny::numbered_names(10), 100}, "x.svg");
  const auto span = [&](const std::string& axis) {
    const auto at = program.find("set " + axis + " [") + axis.size() + 6;
    const double low = std::stod(program.substr(at));
    return std::stod(program.substr(program.find(':', at) + 1)) - low;
  };
  CHECK(span("xrange") == doctest::Approx(span("yrange")).epsilon(1e-4));
  std::size_t lines = 0;
  std::istringstream text(program);
  for (std::string line; std::getline(text, line);) {
    lines += !line.empty() && (line[0] == '-' || (line[0] >= '0' && line[0] <= '9')) ? 1u : 0u;
  }
  CHECK(lines == 100);
}

TEST_CASE("what cannot be drawn is refused") {
  const auto p = points(10);
  const tiny::RowMatrix<float> three = tiny::RowMatrix<float>::Zero(10, 3);
  const tiny::Scatter scatter{"t", tiny::numbered_names(10)};
  CHECK(has(message_of<std::invalid_argument>(
                [&] { tiny::scatter_program(three, p.labels, scatter, "x"); }),
            {"10 x 3", "10 x 2"}));
  const tiny::RowMatrix<float> nan =
      tiny::RowMatrix<float>::Constant(10, 2, std::numeric_limits<float>::quiet_NaN());
  CHECK(has(message_of([&] { tiny::scatter_program(nan, p.labels, scatter, "x"); }),
            {"no finite feature"}));
}

TEST_CASE("gnuplot draws a small picture that stands alone" *
          doctest::skip(std::system("gnuplot --version >/dev/null 2>&1") != 0)) {
  const TempFolder folder;
  const auto p = points(1000);
  const auto path = folder / "features.svg";
  const tiny::Scatter scatter{"a title & more", tiny::numbered_names(10)};
  CHECK(tiny::draw_scatter(p.features, p.labels, scatter, path) == "");
  const auto bytes = read_file(path);
  const std::string svg(bytes.begin(), bytes.end());
  CHECK(svg.size() < 150'000);
  CHECK(has(svg, {"<svg", "</svg>", "a title &amp; more", "feature 1", "feature 2"}));
  CHECK(count(svg, "<use xlink:href='#gpPt6' transform") == 1000 + 10);  // and the legend
  CHECK(svg.find("<image") == std::string::npos);
  CHECK(!fs::exists(folder / "features.svg.part"));

  fs::create_directory(folder / "taken");
  write_file(folder / "taken" / "x", {1});
  const auto problem = tiny::draw_scatter(p.features, p.labels, scatter, folder / "no" / "x.svg");
  CHECK(has(problem, {"gnuplot failed"}));
}

#ifndef _WIN32
TEST_CASE("a missing gnuplot is said, not thrown") {
  const TempFolder folder;
  const char* const before = std::getenv("PATH");
  const std::string path = before != nullptr ? before : "";
  setenv("PATH", folder.path().c_str(), 1);
  const auto p = points(10);
  const auto problem =
      tiny::draw_scatter(p.features, p.labels, {"t", tiny::numbered_names(10)}, folder / "x.svg");
  setenv("PATH", path.c_str(), 1);
  CHECK(has(problem, {"gnuplot is not installed", "apt install gnuplot-nox"}));
  CHECK(!fs::exists(folder / "x.svg"));
}
#endif
