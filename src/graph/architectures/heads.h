/// What the classification networks end in.
#pragma once

#include <string>

#include "graph/architectures/network_builder.h"
#include "graph/architectures/option_reader.h"

namespace swath {

/// How the deepest map becomes the output.
enum class HeadKind {
  kAverage,       ///< the mean over the slide, then a linear layer
  kMax,           ///< the largest value
  kLse,           ///< log-mean-exp, between the two (Pinheiro & Collobert 2015, r = 1)
  kAttention,     ///< gated attention (Ilse, Tomczak & Welling 2018), 128 hidden units
  kSegmentation,  ///< a 1 x 1 convolution to logits, enlarged linearly to the size of the image
};

/// What differs from network to network.
struct HeadStyle {
  std::string linear;         ///< name of the linear layer
  std::string normalization;  ///< name of a LayerNormalization before it; "" for none
  double deviation = 0.01;    ///< of its initial weights
};

/// Reads the options `head` and `outputs` (and refuses all others), appends the head to `features`.
Graph FinishWithHead(NetworkBuilder* net, BuiltTensor features, const HeadStyle& style,
                     OptionReader* options);

}  // namespace swath
