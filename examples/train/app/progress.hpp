// One line that tells how far the training is; overwritten in place on a terminal.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>

namespace tiny {

/// 75 -> "1:15", 4000 -> "1:06:40".
inline std::string clock_text(double seconds) {
  const auto total = std::llround(std::max(0.0, seconds));
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60,
                  total % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  }
  return text;
}

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `done` of `total` steps lie behind (more than 0 where a run is resumed). Without `terminal`
  /// only note() writes.
  Progress(std::ostream& out, bool terminal, std::size_t done, std::size_t total,
           std::size_t images_per_step)
      : out_(out), terminal_(terminal), first_(done), total_(total), images_(images_per_step) {}

  /// Shows the state after `done` steps; at most ten times a second.
  void update(std::size_t done, std::size_t epoch, std::size_t epochs, double loss,
              Clock::time_point now = Clock::now()) {
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    const auto steps = static_cast<double>(done - first_);
    rate_ = elapsed > 0 ? steps * static_cast<double>(images_) / elapsed : 0;
    if (!terminal_ || (done < total_ && now - shown_ < std::chrono::milliseconds(100))) return;
    shown_ = now;
    const double left = steps > 0 ? elapsed / steps * static_cast<double>(total_ - done) : 0;
    char text[160];
    std::snprintf(text, sizeof text, "epoch %zu/%zu  %3.0f %%  loss %.4f  %.0f images/s  %s left",
                  epoch, epochs, 100.0 * static_cast<double>(done) / static_cast<double>(total_),
                  loss, rate_, clock_text(left).c_str());
    show(text);
  }

  /// Writes a whole line that stays.
  void note(const std::string& text) {
    clear();
    out_ << text << '\n' << std::flush;
  }

  /// Removes the line that is overwritten in place.
  void clear() {
    if (width_ > 0) out_ << '\r' << std::string(width_, ' ') << '\r' << std::flush;
    width_ = 0;
  }

  double images_per_second() const { return rate_; }

 private:
  void show(const std::string& text) {
    out_ << '\r' << text;
    if (text.size() < width_) out_ << std::string(width_ - text.size(), ' ');
    out_ << std::flush;
    width_ = text.size();
  }

  std::ostream& out_;
  bool terminal_;
  std::size_t first_;
  std::size_t total_;
  std::size_t images_;
  std::size_t width_ = 0;
  double rate_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_{};
};

}  // namespace tiny
