// The few things of the operating system that the program needs.
#pragma once

#include <cstdio>
#include <cstdlib>
#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace tiny {

/// Whether what is written to stderr appears on a terminal, so that a line can be overwritten.
inline bool stderr_is_terminal() {
#ifdef _WIN32
  return _isatty(_fileno(stderr)) != 0;
#else
  return isatty(fileno(stderr)) != 0;
#endif
}

/// Threads that wait for each other by spinning are ten times slower where other programs want the
/// same cores. OpenMP reads how to wait only before main, so this starts the program once more with
/// OMP_WAIT_POLICY=passive, unless the user has set it. Elsewhere than on Linux it does nothing.
inline void wait_without_spinning([[maybe_unused]] char** argv) {
#if defined(__linux__) && defined(_OPENMP)
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("OMP_WAIT_POLICY", "passive", 0) == 0) execv("/proc/self/exe", argv);
#endif
}

/// A program that reads what is written to it. close() waits for it and returns its exit status.
class Pipe {
 public:
#ifdef _WIN32
  explicit Pipe(const char* command) : file_(_popen(command, "w")) {}
#else
  explicit Pipe(const char* command) : file_(popen(command, "w")) {}
#endif
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close();
  }

  bool write(const char* text, std::size_t size) {
    return file_ != nullptr && std::fwrite(text, 1, size, file_) == size;
  }
  int close() {
    if (file_ == nullptr) return -1;
    std::FILE* file = file_;
    file_ = nullptr;
#ifdef _WIN32
    return _pclose(file);
#else
    return pclose(file);
#endif
  }

 private:
  std::FILE* file_;
};

}  // namespace tiny
