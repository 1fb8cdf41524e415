/// What the page asks for: slides, their tiles, layers and annotations, by number.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "swath/error.h"
#include "viewer/result_files.h"
#include "viewer/tile_cache.h"

namespace swath::viewer {

/// A slide that is offered, and the files that are shown on it.
struct Exhibit {
  std::string path;
  std::vector<ResultFile> results = {};
  SlideOptions options = {};  ///< how the slide is opened
};

struct Reply {
  int status = 200;
  const char* type = "text/plain; charset=utf-8";
  Bytes body;
  bool keep = false;  ///< the same as long as the program runs
};

/// Answers by path, relative to the page:
///
///   (nothing), viewer.js, …                  the page
///   slides.json                              names
///   slides/S.json                            all of slide S but pixels
///   slides/S/thumbnail.jpg
///   slides/S/tiles/LEVEL_COLUMN_ROW.jpg
///   slides/S/maps/M/LABEL/LEVEL_COLUMN_ROW.png
///   slides/S/annotations/A.json              classes; reads a large file, which slides/S.json does not
///   slides/S/annotations/A/X_Y_WIDTH_HEIGHT_PIXEL.json
///
/// A file is opened when it is first asked for. What goes wrong with one is status 500 and a line of text, or
/// a word in slides/S.json; nothing is made up in its place. No path of a request leads to a file. Any thread
/// may call any method at any time.
class Site {
 public:
  explicit Site(std::vector<Exhibit> exhibits);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  Reply Get(const std::string& path);

  /// Why a result is not shown.
  struct Problem {
    Error error;
    bool required = false;  ///< as ResultFile::required
  };
  /// Opens a slide and its results now. Throws Error where the slide cannot be.
  const std::vector<Problem>& Open(size_t slide);

 private:
  class Hall;

  Reply Answer(const std::string& path);
  Reply OfSlide(Hall& hall, const std::vector<std::string_view>& parts);
  Reply Description(Hall& hall);
  Reply OfMap(Hall& hall, const std::vector<std::string_view>& parts);
  Reply OfAnnotations(Hall& hall, const std::vector<std::string_view>& parts);

  std::vector<std::unique_ptr<Hall>> halls_;
  TileCache cache_;
};

}  // namespace swath::viewer
