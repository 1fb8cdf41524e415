/// Pieces of a page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swath::html {

/// Text as it stands in elements and attributes. Bytes that are no UTF-8, and control characters, are shown
/// as the replacement character.
std::string Escape(const std::string& text);

/// A file within the page.
std::string DataUri(const std::string& type, const std::vector<uint8_t>& bytes);

struct Column {
  std::string title;  ///< HTML
  enum class Kind { kText, kNumber, kCode } kind = Kind::kText;
};

/// A table with a caption, whose first column is the heading of its rows. Cells are HTML.
class Table {
 public:
  Table(std::string caption, std::vector<Column> columns);
  void Row(const std::vector<std::string>& cells);
  std::string Html() const;

 private:
  std::string caption_;
  std::vector<Column> columns_;
  std::string rows_;
};

/// Names and what they stand for, below each other.
class Facts {
 public:
  /// `value` is HTML; nothing is added where it is empty.
  void Add(const std::string& name, const std::string& value);
  std::string Html() const { return "<dl>\n" + items_ + "</dl>\n"; }

 private:
  std::string items_;
};

}  // namespace swath::html
