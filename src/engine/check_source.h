/// The check of a step's sources that both engines make.
#pragma once

#include "base/error.h"
#include "swath/row_source.h"

namespace swath {

struct ExpectedSource {
  const char* what;  ///< "labels"
  int64_t width;
  int64_t height;
  int64_t channels;
  SampleType samples = SampleType::kUint8;
};

/// Throws Error (kInput) that names the source.
inline void CheckSource(const RowSource& source, const ExpectedSource& expected) {
  if (source.sample_type() != expected.samples) {
    const auto name = [](SampleType type) { return type == SampleType::kUint8 ? "bytes" : "floats"; };
    Fail(ErrorCode::kInput, "{}: expected samples that are {}, found {}", source.name(),
         name(expected.samples), name(source.sample_type()));
  }
  if (source.width() == expected.width && source.height() == expected.height &&
      source.channels() == expected.channels) {
    return;
  }
  Fail(ErrorCode::kInput, "{}: expected {} of {} × {} px and {} channels, found {} × {} px and {} channels",
       source.name(), expected.what, expected.width, expected.height, expected.channels, source.width(),
       source.height(), source.channels());
}

}  // namespace swath
