/// TensorBoard's files, byte by byte; tests/judges/tensorboard_events.py reads them by other people's code.
#include "train/event_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "swath/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

uint64_t Number(const std::string& bytes, size_t place, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[place + i])} << (8 * i);
  return value;
}

uint32_t Masked(const std::string& bytes) {
  const uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string OnlyFile(const TemporaryFolder& folder) {
  return std::filesystem::directory_iterator(folder.File(""))->path();
}

/// The events' bytes; the framing is checked.
std::vector<std::string> Records(const std::string& path) {
  const std::string bytes = test::ReadFile(path);
  std::vector<std::string> records;
  for (size_t place = 0; place < bytes.size();) {
    const size_t length = Number(bytes, place, 8);
    EXPECT_EQ(Number(bytes, place + 8, 4), Masked(bytes.substr(place, 8)));
    records.push_back(bytes.substr(place + 12, length));
    EXPECT_EQ(Number(bytes, place + 12 + length, 4), Masked(records.back()));
    place += 16 + length;
  }
  return records;
}

TEST(EventFile, HoldsARecordACall) {
  const TemporaryFolder folder;
  EventFile file;
  file.Open(folder.File(""), 1);
  EXPECT_NE(OnlyFile(folder).find("/events.out.tfevents."), std::string::npos) << "how TensorBoard finds it";
  file.Append(3, {{"loss/train", 0.5}, {"auc/val", std::numeric_limits<double>::quiet_NaN()}});
  const std::vector<std::string> records = Records(OnlyFile(folder));  // not closed: it is followed live
  ASSERT_EQ(records.size(), 3u);
  // After the time, 9 bytes, and the step, 2 bytes.
  EXPECT_EQ(records[0].substr(9), std::string("\x10\x00\x1a\x0d", 4) + "brain.Event:2");
  EXPECT_EQ(records[1].substr(9), std::string("\x10\x01\x3a\x02\x08\x01")) << "a session starts at step 1";
  const std::string scalar = std::string("\x0a\x0aloss/train\x15\x00\x00\x00\x3f", 17);
  EXPECT_EQ(records[2].substr(9), std::string("\x10\x03\x2a\x13\x0a\x11") + scalar)
      << "what is no number is left out";
}

TEST(EventFile, ReportsWhatCannotBeWritten) {
  EventFile file;
  EXPECT_THROW(file.Open("/nonexistent", 1), Error);
}

}  // namespace
}  // namespace swath
