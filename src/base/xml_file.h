/// A walk over an XML file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swath {

/// The attributes of an element, while it begins.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  /// Nothing where it is not there.
  std::optional<std::string_view> Get(std::string_view name) const;
  /// The value, or an empty one.
  std::string Text(std::string_view name) const { return std::string(Get(name).value_or("")); }
  /// Throws Error (kInput) where it is not there or no finite number.
  double Number(std::string_view name) const;

 private:
  const char** pairs_;  ///< name, value, … null
};

/// What is done with the elements. What it throws as Error is thrown by ReadXml, with file and line in front.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void Begin(std::string_view element, const XmlAttributes& attributes) = 0;
  /// `text` is what stands before the end, after the last tag, blanks around it removed: all of it in an
  /// element without others.
  virtual void End(std::string_view element, std::string_view text) = 0;
};

/// Throws Error (kInput) that names file and line.
void ReadXml(const std::string& path, XmlHandler* handler);

/// The same for XML that stands in the file `path`, and is `text`.
void ReadXmlText(const std::string& path, std::string_view text, XmlHandler* handler);

/// The name of the outermost element.
std::string XmlRoot(const std::string& path);

/// The whole text as a finite number. Throws Error (kInput) that calls it `what`.
double XmlNumber(std::string_view what, std::string_view text);

}  // namespace swath
