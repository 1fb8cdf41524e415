/// Columns of an image, against those of its whole rows.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "swath/row_source.h"

namespace swath::test {

inline std::vector<uint8_t> ReadRows(RowSource* source) {
  const int64_t pixel = source->channels() * SampleBytes(source->sample_type());
  std::vector<uint8_t> pixels(static_cast<size_t>(source->height() * source->width() * pixel));
  // A few rows at a time, as the engine does.
  for (int64_t y = 0; y < source->height(); y += 3) {
    source->Read({y, std::min(y + 3, source->height())}, pixels.data() + y * source->width() * pixel);
  }
  return pixels;
}

/// That CloneColumns, and columns of columns, read what the whole rows have there.
inline void ExpectColumnsOf(const RowSource& source) {
  const std::vector<uint8_t> whole = ReadRows(source.Clone().get());
  const int64_t width = source.width(), pixel = source.channels() * SampleBytes(source.sample_type());
  for (const Range columns : {Range{0, width}, Range{0, 1}, Range{width - 1, width},
                              Range{width / 3, width / 3 + (width + 1) / 2}, Range{1, width}}) {
    if (columns.empty()) continue;
    SCOPED_TRACE(::testing::Message() << "columns " << columns.begin << " to " << columns.end);
    const auto expected = [&](Range of) {
      std::vector<uint8_t> pixels;
      for (int64_t y = 0; y < source.height(); ++y) {
        const uint8_t* row = whole.data() + y * width * pixel;
        pixels.insert(pixels.end(), row + of.begin * pixel, row + of.end * pixel);
      }
      return pixels;
    };
    const auto part = source.CloneColumns(columns);
    ASSERT_EQ(part->width(), columns.size());
    ASSERT_EQ(part->height(), source.height());
    ASSERT_EQ(part->channels(), source.channels());
    ASSERT_GT(part->natural_rows(), 0);
    ASSERT_TRUE(ReadRows(part.get()) == expected(columns));
    ASSERT_TRUE(ReadRows(part->Clone().get()) == expected(columns));
    const Range inner{columns.size() / 2, columns.size()};
    ASSERT_TRUE(ReadRows(part->CloneColumns(inner).get()) ==
                expected({columns.begin + inner.begin, columns.begin + inner.end}));
  }
}

}  // namespace swath::test
