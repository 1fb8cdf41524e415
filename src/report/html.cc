#include "report/html.h"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <utility>

namespace swath::html {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

/// The length of the UTF-8 character that begins at `place`; 0 where none does.
size_t CharacterLength(const std::string& text, size_t place) {
  const auto byte = [&](size_t i) {
    return place + i < text.size() ? static_cast<unsigned char>(text[place + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 && first <= 0xF4   ? 4
                        : first >= 0xE0 && first < 0xF0  ? 3
                        : first >= 0xC2 && first <= 0xDF ? 2
                                                         : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Longer than need be, halves of surrogate pairs, beyond the last character.
  const unsigned second = byte(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

const char* ClassOf(Column::Kind kind) {
  switch (kind) {
    case Column::Kind::kText:
      return "";
    case Column::Kind::kNumber:
      return " class=\"number\"";
    case Column::Kind::kCode:
      return " class=\"code\"";
  }
  return "";
}

}  // namespace

std::string Escape(const std::string& text) {
  std::string escaped;
  for (size_t i = 0; i < text.size();) {
    const size_t length = CharacterLength(text, i);
    const std::string character = text.substr(i, std::max<size_t>(1, length));
    i += character.size();
    const char c = character[0];
    if (length == 0 || (length == 1 && ((static_cast<unsigned char>(c) < ' ' && c != '\n') || c == '\x7f'))) {
      escaped += kReplacement;
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (c == '\'') {
      escaped += "&#39;";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string DataUri(const std::string& type, const std::vector<uint8_t>& bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), bytes.data());
  return "data:" + type + ";base64," + text;
}

Table::Table(std::string caption, std::vector<Column> columns)
    : caption_(std::move(caption)), columns_(std::move(columns)) {}

void Table::Row(const std::vector<std::string>& cells) {
  rows_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    rows_ += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", ClassOf(columns_[i].kind), cells[i])
                    : fmt::format("<td{}>{}</td>", ClassOf(columns_[i].kind), cells[i]);
  }
  rows_ += "</tr>\n";
}

std::string Table::Html() const {
  std::string head;
  for (const Column& column : columns_)
    head += fmt::format("<th scope=\"col\"{}>{}</th>", ClassOf(column.kind), column.title);
  return fmt::format(
      "<div class=\"table\" tabindex=\"0\"><table>\n<caption>{}</caption>\n<thead><tr>{}</tr></thead>\n"
      "<tbody>\n{}</tbody>\n</table></div>\n",
      caption_, head, rows_);
}

void Facts::Add(const std::string& name, const std::string& value) {
  if (!value.empty()) items_ += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", Escape(name), value);
}

}  // namespace swath::html
