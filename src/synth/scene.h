/// What a synthetic slide shows: slide-wide parameters, and slowly varying fields at any position.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "swath/synth.h"
#include "synth/artefacts.h"
#include "synth/random.h"

namespace swath {

/// Fields vary slowly: they are evaluated every kNodeStep pixels and interpolated. Optical densities are
/// decadic.
inline constexpr int64_t kNodeStep = 16;

enum Field : int {
  kTissue,        ///< tissue where positive, 1 a full edge width inside
  kPool,          ///< a pool of stain where positive, 1 a full edge width inside
  kHaematoxylin,  ///< of the tissue between its nuclei
  kEosin,
  kStrength,    ///< of the stain: below 1 where pale, above in folds
  kFibre,       ///< across the fibres, in px
  kFibreDepth,  ///< relative amplitude of the fibres
  kCrack,       ///< signed distance to the middle of the nearest crack in px, roughly
  kCrackWidth,  ///< half the crack's width in px; none where negative
  kPoolHaematoxylin,
  kPoolEosin,
  kTintRed,  ///< optical density of medium and illumination
  kTintGreen,
  kTintBlue,
  kFieldCount
};
using Fields = std::array<float, kFieldCount>;

/// A square texture that repeats, zero mean, about unit variance.
struct Texture {
  static constexpr int64_t kSide = 256;
  std::vector<float> values;  ///< [row, column]

  const float* Row(int64_t y) const { return values.data() + (y & (kSide - 1)) * kSide; }
};

/// Stain, scanner and textures of one slide.
struct SlideLook {
  static constexpr int kDensitySteps = 4096;  ///< of the tone curves
  static constexpr float kStepsPerDensity = 1600;
  static constexpr int kFibreSteps = 4096;  ///< of the fibre profile, which repeats
  static constexpr float kStepsPerFibrePixel = 8;
  static constexpr int64_t kNoiseLength = 1 << 14;

  std::array<float, 3> haematoxylin{};  ///< optical density a unit of stain, R, G, B
  std::array<float, 3> eosin{};
  float nucleus = 0;  ///< haematoxylin of a nucleus
  float base_h = 0;   ///< haematoxylin and eosin of ordinary tissue
  float base_e = 0;
  float pale = 1;                            ///< strength in pale zones
  float overall = 1;                         ///< strength of the whole slide
  float grain = 0;                           ///< relative amplitude of the fine texture
  float noise = 0;                           ///< of the scanner, in tone curve steps
  std::array<float, 3> tint{};               ///< optical density of the mounting medium where it is thick
  std::array<std::vector<uint8_t>, 3> tone;  ///< 8-bit value by optical density
  std::vector<float> fibre;
  std::vector<float> scanner_noise;
  Texture fine;    ///< features of about 3 px
  Texture mottle;  ///< features of about 9 px
};

class SynthScene {
 public:
  explicit SynthScene(const SynthOptions& options);

  Fields Evaluate(double x, double y) const;

  /// The field kTissue alone: the same bits as Evaluate() gives.
  float TissueField(double x, double y) const;
  /// Signed distance to the tissue's outline in px, roughly; positive inside.
  float Tissue(double x, double y) const;
  /// 0 to 1: how much of the tissue is fat, is glandular, is nuclei.
  float Fat(double x, double y) const;
  float Glandular(double x, double y) const;
  float Cellularity(double x, double y) const;

  const SlideLook& look() const { return look_; }
  const ArtefactList& artefacts() const { return artefacts_; }
  uint32_t cell_salt() const { return cell_salt_; }

 private:
  struct Noises {
    ValueNoise warp_x, warp_y, lobes, outline, outline_fine, hole, pool, pool_mid, pool_fine, pool_edge, fat,
        gland, pale, cells, cells_wide, eosin, bend, bend_fine, crack, crack_where, fold, fold_where, pool_h,
        pool_e, pool_pale, tint, light;
  };

  static Noises MakeNoises(RandomStream& random, double macro);
  float Sections(double x, double y) const;
  float Outline(double x, double y) const;
  float Hole(double x, double y) const;
  float PoolLevel(double x, double y) const;
  float Fold(double x, double y) const;
  void Calibrate(const SynthOptions& options, RandomStream& random);

  RandomStream random_;
  double macro_;  ///< px from one piece of tissue to the next
  Noises noises_;
  SlideLook look_;
  ArtefactList artefacts_;
  uint32_t section_salt_ = 0;
  uint32_t cell_salt_ = 0;
  float fibre_x_ = 0;  ///< direction across the fibres
  float fibre_y_ = 0;
  float outline_level_ = 0;
  float pool_level_ = 0;
  float fat_level_ = 0;
  float gland_level_ = 0;
  float pale_level_ = 0;
};

/// Draws the look of a slide.
SlideLook MakeLook(RandomStream& random);

}  // namespace swath
