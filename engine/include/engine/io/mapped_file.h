// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace statescope {

/// A regular file mapped read-only into memory for as long as this object lives. Pages are read when touched, so a
/// large checkpoint costs only what is used. The file must not be truncated meanwhile.
class MappedFile {
 public:
  /// Throws Error when the path is missing, unreadable, or not a regular file; never blocks on a FIFO or a device.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// The whole file; empty for an empty file.
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Gives the memory of the whole pages inside `part` of bytes() back to the system. They are read again when touched.
  void release(std::span<const std::byte> part) const;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace statescope
