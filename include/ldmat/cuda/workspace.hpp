#pragma once

#include <ldmat/cuda/kernel/report.hpp>
#include <ldmat/labels.hpp>

#include <cstddef>
#include <utility>

/// Memory of a device that objects hold, and the result that lies in it.

namespace ldmat::detail::cuda {

/// Owned memory of a device. Copied by value through the host.
template <class Device>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t bytes)
      : data_(bytes > 0 ? Device::allocate(bytes) : nullptr), bytes_(bytes) {}
  DeviceBuffer(const DeviceBuffer& other) : DeviceBuffer(other.bytes_) {
    if (bytes_ > 0) Device::copy(data_, other.data_, bytes_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) Device::release(data_);
  }

  std::size_t bytes() const { return bytes_; }
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Scratch memory for calls of a loss, and the stream that they are launched on. It grows to the
/// largest shape seen, by an allocation, and is then reused; or it is the caller's and may not. Calls on
/// one workspace must be on one stream, or ordered by the caller: each overwrites what the one before
/// left, its result among it. Not copied: a Loss that is copied begins with an empty one.
template <class Device>
class BasicWorkspace {
 public:
  using Stream = typename Device::Stream;

  /// Memory of its own, none at first.
  explicit BasicWorkspace(Stream stream = {}) { set_stream(stream); }
  /// The caller's `bytes` at `memory`, aligned to 256: see Loss::workspace_size.
  BasicWorkspace(Stream stream, void* memory, std::size_t bytes)
      : borrowed_(memory), borrowed_bytes_(bytes) {
    if (reinterpret_cast<std::uintptr_t>(memory) % 256 != 0) {
      throw_invalid("the workspace's memory must be aligned to 256 bytes");
    }
    set_stream(stream);
  }
  BasicWorkspace(const BasicWorkspace& other) : BasicWorkspace(other.stream_) {}
  BasicWorkspace(BasicWorkspace&&) noexcept = default;
  BasicWorkspace& operator=(BasicWorkspace other) noexcept {
    std::swap(device_, other.device_);
    std::swap(own_, other.own_);
    std::swap(stream_, other.stream_);
    std::swap(borrowed_, other.borrowed_);
    std::swap(borrowed_bytes_, other.borrowed_bytes_);
    return *this;
  }
  ~BasicWorkspace() = default;

  /// Calls from now on are launched on `stream`. Waits for nothing.
  void set_stream(Stream stream) {
    stream_ = stream;
    device_.set_stream(stream);
  }
  Stream stream() const { return stream_; }
  /// Bytes held, or lent by the caller.
  std::size_t bytes() const { return borrowed_ != nullptr ? borrowed_bytes_ : own_.bytes(); }

  // For the loss.
  Device& device() { return device_; }
  void* reserve(std::size_t bytes) {
    if (borrowed_ != nullptr) {
      if (bytes > borrowed_bytes_) {
        throw_invalid({"the workspace has ", borrowed_bytes_, " bytes, but this call needs ", bytes,
                       ": see Loss::workspace_size"});
      }
      return borrowed_;
    }
    if (bytes > own_.bytes()) {
      own_ = DeviceBuffer<Device>();
      own_ = DeviceBuffer<Device>(bytes);
    }
    return own_.data();
  }

 private:
  Device device_;
  DeviceBuffer<Device> own_;
  Stream stream_{};
  void* borrowed_ = nullptr;
  std::size_t borrowed_bytes_ = 0;
};

/// The result of a call that may not have run yet. Lies in the workspace of the call: to be read before
/// the next call on that workspace, and before the workspace goes.
template <class Device>
class PendingResult {
 public:
  PendingResult(const Report* report, typename Device::Stream stream, Index columns, Index classes)
      : report_(report), stream_(stream), columns_(columns), classes_(classes) {}

  /// The result in the memory of the device, there when the stream has come so far. Its value is NaN
  /// where labels or features were refused.
  const LossResult* on_device() const { return &report_->result; }

  /// Waits for the stream of the call and copies the result. Throws std::invalid_argument where a label was refused
  /// or, with `check_finite`, a feature: then nothing was written to the gradient.
  LossResult on_host() const {
    Report report;
    Device::to_host(&report, report_, sizeof report, stream_);
    if (report.bad_label < report.samples) {
      const Piece id = report.bad_label_unsigned != 0
                           ? Piece(static_cast<std::uint64_t>(report.bad_label_value))
                           : Piece(report.bad_label_value);
      throw_label("labels", report.bad_label, id, classes_);
    }
    if (report.bad_feature < report.features) {
      throw_invalid(
          {"features", report.bad_feature / columns_, report.bad_feature % columns_},
          {" is ", report.bad_feature_value, ", but check_finite asks for finite features"});
    }
    return report.result;
  }

 private:
  const Report* report_;
  typename Device::Stream stream_;
  Index columns_;
  Index classes_;
};

}  // namespace ldmat::detail::cuda
