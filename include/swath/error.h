/// The one exception type of Swath.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace swath {

/// What kind of thing went wrong; the command line maps each to its exit status (the value).
enum class ErrorCode {
  kUsage = 2,        ///< a wrong option or argument
  kInput = 3,        ///< a file that cannot be read, is malformed, or does not fit its companions
  kUnsupported = 4,  ///< valid input that Swath does not handle exactly, and therefore refuses
  kOutput = 5,       ///< a result that cannot be written
  kNumeric = 6,      ///< a figure over its tolerance, or a value that is not finite
};

/// `what()` is one line that names the thing, what was expected and what was found. Control characters of the
/// message, as names in files may have them, are blanks in it.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message) : std::runtime_error(OneLine(std::move(message))), code_(code) {}
  ErrorCode code() const { return code_; }

  static std::string OneLine(std::string message) {
    for (char& c : message) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
    }
    return message;
  }

 private:
  ErrorCode code_;
};

}  // namespace swath
