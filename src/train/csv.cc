#include "train/csv.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/error.h"

namespace swath {
namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";

class CsvParser {
 public:
  CsvParser(const std::string& path, const std::string& text) : path_(path), text_(text) {}

  std::vector<CsvRecord> Parse() {
    if (text_.starts_with(kByteOrderMark)) at_ = sizeof(kByteOrderMark) - 1;
    std::vector<CsvRecord> records;
    while (at_ < text_.size()) {
      CsvRecord record = ParseRecord();
      const bool blank = record.fields.size() == 1 && record.fields[0].empty();
      if (!blank) records.push_back(std::move(record));
    }
    return records;
  }

 private:
  bool AtEndOfLine() const {
    return at_ == text_.size() || text_[at_] == '\n' || text_.compare(at_, 2, "\r\n") == 0;
  }
  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  CsvRecord ParseRecord() {
    CsvRecord record{.line = line_, .fields = {}};
    while (true) {
      SkipBlanks();
      const bool quoted = at_ < text_.size() && text_[at_] == '"';
      record.fields.push_back(quoted ? ParseQuoted() : ParsePlain());
      if (AtEndOfLine()) break;
      ++at_;  // the comma
    }
    at_ += at_ < text_.size() && text_[at_] == '\r' ? 1 : 0;
    at_ += at_ < text_.size() ? 1 : 0;
    ++line_;
    return record;
  }

  std::string ParsePlain() {
    std::string field;
    while (!AtEndOfLine() && text_[at_] != ',') field += text_[at_++];
    field.erase(field.find_last_not_of(" \t") + 1);
    return field;
  }

  std::string ParseQuoted() {
    const int64_t first_line = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') {
          SkipBlanks();
          if (AtEndOfLine() || text_[at_] == ',') return field;
          Fail(ErrorCode::kInput, "{}:{}: expected a comma after the closing quote, found '{}'", path_, line_,
               text_[at_]);
        }
      }
      line_ += text_[at_] == '\n' ? 1 : 0;
      field += text_[at_];
    }
    Fail(ErrorCode::kInput, "{}:{}: a quote is opened and never closed", path_, first_line);
  }

  const std::string& path_;
  const std::string& text_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRecord> ReadCsv(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    Fail(ErrorCode::kInput, "{}: expected a CSV file, found a folder", path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened", path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) Fail(ErrorCode::kInput, "{}: cannot be read", path);
  return CsvParser(path, text).Parse();
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\" \t\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace swath
