#include "graph/fuse.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph* graph) : g_(*graph) {}

  void Run() {
    for (bool changed = true; changed;) {
      changed = false;
      Index();
      for (size_t i = 0; i < g_.nodes.size() && !changed; ++i) changed = Fuse(i);
    }
    DropUnusedParameters();
  }

 private:
  void Index() {
    writer_.assign(g_.tensors.size(), -1);
    uses_.assign(g_.tensors.size(), 0);
    for (size_t i = 0; i < g_.nodes.size(); ++i) {
      writer_[static_cast<size_t>(g_.nodes[i].dst)] = static_cast<int>(i);
      for (const int src : g_.nodes[i].srcs) ++uses_[static_cast<size_t>(src)];
    }
    ++uses_[static_cast<size_t>(g_.output)];
  }

  const Node* Writer(int tensor) const {
    const int i = writer_[static_cast<size_t>(tensor)];
    return i < 0 ? nullptr : &g_.nodes[static_cast<size_t>(i)];
  }
  /// The node of this type that writes the tensor; null where another one does.
  const Node* Writer(int tensor, std::string_view type) const {
    const Node* node = Writer(tensor);
    return node && node->layer->type() == type ? node : nullptr;
  }
  const Parameter& Constant(const Node& node) const {
    return g_.parameters[static_cast<size_t>(node.parameters[0])];
  }
  /// Whether the node has one source, and a single number that is about this one.
  bool HasNumber(const Node& node, double value) const {
    return node.srcs.size() == 1 && node.parameters.size() == 1 && Constant(node).size() == 1 &&
           std::abs(static_cast<double>(Constant(node).values[0]) - value) <= 1e-6 * std::abs(value);
  }
  /// Of a node with two sources, one of which is `tensor`, the other one.
  static std::optional<int> Other(const Node& node, int tensor) {
    if (node.srcs.size() != 2) return std::nullopt;
    if (node.srcs[0] == tensor) return node.srcs[1];
    if (node.srcs[1] == tensor) return node.srcs[0];
    return std::nullopt;
  }

  /// Makes one node of `parts`, which end in node i and read nothing but `src`, if nobody else reads what
  /// they pass on.
  bool Replace(size_t i, std::set<const Node*> parts, std::shared_ptr<const Layer> layer, int src,
               std::vector<int> parameters = {}) {
    parts.insert(&g_.nodes[i]);
    for (const Node* part : parts) {
      if (part == &g_.nodes[i]) continue;
      int inside = 0;
      for (const Node* reader : parts)
        inside += static_cast<int>(std::count(reader->srcs.begin(), reader->srcs.end(), part->dst));
      if (uses_[static_cast<size_t>(part->dst)] != inside) return false;
    }
    g_.nodes[i].layer = std::move(layer);
    g_.nodes[i].srcs = {src};
    g_.nodes[i].parameters = std::move(parameters);
    std::set<int> gone;
    for (const Node* part : parts) {
      if (part != &g_.nodes[i]) gone.insert(part->dst);
    }
    g_.nodes.erase(std::remove_if(g_.nodes.begin(), g_.nodes.end(),
                                  [&](const Node& node) { return gone.count(node.dst) != 0; }),
                   g_.nodes.end());
    return true;
  }

  bool Fuse(size_t i) {
    const std::string_view type = g_.nodes[i].layer->type();
    if (type == "Mul") return FuseGelu(i) || FuseGated(i) || FuseHardSwish(i);
    if (type == "Div") return FuseHardSwish(i);
    if (type == "Add") return FuseGroupNormalization(i) || FuseLayerNormalization(i);
    return false;
  }

  /// 1 + erf(x / √2), by its last node.
  std::optional<int> ErfOf(int tensor, std::set<const Node*>* parts) const {
    const Node* add = Writer(tensor, "Add");
    if (!add || !HasNumber(*add, 1)) return std::nullopt;
    const Node* erf = Writer(add->srcs[0], "Erf");
    if (!erf) return std::nullopt;
    const Node* scale = Writer(erf->srcs[0]);
    if (!scale) return std::nullopt;
    const bool divided =
        scale->layer->type() == "Div" && !scale->layer->constant_first() && HasNumber(*scale, std::sqrt(2.0));
    const bool multiplied = scale->layer->type() == "Mul" && HasNumber(*scale, std::sqrt(0.5));
    if (!divided && !multiplied) return std::nullopt;
    *parts = {add, erf, scale};
    return scale->srcs[0];
  }

  /// x · (1 + erf(x / √2)) · 0.5, in any order of the products; and the form with tanh.
  bool FuseGelu(size_t i) {
    const Node& last = g_.nodes[i];
    std::set<const Node*> parts;
    if (HasNumber(last, 0.5)) {  // (x · (1 + erf)) · 0.5
      const Node* product = Writer(last.srcs[0], "Mul");
      if (!product || product->srcs.size() != 2) return false;
      for (const int side : product->srcs) {
        if (const auto x = ErfOf(side, &parts); x && Other(*product, side) == x) {
          parts.insert(product);
          return Replace(i, parts, MakeGelu(GeluApproximation::kNone), *x);
        }
        if (const auto x = TanhOf(side, &parts); x && Other(*product, side) == x) {
          parts.insert(product);
          return Replace(i, parts, MakeGelu(GeluApproximation::kTanh), *x);
        }
      }
      return false;
    }
    if (last.srcs.size() != 2) return false;
    for (const int side : last.srcs) {  // (x · 0.5) · (1 + erf), x · ((1 + erf) · 0.5)
      const int other = *Other(last, side);
      const Node* half = Writer(other, "Mul");
      if (half && HasNumber(*half, 0.5)) {
        if (const auto x = ErfOf(side, &parts); x && half->srcs[0] == *x) {
          parts.insert(half);
          return Replace(i, parts, MakeGelu(GeluApproximation::kNone), *x);
        }
        if (const auto x = TanhOf(side, &parts); x && half->srcs[0] == *x) {
          parts.insert(half);
          return Replace(i, parts, MakeGelu(GeluApproximation::kTanh), *x);
        }
        if (const auto x = ErfOf(half->srcs[0], &parts); x && side == *x) {
          parts.insert(half);
          return Replace(i, parts, MakeGelu(GeluApproximation::kNone), *x);
        }
      }
    }
    return false;
  }

  /// 1 + tanh(√(2 / π) (x + 0.044715 x³)), by its last node.
  std::optional<int> TanhOf(int tensor, std::set<const Node*>* parts) const {
    const Node* add = Writer(tensor, "Add");
    if (!add || !HasNumber(*add, 1)) return std::nullopt;
    const Node* tanh = Writer(add->srcs[0], "Tanh");
    const Node* scale = tanh ? Writer(tanh->srcs[0], "Mul") : nullptr;
    if (!scale || !HasNumber(*scale, std::sqrt(2 / M_PI))) return std::nullopt;
    const Node* sum = Writer(scale->srcs[0], "Add");
    if (!sum || sum->srcs.size() != 2) return std::nullopt;
    for (const int side : sum->srcs) {
      const Node* part = Writer(side, "Mul");
      const Node* cube = part && HasNumber(*part, 0.044715) ? Writer(part->srcs[0], "Pow") : nullptr;
      if (!cube || cube->layer->settings()[0].values[0] != 3 || cube->srcs[0] != *Other(*sum, side)) continue;
      *parts = {add, tanh, scale, sum, part, cube};
      return cube->srcs[0];
    }
    return std::nullopt;
  }

  /// x · sigmoid(x), x · tanh(softplus(x)), x · hardsigmoid(x).
  bool FuseGated(size_t i) {
    const Node& last = g_.nodes[i];
    if (last.srcs.size() != 2) return false;
    for (const int side : last.srcs) {
      const int x = *Other(last, side);
      const Node* gate = Writer(side);
      if (!gate || side == x) continue;
      const std::string_view type = gate->layer->type();
      if (type == "Sigmoid" && gate->srcs[0] == x) return Replace(i, {gate}, Plain("Swish"), x);
      if (type == "HardSigmoid" && gate->srcs[0] == x) {
        const Attributes attributes = gate->layer->attributes();
        const bool swish = std::abs(std::get<double>(attributes.at("alpha")) - 1.0 / 6) < 1e-6 &&
                           std::get<double>(attributes.at("beta")) == 0.5;
        return swish && Replace(i, {gate}, Plain("HardSwish"), x);
      }
      const Node* soft = type == "Tanh" ? Writer(gate->srcs[0], "Softplus") : nullptr;
      if (soft && soft->srcs[0] == x) return Replace(i, {gate, soft}, Plain("Mish"), x);
    }
    return false;
  }

  /// x · clip(x + 3, 0, 6) / 6.
  bool FuseHardSwish(size_t i) {
    const Node& last = g_.nodes[i];
    const bool divides = last.layer->type() == "Div" && !last.layer->constant_first() && HasNumber(last, 6);
    const bool multiplies = last.layer->type() == "Mul" && HasNumber(last, 1.0 / 6);
    if (!divides && !multiplies) return false;
    const Node* product = Writer(last.srcs[0], "Mul");
    if (!product || product->srcs.size() != 2) return false;
    for (const int side : product->srcs) {
      const int x = *Other(*product, side);
      const Node* clip = Writer(side, "Clip");
      const Node* add = clip ? Writer(clip->srcs[0], "Add") : nullptr;
      if (!add || !HasNumber(*add, 3) || add->srcs[0] != x) continue;
      const std::vector<Setting> bounds = clip->layer->settings();
      if (bounds[0].values != std::vector<double>{0} || bounds[1].values != std::vector<double>{6}) continue;
      return Replace(i, {product, clip, add}, Plain("HardSwish"), x);
    }
    return false;
  }

  static std::shared_ptr<const Layer> Plain(std::string_view type) {
    return FindOperator(type)->make({}, {});
  }

  /// Whether the node has one source and one value a channel.
  bool ByChannel(const Node& node) const {
    return node.srcs.size() == 1 && node.parameters.size() == 1 && Constant(node).size() > 1;
  }

  bool All(int parameter, float value) const {
    const Parameter& p = g_.parameters[static_cast<size_t>(parameter)];
    return !p.trainable && std::all_of(p.values.begin(), p.values.end(), [&](float v) { return v == value; });
  }

  /// A normalisation without scale and bias, then both.
  bool FuseGroupNormalization(size_t i) {
    const Node& bias = g_.nodes[i];
    const Node* scale = ByChannel(bias) ? Writer(bias.srcs[0], "Mul") : nullptr;
    const Node* normal = scale && ByChannel(*scale) ? Writer(scale->srcs[0], "GroupNormalization") : nullptr;
    if (!normal || !All(normal->parameters[0], 1) || !All(normal->parameters[1], 0)) return false;
    if (Constant(*scale).size() != g_.parameters[static_cast<size_t>(normal->parameters[0])].size() ||
        Constant(bias).size() != Constant(*scale).size())
      return false;
    const std::vector<int> parameters = {scale->parameters[0], bias.parameters[0]};
    const auto layer = normal->layer;
    if (!Replace(i, {scale, normal}, layer, normal->srcs[0], parameters)) return false;
    for (const int p : parameters) AsVector(p);
    return true;
  }

  /// The node that writes the tensor, if that is the mean over channels; over pixels it has the same type.
  const Node* ChannelMean(int tensor) const {
    const Node* node = Writer(tensor, "ReduceMean");
    return node && node->layer->kind() == LayerKind::kRows ? node : nullptr;
  }

  /// (x - mean) / √(mean((x - mean)²) + ε) · scale + bias, over channels.
  bool FuseLayerNormalization(size_t i) {
    const Node& bias = g_.nodes[i];
    const Node* scale = ByChannel(bias) ? Writer(bias.srcs[0], "Mul") : nullptr;
    const Node* divide = scale && ByChannel(*scale) ? Writer(scale->srcs[0], "Div") : nullptr;
    if (!divide || divide->srcs.size() != 2) return false;
    const Node *centred = Writer(divide->srcs[0], "Sub"), *root = Writer(divide->srcs[1], "Sqrt");
    const Node* sum = root ? Writer(root->srcs[0], "Add") : nullptr;
    if (!centred || centred->srcs.size() != 2 || !sum || sum->srcs.size() != 1 ||
        sum->parameters.size() != 1 || Constant(*sum).size() != 1)
      return false;
    const Node *variance = ChannelMean(sum->srcs[0]), *mean = ChannelMean(centred->srcs[1]);
    const Node* square = variance ? Writer(variance->srcs[0]) : nullptr;
    if (!mean || !square || mean->srcs[0] != centred->srcs[0]) return false;
    const bool power = square->layer->type() == "Pow" && square->layer->settings()[0].values[0] == 2;
    const bool product =
        square->layer->type() == "Mul" && square->srcs.size() == 2 && square->srcs[0] == square->srcs[1];
    if ((!power && !product) || square->srcs[0] != centred->dst) return false;
    const auto layer = MakeLayerNormalization(static_cast<double>(Constant(*sum).values[0]));
    const std::vector<int> parameters = {scale->parameters[0], bias.parameters[0]};
    const int src = centred->srcs[0];
    if (!Replace(i, {scale, divide, centred, root, sum, variance, mean, square}, layer, src, parameters))
      return false;
    for (const int p : parameters) AsVector(p);
    return true;
  }

  void AsVector(int parameter) {
    Parameter& p = g_.parameters[static_cast<size_t>(parameter)];
    p.dims = {p.size()};
  }

  void DropUnusedParameters() {
    std::vector<int> place(g_.parameters.size(), -1);
    for (const Node& node : g_.nodes) {
      for (const int p : node.parameters) place[static_cast<size_t>(p)] = 0;
    }
    std::vector<Parameter> kept;
    for (size_t p = 0; p < place.size(); ++p) {
      if (place[p] < 0) continue;
      place[p] = static_cast<int>(kept.size());
      kept.push_back(std::move(g_.parameters[p]));
    }
    g_.parameters = std::move(kept);
    for (Node& node : g_.nodes) {
      for (int& p : node.parameters) p = place[static_cast<size_t>(p)];
    }
  }

  Graph& g_;
  std::vector<int> writer_;  // by tensor: index of the node
  std::vector<int> uses_;    // by tensor
};

}  // namespace

void FuseSpellings(Graph* graph) { Fuser(graph).Run(); }

}  // namespace swath
