/// Initial weights of the built-in networks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace swath {

/// What the weights of a layer are drawn for. A convolution and a transposed one are told apart by `stride`
/// alone: seen from its output, a transposed convolution of stride s is s × s interleaved convolutions (its
/// phases), each with every s-th tap of the kernel. `stride` is 1 for a convolution, whatever its own stride
/// is.
struct FilterBank {
  int64_t dst_channels = 0;
  int64_t src_channels = 0;
  int64_t kernel = 0;
  int64_t stride = 1;
  double level_gain =
      1;  ///< what a filter returns for a source of ones; its negative for channels 1, 3, 5 and so on
  double texture_norm = 1;  ///< Euclidean norm of the part of a filter that sums to zero
};

/// The weights as [dst, src, row, column].
///
/// The plain He initialisation loses channels here. All sources are non-negative (ink on white, or the output
/// of a ReLU), so what a filter returns is mostly the mean level of its source times the filter's sum. Where
/// all the sums of a layer of two channels happen to be negative, the layer is silent; where all are
/// positive, it is linear at first and learns slowly. So chance is left out of the sum. A filter has two
/// parts: a constant one, which returns ±level_gain times the mean level, with + and - in turn by channel;
/// and a random one that sums to zero, of a fixed norm, orthogonal to those of the other channels. With the
/// biases of InitialBias, even channels begin active where there is ink and odd ones where there is none, so
/// every layer sees both, and no two channels start as copies.
///
/// For ReLU layers a texture norm of sqrt(2) is He's variance of 2 / fan-in, met exactly rather than on
/// average; the fan-in of a transposed convolution is that of one phase, so that no grid shows in its output.
std::vector<float> DrawFilters(const FilterBank& bank, SplitMix64* random);

/// Adds to filters of two channels a wave of one period across the kernel, along columns in the first and
/// along rows in the second, the same in every source channel, of the given norm; it sums to zero.
///
/// For the layer that reads the image. What tells tissue from stain is texture at the scale of nuclei, and a
/// ReLU behind a filter that passes no level measures just that: on smooth ground it stays at its bias, on
/// texture it returns the half of the wave that is positive, whose mean the layers above take up. Random
/// filters do so by luck only: most of their energy lies at frequencies that images hardly have.
void AddWaves(const FilterBank& bank, double norm, std::vector<float>* weights);

/// The bias that goes with these filters before a ReLU: even channels pass a little on where the source is
/// zero rather than sit on the kink without a gradient; odd ones reach zero where the level of the source is
/// about 1.
float InitialBias(int64_t dst_channel);

/// Values of a normal distribution around 0 (Box and Muller 1958).
std::vector<float> DrawNormal(int64_t count, double deviation, SplitMix64* random);

}  // namespace swath
