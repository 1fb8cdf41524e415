/// Haematoxylin and eosin, more or less of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "augment/wrapped_rows.h"
#include "base/error.h"
#include "swath/augment.h"

namespace swath {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

constexpr int kSteps = 4096;  ///< of a density of 1

Vector Cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double Dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector Normalised(Vector v) {
  const double length = std::sqrt(Dot(v, v));
  for (double& component : v) component /= length;
  return v;
}

/// RGB densities of the stains, a row each.
Matrix StainVectors() {
  const Vector haematoxylin = Normalised({0.65, 0.70, 0.29}), eosin = Normalised({0.07, 0.99, 0.11});
  return {haematoxylin, eosin, Normalised(Cross(haematoxylin, eosin))};
}

/// The affine map of RGB densities that the jitter amounts to: densities · matrix + shift.
struct DensityMap {
  explicit DensityMap(const StainJitter& jitter) {
    const Matrix stains = StainVectors();
    const double volume = Dot(stains[0], Cross(stains[1], stains[2]));
    for (size_t s = 0; s < 3; ++s) {
      // The column of the inverse that gives the amount of stain s.
      const Vector amount = Cross(stains[(s + 1) % 3], stains[(s + 2) % 3]);
      const double scale = s < 2 ? jitter.scale[s] : 1, offset = s < 2 ? jitter.shift[s] : 0;
      for (size_t to = 0; to < 3; ++to) {
        for (size_t from = 0; from < 3; ++from)
          matrix[from][to] += amount[from] / volume * scale * stains[s][to];
        shift[to] += offset * stains[s][to];
      }
    }
  }

  Matrix matrix{};
  Vector shift{};
};

/// By byte.
std::array<double, 256> DensityTable() {
  std::array<double, 256> table;
  for (size_t v = 0; v < table.size(); ++v) table[v] = std::log(256 / (static_cast<double>(v) + 1));
  return table;
}

/// By density in steps, up to that of black.
std::vector<uint8_t> ByteTable() {
  std::vector<uint8_t> table(static_cast<size_t>(std::ceil(std::log(256) * kSteps)) + 1);
  for (size_t i = 0; i < table.size(); ++i) {
    const double value = 256 * std::exp(-static_cast<double>(i) / kSteps) - 1;
    table[i] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  }
  return table;
}

class StainRows final : public WrappedRows {
 public:
  StainRows(std::unique_ptr<RowSource> source, const StainJitter& jitter)
      : WrappedRows(std::move(source)), jitter_(jitter), map_(jitter) {}

  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<StainRows>(source_->Clone(), jitter_);
  }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    return std::make_unique<StainRows>(source_->CloneColumns(columns), jitter_);
  }

  void Read(Range rows, uint8_t* dst) override {
    static const std::array<double, 256> densities = DensityTable();
    static const std::vector<uint8_t> bytes = ByteTable();
    source_->Read(rows, dst);
    const double darkest = static_cast<double>(bytes.size() - 1);
    const Matrix& m = map_.matrix;
    for (const uint8_t* const end = dst + rows.size() * row_bytes(); dst < end; dst += 3) {
      const double red = densities[dst[0]], green = densities[dst[1]], blue = densities[dst[2]];
      for (size_t c = 0; c < 3; ++c) {
        const double density = red * m[0][c] + green * m[1][c] + blue * m[2][c] + map_.shift[c];
        dst[c] = bytes[static_cast<size_t>(std::clamp(density * kSteps + 0.5, 0.0, darkest))];
      }
    }
  }

 private:
  StainJitter jitter_;
  DensityMap map_;
};

}  // namespace

std::unique_ptr<RowSource> JitterStains(std::unique_ptr<RowSource> rgb, const StainJitter& jitter) {
  if (rgb->channels() != 3)
    Fail(ErrorCode::kUsage, "{}: stains can be changed of RGB only, found {} channels", rgb->name(),
         rgb->channels());
  return std::make_unique<StainRows>(std::move(rgb), jitter);
}

}  // namespace swath
