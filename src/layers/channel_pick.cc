/// Channels of one tensor: Slice (ONNX opset 1, 10, 11, 13) and Gather (1, 11, 13) along channels with
/// constant indices; Split is a Slice an output. Costs nothing.
#include "base/error.h"
#include "layers/operators.h"

namespace swath {
namespace {

class ChannelSlice final : public ChannelLayer {
 public:
  explicit ChannelSlice(Range channels) : channels_(channels) {}

  std::string_view type() const override { return "Slice"; }
  std::vector<Setting> settings() const override {
    const auto integer = [](const char* name, int64_t value) {
      return Setting{name, {static_cast<double>(value)}, Setting::Type::kIntegers};
    };
    return {integer("starts", channels_.begin), integer("ends", channels_.end), integer("axes", 1)};
  }

  std::vector<ChannelPick> Picks(const std::vector<Shape>& srcs) const override {
    ExpectSources(srcs, 1);
    if (channels_.begin < 0 || channels_.empty() || channels_.end > srcs[0].channels) {
      Fail(ErrorCode::kUnsupported, "takes channels {} to {} of {}", channels_.begin, channels_.end,
           srcs[0].channels);
    }
    return {{0, channels_}};
  }

 private:
  Range channels_;
};

class ChannelGather final : public ChannelLayer {
 public:
  explicit ChannelGather(std::vector<int64_t> channels) : channels_(std::move(channels)) {}

  std::string_view type() const override { return "Gather"; }
  Attributes attributes() const override { return {{"axis", int64_t{1}}}; }
  std::vector<Setting> settings() const override {
    return {{"indices", {channels_.begin(), channels_.end()}, Setting::Type::kIntegers}};
  }

  std::vector<ChannelPick> Picks(const std::vector<Shape>& srcs) const override {
    ExpectSources(srcs, 1);
    std::vector<ChannelPick> picks;
    for (const int64_t c : channels_) {
      if (c < 0 || c >= srcs[0].channels)
        Fail(ErrorCode::kUnsupported, "takes channel {} of {}", c, srcs[0].channels);
      picks.push_back({0, {c, c + 1}});
    }
    return picks;
  }

 private:
  std::vector<int64_t> channels_;
};

}  // namespace

std::shared_ptr<const Layer> MakeChannelSlice(Range channels) {
  return std::make_shared<ChannelSlice>(channels);
}

std::shared_ptr<const Layer> MakeChannelGather(std::vector<int64_t> channels) {
  return std::make_shared<ChannelGather>(std::move(channels));
}

}  // namespace swath
