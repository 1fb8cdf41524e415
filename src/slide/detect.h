/// What a file is, by its first bytes.
#pragma once

#include <string>

namespace swath {

enum class Container { kTiff, kPng, kJpeg, kDicom, kNpy, kOther };

/// Throws Error (kInput) unless path is a readable file with at least one byte.
Container DetectContainer(const std::string& path);

/// Whether this is a DICOM file, whatever its name; false also where it cannot be read.
bool IsDicom(const std::string& path);

}  // namespace swath
