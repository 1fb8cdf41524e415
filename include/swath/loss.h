/// Losses over the pixels of a slide, exact in one sweep or two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace swath {

/// One row of logits and labels, and where its gradients go.
template <class T>
struct LossRow {
  const T* const* logits = nullptr;  ///< [class] -> width values
  const uint8_t* labels = nullptr;   ///< width values: a class, or the ignored label
  int64_t width = 0;
  /// [cotangent · classes + class] -> width values, overwritten; null for a forward-only sweep.
  T* const* diff = nullptr;
  /// Where given, the cotangents are combined into one with these coefficients (second of two sweeps).
  const double* coefficients = nullptr;
};

/// A loss that is a function of sums over pixels. Its gradient is a linear combination of `cotangents()`
/// gradients that are local to a pixel, with coefficients that are known once the sums are.
class Loss {
 public:
  virtual ~Loss() = default;

  virtual int64_t cotangents() const = 0;
  /// Number of sums.
  virtual int64_t sums() const = 0;
  /// Bytes of scratch memory for rows of `width` pixels, for each strip in flight.
  virtual int64_t scratch_bytes(int64_t width) const = 0;

  /// Adds the row to the sums and writes its cotangents. Throws Error (kInput) for a label that is no class.
  virtual void Row(const LossRow<float>& row, double* sums, std::byte* scratch) const = 0;
  virtual void Row(const LossRow<double>& row, double* sums, std::byte* scratch) const = 0;

  struct Value {
    double loss = 0;
    std::vector<double> coefficients;  ///< by cotangent
    int64_t valid_pixels = 0;
    /// By class (binary: the positive class only): pixels predicted and true, predicted, true.
    struct Overlap {
      double both = 0, predicted = 0, truth = 0;
      /// 2 · both / (predicted + truth); 1 where neither occurs.
      double Dice() const { return predicted + truth > 0 ? 2 * both / (predicted + truth) : 1; }
    };
    std::vector<Overlap> overlap;
    /// Of a network with one output a slide: its values.
    std::vector<double> output;
  };
  /// Throws Error (kInput) where no pixel is valid.
  virtual Value Finish(const double* sums) const = 0;
};

/// A loss over the values that a network gives for a whole slide.
class SlideLoss {
 public:
  virtual ~SlideLoss() = default;
  /// Number of values of the network's output.
  virtual int64_t values() const = 0;
  /// Number of values of a target.
  virtual int64_t targets() const = 0;
  /// The loss; where `diff` is given, its derivative by each value. Throws Error (kInput) for a target that
  /// is none.
  virtual double Evaluate(const std::vector<double>& output, const std::vector<double>& target,
                          std::vector<double>* diff) const = 0;
};

enum class SlideLossKind {
  kBce,           ///< one or several labels, each of its own: targets of 0 or 1
  kCrossEntropy,  ///< one class of several: the target is its index
  kMse,           ///< numbers
};

struct SlideLossOptions {
  SlideLossKind kind = SlideLossKind::kBce;
  int64_t values = 1;  ///< that the network gives
  /// kCrossEntropy: of a slide by its class. kBce: of a target of 1, by value. Empty for all 1.
  std::vector<double> class_weights;
};

/// kBce and kMse are means over the values; a target that is not a number is unknown and carries no loss.
/// Throws Error (kUsage) for options that do not fit together.
std::unique_ptr<SlideLoss> MakeSlideLoss(const SlideLossOptions& options);
/// The names used on the command line: bce, cross-entropy, mse.
SlideLossKind ParseSlideLossKind(const std::string& name);
std::string ToString(SlideLossKind kind);

/// What a step minimises: a loss over pixels or one over slides. Neither for a prediction.
struct Objective {
  const Loss* pixels = nullptr;
  const SlideLoss* slide = nullptr;

  Objective(std::nullptr_t) {}
  Objective(const Loss* loss) : pixels(loss) {}
  Objective(const SlideLoss* loss) : slide(loss) {}
  Objective(const Loss& loss) : pixels(&loss) {}
  Objective(const SlideLoss& loss) : slide(&loss) {}
  explicit operator bool() const { return pixels || slide; }
};

enum class LossKind { kBce, kCrossEntropy, kDice, kBceDice };

struct LossOptions {
  LossKind kind = LossKind::kBce;
  /// Number of logits of the network: 1 for a binary one (sigmoid), else the number of classes (softmax).
  int64_t logits = 1;
  /// Weight of a pixel by its label (two for a binary network), and of a class in Dice's mean; empty for
  /// all 1.
  std::vector<double> class_weights;
  /// A label that carries no loss; -1 for none.
  int ignore_label = 255;
  /// Dice is (2 Σpt + ε) / (Σp + Σt + ε), a slide at a time.
  double dice_epsilon = 1.0;
};

/// BCE and cross-entropy are weighted means, Σ w l / Σ w; kDice is 1 - Dice (its mean over classes); kBceDice
/// is the sum of BCE (with several classes: cross-entropy) and that. Throws Error (kUsage) for options that
/// do not fit together.
std::unique_ptr<Loss> MakeLoss(const LossOptions& options);

/// The names used on the command line: bce, cross-entropy, dice, bce-dice.
LossKind ParseLossKind(const std::string& name);
std::string ToString(LossKind kind);

}  // namespace swath
