#include "viewer/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace swath::viewer {
namespace {

/// A browser opens six.
constexpr unsigned kConnections = 64;
constexpr unsigned kIdleSeconds = 120;

/// The hash is that of nothing: of the empty element that keeps OpenSeadragon from writing styles into the
/// page.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' "
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' "
    "blob: data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string RandomToken() {
  std::array<uint8_t, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    Fail(ErrorCode::kOutput, "the system has no random numbers for a token: {}", std::strerror(errno));
  std::string token;
  for (const uint8_t byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

/// Takes as long wherever they differ.
bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned different = 0;
  for (size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

/// Without the port; an IPv6 address without its brackets.
std::string_view HostName(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool IsAddress(const std::string& name) {
  std::array<uint8_t, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses Resolve(const HttpServer::Options& options) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(options.port);
  if (getaddrinfo(options.host.c_str(), port.c_str(), &hints, &list) != 0)
    Fail(ErrorCode::kUsage, "--host {}: expected an address such as 127.0.0.1 or ::1", options.host);
  return Addresses(list);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const Options& options, Answer answer)
      : host_(options.host), answer_(std::move(answer)), token_(RandomToken()) {
    const Addresses addresses = Resolve(options);
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (addresses->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
    errno = 0;
    daemon_ = MHD_start_daemon(flags, options.port, nullptr, nullptr, &OnRequest, this, MHD_OPTION_SOCK_ADDR,
                               addresses->ai_addr, MHD_OPTION_CONNECTION_LIMIT, kConnections,
                               MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
    if (daemon_ == nullptr) {
      Fail(ErrorCode::kOutput, "{} port {}: cannot be listened at: {}", options.host, options.port,
           std::strerror(errno));
    }
    port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
  }
  ~Impl() { MHD_stop_daemon(daemon_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const {
    const bool brackets = host_.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}/{}/", brackets ? "[" : "", host_, brackets ? "]" : "", port_,
                       token_);
  }

 private:
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url, const char* method,
                              const char*, const char*, size_t* upload_size, void** state) {
    // The first call is for the headers alone; what is uploaded is not looked at.
    static int begun;
    if (*state == nullptr) {
      *state = &begun;
      return MHD_YES;
    }
    if (*upload_size > 0) {
      *upload_size = 0;
      return MHD_YES;
    }
    const char* host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    return Send(connection, static_cast<Impl*>(self)->Handle(url, method, host != nullptr ? host : ""));
  }

  /// A name that is not ours may be a stranger's that has been made to point here; an address cannot.
  bool IsOurs(std::string_view host) const {
    const std::string name(HostName(host));
    return name == "localhost" || name == host_ || IsAddress(name);
  }

  Reply Handle(std::string_view url, std::string_view method, std::string_view host) const {
    const auto refuse = [](int status, std::string_view why) {
      return Reply{.status = status,
                   .body = std::make_shared<const std::vector<uint8_t>>(why.begin(), why.end())};
    };
    if (!IsOurs(host)) return refuse(MHD_HTTP_FORBIDDEN, "this server has another name\n");
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
      return refuse(MHD_HTTP_METHOD_NOT_ALLOWED, "GET is all that there is\n");
    url.remove_prefix(url.starts_with('/') ? 1 : 0);
    const size_t slash = url.find('/');
    if (!SameSecret(url.substr(0, slash), token_) || slash == std::string_view::npos)
      return refuse(MHD_HTTP_FORBIDDEN, "the address has to be the one that swath view printed\n");
    return answer_(std::string(url.substr(slash + 1)));
  }

  static MHD_Result Send(MHD_Connection* connection, Reply reply) {
    auto* held = new Bytes(std::move(reply.body));
    MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
        (*held)->size(), const_cast<uint8_t*>((*held)->data()),
        [](void* bytes) { delete static_cast<Bytes*>(bytes); }, held);
    if (response == nullptr) {
      delete held;
      return MHD_NO;
    }
    const auto add = [&](const char* name, const char* value) {
      MHD_add_response_header(response, name, value);
    };
    add("Content-Type", reply.type);
    add("Cache-Control", reply.keep ? "private, max-age=86400" : "no-store");
    add("Content-Security-Policy", kPolicy);
    add("X-Content-Type-Options", "nosniff");
    add("Referrer-Policy", "no-referrer");
    add("Cross-Origin-Resource-Policy", "same-origin");
    add("Cross-Origin-Opener-Policy", "same-origin");
    if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED) add("Allow", "GET, HEAD");
    const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(reply.status), response);
    MHD_destroy_response(response);
    return queued;
  }

  std::string host_;
  Answer answer_;
  std::string token_;
  MHD_Daemon* daemon_ = nullptr;
  uint16_t port_ = 0;
};

HttpServer::HttpServer(const Options& options, Answer answer)
    : impl_(std::make_unique<Impl>(options, std::move(answer))) {}
HttpServer::~HttpServer() = default;
uint16_t HttpServer::port() const { return impl_->port(); }
std::string HttpServer::url() const { return impl_->url(); }

}  // namespace swath::viewer
