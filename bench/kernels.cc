/// The arithmetic of convolutions, one row at a time: GFLOP/s of each operation and kernel at the shapes of
/// `unet-4492` at 16000 px width, and at wider ones. One thread. What kernels/choice.cc decides is read off
/// here.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "kernels/correlation.h"
#include "kernels/rows.h"
#include "tensor/row_ring.h"

namespace swath {
namespace {

struct Layer {
  const char* name;
  int64_t coarse_channels, fine_channels, kernel, stride, pad, fine_width;
  int64_t image_channels = 0;  ///< the last of the fine ones
  int64_t multiply_adds = KernelContext::kManyMultiplyAdds;
};

const Layer kLayers[] = {{"e1", 2, 3, 8, 4, 2, 16000, 3, 24},
                         {"e3", 8, 2, 8, 4, 2, 1000},
                         {"d1", 4, 4, 8, 4, 2, 16000},
                         {"head", 1, 7, 5, 1, 2, 16000, 3, 175},
                         {"8to8_3x3", 8, 8, 3, 1, 1, 4000},
                         {"16to16_3x3", 16, 16, 3, 1, 1, 4000},
                         {"32to32_3x3", 32, 32, 3, 1, 1, 2000},
                         {"64to64_3x3", 64, 64, 3, 1, 1, 1000},
                         {"64to64_3x3_wide", 64, 64, 3, 1, 1, 16000},
                         {"1024to1024_3x3", 1024, 1024, 3, 1, 1, 66},
                         {"1024to512_up", 1024, 512, 2, 2, 0, 132},
                         {"64to128_s2", 128, 64, 3, 2, 1, 1000},
                         {"16to16_1x1", 16, 16, 1, 1, 0, 4000},
                         {"64to64_1x1", 64, 64, 1, 1, 0, 1000},
                         {"96to96_1x1", 96, 96, 1, 1, 0, 1000},
                         {"256to256_1x1", 256, 256, 1, 1, 0, 250},
                         {"3to32_7x7s2", 32, 3, 7, 2, 3, 4000},
                         {"256to256_3x3", 256, 256, 3, 1, 1, 250}};

using Maker = std::unique_ptr<Correlation<float>> (*)(const CorrelationShape&);

/// A layer with one window of rows of noise: of columns that repeat kernels would compute but one.
struct Setup {
  Setup(const Layer& layer, Maker make)
      : shape{.coarse_channels = layer.coarse_channels,
              .fine_channels = layer.fine_channels,
              .fine_width = layer.fine_width,
              .columns = {.kernel = layer.kernel,
                          .stride = layer.stride,
                          .pad_begin = layer.pad,
                          .pad_end = layer.pad},
              .multiply_adds = layer.multiply_adds} {
    for (int64_t c = 0; c < layer.fine_channels; ++c)
      shape.image_channels.push_back(c >= layer.fine_channels - layer.image_channels);
    shape.rows = shape.columns;
    shape.rows_at_once = RowsAtOnce(shape);
    shape.coarse_width = shape.columns.DstSize(shape.fine_width);
    kernel = make(shape);
    workspace = kernel->MakeWorkspace();
    weights.assign(static_cast<size_t>(shape.weight_size()), 0.5f);
    diff_weights.assign(weights.size(), 0.0);
    bias.assign(256, 0.0f);
    kernel->SetWeights(weights.data());
    // Rows of the middle of an image.
    const Range middle{1000, 1000 + shape.rows_at_once};
    coarse = Rows(middle, shape.coarse_channels, shape.coarse_width);
    fine = Rows(shape.rows.Src(middle), shape.fine_channels, shape.fine_width);
  }

  /// Rows with the kernel's margin, aligned as those of a row ring.
  RowWindow<float> Rows(Range rows, int64_t channels, int64_t width) {
    const RowRing<float>::Layout layout{rows.size(), channels, width, kernel->margin()};
    RowRing<float>& ring = rings.emplace_back(layout);
    ring.Reset(rows.begin);
    ring.OpenZeroed(rows.end);
    std::vector<float*>& table = pointers.emplace_back();
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      for (int64_t c = 0; c < channels; ++c) {
        table.push_back(ring.Row(y, c));
        std::generate_n(table.back(), width, [&] { return uniform(random); });
      }
    }
    return {rows, channels, width, table.data()};
  }

  /// Of the coarse rows.
  double MultiplyAdds() const {
    return static_cast<double>(shape.weight_size() * shape.coarse_width * shape.rows_at_once);
  }

  CorrelationShape shape;
  std::unique_ptr<Correlation<float>> kernel;
  std::unique_ptr<Workspace> workspace;
  std::vector<float> weights, bias;
  std::vector<double> diff_weights;
  std::mt19937 random{1};
  std::uniform_real_distribution<float> uniform{0, 1};
  std::deque<RowRing<float>> rings;
  std::deque<std::vector<float*>> pointers;
  RowWindow<float> coarse, fine;
};

RowWindow<const float> Const(const RowWindow<float>& rows) {
  return {rows.rows, rows.channels, rows.width, rows.pointers};
}

void Report(benchmark::State& state, double multiply_adds) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * multiply_adds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetLabel(rows::TargetName());
}

void Gather(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  for (auto _ : state) {
    s.workspace->Reset();  // every row is packed anew: a strip packs each once or twice
    s.kernel->Gather(Const(s.fine), s.bias.data(), s.coarse, Front::kForward, s.workspace.get());
  }
  Report(state, s.MultiplyAdds());
}

void Scatter(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  for (auto _ : state) s.kernel->Scatter(Const(s.coarse), nullptr, s.fine, s.workspace.get());
  Report(state, s.MultiplyAdds());
}

void WeightGradient(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  for (auto _ : state) {
    s.workspace->Reset();
    s.kernel->AddWeightGradient(Const(s.fine), Const(s.coarse), s.diff_weights.data(), s.workspace.get());
  }
  Report(state, s.MultiplyAdds());
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const Layer& layer : kLayers) {
    const auto add = [&](const char* what, auto function) {
      const std::string name = std::string(layer.name) + "/" + what;
      benchmark::RegisterBenchmark((name + "/highway").c_str(), function, layer, MakeHighwayCorrelation);
      benchmark::RegisterBenchmark((name + "/onednn").c_str(), function, layer, MakeOneDnnCorrelation);
      benchmark::RegisterBenchmark((name + "/gemm").c_str(), function, layer, MakeGemmCorrelation);
    };
    add("gather", Gather);
    add("scatter", Scatter);
    add("weights", WeightGradient);
  }
  return true;
}();

}  // namespace
}  // namespace swath
