#include "tools/floor.h"

#include <chrono>
#include <thread>
#include <vector>

#include "base/seconds_since.h"
#include "kernels/peak.h"

namespace swath::tools {
namespace {

int64_t RowBytes(const RowSource& source) {
  return source.width() * source.channels() * SampleBytes(source.sample_type());
}

/// Rows as a strip takes them: one after the other.
void ReadAll(const RowSource& source, Range rows) {
  const auto reader = source.Clone();
  std::vector<uint8_t> row(static_cast<size_t>(RowBytes(source)));
  for (int64_t y = rows.begin; y < rows.end; ++y) reader->Read({y, y + 1}, row.data());
}

double DecodeSeconds(const SlideSample& sample, int64_t threads) {
  const auto start = std::chrono::steady_clock::now();
  {
    const int64_t height = sample.image->height();
    std::vector<std::jthread> readers;
    for (int64_t i = 0; i < threads; ++i) {
      readers.emplace_back([&sample, rows = Range{height * i / threads, height * (i + 1) / threads}] {
        ReadAll(*sample.image, rows);
        if (sample.labels) ReadAll(*sample.labels, rows);
      });
    }
  }
  return SecondsSince(start);
}

}  // namespace

Floor MeasureFloor(const Plan& plan, const SlideSample& sample, double skipped) {
  const int64_t threads = plan.options.threads;
  Floor floor{.decode_seconds = DecodeSeconds(sample, threads),
              .multiply_adds_per_second = PeakMultiplyAdds(threads),
              .copy_bytes_per_second = CopyBandwidth(threads)};
  floor.arithmetic_seconds =
      (1 - skipped) * static_cast<double>(plan.least_multiply_adds) / floor.multiply_adds_per_second;
  const int64_t row = RowBytes(*sample.image) + (sample.labels ? RowBytes(*sample.labels) : 0);
  floor.memory_seconds =
      2.0 * static_cast<double>(row * sample.image->height() * plan.sweeps) / floor.copy_bytes_per_second;
  return floor;
}

}  // namespace swath::tools
