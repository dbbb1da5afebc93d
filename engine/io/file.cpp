// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/error.h"
#include "replacing.h"

namespace statescope {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
  throw Error(path.string() + " cannot be written (" + reason +
              "); check the folder, its permissions and the free space");
}

// 0, or the error's number.
int put(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  return out ? 0 : errno;
}

}  // namespace

bool is_device_or_pipe(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

fs::path file_behind(const fs::path& path) {
  constexpr int most_links = 40;  // as many as Linux follows
  std::error_code ignored;
  fs::path target = path;
  for (int links = 0; links < most_links && fs::is_symlink(target, ignored); ++links)
    target = target.parent_path() / fs::read_symlink(target, ignored);
  return target;
}

void write_file(const fs::path& path, std::string_view bytes) {
  if (is_device_or_pipe(path)) {  // /dev/stdout, which nothing may take the place of
    if (const int error = put(path, bytes)) fail(path, std::strerror(error));
    return;
  }
  const fs::path target = file_behind(path), temporary = target.string() + ".part" + std::to_string(::getpid());
  std::string reason;
  if (const int error = put(temporary, bytes)) {
    reason = std::strerror(error);
  } else {
    std::error_code error_of_rename;
    fs::rename(temporary, target, error_of_rename);
    if (!error_of_rename) return;
    reason = error_of_rename.message();
  }
  std::error_code ignored;
  fs::remove(temporary, ignored);
  fail(path, reason);
}

}  // namespace statescope
