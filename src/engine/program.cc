#include "engine/program.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "layers/channel_affine.h"
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
InputView Compose(InputView view, AffineKind kind, const Parameter& constant) {
  for (size_t c = 0; c < view.scale.size(); ++c) {
    const double k = ChannelValue(constant, static_cast<int64_t>(c));
    if (kind == AffineKind::kAdd) {
      view.shift[c] += k;
    } else {
      view.scale[c] *= k;
      view.shift[c] *= k;
    }
  }
  return MakeView(std::move(view.scale), std::move(view.shift));
}

class Lowering {
 public:
  Lowering(const Graph& graph, std::vector<Shape> shapes) : graph_(graph), shapes_(std::move(shapes)) {
    parts_.resize(graph.tensors.size());
    uses_.resize(graph.tensors.size(), 0);
    for (const Node& node : graph.nodes) {
      for (int src : node.srcs) ++uses_[static_cast<size_t>(src)];
    }
    ++uses_[static_cast<size_t>(graph.output)];
  }

  Program Run() {
    const size_t channels = static_cast<size_t>(graph_.input_channels);
    AddTensor(graph_.input);
    program_.views.push_back(
        MakeView(std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)));
    parts_[static_cast<size_t>(graph_.input)] = {{0, 0}};
    for (const Node& node : graph_.nodes) Add(node);
    FindOutput();
    program_.readers.resize(program_.tensors.size());
    program_.writer.assign(program_.tensors.size(), -1);
    for (size_t i = 0; i < program_.ops.size(); ++i) Link(static_cast<int>(i));
    return std::move(program_);
  }

 private:
  int AddTensor(int graph_tensor) {
    const size_t t = static_cast<size_t>(graph_tensor);
    program_.tensors.push_back({graph_.tensors[t], shapes_[t], false});
    return static_cast<int>(program_.tensors.size()) - 1;
  }

  std::vector<SourcePart>& Parts(int graph_tensor) { return parts_[static_cast<size_t>(graph_tensor)]; }

  void Add(const Node& node) {
    switch (node.layer->kind()) {
      case LayerKind::kConcat:
        for (int src : node.srcs) {
          for (const SourcePart& part : Parts(src))
            Parts(node.dst).push_back(Distinct(part, Parts(node.dst)));
        }
        return;
      case LayerKind::kActivation:
        AddActivation(node);
        return;
      case LayerKind::kRows:
        if (FoldIntoView(node)) return;
        AddOp(node, static_cast<const RowLayer&>(*node.layer));
    }
  }

  /// A constant affine map of the input becomes a view of it.
  bool FoldIntoView(const Node& node) {
    const auto kind = ChannelAffineKind(*node.layer);
    if (!kind) return false;
    const std::vector<SourcePart>& src = Parts(node.srcs[0]);
    if (src.size() != 1 || src[0].view < 0) return false;
    InputView view = Compose(program_.views[static_cast<size_t>(src[0].view)], *kind,
                             graph_.parameters[static_cast<size_t>(node.parameters[0])]);
    // A view is converted as (byte - zero) · scale, which a scale of 0 has no zero for.
    if (std::any_of(view.scale.begin(), view.scale.end(), [](double scale) { return scale == 0; }))
      return false;
    program_.views.push_back(std::move(view));
    Parts(node.dst) = {{0, static_cast<int>(program_.views.size()) - 1}};
    return true;
  }

  /// A tensor that is concatenated with itself is copied: kernels write the gradients of all channels of a
  /// source at once, and no two of them may be the same row.
  SourcePart Distinct(const SourcePart& part, const std::vector<SourcePart>& others) {
    const bool repeated = std::any_of(others.begin(), others.end(),
                                      [&](const SourcePart& other) { return other.tensor == part.tensor; });
    if (!repeated || part.view >= 0) return part;
    const ProgramTensor source = program_.tensors[static_cast<size_t>(part.tensor)];
    Op op{.name = source.name + " (copy)", .layer = CopyLayer(), .srcs = {{part}}};
    op.dst = static_cast<int>(program_.tensors.size());
    op.backward = source.needs_gradient;
    program_.tensors.push_back({op.name, source.shape, source.needs_gradient});
    program_.ops.push_back(std::move(op));
    return {program_.ops.back().dst, -1};
  }

  void AddActivation(const Node& node) {
    const auto& activation = static_cast<const Activation&>(*node.layer);
    const std::vector<SourcePart>& src = Parts(node.srcs[0]);
    // In place only where nobody else wants the values before the activation.
    if (src.size() == 1 && src[0].view < 0 && uses_[static_cast<size_t>(node.srcs[0])] == 1) {
      Op& writer = *std::find_if(program_.ops.begin(), program_.ops.end(),
                                 [&](const Op& op) { return op.dst == src[0].tensor; });
      if (!writer.activation) {
        writer.activation = &activation;
        program_.tensors[static_cast<size_t>(writer.dst)].name =
            graph_.tensors[static_cast<size_t>(node.dst)];
        Parts(node.dst) = src;
        return;
      }
    }
    AddOp(node, *CopyLayer());
    program_.ops.back().activation = &activation;
  }

  void AddOp(const Node& node, const RowLayer& layer) {
    Op op{.name = node.name,
          .layer = &layer,
          .dst = AddTensor(node.dst),
          .parameters = node.parameters,
          .rows = layer.rows()};
    for (int src : node.srcs) op.srcs.push_back(Parts(src));
    for (int p : node.parameters)
      op.trains = op.trains || graph_.parameters[static_cast<size_t>(p)].trainable;
    op.backward = op.trains;
    for (const auto& parts : op.srcs) {
      for (const SourcePart& part : parts) {
        op.backward = op.backward || program_.tensors[static_cast<size_t>(part.tensor)].needs_gradient;
      }
    }
    program_.tensors[static_cast<size_t>(op.dst)].needs_gradient = op.backward;
    Parts(node.dst) = {{op.dst, -1}};
    program_.ops.push_back(std::move(op));
  }

  /// The output must be one tensor that an op writes; a Concat or the input itself is copied into one.
  void FindOutput() {
    const std::vector<SourcePart>& parts = Parts(graph_.output);
    if (parts.size() != 1 || parts[0].view >= 0) {
      AddOp({.name = "output", .srcs = {graph_.output}, .dst = graph_.output}, *CopyLayer());
    }
    program_.output = Parts(graph_.output)[0].tensor;
  }

  void Link(int index) {
    const Op& op = program_.ops[static_cast<size_t>(index)];
    program_.writer[static_cast<size_t>(op.dst)] = index;
    for (const auto& parts : op.srcs) {
      for (const SourcePart& part : parts) {
        auto& readers = program_.readers[static_cast<size_t>(part.tensor)];
        if (readers.empty() || readers.back() != index) readers.push_back(index);
      }
    }
  }

  const Graph& graph_;
  std::vector<Shape> shapes_;
  std::vector<std::vector<SourcePart>> parts_;  // by graph tensor
  std::vector<int> uses_;                       // by graph tensor
  Program program_;
};

}  // namespace

Program Lower(const Graph& graph, int64_t width, int64_t height) {
  return Lowering(graph, InferShapes(graph, width, height)).Run();
}

}  // namespace swath
