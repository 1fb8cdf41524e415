#include "engine/program.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "layers/input_map.h"
#include "layers/layers.h"

namespace swath {
namespace {

InputView MakeView(std::vector<double> scale, std::vector<double> shift) {
  InputView view{.scale = std::move(scale), .shift = std::move(shift), .float_zero = {}, .float_scale = {}};
  for (size_t c = 0; c < view.scale.size(); ++c) {
    view.float_zero.push_back(static_cast<float>(-view.shift[c] / view.scale[c]));
    view.float_scale.push_back(static_cast<float>(view.scale[c]));
  }
  return view;
}

/// Two chained maps are one.
InputView Compose(InputView view, const InputMap& map) {
  for (size_t c = 0; c < view.scale.size(); ++c) {
    const double k = map.values[map.values.size() == 1 ? 0 : c];
    if (map.kind == InputMap::Kind::kAdd) {
      view.shift[c] += k;
    } else {
      view.scale[c] *= k;
      view.shift[c] *= k;
    }
  }
  return MakeView(std::move(view.scale), std::move(view.shift));
}

/// Where a tensor of the graph is.
struct Place {
  std::vector<SourcePart> parts;  // streamed
  int core = -1;
};

class Lowering {
 public:
  Lowering(const Graph& graph, std::vector<Shape> shapes) : graph_(graph), shapes_(std::move(shapes)) {
    places_.resize(graph.tensors.size());
    uses_.resize(graph.tensors.size(), 0);
    for (const Node& node : graph.nodes) {
      for (int src : node.srcs) ++uses_[static_cast<size_t>(src)];
    }
    ++uses_[static_cast<size_t>(graph.output)];
  }

  Program Run() {
    const size_t channels = static_cast<size_t>(graph_.input_channels);
    AddTensor(graph_.tensors[static_cast<size_t>(graph_.input)], Shape_(graph_.input));
    program_.views.push_back(
        MakeView(std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)));
    At(graph_.input).parts = {{0, 0, {0, graph_.input_channels}}};
    for (const Node& node : graph_.nodes) Add(node);
    FindOutput();
    program_.readers.resize(program_.tensors.size());
    program_.writer.assign(program_.tensors.size(), -1);
    for (size_t i = 0; i < program_.ops.size(); ++i) Link(static_cast<int>(i));
    for (Op& op : program_.ops) op.pulls = op.pulls && IsSoleReader(op);
    return std::move(program_);
  }

 private:
  Place& At(int graph_tensor) { return places_[static_cast<size_t>(graph_tensor)]; }
  const Shape& Shape_(int graph_tensor) const { return shapes_[static_cast<size_t>(graph_tensor)]; }
  ProgramTensor& Streamed(int tensor) { return program_.tensors[static_cast<size_t>(tensor)]; }
  CoreTensor& Core(int tensor) { return program_.cores[static_cast<size_t>(tensor)]; }

  int AddTensor(const std::string& name, const Shape& shape) {
    program_.tensors.push_back({name, shape, false});
    return static_cast<int>(program_.tensors.size()) - 1;
  }
  int AddCore(const std::string& name, const Shape& shape) {
    program_.cores.push_back({name, shape, false});
    return static_cast<int>(program_.cores.size()) - 1;
  }

  bool Trains(const std::vector<int>& parameters) const {
    return std::any_of(parameters.begin(), parameters.end(),
                       [&](int p) { return graph_.parameters[static_cast<size_t>(p)].trainable; });
  }

  bool NeedsGradient(const OpSource& src) {
    if (!src.streamed()) return Core(src.core).needs_gradient;
    return std::any_of(src.parts.begin(), src.parts.end(),
                       [&](const SourcePart& part) { return Streamed(part.tensor).needs_gradient; });
  }

  void Add(const Node& node) {
    const bool in_core =
        std::all_of(node.srcs.begin(), node.srcs.end(), [&](int src) { return At(src).core >= 0; });
    if (in_core) return AddCoreOp(node);
    switch (node.layer->kind()) {
      case LayerKind::kChannels:
        return Pick(node);
      case LayerKind::kActivation:
        return AddActivation(node);
      case LayerKind::kRows:
        if (!FoldIntoView(node)) AddOp(node, static_cast<const RowLayer&>(*node.layer));
        return;
      case LayerKind::kReduction:
        AddReduction(node, static_cast<const ReductionLayer&>(*node.layer), Shape_(node.dst));
        return;
      case LayerKind::kNormalization:
        return AddNormalization(node);
      case LayerKind::kCore:
        Fail(ErrorCode::kUnsupported, "[{} {}] works on tensors in core only, and its source is a map",
             node.layer->type(), node.name);
    }
  }

  void AddCoreOp(const Node& node) {
    CoreOp op{.name = node.name,
              .layer = node.layer.get(),
              .srcs = {},
              .dst = AddCore(graph_.tensors[static_cast<size_t>(node.dst)], Shape_(node.dst)),
              .parameters = node.parameters,
              .backward = Trains(node.parameters)};
    for (int src : node.srcs) {
      op.srcs.push_back(At(src).core);
      op.backward = op.backward || Core(At(src).core).needs_gradient;
    }
    Core(op.dst).needs_gradient = op.backward;
    At(node.dst).core = op.dst;
    program_.core_ops.push_back(std::move(op));
  }

  void Pick(const Node& node) {
    std::vector<Shape> shapes;
    for (int src : node.srcs) shapes.push_back(Shape_(src));
    for (const ChannelPick& pick : static_cast<const ChannelLayer&>(*node.layer).Picks(shapes)) {
      const Place& src = At(node.srcs[static_cast<size_t>(pick.src)]);
      if (src.core >= 0) {
        Fail(ErrorCode::kUnsupported, "[{} {}] joins a map with one value a channel", node.layer->type(),
             node.name);
      }
      int64_t first = 0;
      for (const SourcePart& part : src.parts) {
        const Range within =
            Intersect({pick.channels.begin - first, pick.channels.end - first}, {0, part.channels.size()});
        first += part.channels.size();
        if (within.empty()) continue;
        SourcePart picked = part;
        picked.channels = {part.channels.begin + within.begin, part.channels.begin + within.end};
        At(node.dst).parts.push_back(Distinct(picked, At(node.dst).parts));
      }
    }
  }

  /// A constant affine map of the input becomes a view of it.
  bool FoldIntoView(const Node& node) {
    const std::vector<SourcePart>& src = At(node.srcs[0]).parts;
    if (node.srcs.size() != 1 || node.parameters.size() != 1 || src.size() != 1 || src[0].view < 0 ||
        src[0].channels.size() != graph_.input_channels) {
      return false;
    }
    const auto map = InputMapOf(*node.layer, graph_.parameters[static_cast<size_t>(node.parameters[0])]);
    if (!map) return false;
    InputView view = Compose(program_.views[static_cast<size_t>(src[0].view)], *map);
    // A view is converted as (sample - zero) · scale, which a scale of 0 has no zero for.
    if (std::any_of(view.scale.begin(), view.scale.end(), [](double scale) { return scale == 0; }))
      return false;
    program_.views.push_back(std::move(view));
    At(node.dst).parts = {{0, static_cast<int>(program_.views.size()) - 1, src[0].channels}};
    return true;
  }

  /// Channels that are picked twice are copied: kernels write the gradients of all channels of a source at
  /// once, and no two of them may be the same row.
  SourcePart Distinct(const SourcePart& part, const std::vector<SourcePart>& others) {
    const bool repeated = std::any_of(others.begin(), others.end(), [&](const SourcePart& other) {
      return other.tensor == part.tensor && !Intersect(other.channels, part.channels).empty();
    });
    return repeated && part.view < 0 ? Copied({part}, Streamed(part.tensor).name + " (copy)") : part;
  }

  /// A tensor of its own with these channels.
  SourcePart Copied(const std::vector<SourcePart>& parts, const std::string& name) {
    Shape shape = Streamed(parts[0].tensor).shape;
    shape.channels = 0;
    for (const SourcePart& part : parts) shape.channels += part.channels.size();
    Op op{.name = name, .layer = CopyLayer(), .srcs = {{.parts = parts}}};
    const int64_t channels = shape.channels;
    return {PushOp(std::move(op), name, shape), -1, {0, channels}};
  }

  void AddActivation(const Node& node) {
    const auto& activation = static_cast<const Activation&>(*node.layer);
    const std::vector<SourcePart>& src = At(node.srcs[0]).parts;
    // In place only where nobody else wants the values before the activation.
    if (src.size() == 1 && src[0].view < 0 && uses_[static_cast<size_t>(node.srcs[0])] == 1 &&
        src[0].channels.size() == Streamed(src[0].tensor).shape.channels && sole_[src[0].tensor]) {
      Op& writer = *std::find_if(program_.ops.begin(), program_.ops.end(),
                                 [&](const Op& op) { return op.dst == src[0].tensor; });
      if (!writer.activation) {
        writer.activation = &activation;
        Streamed(writer.dst).name = graph_.tensors[static_cast<size_t>(node.dst)];
        At(node.dst).parts = src;
        return;
      }
    }
    AddOp(node, *CopyLayer());
    program_.ops.back().activation = &activation;
  }

  OpSource Source(int graph_tensor) {
    const Place& place = At(graph_tensor);
    return {.parts = place.parts, .core = place.core};
  }

  /// Appends the op with a dst of this shape, which is returned.
  int PushOp(Op op, const std::string& name, const Shape& shape) {
    op.backward = op.trains = Trains(op.parameters);
    for (const OpSource& src : op.srcs) op.backward = op.backward || NeedsGradient(src);
    const Shape& src = Streamed(op.any_part().tensor).shape;
    if (op.layer) {
      op.rows = op.layer->rows(src.height);
      op.columns = op.layer->columns(src.width);
    }
    op.dst = AddTensor(name, shape);
    Streamed(op.dst).needs_gradient = op.backward && op.layer;
    program_.ops.push_back(std::move(op));
    return program_.ops.back().dst;
  }

  void AddOp(const Node& node, const RowLayer& layer) {
    Op op{.name = node.name, .layer = &layer, .parameters = node.parameters};
    for (int src : node.srcs) op.srcs.push_back(Source(src));
    ExpectMaps(node, op);
    const Shape& shape = Shape_(node.dst);
    std::vector<Shape> srcs;
    for (int src : node.srcs) srcs.push_back(Shape_(src));
    op.rows_at_once = layer.rows_at_once(srcs, shape);
    op.pulls = layer.pulls(srcs, shape);
    const int dst = PushOp(std::move(op), graph_.tensors[static_cast<size_t>(node.dst)], shape);
    sole_[dst] = uses_[static_cast<size_t>(node.dst)] == 1;
    At(node.dst).parts = {{dst, -1, {0, shape.channels}}};
  }

  /// Streamed sources of one size, and one value a channel for those in core.
  void ExpectMaps(const Node& node, const Op& op) {
    const Shape& map = Streamed(op.any_part().tensor).shape;
    try {
      for (const int src : node.srcs) {
        const Shape& shape = Shape_(src);
        const int64_t height = At(src).core < 0 ? map.height : 1, width = At(src).core < 0 ? map.width : 1;
        if (shape.height == height && shape.width == width) continue;
        Fail(ErrorCode::kUnsupported,
             "expected maps of {} rows × {} columns or one value a channel, found {}", map.height, map.width,
             ToString(shape));
      }
      ParameterList parameters;
      for (const int p : node.parameters) parameters.push_back(&graph_.parameters[static_cast<size_t>(p)]);
      op.layer->CheckStreamed(parameters);
    } catch (const Error& e) {
      Fail(e.code(), "[{} {}] {}", node.layer->type(), node.name, e.what());
    }
  }

  int AddReduction(const Node& node, const ReductionLayer& reduction, const Shape& result) {
    Op op{.name = node.name, .reduction = &reduction};
    for (int src : node.srcs) op.srcs.push_back(Source(src));
    const std::string& name = graph_.tensors[static_cast<size_t>(node.dst)];
    op.result = AddCore(name, result);
    Shape counted = Streamed(op.any_part().tensor).shape;
    counted.channels = 0;
    PushOp(std::move(op), name, counted);
    const Op& added = program_.ops.back();
    Core(added.result).needs_gradient = added.backward;
    At(node.dst).core = added.result;
    return added.result;
  }

  void AddNormalization(const Node& node) {
    const auto& layer = static_cast<const NormalizationLayer&>(*node.layer);
    const Shape& src = Shape_(node.srcs[0]);
    const int statistics = AddReduction(node, layer.statistics(), layer.statistics().DstShape({src}, {}));
    Core(statistics).name += " (statistics)";
    At(node.dst).core = -1;
    Op op{.name = node.name, .layer = &layer.apply(), .parameters = node.parameters};
    op.srcs = {Source(node.srcs[0]), {.parts = {}, .core = statistics}};
    const int dst = PushOp(std::move(op), graph_.tensors[static_cast<size_t>(node.dst)], src);
    sole_[dst] = uses_[static_cast<size_t>(node.dst)] == 1;
    At(node.dst).parts = {{dst, -1, {0, src.channels}}};
  }

  /// A streamed output must be one whole tensor that an op writes; else it is copied into one.
  void FindOutput() {
    Place& place = At(graph_.output);
    if (place.core >= 0) {
      program_.core_output = place.core;
      return;
    }
    const SourcePart& first = place.parts[0];
    const bool whole = place.parts.size() == 1 && first.view < 0 &&
                       first.channels.size() == Streamed(first.tensor).shape.channels;
    program_.output = whole ? first.tensor : Copied(place.parts, "output").tensor;
  }

  /// Whether no other op, nor the loss, adds to the gradients of what an op reads, and it adds to all of
  /// each. It reads none of them twice: see Distinct.
  bool IsSoleReader(const Op& op) const {
    bool any = false;
    for (const SourcePart& part : op.srcs[0].parts) {
      const ProgramTensor& tensor = program_.tensors[static_cast<size_t>(part.tensor)];
      if (!tensor.needs_gradient) continue;
      if (program_.readers[static_cast<size_t>(part.tensor)].size() > 1 || part.tensor == program_.output ||
          part.channels.size() < tensor.shape.channels)
        return false;
      any = true;
    }
    return any;
  }

  void Link(int index) {
    const Op& op = program_.ops[static_cast<size_t>(index)];
    program_.writer[static_cast<size_t>(op.dst)] = index;
    for (const OpSource& src : op.srcs) {
      for (const SourcePart& part : src.parts) {
        auto& readers = program_.readers[static_cast<size_t>(part.tensor)];
        if (readers.empty() || readers.back() != index) readers.push_back(index);
      }
    }
  }

  const Graph& graph_;
  std::vector<Shape> shapes_;
  std::vector<Place> places_;  // by graph tensor
  std::vector<int> uses_;      // by graph tensor
  std::map<int, bool> sole_;   // by streamed tensor: whether one node reads it
  Program program_;
};

}  // namespace

Program Lower(const Graph& graph, int64_t width, int64_t height) {
  return Lowering(graph, InferShapes(graph, width, height)).Run();
}

}  // namespace swath
