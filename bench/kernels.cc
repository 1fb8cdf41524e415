/// The arithmetic of convolutions, one row at a time: GFLOP/s of each operation and kernel at the shapes of
/// `unet-4492` at 16000 px width, and at wider ones. One thread. What kernels/choice.cc decides is read off
/// here.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/correlation.h"
#include "kernels/rows.h"

namespace swath {
namespace {

struct Layer {
  const char* name;
  int64_t coarse_channels, fine_channels, kernel, stride, pad, fine_width;
};

const Layer kLayers[] = {{"e1", 2, 3, 8, 4, 2, 16000},
                         {"e3", 8, 2, 8, 4, 2, 1000},
                         {"d1", 4, 4, 8, 4, 2, 16000},
                         {"head", 1, 7, 5, 1, 2, 16000},
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

/// A layer with one window of rows of ones.
struct Setup {
  Setup(const Layer& layer, Maker make)
      : shape{.coarse_channels = layer.coarse_channels,
              .fine_channels = layer.fine_channels,
              .fine_width = layer.fine_width,
              .row_taps = layer.kernel,
              .window_rows = layer.kernel,
              .columns = {.kernel = layer.kernel,
                          .stride = layer.stride,
                          .pad_begin = layer.pad,
                          .pad_end = layer.pad}} {
    shape.coarse_width = shape.columns.DstSize(shape.fine_width);
    kernel = make(shape);
    workspace = kernel->MakeWorkspace();
    weights.assign(static_cast<size_t>(shape.weight_size()), 0.5f);
    diff_weights.assign(weights.size(), 0.0);
    bias.assign(256, 0.0f);
    kernel->SetWeights(weights.data());
    for (int64_t tap = 0; tap < shape.row_taps; ++tap)
      fine.push_back({tap, tap, Row(shape.fine_channels, shape.fine_width)});
    coarse = Row(shape.coarse_channels, shape.coarse_width);
  }

  /// Channel pointers into rows with the kernel's margin.
  float* const* Row(int64_t channels, int64_t width) {
    const int64_t pitch = width + 2 * kernel->margin();
    std::vector<float>& values = storage.emplace_back(static_cast<size_t>(channels * pitch), 1.0f);
    std::vector<float*>& row = pointers.emplace_back();
    for (int64_t c = 0; c < channels; ++c) row.push_back(values.data() + c * pitch + kernel->margin());
    return row.data();
  }

  double MultiplyAdds() const {
    return static_cast<double>(shape.weight_size()) * static_cast<double>(shape.coarse_width);
  }

  CorrelationShape shape;
  std::unique_ptr<Correlation<float>> kernel;
  std::unique_ptr<Workspace> workspace;
  std::vector<float> weights, bias;
  std::vector<double> diff_weights;
  std::vector<std::vector<float>> storage;
  std::vector<std::vector<float*>> pointers;
  std::vector<TapRow<float>> fine;
  float* const* coarse = nullptr;
};

void Report(benchmark::State& state, double multiply_adds) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * multiply_adds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.SetLabel(rows::TargetName());
}

void Gather(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  for (auto _ : state) {
    s.workspace->Reset();  // every row is packed anew: a strip packs each once or twice
    s.kernel->Gather(s.fine, s.bias.data(), s.coarse, Front::kForward, s.workspace.get());
  }
  Report(state, s.MultiplyAdds());
}

void Scatter(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  const TapRow<float> coarse{0, 0, s.coarse};
  float* const* fine = s.Row(s.shape.fine_channels, s.shape.fine_width);
  for (auto _ : state) s.kernel->Scatter({&coarse, 1}, nullptr, fine, s.workspace.get());
  Report(state, s.MultiplyAdds() / static_cast<double>(s.shape.row_taps));
}

void WeightGradient(benchmark::State& state, const Layer& layer, Maker make) {
  Setup s(layer, make);
  for (auto _ : state) {
    s.workspace->Reset();
    s.kernel->AddWeightGradient(s.fine, {0, 0, s.coarse}, s.diff_weights.data(), s.workspace.get());
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
