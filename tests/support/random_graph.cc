#include "tests/support/random_graph.h"

#include <algorithm>
#include <optional>
#include <random>

#include "layers/layers.h"
#include "layers/registry.h"
#include "swath/error.h"

namespace swath::test {
namespace {

constexpr int64_t kLargestSide = 40;

class Builder {
 public:
  Builder(uint32_t seed, Variety variety) : random_(seed), variety_(variety) {}

  RandomNetwork Build() {
    network_.height = Draw(3, 23);
    network_.width = Draw(3, 23);
    network_.graph.input_channels = Draw(1, 3);
    network_.graph.input = network_.graph.AddTensor("image");
    Keep(network_.graph.input, {network_.graph.input_channels, network_.height, network_.width});
    Normalise();
    const int64_t layers = Draw(2, 9);
    for (int64_t i = 0; i < layers; ++i) {
      if (variety_ == Variety::kAll && Draw(0, 2) > 0) {
        AddAnyLayer();
      } else {
        AddLayer();
      }
    }
    network_.logits = Draw(0, 2) == 0 ? Draw(2, 4) : 1;
    network_.slide = variety_ == Variety::kAll && Draw(0, 2) == 0;
    if (network_.slide) {
      AddHead();
    } else {
      AddOutput();
    }
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
      const int shift = AddParameter("shift", {network_.graph.input_channels, 1, 1}, 30, false);
      Add(MakeAdd(), {network_.graph.input}, {shift});
      Parameter scale{.name = "scale", .dims = {1}, .values = {1.0f / 64}, .trainable = false};
      Add(MakeMul(), {kept_.back().tensor}, {network_.graph.AddParameter(std::move(scale))});
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

  /// In an order of its own: that of arguments is the compiler's, and networks would differ.
  void AddConv(const Kept& src, Window (Builder::*draw)(int64_t size)) {
    const int64_t channels = Draw(1, 7);
    const Window columns = (this->*draw)(src.shape.width), rows = (this->*draw)(src.shape.height);
    AddConv(src, rows, columns, channels);
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
        return AddConv(src, &Builder::DrawGather);
      case 3:
      case 4:
        return AddConv(src, &Builder::DrawScatter);
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

  /// A pointwise function whose values and derivatives stay moderate wherever the source lies.
  std::shared_ptr<const Layer> DrawPointwise() {
    const char* const names[] = {"Abs", "Erf", "HardSwish", "Mish", "Neg"};
    switch (Draw(0, 11)) {
      case 0:
        return MakeElu(0.7);
      case 1:
        return MakeSelu(1.6, 1.05);
      case 2:
        return MakeTanh();
      case 3:
        return MakeSoftplus();
      case 4:
        return MakeHardSigmoid(0.2, 0.5);
      case 5:
        return MakeClip(-0.5, 6);
      case 6:
        return MakeGelu(Draw(0, 1) ? GeluApproximation::kTanh : GeluApproximation::kNone);
      default:
        return FindOperator(names[Draw(0, 4)])->make({}, {});
    }
  }

  /// Functions that want a source away from 0 on one side, or not too large.
  void AddPositive(const Kept& src) {
    const char* const names[] = {"Exp", "Log", "Sqrt", "Reciprocal"};
    Add(MakeHardSigmoid(0.05, 0.5), {src.tensor});
    Parameter half{.name = "half" + std::to_string(network_.graph.parameters.size()),
                   .dims = {1},
                   .values = {0.5f},
                   .trainable = false};
    Add(MakeAdd(), {network_.graph.output}, {network_.graph.AddParameter(std::move(half))});
    Add(FindOperator(names[Draw(0, 3)])->make({}, {}), {network_.graph.output});
  }

  ResizeAttributes DrawResize() {
    ResizeAttributes resize;
    resize.mode = static_cast<ResizeMode>(Draw(0, 1));
    resize.coordinates = static_cast<ResizeCoordinates>(Draw(0, 4));
    resize.nearest = static_cast<NearestRounding>(Draw(0, 3));
    resize.rows = {Draw(1, 5), Draw(1, 3)};
    resize.columns = {Draw(1, 5), Draw(1, 3)};
    return resize;
  }

  void AddPad(const Kept& src) {
    PadAttributes pad{.mode = static_cast<PadMode>(Draw(0, 2)), .value = 0.25};
    const auto draw = [&](int64_t size) {
      const int64_t most = std::min<int64_t>(size - 1, 3);
      return Draw(pad.mode == PadMode::kReflect ? 0 : -std::min<int64_t>(most, 1), most);
    };
    pad.top = draw(src.shape.height);
    pad.bottom = src.shape.height > 3 ? draw(src.shape.height) : 0;
    pad.left = draw(src.shape.width);
    pad.right = src.shape.width > 3 ? draw(src.shape.width) : 0;
    Add(MakePad(pad), {src.tensor});
  }

  /// Two operands that broadcast.
  void AddBinary(const Kept& src) {
    const auto first = Draw(0, 1) ? ConstantFirst::kYes : ConstantFirst::kNo;
    const int64_t c = src.shape.channels;
    switch (Draw(0, 5)) {
      case 0:
        return Add(MakeMul(first), {src.tensor}, {AddParameter("factor", {c, 1, 1}, 1)});
      case 1:
        return Add(MakeSub(first), {src.tensor}, {AddParameter("term", {1}, 1)});
      case 2: {  // a divisor away from 0
        Parameter divisor{.name = "divisor" + std::to_string(network_.graph.parameters.size()),
                          .dims = {c, 1, 1},
                          .values = std::vector<float>(size_t(c), 1.5f)};
        return Add(MakeDiv(), {src.tensor}, {network_.graph.AddParameter(std::move(divisor))});
      }
      case 3: {  // a map of one channel beside one of several
        Add(MakeChannelReduce(Draw(0, 1) ? ReduceKind::kMean : ReduceKind::kMax), {src.tensor});
        const int one = network_.graph.output;
        return Draw(0, 1) ? Add(MakeMul(), {src.tensor, one}) : Add(MakeSub(), {one, src.tensor});
      }
      default: {  // squeeze and excite
        const ReduceKind kind = DrawReduce();
        const bool pool = kind != ReduceKind::kLogSumExp && Draw(0, 1);
        Add(MakeGlobalReduce({.kind = kind, .keep_dims = true, .pool = pool}), {src.tensor});
        kept_.pop_back();
        AddParameter("excite", {c, c, 1, 1}, 0.5);
        const int weights = static_cast<int>(network_.graph.parameters.size()) - 1;
        Core(MakeConv({}), {network_.graph.output}, {weights});
        Core(MakeSigmoid(), {network_.graph.output});
        const int gate = network_.graph.output;
        return Draw(0, 1) ? Add(MakeMul(), {src.tensor, gate}) : Add(MakeAdd(), {gate, src.tensor});
      }
    }
  }

  ReduceKind DrawReduce() {
    const ReduceKind kinds[] = {ReduceKind::kMean, ReduceKind::kMax, ReduceKind::kLogSumExp};
    return kinds[Draw(0, 2)];
  }

  /// A node whose result is in core and no map.
  int Core(std::shared_ptr<const Layer> layer, std::vector<int> srcs, std::vector<int> parameters = {}) {
    Add(std::move(layer), std::move(srcs), std::move(parameters));
    kept_.pop_back();
    return network_.graph.output;
  }

  void AddNormalization(const Kept& src) {
    const int64_t c = src.shape.channels;
    if (src.shape.height * src.shape.width < 4) return;
    const int gamma = AddParameter("gamma", {c}, 1), beta = AddParameter("beta", {c}, 1);
    switch (Draw(0, 4)) {
      case 0:
      case 1: {
        Parameter variance{.name = "variance" + std::to_string(gamma),
                           .dims = {c},
                           .values = std::vector<float>(size_t(c), 0.8f),
                           .trainable = false};
        const int mean = AddParameter("mean", {c}, 0.5, false),
                  v = network_.graph.AddParameter(std::move(variance));
        return Add(
            Draw(0, 1) ? MakeFrozenBatchNormalization({}) : MakeImageBatchNormalization({.epsilon = 1e-3}),
            {src.tensor}, {gamma, beta, mean, v});
      }
      case 2:
        return Add(MakeInstanceNormalization(1e-3), {src.tensor}, {gamma, beta});
      case 3:
        return Add(MakeGroupNormalization(c % 2 == 0 ? 2 : 1, 1e-3), {src.tensor}, {gamma, beta});
      default:
        return Add(MakeLayerNormalization(1e-2), {src.tensor}, {gamma, beta});
    }
  }

  void AddAnyLayer() {
    const Kept src = PickLate();
    const int64_t c = src.shape.channels;
    switch (Draw(0, 11)) {
      case 0:
        return Add(DrawPointwise(), {src.tensor});
      case 1:
        return AddPositive(src);
      case 2:
        return AddPad(src);
      case 3: {
        const auto layer = MakeResize(DrawResize());
        const Shape dst = layer->DstShape({src.shape}, {});
        if (dst.height < 1 || dst.width < 1 || dst.height > kLargestSide || dst.width > kLargestSide) return;
        return Add(layer, {src.tensor});
      }
      case 4:
        if (c % 4 == 0)
          return Add(MakeDepthToSpace(2, Draw(0, 1) ? DepthOrder::kCrd : DepthOrder::kDcr), {src.tensor});
        if (src.shape.height % 2 == 0 && src.shape.width % 2 == 0)
          return Add(MakeSpaceToDepth(2), {src.tensor});
        return Add(MakeDropout(0.3), {src.tensor});
      case 5:
        if (Draw(0, 1)) return Add(MakeChannelSlice({c / 2, c}), {src.tensor});
        return Add(MakeChannelGather({c - 1, 0, c - 1}), {src.tensor});
      case 6: {
        const char* const name = Draw(0, 1) ? "Softmax" : "LogSoftmax";
        return Add(FindOperator(name)->make({{"axis", int64_t{-3}}}, {}), {src.tensor});
      }
      case 7:
        if (Draw(0, 1)) {
          const Attributes lrn = {{"size", int64_t{3}}, {"alpha", 0.3}, {"beta", 0.75}, {"bias", 1.0}};
          return Add(FindOperator("LRN")->make(lrn, {}), {src.tensor});
        } else {
          const int slope = AddParameter("slope", {Draw(0, 1) ? c : 1, 1, 1}, 0.3);
          const Parameter& parameter = network_.graph.parameters[static_cast<size_t>(slope)];
          return Add(FindOperator("PRelu")->make({}, {nullptr, &parameter}), {src.tensor}, {slope});
        }
      case 8:
      case 9:
        return AddNormalization(src);
      default:
        return AddBinary(src);
    }
  }

  /// From a map, or two of one size, to values of the slide.
  void AddHead() {
    const Kept src = PickLate();
    const int64_t c = src.shape.channels;
    Graph& graph = network_.graph;
    if (Draw(0, 2) == 0) {  // gated attention
      const auto conv = [&](int from, int64_t in, int64_t out) {
        Add(MakeConv({}), {from}, {AddParameter("attention", {out, in, 1, 1}, 0.7)});
        return graph.output;
      };
      conv(src.tensor, c, 3);
      Add(MakeTanh(), {graph.output});
      const int v = graph.output;
      conv(src.tensor, c, 3);
      Add(MakeSigmoid(), {graph.output});
      Add(MakeMul(), {v, graph.output});
      const int scores = conv(graph.output, 3, Draw(1, 2));
      Core(MakeSoftmaxPool(), {scores, src.tensor});
      const Shape shape =
          InferShapes(graph, network_.width, network_.height)[static_cast<size_t>(graph.output)];
      Core(MakeReshape(3, {1, shape.height * shape.width}), {graph.output});
    } else {
      const int pooled =
          Core(MakeGlobalReduce({.kind = DrawReduce(), .keep_dims = false, .pool = false}), {src.tensor});
      const ReduceKind second = Draw(0, 1) ? ReduceKind::kMean : ReduceKind::kSum;
      const int other =
          Core(MakeGlobalReduce({.kind = second, .keep_dims = false, .pool = false}), {src.tensor});
      Core(MakeCoreConcat(-1), {pooled, other});
    }
    const int64_t values =
        InferShapes(graph, network_.width, network_.height)[static_cast<size_t>(graph.output)].width;
    if (Draw(0, 1)) Core(MakeDropout(0.2), {graph.output});
    const int weights = AddParameter("head", {network_.logits, values}, 0.5);
    const int bias = AddParameter("bias", {network_.logits}, 0.5);
    Core(MakeLinear({.transposed = true}), {graph.output}, {weights, bias});
  }

  std::mt19937 random_;
  Variety variety_;
  RandomNetwork network_;
  std::vector<Kept> kept_;
};

}  // namespace

RandomNetwork MakeRandomNetwork(uint32_t seed, Variety variety) { return Builder(seed, variety).Build(); }

}  // namespace swath::test
