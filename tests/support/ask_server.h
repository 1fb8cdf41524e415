/// What a server on this machine answers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace swath::test {

/// Sends these bytes, and returns all that comes back until the server closes the connection.
inline std::string AskServer(uint16_t port, const std::string& request) {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string reply;
  if (connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(file, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = recv(file, buffer, sizeof buffer, 0)) > 0;)
      reply.append(buffer, static_cast<size_t>(n));
  }
  close(file);
  return reply;
}

/// The whole reply to a request for a path, which begins with a '/'.
inline std::string GetFromServer(uint16_t port, const std::string& path, const std::string& host,
                                 const std::string& method = "GET") {
  return AskServer(port,
                   method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
}

}  // namespace swath::test
