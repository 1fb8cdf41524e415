#include "tests/support/random_graph.h"

#include <algorithm>
#include <optional>
#include <random>

#include "layers/layers.h"
#include "swath/error.h"

namespace swath::test {
namespace {

constexpr int64_t kLargestSide = 40;

class Builder {
 public:
  explicit Builder(uint32_t seed) : random_(seed) {}

  RandomNetwork Build() {
    network_.height = Draw(3, 23);
    network_.width = Draw(3, 23);
    network_.graph.input_channels = Draw(1, 3);
    network_.graph.input = network_.graph.AddTensor("image");
    Keep(network_.graph.input, {network_.graph.input_channels, network_.height, network_.width});
    Normalise();
    const int64_t layers = Draw(2, 9);
    for (int64_t i = 0; i < layers; ++i) AddLayer();
    network_.logits = Draw(0, 2) == 0 ? Draw(2, 4) : 1;
    AddOutput();
    return std::move(network_);
  }

 private:
  struct Kept {
    int tensor;
    Shape shape;
  };

  int64_t Draw(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random_() % static_cast<uint32_t>(most - least + 1));
  }
  const Kept& Pick() { return kept_[static_cast<size_t>(Draw(0, static_cast<int64_t>(kept_.size()) - 1))]; }
  /// Later tensors more often, so that networks grow deep.
  Kept PickLate() {
    const int64_t last = static_cast<int64_t>(kept_.size()) - 1;
    return kept_[static_cast<size_t>(std::max(Draw(0, last), Draw(0, last)))];
  }
  void Keep(int tensor, Shape shape) { kept_.push_back({tensor, shape}); }

  int AddParameter(const char* kind, std::vector<int64_t> dims, double scale, bool trainable = true) {
    int64_t size = 1;
    for (int64_t d : dims) size *= d;
    Parameter p{.name = std::string(kind) + std::to_string(network_.graph.parameters.size()),
                .dims = std::move(dims),
                .values = std::vector<float>(static_cast<size_t>(size)),
                .trainable = trainable};
    std::normal_distribution<double> normal(0, scale);
    for (float& v : p.values) v = static_cast<float>(normal(random_));
    return network_.graph.AddParameter(std::move(p));
  }

  void Add(std::shared_ptr<const Layer> layer, std::vector<int> srcs, std::vector<int> parameters = {}) {
    const int tensor = network_.graph.AddNode("n" + std::to_string(network_.graph.nodes.size()), layer,
                                              std::move(srcs), std::move(parameters));
    network_.graph.output = tensor;
    Keep(tensor, InferShapes(network_.graph, network_.width, network_.height)[static_cast<size_t>(tensor)]);
  }

  void Normalise() {
    if (Draw(0, 3) > 0) {
      const int shift = AddParameter("shift", {network_.graph.input_channels}, 30, false);
      Add(MakeChannelAdd(), {network_.graph.input}, {shift});
      Parameter scale{.name = "scale", .dims = {1}, .values = {1.0f / 64}, .trainable = false};
      Add(MakeChannelMul(), {kept_.back().tensor}, {network_.graph.AddParameter(std::move(scale))});
    }
  }

  Window DrawGather(int64_t size) {
    Window w;
    w.kernel = Draw(1, 5);
    w.stride = Draw(1, 4);
    w.dilation = Draw(1, 3);
    w.pad_begin = Draw(0, 3);
    w.pad_end = Draw(0, 3);
    while (w.DstSize(size) < 1) ++w.pad_end;
    return w;
  }
  Window DrawScatter(int64_t size) {
    Window w{.kind = Window::Kind::kScatter};
    w.kernel = Draw(1, 5);
    w.stride = Draw(1, 4);
    w.dilation = Draw(1, 3);
    w.pad_begin = Draw(0, 2);
    w.pad_end = Draw(0, 2);
    w.output_padding = Draw(0, 2);
    while (w.DstSize(size) > kLargestSide && w.stride > 1) --w.stride;
    while (w.DstSize(size) < 1) ++w.output_padding;
    return w;
  }

  void AddConv(const Kept& src, Window rows, Window columns, int64_t channels) {
    const bool transposed = rows.kind == Window::Kind::kScatter;
    int64_t groups = Draw(1, 3);
    while (src.shape.channels % groups != 0 || channels % groups != 0) --groups;
    const double scale =
        1.0 / std::sqrt(static_cast<double>(src.shape.channels * rows.kernel * columns.kernel));
    std::vector<int64_t> dims = transposed ? std::vector<int64_t>{src.shape.channels, channels / groups}
                                           : std::vector<int64_t>{channels, src.shape.channels / groups};
    dims.push_back(rows.kernel);
    dims.push_back(columns.kernel);
    std::vector<int> parameters = {AddParameter("weights", dims, scale)};
    if (Draw(0, 3) > 0) parameters.push_back(AddParameter("bias", {channels}, 0.1));
    const ConvAttributes conv{rows, columns, groups};
    Add(transposed ? MakeConvTranspose(conv) : MakeConv(conv), {src.tensor}, std::move(parameters));
  }

  void AddPool(const Kept& src) {
    PoolAttributes pool{DrawGather(src.shape.height), DrawGather(src.shape.width), Draw(0, 1) == 1};
    for (Window* w : {&pool.rows, &pool.columns}) {
      if (Draw(0, 1)) w->rounding = Rounding::kCeil;
    }
    const size_t before = network_.graph.nodes.size();
    const Graph saved = network_.graph;
    try {
      Add(Draw(0, 1) ? MakeMaxPool(pool) : MakeAveragePool(pool), {src.tensor});
    } catch (const Error&) {  // a window wholly in the padding: rightly refused
      network_.graph = saved;
      if (network_.graph.nodes.size() != before) throw;
    }
  }

  void AddJoin(const Kept& src) {
    std::vector<Kept> same;
    for (const Kept& k : kept_) {
      if (k.shape.height == src.shape.height && k.shape.width == src.shape.width) same.push_back(k);
    }
    const Kept other = same[static_cast<size_t>(Draw(0, static_cast<int64_t>(same.size()) - 1))];
    if (other.shape == src.shape && Draw(0, 1)) {
      Add(MakeAdd(), {src.tensor, other.tensor});
    } else if (src.shape.channels + other.shape.channels <= 12) {
      Add(MakeConcat(), {src.tensor, other.tensor});
    }
  }

  void AddLayer() {
    const Kept src = PickLate();
    switch (Draw(0, 9)) {
      case 0:
      case 1:
      case 2:
        return AddConv(src, DrawGather(src.shape.height), DrawGather(src.shape.width), Draw(1, 7));
      case 3:
      case 4:
        return AddConv(src, DrawScatter(src.shape.height), DrawScatter(src.shape.width), Draw(1, 7));
      case 5:
        return AddPool(src);
      case 6: {
        const int64_t r = Draw(1, 3), c = Draw(1, 3);
        if (src.shape.height * r > kLargestSide || src.shape.width * c > kLargestSide) return;
        return Add(MakeResizeNearest(r, c), {src.tensor});
      }
      case 7:
      case 8:
        return AddJoin(src);
      default: {
        const int64_t kind = Draw(0, 2);
        return Add(kind == 0 ? MakeRelu() : kind == 1 ? MakeLeakyRelu(0.1) : MakeSigmoid(), {src.tensor});
      }
    }
  }

  /// A window that takes `src` pixels to `dst`.
  Window Fit(int64_t src, int64_t dst) {
    if (src >= dst) {
      Window w{.kind = Window::Kind::kScatter, .kernel = Draw(1, 3)};  // stride 1: crops by its pads
      const int64_t crop = src - 1 + w.extent() - dst;
      w.pad_begin = crop / 2;
      w.pad_end = crop - crop / 2;
      return w;
    }
    Window w{.kind = Window::Kind::kScatter, .kernel = Draw(2, 5)};
    w.stride = src > 1 ? (dst - 1) / (src - 1) : Draw(1, 4);
    const int64_t size = (src - 1) * w.stride + w.extent();
    if (size >= dst) {
      w.pad_begin = (size - dst) / 2;
      w.pad_end = size - dst - w.pad_begin;
    } else {
      w.output_padding = dst - size;
    }
    return w;
  }

  void AddOutput() {
    const Kept last = kept_.back();
    Window rows = Fit(last.shape.height, network_.height), columns = Fit(last.shape.width, network_.width);
    AddConv(last, rows, columns, network_.logits);
  }

  std::mt19937 random_;
  RandomNetwork network_;
  std::vector<Kept> kept_;
};

}  // namespace

RandomNetwork MakeRandomNetwork(uint32_t seed) { return Builder(seed).Build(); }

}  // namespace swath::test
