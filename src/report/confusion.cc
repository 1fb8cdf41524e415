#include "report/confusion.h"

#include <cassert>
#include <numeric>

namespace swath {
namespace {

double Share(int64_t part, int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

void Confusion::Add(const Confusion& other) {
  assert(classes_ == other.classes_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

void Confusion::AddRow(const uint8_t* labels, const uint8_t* predicted, int64_t width, uint8_t ignored) {
  for (int64_t x = 0; x < width; ++x) {
    if (labels[x] == ignored) continue;
    assert(labels[x] < classes_ && predicted[x] < classes_);
    ++counts_[static_cast<size_t>(labels[x] * classes_ + predicted[x])];
  }
}

int64_t Confusion::Total() const { return std::accumulate(counts_.begin(), counts_.end(), int64_t{0}); }

int64_t Confusion::True(int64_t c) const {
  int64_t sum = 0;
  for (int64_t other = 0; other < classes_; ++other) sum += Count(c, other);
  return sum;
}

int64_t Confusion::Predicted(int64_t c) const {
  int64_t sum = 0;
  for (int64_t other = 0; other < classes_; ++other) sum += Count(other, c);
  return sum;
}

double Confusion::Dice(int64_t c) const {
  const int64_t both = Count(c, c), sum = True(c) + Predicted(c);
  return sum > 0 ? Share(2 * both, sum) : 1;
}

double Confusion::Iou(int64_t c) const {
  const int64_t both = Count(c, c), either = True(c) + Predicted(c) - both;
  return either > 0 ? Share(both, either) : 1;
}

double Confusion::Precision(int64_t c) const { return Share(Count(c, c), Predicted(c)); }

double Confusion::Recall(int64_t c) const { return Share(Count(c, c), True(c)); }

double Confusion::Accuracy() const {
  int64_t right = 0;
  for (int64_t c = 0; c < classes_; ++c) right += Count(c, c);
  return Share(right, Total());
}

}  // namespace swath
