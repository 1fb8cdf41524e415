#include "slide/dicom_file.h"

#include <dcmtk/config/osconfig.h>
// DCMTK's headers need its configuration first.
#include <dcmtk/dcmdata/dcistrmf.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "base/error.h"
#include "slide/format.h"

namespace swath {
namespace {

/// Longer values stay in the file until they are asked for.
constexpr Uint32 kMaxValueBytes = 4096;

/// DCMTK prints what it finds odd, unless told otherwise; Swath reports what matters.
void SilenceDcmtk() {
  static std::once_flag once;
  std::call_once(once, [] { OFLog::configure(OFLogger::OFF_LOG_LEVEL); });
}

/// The attributes before the pixels, and where those begin.
class DicomFile {
 public:
  DicomFile(const std::string& path, const DcmTagKey& stop) : path_(path) {
    SilenceDcmtk();
    DcmInputFileStream stream{OFFilename(path.c_str())};
    Check(stream.status());
    file_.transferInit();
    Check(file_.readUntilTag(stream, EXS_Unknown, EGL_noChange, kMaxValueBytes, stop));
    file_.transferEnd();
    value_offset_ = static_cast<int64_t>(stream.tell());
  }

  DcmDataset& data() { return *file_.getDataset(); }
  E_TransferSyntax syntax() { return data().getOriginalXfer(); }
  /// Where the value of the attribute begins at which the reading stopped.
  int64_t value_offset() const { return value_offset_; }

  std::string Text(const DcmTagKey& key, unsigned long index = 0) {
    OFString text;
    if (data().findAndGetOFString(key, text, index).bad()) return {};
    std::string result(text.c_str());
    std::replace_if(
        result.begin(), result.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
    return result;
  }
  int64_t Whole(const DcmTagKey& key, int64_t otherwise) {
    Uint16 narrow = 0;
    Uint32 wide = 0;
    Sint32 decimal = 0;
    if (data().findAndGetUint16(key, narrow).good()) return narrow;
    if (data().findAndGetUint32(key, wide).good()) return wide;
    if (data().findAndGetSint32(key, decimal).good()) return decimal;
    return otherwise;
  }

 private:
  void Check(const OFCondition& condition) const {
    if (condition.good()) return;
    Fail(ErrorCode::kInput, "{}: not a readable DICOM file: {}", path_, condition.text());
  }

  std::string path_;
  DcmFileFormat file_;
  int64_t value_offset_ = 0;
};

/// The tag and length before the pixels: they must be PixelData's, whatever DCMTK skipped.
void ReadPixelHeader(DicomFile& file, DicomImage& image) {
  std::ifstream stream(image.path, std::ios::binary);
  uint8_t bytes[12] = {};
  const bool implicit = file.syntax() == EXS_LittleEndianImplicit;
  const int64_t size = implicit ? 8 : 12;
  image.pixel_offset = file.value_offset();
  stream.seekg(std::max<int64_t>(0, image.pixel_offset - size));
  stream.read(reinterpret_cast<char*>(bytes), size);
  constexpr uint8_t kPixelData[] = {0xe0, 0x7f, 0x10, 0x00};
  if (!stream || image.pixel_offset < size || std::memcmp(bytes, kPixelData, sizeof kPixelData) != 0) {
    Fail(ErrorCode::kInput, "{}: a DICOM file without pixels", image.path);
  }
  uint32_t length = 0;
  std::memcpy(&length, bytes + size - 4, sizeof length);
  image.pixel_bytes = length == 0xffffffff ? -1 : int64_t{length};
}

void ReadPixelSize(DicomFile& file, DicomImage& image) {
  const auto size = [](double millimetres) {
    return millimetres > 0 && std::isfinite(millimetres) ? std::optional(millimetres * 1000) : std::nullopt;
  };
  DcmItem* shared = nullptr;
  DcmItem* measures = nullptr;
  if (file.data().findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, shared).good() &&
      shared->findAndGetSequenceItem(DCM_PixelMeasuresSequence, measures).good()) {
    Float64 down = 0;
    Float64 across = 0;
    if (measures->findAndGetFloat64(DCM_PixelSpacing, down, 0).good() &&
        measures->findAndGetFloat64(DCM_PixelSpacing, across, 1).good()) {
      image.mpp_x = size(across);
      image.mpp_y = size(down);
    }
  }
  if (image.mpp_x && image.mpp_y) return;
  Float32 width = 0;
  Float32 height = 0;
  if (file.data().findAndGetFloat32(DCM_ImagedVolumeWidth, width).bad()) return;
  if (file.data().findAndGetFloat32(DCM_ImagedVolumeHeight, height).bad()) return;
  image.mpp_x = size(double{width} / static_cast<double>(image.width));
  image.mpp_y = size(double{height} / static_cast<double>(image.height));
}

std::string ReadCoding(DicomFile& file, DicomImage& image) {
  switch (file.syntax()) {
    case EXS_LittleEndianImplicit:
    case EXS_LittleEndianExplicit:
      image.coding = DicomCoding::kNative;
      return {};
    case EXS_JPEGProcess1:
      image.coding = DicomCoding::kJpeg;
      return {};
    case EXS_JPEG2000LosslessOnly:
    case EXS_JPEG2000:
      image.coding = DicomCoding::kJp2k;
      return {};
    default:
      return fmt::format("the transfer syntax {}", DcmXfer(file.syntax()).getXferName());
  }
}

std::string ReadColour(DicomFile& file, DicomImage& image) {
  const std::string name = file.Text(DCM_PhotometricInterpretation);
  image.samples = file.Whole(DCM_SamplesPerPixel, 0);
  image.planar = file.Whole(DCM_PlanarConfiguration, 0) == 1;
  const int64_t allocated = file.Whole(DCM_BitsAllocated, 0), stored = file.Whole(DCM_BitsStored, 0);
  if (allocated != 8 || stored != 8 || file.Whole(DCM_PixelRepresentation, 0) != 0) {
    return fmt::format("samples of {} bits in {} (its own have 8, unsigned)", stored, allocated);
  }
  const bool native = image.coding == DicomCoding::kNative;
  if (name == "MONOCHROME2") {
    image.colour = DicomColour::kGrey;
  } else if (name == "MONOCHROME1") {
    image.colour = DicomColour::kInvertedGrey;
  } else if (name == "RGB" ||
             (image.coding == DicomCoding::kJp2k && (name == "YBR_ICT" || name == "YBR_RCT"))) {
    image.colour = DicomColour::kRgb;  // the codestream undoes its own transform
  } else if (name == "YBR_FULL" || (!native && name == "YBR_FULL_422")) {
    image.colour = DicomColour::kYcbcr;
  } else {
    return fmt::format("the photometric interpretation {}{}", name.substr(0, 32), native ? ", native" : "");
  }
  const bool grey = image.colour == DicomColour::kGrey || image.colour == DicomColour::kInvertedGrey;
  const int64_t expected = grey ? 1 : 3;
  return image.samples == expected
             ? ""
             : fmt::format("{} samples a pixel where {} has {}", image.samples, name, expected);
}

/// Where each frame lies, for images that do not store all of them in order.
std::string ReadPositions(DicomFile& file, DicomImage& image) {
  DcmSequenceOfItems* frames = nullptr;
  if (file.data().findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, frames).bad()) {
    return "frames that do not say where they lie";
  }
  std::set<int64_t> seen;
  for (DcmObject* object = nullptr; (object = frames->nextInContainer(object)) != nullptr;) {
    auto* item = dynamic_cast<DcmItem*>(object);
    DcmItem* plane = nullptr;
    Sint32 column = 0;
    Sint32 row = 0;
    if (item == nullptr || item->findAndGetSequenceItem(DCM_PlanePositionSlideSequence, plane).bad() ||
        plane->findAndGetSint32(DCM_ColumnPositionInTotalImagePixelMatrix, column).bad() ||
        plane->findAndGetSint32(DCM_RowPositionInTotalImagePixelMatrix, row).bad()) {
      return "frames that do not say where they lie";
    }
    const int64_t x = int64_t{column} - 1, y = int64_t{row} - 1;  // they count from 1
    if (x < 0 || y < 0 || x >= image.width || y >= image.height || x % image.tile_width != 0 ||
        y % image.tile_height != 0) {
      return fmt::format("a frame at ({}, {}), off the grid of its tiles", x, y);
    }
    const int64_t tile = y / image.tile_height * image.tiles_across() + x / image.tile_width;
    if (!seen.insert(tile).second) return fmt::format("several frames at ({}, {})", x, y);
    image.frame_of_tile.emplace_back(tile, static_cast<int64_t>(image.frame_of_tile.size()));
  }
  if (static_cast<int64_t>(image.frame_of_tile.size()) != image.frames) {
    return fmt::format("{} frames of which {} say where they lie", image.frames, image.frame_of_tile.size());
  }
  std::sort(image.frame_of_tile.begin(), image.frame_of_tile.end());
  return {};
}

std::string ReadLayout(DicomFile& file, DicomImage& image) {
  image.tile_width = file.Whole(DCM_Columns, 0);
  image.tile_height = file.Whole(DCM_Rows, 0);
  image.width = file.Whole(DCM_TotalPixelMatrixColumns, 0);
  image.height = file.Whole(DCM_TotalPixelMatrixRows, 0);
  image.frames = file.Whole(DCM_NumberOfFrames, 1);
  if (image.width < 1 || image.height < 1 || image.tile_width < 1 || image.tile_height < 1 ||
      image.frames < 1) {
    Fail(ErrorCode::kInput, "{}: {}x{} pixels in {} tiles of {}x{}", image.path, image.width, image.height,
         image.frames, image.tile_width, image.tile_height);
  }
  constexpr int64_t kMostSamples = 3;
  if (image.tile_width > kMaxTileBytes / kMostSamples / image.tile_height) {
    return fmt::format("tiles of {}x{} pixels (at most {} MiB when decoded)", image.tile_width,
                       image.tile_height, kMaxTileBytes >> 20);
  }
  if (const int64_t paths = file.Whole(DCM_NumberOfOpticalPaths, 1); paths != 1)
    return fmt::format("{} optical paths (channels)", paths);
  if (const int64_t planes = file.Whole(DCM_TotalPixelMatrixFocalPlanes, 1); planes != 1)
    return fmt::format("{} focal planes", planes);
  if (!file.Text(DCM_ConcatenationUID).empty() && file.Whole(DCM_InConcatenationTotalNumber, 0) != 1)
    return "one part of an image in several files (a concatenation)";
  const std::string organisation = file.Text(DCM_DimensionOrganizationType);
  const int64_t tiles = image.tiles_across() * image.tiles_down();
  image.sparse = organisation == "TILED_SPARSE" || (organisation != "TILED_FULL" && image.frames != tiles) ||
                 (organisation.empty() && file.data().tagExists(DCM_PerFrameFunctionalGroupsSequence));
  if (image.sparse) return ReadPositions(file, image);
  if (image.frames != tiles) {
    Fail(ErrorCode::kInput, "{}: {} frames, expected the {} tiles of {}x{} pixels", image.path, image.frames,
         tiles, image.width, image.height);
  }
  return {};
}

void ReadOffsetTable(DicomFile& file, DicomImage& image) {
  DcmElement* element = nullptr;
  if (file.data().findAndGetElement(DCM_ExtendedOffsetTable, element).bad()) return;
  const auto bytes = static_cast<int64_t>(element->getLength());
  Uint8* values = nullptr;
  if (bytes != 8 * image.frames || bytes > static_cast<int64_t>(std::filesystem::file_size(image.path)) ||
      element->getUint8Array(values).bad() || values == nullptr) {
    Fail(ErrorCode::kInput, "{}: an extended offset table of {} bytes, expected 8 for each of {} frames",
         image.path, bytes, image.frames);
  }
  image.offset_table.resize(static_cast<size_t>(image.frames));
  std::memcpy(image.offset_table.data(), values, static_cast<size_t>(bytes));
}

}  // namespace

DicomImage ReadDicomImage(const std::string& path) {
  DicomFile file(path, DCM_PixelData);
  DicomImage image;
  image.path = path;
  image.series = file.Text(DCM_SeriesInstanceUID);
  image.instance = file.Text(DCM_SOPInstanceUID);
  image.vendor = file.Text(DCM_Manufacturer);
  image.kind = file.Text(DCM_ImageType, 2);
  const std::string sop_class = file.Text(DCM_SOPClassUID);
  if (sop_class != UID_VLWholeSlideMicroscopyImageStorage) {
    const char* name = dcmFindNameOfUID(sop_class.c_str());
    image.refusal = fmt::format("a DICOM file of the class {} (only VLWholeSlideMicroscopyImageStorage)",
                                name != nullptr ? name : sop_class.substr(0, 64));
    return image;
  }
  image.refusal = ReadCoding(file, image);
  if (image.refusal.empty()) image.refusal = ReadColour(file, image);
  const std::string layout = ReadLayout(file, image);
  if (image.refusal.empty()) image.refusal = layout;
  ReadPixelSize(file, image);
  if (!image.refusal.empty()) return image;
  ReadPixelHeader(file, image);
  ReadOffsetTable(file, image);
  return image;
}

std::string DicomSeries(const std::string& path) {
  try {
    return DicomFile(path, DCM_StudyID).Text(DCM_SeriesInstanceUID);  // the attribute after it
  } catch (const Error&) {
    return {};
  }
}

}  // namespace swath
