/// Concat along channels (ONNX opset 4, 11, 13). Costs nothing.
#include "layers/layers.h"

namespace swath {
namespace {

class Concat final : public ChannelLayer {
 public:
  std::string_view type() const override { return "Concat"; }
  Attributes attributes() const override { return {{"axis", int64_t{1}}}; }

  std::vector<ChannelPick> Picks(const std::vector<Shape>& srcs) const override {
    std::vector<ChannelPick> picks;
    for (const Shape& src : srcs) picks.push_back({static_cast<int>(picks.size()), {0, src.channels}});
    return picks;
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeConcat() { return std::make_shared<Concat>(); }

}  // namespace swath
