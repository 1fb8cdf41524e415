/// The files of the page, in the program.
#pragma once

#include <span>
#include <string_view>

namespace swath::viewer {

struct PageFile {
  std::string_view name;
  std::string_view bytes;
};

/// All of viewer/ that a browser needs; made by cmake/EmbedFiles.cmake.
std::span<const PageFile> PageFiles();

}  // namespace swath::viewer
