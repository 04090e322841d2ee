// Ctrl-C and the end asked for by the system: a wish that the training loop reads between two
// steps.
#pragma once

#include <csignal>

namespace tiny {

/// While it lives, SIGINT and SIGTERM only set a mark; the second one ends the program as usual.
class InterruptGuard {
 public:
  InterruptGuard() {
    mark() = 0;
    old_interrupt_ = std::signal(SIGINT, handle);
    old_terminate_ = std::signal(SIGTERM, handle);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard() {
    std::signal(SIGINT, old_interrupt_);
    std::signal(SIGTERM, old_terminate_);
  }

  /// The signal that came, or 0.
  static int received() { return mark(); }

 private:
  using Handler = void (*)(int);

  static volatile std::sig_atomic_t& mark() {
    static volatile std::sig_atomic_t value = 0;
    return value;
  }
  static void handle(int signal) {
    mark() = signal;
    std::signal(signal, SIG_DFL);
  }

  Handler old_interrupt_;
  Handler old_terminate_;
};

}  // namespace tiny
