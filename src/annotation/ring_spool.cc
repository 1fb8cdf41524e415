#include "annotation/ring_spool.h"

#include <cstring>

namespace swath {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

void RingSpool::Append(const Ring& ring, List* list) {
  if (buffer_.size() >= kBufferBytes) {
    if (!file_) file_.emplace(beside_, fmt::format("{}: the temporary file for its holes", beside_));
    file_->Write(in_file_, buffer_.data(), static_cast<int64_t>(buffer_.size()));
    in_file_ += static_cast<int64_t>(buffer_.size());
    buffer_.clear();
  }
  const int64_t at = in_file_ + static_cast<int64_t>(buffer_.size());
  const Record record = {.next = -1, .points = static_cast<int64_t>(ring.size())};
  buffer_.resize(buffer_.size() + sizeof record + ring.size() * sizeof(Corner));
  Write(at, &record, sizeof record);
  std::vector<Corner> corners;
  corners.reserve(ring.size());
  for (const Point& p : ring) corners.push_back({static_cast<int32_t>(p.x), static_cast<int32_t>(p.y)});
  Write(at + static_cast<int64_t>(sizeof record), corners.data(), corners.size() * sizeof(Corner));
  ++rings_;
  Join({.first = at, .last = at, .rings = 1, .points = record.points}, list);
}

void RingSpool::Join(const List& from, List* into) {
  if (from.rings == 0) return;
  if (into->rings == 0) {
    *into = from;
    return;
  }
  Write(into->last + static_cast<int64_t>(offsetof(Record, next)), &from.first, sizeof from.first);
  into->last = from.last;
  into->rings += from.rings;
  into->points += from.points;
}

void RingSpool::ForEach(const List& list, const std::function<void(const Ring&)>& use) const {
  std::vector<Corner> corners;
  Ring ring;
  int64_t at = list.first;
  for (int64_t i = 0; i < list.rings; ++i) {
    Record record;
    Read(at, &record, sizeof record);
    corners.resize(static_cast<size_t>(record.points));
    Read(at + static_cast<int64_t>(sizeof record), corners.data(), corners.size() * sizeof(Corner));
    ring.clear();
    for (const Corner& c : corners) ring.push_back({static_cast<double>(c.x), static_cast<double>(c.y)});
    use(ring);
    at = record.next;
  }
}

void RingSpool::Free(const List& list) {
  rings_ -= list.rings;
  if (rings_ > 0) return;
  in_file_ = 0;  // what the file holds is written over
  buffer_.clear();
}

void RingSpool::Write(int64_t at, const void* bytes, size_t size) {
  if (at >= in_file_) {
    std::memcpy(buffer_.data() + (at - in_file_), bytes, size);
  } else {
    file_->Write(at, static_cast<const uint8_t*>(bytes), static_cast<int64_t>(size));
  }
}

void RingSpool::Read(int64_t at, void* bytes, size_t size) const {
  if (at >= in_file_) {
    std::memcpy(bytes, buffer_.data() + (at - in_file_), size);
  } else {
    file_->Read(at, static_cast<uint8_t*>(bytes), static_cast<int64_t>(size));
  }
}

}  // namespace swath
