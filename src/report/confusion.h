/// Which classes are taken for which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace swath {

/// Counts by true and predicted class, of pixels or of slides.
class Confusion {
 public:
  explicit Confusion(int64_t classes)
      : classes_(classes), counts_(static_cast<size_t>(classes * classes), 0) {}

  int64_t classes() const { return classes_; }
  int64_t Count(int64_t truth, int64_t predicted) const {
    return counts_[static_cast<size_t>(truth * classes_ + predicted)];
  }
  void Add(int64_t truth, int64_t predicted, int64_t count = 1) {
    counts_[static_cast<size_t>(truth * classes_ + predicted)] += count;
  }
  void Add(const Confusion& other);
  /// Rows of labels and classes; labels that are `ignored` do not count, all others are classes.
  void AddRow(const uint8_t* labels, const uint8_t* predicted, int64_t width, uint8_t ignored);

  int64_t Total() const;
  int64_t True(int64_t c) const;
  int64_t Predicted(int64_t c) const;

  /// 2 · both / (predicted + true), and both / either; 1 where the class neither is nor is predicted.
  double Dice(int64_t c) const;
  double Iou(int64_t c) const;
  /// The share of what is predicted that is true, and of what is true that is predicted; not a number where
  /// there is none.
  double Precision(int64_t c) const;
  double Recall(int64_t c) const;
  /// The share that is predicted as it is.
  double Accuracy() const;

 private:
  int64_t classes_;
  std::vector<int64_t> counts_;  ///< [true, predicted]
};

}  // namespace swath
