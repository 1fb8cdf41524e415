#include "base/xml_file.h"

#include <expat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>

#include "base/error.h"

namespace swath {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Feeds a file to expat. Exceptions cannot pass through a C library: they wait until it has returned.
class XmlReader {
 public:
  XmlReader(const std::string& path, XmlHandler* handler)
      : path_(path), handler_(handler), parser_(XML_ParserCreate(nullptr)) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), OnBegin, OnEnd);
    XML_SetCharacterDataHandler(parser_.get(), OnText);
  }

  void Read() {
    std::ifstream file(path_, std::ios::binary);
    if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: {}", path_, std::strerror(errno));
    std::array<char, 1 << 16> buffer;
    bool last = false;
    while (!last) {
      file.read(buffer.data(), buffer.size());
      if (file.bad()) Fail(ErrorCode::kInput, "{}: cannot be read: {}", path_, std::strerror(errno));
      last = file.eof();
      Parse({buffer.data(), static_cast<size_t>(file.gcount())}, last);
      if (stopped_) return;
    }
  }

  void Parse(std::string_view text, bool last) {
    const XML_Status status = XML_Parse(parser_.get(), text.data(), static_cast<int>(text.size()), last);
    if (failure_) std::rethrow_exception(failure_);
    if (status != XML_STATUS_OK && !stopped_)
      Fail(ErrorCode::kInput, "{}:{}: not well-formed XML: {}", path_, line(),
           XML_ErrorString(XML_GetErrorCode(parser_.get())));
  }

  /// Reads no further.
  void Stop() {
    stopped_ = true;
    XML_StopParser(parser_.get(), XML_FALSE);
  }

 private:
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };

  uint64_t line() const { return XML_GetCurrentLineNumber(parser_.get()); }

  template <class F>
  void Guard(F&& call) {
    if (failure_) return;
    try {
      try {
        call();
      } catch (const Error& e) {
        Fail(e.code(), "{}:{}: {}", path_, line(), e.what());
      }
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  static void OnBegin(void* user, const char* element, const char** attributes) {
    auto* reader = static_cast<XmlReader*>(user);
    reader->Guard([&] {
      reader->text_.clear();
      reader->handler_->Begin(element, XmlAttributes(attributes));
    });
  }
  static void OnEnd(void* user, const char* element) {
    auto* reader = static_cast<XmlReader*>(user);
    reader->Guard([&] {
      reader->handler_->End(element, Trim(reader->text_));
      reader->text_.clear();
    });
  }
  static void OnText(void* user, const char* text, int length) {
    auto* reader = static_cast<XmlReader*>(user);
    reader->Guard([&] { reader->text_.append(text, static_cast<size_t>(length)); });
  }

  std::string path_;
  XmlHandler* handler_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  std::string text_;  ///< since the last tag
  std::exception_ptr failure_;
  bool stopped_ = false;
};

}  // namespace

std::optional<std::string_view> XmlAttributes::Get(std::string_view name) const {
  for (const char** pair = pairs_; *pair; pair += 2) {
    if (name == pair[0]) return pair[1];
  }
  return std::nullopt;
}

double XmlAttributes::Number(std::string_view name) const {
  const std::optional<std::string_view> text = Get(name);
  if (!text) Fail(ErrorCode::kInput, "expected an attribute {}, found none", name);
  return XmlNumber(name, *text);
}

double XmlNumber(std::string_view what, std::string_view text) {
  double value = 0;
  const std::string_view digits = Trim(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    Fail(ErrorCode::kInput, "{}: expected a number, found '{}'", what, text.substr(0, 40));
  return value;
}

void ReadXml(const std::string& path, XmlHandler* handler) { XmlReader(path, handler).Read(); }

void ReadXmlText(const std::string& path, std::string_view text, XmlHandler* handler) {
  constexpr size_t kPart = size_t{1} << 20;
  XmlReader reader(path, handler);
  for (; text.size() > kPart; text.remove_prefix(kPart)) reader.Parse(text.substr(0, kPart), false);
  reader.Parse(text, true);
}

std::string XmlRoot(const std::string& path) {
  class Root final : public XmlHandler {
   public:
    void Begin(std::string_view element, const XmlAttributes&) override {
      name = element;
      reader->Stop();
    }
    void End(std::string_view, std::string_view) override {}
    XmlReader* reader = nullptr;
    std::string name;
  } root;
  XmlReader reader(path, &root);
  root.reader = &reader;
  reader.Read();
  return root.name;
}

}  // namespace swath
