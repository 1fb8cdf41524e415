/// What building the networks of this folder has in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "graph/architectures/architecture.h"
#include "layers/layers.h"

namespace swath {

/// A tensor of the network that is being built.
struct BuiltTensor {
  int tensor = 0;
  int64_t channels = 0;
};

struct ConvSpec {
  int64_t channels = 0;  ///< of dst
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad = 0;
  int64_t groups = 1;
  bool bias = true;      ///< zeros at first
  double deviation = 0;  ///< standard deviation of the initial weights
};

/// What the values of the output are of.
enum class OutputOf { kPixels, kSlide };

/// Appends layers to a graph, drawing their weights in the order of the calls. Parameters are named as in
/// PyTorch, "layer.weight".
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const ArchitectureRequest& request);

  BuiltTensor image() const { return {graph_.input, graph_.input_channels}; }
  /// How many logits the classes need: two share one.
  int64_t logits() const;
  /// Of what has been built so far.
  int64_t total_stride() const { return TotalStride(graph_); }

  /// (x - 255) · (-1/64): white becomes 0, ink positive, tissue about 1, all exactly in float32. The padding
  /// of the convolutions is 0 too, so the border of a slide, its extension and its padding all look like
  /// empty glass.
  BuiltTensor Ink();
  /// (x - mean) / deviation of the colours of ImageNet, which published weights were trained with.
  BuiltTensor ImageNetColours();

  BuiltTensor Conv(const std::string& name, BuiltTensor src, const ConvSpec& spec);
  /// Without overlap: kernel and stride are `factor`.
  BuiltTensor ConvTranspose(const std::string& name, BuiltTensor src, int64_t channels, int64_t factor,
                            double deviation);
  /// With frozen statistics, 0 and 1.
  BuiltTensor BatchNormalization(const std::string& name, BuiltTensor src);
  /// Any other normalisation with a scale and a bias a channel.
  BuiltTensor Normalization(const std::string& name, std::shared_ptr<const Layer> layer, BuiltTensor src);
  /// Of a tensor in core, [1, src.channels] to [1, outputs].
  BuiltTensor Linear(const std::string& name, BuiltTensor src, int64_t outputs, double deviation);
  /// Linear, by a factor.
  BuiltTensor Enlarge(const std::string& name, BuiltTensor src, int64_t factor);
  BuiltTensor Concat(const std::string& name, const std::vector<BuiltTensor>& srcs);
  /// A layer that keeps the number of channels of its first source.
  BuiltTensor Apply(const std::string& name, std::shared_ptr<const Layer> layer,
                    const std::vector<BuiltTensor>& srcs, std::vector<int> parameters = {});

  int Constant(std::string name, std::vector<int64_t> dims, std::vector<float> values);
  int Trained(std::string name, std::vector<int64_t> dims, std::vector<float> values);

  /// Names the output and writes the metadata. Names of classes are left out where the output has another
  /// number of values.
  Graph Finish(BuiltTensor output, OutputOf of);

 protected:
  SplitMix64* random() { return &random_; }

 private:
  std::vector<float> Draw(int64_t count, double deviation);
  std::vector<int> ScaleAndBias(const std::string& name, int64_t channels);

  std::vector<std::string> classes_;
  Graph graph_;
  SplitMix64 random_;
};

}  // namespace swath
