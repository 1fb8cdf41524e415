/// The definition, in doubles: what every other kernel is held against.
#include <algorithm>

#include "base/pairwise_sum.h"
#include "kernels/correlation.h"

namespace swath {
namespace {

class ReferenceCorrelation final : public SingleRowCorrelation<double> {
 public:
  explicit ReferenceCorrelation(const CorrelationShape& shape) : SingleRowCorrelation(shape) {}

  std::string_view name() const override { return "reference"; }
  void SetWeights(const float* weights) override { weights_.assign(weights, weights + s_.weight_size()); }
  int64_t parameter_bytes() const override { return s_.weight_size() * int64_t{sizeof(double)}; }

  void GatherRow(std::span<const TapRow<double>> fine, const float* bias, double* const* coarse, Front,
                 Workspace*) const override {
    Initialise(coarse, s_.coarse_channels, s_.coarse_width, bias);
    for (const auto& row : fine) {
      ForEachWeight(row.tap, [&](int64_t c, int64_t f, int64_t k, int64_t w) {
        if (!coarse[c]) return;
        ForMeetings(k, [&](int64_t x, int64_t fx) { coarse[c][x] += weights_[w] * row.channels[f][fx]; });
      });
    }
  }

  void ScatterRow(std::span<const TapRow<double>> coarse, const float* bias, double* const* fine,
                  Workspace*) const override {
    Initialise(fine, s_.fine_channels, s_.fine_width, bias);
    for (const auto& row : coarse) {
      ForEachWeight(row.tap, [&](int64_t c, int64_t f, int64_t k, int64_t w) {
        if (!fine[f]) return;
        ForMeetings(k, [&](int64_t x, int64_t fx) { fine[f][fx] += weights_[w] * row.channels[c][x]; });
      });
    }
  }

  void AddRowGradient(std::span<const TapRow<double>> fine, const TapRow<double>& coarse,
                      double* diff_weights, Workspace*) const override {
    for (const auto& row : fine) {
      ForEachWeight(row.tap, [&](int64_t c, int64_t f, int64_t k, int64_t w) {
        const auto [x, offset] = Meetings(k);
        const double *from = coarse.channels[c], *to = row.channels[f];
        const int64_t stride = s_.columns.stride;
        diff_weights[w] += PairwiseSum(
            x.begin, x.end, [&, offset = offset](int64_t i) { return from[i] * to[i * stride + offset]; });
      });
    }
  }

  double Sum(const double* row, int64_t n) const override {
    return PairwiseSum(0, n, [row](int64_t i) { return row[i]; });
  }

 private:
  static void Initialise(double* const* rows, int64_t channels, int64_t width, const float* bias) {
    if (!bias) return;
    for (int64_t c = 0; c < channels; ++c) std::fill(rows[c], rows[c] + width, bias[c]);
  }

  /// f(coarse channel, fine channel, column tap, weight index) for the weights of one row tap.
  template <class F>
  void ForEachWeight(int64_t tap, F&& f) const {
    const int64_t kernel = s_.columns.kernel, per_group = s_.fine_per_group();
    for (int64_t c = 0; c < s_.coarse_channels; ++c) {
      const int64_t group = c / s_.coarse_per_group();
      for (int64_t i = 0; i < per_group; ++i) {
        for (int64_t k = 0; k < kernel; ++k) {
          f(c, group * per_group + i, k, ((c * per_group + i) * s_.row_taps() + tap) * kernel + k);
        }
      }
    }
  }

  /// The coarse columns x that meet fine columns, x · stride + offset, through column tap k.
  struct MeetingColumns {
    Range x;
    int64_t offset;
  };
  MeetingColumns Meetings(int64_t k) const {
    const int64_t offset = k * s_.columns.dilation - s_.columns.pad_begin, stride = s_.columns.stride;
    const int64_t begin = std::max<int64_t>(0, CeilDiv(-offset, stride));
    const int64_t end = std::min(s_.coarse_width, FloorDiv(s_.fine_width - 1 - offset, stride) + 1);
    return {{begin, std::max(begin, end)}, offset};
  }
  /// f(coarse column, fine column) for all of them.
  template <class F>
  void ForMeetings(int64_t k, F&& f) const {
    const auto [x, offset] = Meetings(k);
    for (int64_t i = x.begin; i < x.end; ++i) f(i, i * s_.columns.stride + offset);
  }

  std::vector<double> weights_;
};

}  // namespace

std::unique_ptr<Correlation<double>> MakeReferenceCorrelation(const CorrelationShape& shape) {
  return std::make_unique<ReferenceCorrelation>(shape);
}

}  // namespace swath
