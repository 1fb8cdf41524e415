#include "train/event_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/crc32c.h"
#include "base/error.h"

namespace swath {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Little-endian, whatever the machine.
template <class T>
std::string LittleEndian(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// Rotated and shifted by a constant, so that the checksum of bytes that hold checksums stays one.
std::string Checksum(const std::string& bytes) {
  const uint32_t crc = Crc32c(bytes);
  return LittleEndian(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

/// The fields of a protocol buffer's message, one after the other. TensorBoard's messages are few and small:
/// Event{1: double wall_time, 2: int64 step, 3: string file_version, 5: Summary, 7: SessionLog},
/// Summary{1: repeated Value}, Value{1: string tag, 2: float simple_value}, SessionLog{1: enum status}.
class Message {
 public:
  Message& Double(uint32_t field, double value) {
    Tag(field, 1);
    out_.WriteLittleEndian64(std::bit_cast<uint64_t>(value));
    return *this;
  }
  Message& Float(uint32_t field, float value) {
    Tag(field, 5);
    out_.WriteLittleEndian32(std::bit_cast<uint32_t>(value));
    return *this;
  }
  Message& Integer(uint32_t field, int64_t value) {
    Tag(field, 0);
    out_.WriteVarint64(static_cast<uint64_t>(value));
    return *this;
  }
  /// Text or a message.
  Message& Bytes(uint32_t field, const std::string& bytes) {
    Tag(field, 2);
    out_.WriteVarint32(static_cast<uint32_t>(bytes.size()));
    out_.WriteString(bytes);
    return *this;
  }
  std::string Take() {
    out_.Trim();
    return std::move(bytes_);
  }

 private:
  void Tag(uint32_t field, uint32_t type) { out_.WriteTag(field << 3 | type); }

  std::string bytes_;
  google::protobuf::io::StringOutputStream stream_{&bytes_};
  google::protobuf::io::CodedOutputStream out_{&stream_};
};

constexpr int64_t kSessionStarts = 1;

}  // namespace

void EventFile::Open(const std::string& folder, int64_t first_step) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == 0) host = {"localhost"};
  path_ = fmt::format("{}/events.out.tfevents.{:010}.{}.{}", folder, static_cast<int64_t>(Now()), host.data(),
                      getpid());
  file_.open(path_, std::ios::binary | std::ios::trunc);
  Write(0, Message().Bytes(3, "brain.Event:2").Take());
  Write(first_step, Message().Bytes(7, Message().Integer(1, kSessionStarts).Take()).Take());
}

void EventFile::Append(int64_t step, const std::vector<EventScalar>& scalars) {
  Message summary;
  for (const EventScalar& scalar : scalars) {
    if (!std::isfinite(scalar.value)) continue;
    summary.Bytes(1, Message().Bytes(1, scalar.tag).Float(2, static_cast<float>(scalar.value)).Take());
  }
  Write(step, Message().Bytes(5, summary.Take()).Take());
}

void EventFile::Write(int64_t step, const std::string& fields) {
  const std::string event = Message().Double(1, Now()).Integer(2, step).Take() + fields,
                    length = LittleEndian(static_cast<uint64_t>(event.size()));
  file_ << length << Checksum(length) << event << Checksum(event) << std::flush;
  if (!file_) Fail(ErrorCode::kOutput, "{}: cannot be written", path_);
}

}  // namespace swath
