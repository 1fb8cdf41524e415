/// A web server for whoever has the address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "viewer/site.h"

namespace swath::viewer {

/// Listens until it is destroyed. Answers GET and HEAD under /TOKEN/, where TOKEN is 128 random bits.
/// Everything else is refused: other addresses, other methods, and requests whose Host is not this server, as
/// those of a page are whose name has been made to point here.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";  ///< an address of this machine
    uint16_t port = 0;               ///< 0: any that is free
  };
  /// Called by several threads at once, with what follows /TOKEN/. Must not throw.
  using Answer = std::function<Reply(const std::string& path)>;

  /// Throws Error: kUsage for a host that is no address, kOutput where it cannot be listened at.
  HttpServer(const Options& options, Answer answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  /// Of the page, token included.
  std::string url() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swath::viewer
