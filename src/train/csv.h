/// Comma-separated values (RFC 4180).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swath {

struct CsvRecord {
  int64_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields;
};

/// The records of a file. Lines end with LF or CRLF; a byte order mark and blank lines are skipped; blanks
/// around a field that is not in quotes do not count. Throws Error (kInput) that names the file and the line.
std::vector<CsvRecord> ReadCsv(const std::string& path);

/// A field as it stands in such a file: in quotes where it must be.
std::string CsvField(const std::string& text);

}  // namespace swath
