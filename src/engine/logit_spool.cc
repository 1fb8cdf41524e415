#include "engine/logit_spool.h"

namespace swath {
namespace {

constexpr int64_t kBytes = sizeof(float);

}  // namespace

LogitSpool::LogitSpool(const Shape& logits, const std::string& name)
    : shape_(logits), file_(name, "logits", logits.size() * kBytes) {}

void LogitSpool::Write(int64_t y, Range columns, const float* const* logits) {
  for (int64_t c = 0; c < shape_.channels; ++c)
    file_.Write(Offset(y, c, columns.begin), reinterpret_cast<const uint8_t*>(logits[c]),
                columns.size() * kBytes);
}

void LogitSpool::Read(int64_t y, Range columns, float* row) const {
  for (int64_t c = 0; c < shape_.channels; ++c)
    file_.Read(Offset(y, c, columns.begin),
               reinterpret_cast<uint8_t*>(row + c * shape_.width + columns.begin), columns.size() * kBytes);
}

int64_t LogitSpool::Offset(int64_t y, int64_t channel, int64_t x) const {
  return ((y * shape_.channels + channel) * shape_.width + x) * kBytes;
}

}  // namespace swath
