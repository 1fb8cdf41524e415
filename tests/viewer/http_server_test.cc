#include "viewer/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swath/error.h"
#include "tests/support/ask_server.h"

namespace swath::viewer {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class HttpServerTest : public ::testing::Test {
 protected:
  std::string Get(const std::string& path, std::string host = "", const std::string& method = "GET") {
    if (host.empty()) host = "127.0.0.1:" + std::to_string(server_.port());
    return test::GetFromServer(server_.port(), path, host, method);
  }
  /// "/TOKEN/"
  std::string root() const {
    const std::string url = server_.url();
    return url.substr(url.find('/', 8));
  }

  std::vector<std::string> asked_;
  HttpServer server_{
      {}, [this](const std::string& path) {
        asked_.push_back(path);
        const std::string text = "answer";
        return Reply{.body = std::make_shared<const std::vector<uint8_t>>(text.begin(), text.end())};
      }};
};

TEST_F(HttpServerTest, AnswersWhoHasTheToken) {
  EXPECT_THAT(server_.url(), MatchesRegex(R"(http://127\.0\.0\.1:[0-9]+/[0-9a-f]{32}/)"));
  const std::string reply = Get(root() + "slides/0.json");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(reply, HasSubstr("\r\n\r\nanswer"));
  for (const char* header : {"Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
                             "Referrer-Policy: no-referrer", "Cache-Control: no-store"})
    EXPECT_THAT(reply, HasSubstr(header));
  EXPECT_EQ(asked_, std::vector<std::string>{"slides/0.json"});
}

TEST_F(HttpServerTest, RefusesWhoHasNot) {
  std::string other = root();
  other[7] = other[7] == '0' ? '1' : '0';
  for (const std::string& path : {std::string("/"), std::string("/slides.json"), other, other + "slides.json",
                                  root().substr(0, root().size() - 1), std::string("/../"), "/.." + root()}) {
    const std::string reply = Get(path);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 403 ")) << path;
    EXPECT_EQ(reply.find("answer"), std::string::npos);
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(HttpServerTest, RefusesNamesOfOthers) {
  for (const char* host :
       {"evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example:1"})
    EXPECT_THAT(Get(root(), host), StartsWith("HTTP/1.1 403 ")) << host;
  EXPECT_TRUE(asked_.empty());
  for (const char* host : {"127.0.0.1", "localhost:8000", "[::1]:8000"})
    EXPECT_THAT(Get(root(), host), StartsWith("HTTP/1.1 200 ")) << host;
}

TEST_F(HttpServerTest, RefusesOtherMethods) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"})
    EXPECT_THAT(Get(root(), "", method), StartsWith("HTTP/1.1 405 ")) << method;
  EXPECT_TRUE(asked_.empty());
  EXPECT_THAT(Get(root(), "", "HEAD"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, HandsOnPathsAsTheyAre) {
  Get(root() + "../x");
  Get(root() + "%2e%2e%2fx");
  EXPECT_EQ(asked_, (std::vector<std::string>{"../x", "../x"}));  // of which the site knows none
}

TEST(HttpServer, HasATokenOfItsOwn) {
  const auto nothing = [](const std::string&) { return Reply{}; };
  const auto token = [](const HttpServer& server) { return server.url().substr(server.url().find('/', 8)); };
  EXPECT_NE(token(HttpServer({}, nothing)), token(HttpServer({}, nothing)));
}

TEST(HttpServer, SaysWhereItCannotListen) {
  const auto nothing = [](const std::string&) { return Reply{}; };
  const HttpServer first({}, nothing);
  const auto error_of = [&](const HttpServer::Options& options) -> std::string {
    try {
      const HttpServer server(options, nothing);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error_of({.port = first.port()}), "127.0.0.1 port " + std::to_string(first.port()) +
                                                  ": cannot be listened at: Address already in use");
  EXPECT_EQ(error_of({.host = "some.where"}),
            "--host some.where: expected an address such as 127.0.0.1 or ::1");
}

}  // namespace
}  // namespace swath::viewer
