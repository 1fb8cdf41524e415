/// What lies on a slide without being tissue and has edges: pen, bubbles, dust, coverslip edges.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synth/random.h"

namespace swath {

/// The block of pixels being rendered: rows `pitch` values apart.
struct DensityBlock {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = 0;
  int64_t height = 0;
  int64_t pitch = 0;
  std::array<float*, 3> density{};  ///< [row, column] optical density of R, G, B, to be added to
};

enum class ArtefactKind { kStroke, kBubble, kSpeck };

/// A line with round ends (stroke, coverslip edge), a ring (bubble) or a dot (speck).
struct Artefact {
  ArtefactKind kind = ArtefactKind::kSpeck;
  std::vector<std::array<float, 2>> points = {};  ///< the path of a stroke, or one centre; px
  float radius = 0;                               ///< half width of a stroke, else radius; px
  float soft = 1;                                 ///< width of the edge, px
  std::array<float, 3> density{};
};

struct SlideExtent {
  int64_t width = 0;
  int64_t height = 0;
  double macro = 0;  ///< px from one piece of tissue to the next
};

/// Artefacts, found by rows.
class ArtefactList {
 public:
  ArtefactList() = default;
  ArtefactList(std::vector<Artefact> artefacts, int64_t height);

  void Draw(const DensityBlock& block) const;

 private:
  static constexpr int64_t kBandRows = 512;
  std::vector<Artefact> artefacts_;
  std::vector<std::vector<int32_t>> bands_;  ///< which artefacts touch rows [i, i + 1) * kBandRows
};

ArtefactList MakeArtefacts(RandomStream& random, const SlideExtent& extent);

}  // namespace swath
